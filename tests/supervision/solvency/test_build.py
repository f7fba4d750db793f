"""The compiled builder and the plain one write the same bytes, or refuse the same rows."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from khazana.supervision.solvency.build import build_plainly, build_tree, builder
from khazana.supervision.solvency.errors import ExtractRefused, PlanRefused
from tests.supervision.solvency.test_extract import BAD, GOOD
from tests.supervision.solvency.trees import plan_for

pytest.importorskip("numba")
FAST = builder(threads=2)


def extract_of(balances, *, own=()):
    rows = [
        f"user-{i},{b // 10**8}.{b % 10**8:08d},{'ab' * 32 if i in own else ''}\n"
        for i, b in enumerate(balances)
    ]
    total = sum(balances)
    end = f"#total,{total // 10**8}.{total % 10**8:08d},{len(balances)}\n"
    return (
        "#khazana.extract/1,BTC,8,liabilities\ncustomer,balance,contribution\n"
        + "".join(rows)
        + end
    )


@given(
    st.lists(st.integers(0, 10**13), max_size=60),
    st.integers(1, 5),
    st.sampled_from([None, 10**11, 10**12 + 7]),
    st.sampled_from([None, 0, 1, 17]),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_both_builders_write_the_same_bytes(tmp_path, balances, shares, cap, more):
    path = tmp_path / "extract.csv"
    path.write_text(extract_of(balances, own={0, 3}))
    plan = plan_for(shares=shares, most_per_leaf=cap)
    plain = build_tree(path, plan, tmp_path / "plain", using=build_plainly)
    if more is not None:
        plan = plan_for(shares=shares, most_per_leaf=cap, leaves=plain.built.leaves + more)
        plain = build_tree(path, plan, tmp_path / "plain", using=build_plainly)
    fast = build_tree(path, plan, tmp_path / "fast", using=FAST)
    assert fast == plain
    assert (tmp_path / "fast").read_bytes() == (tmp_path / "plain").read_bytes()


def test_a_tree_of_many_pieces_is_the_same(tmp_path, monkeypatch):
    from khazana.supervision.solvency import build_fast, fast_rows

    monkeypatch.setattr(fast_rows, "PIECE_BYTES", 1000)
    monkeypatch.setattr(build_fast, "BATCH", 64)
    draw = random.Random(8)
    path = tmp_path / "extract.csv"
    path.write_text(extract_of([draw.randrange(10**9) for _ in range(1500)]))
    plan = plan_for(leaves=3333)
    plain = build_tree(path, plan, tmp_path / "plain", using=build_plainly)
    assert build_tree(path, plan, tmp_path / "fast", using=FAST) == plain


@pytest.mark.parametrize("using", [FAST, build_plainly], ids=["compiled", "plain"])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_extract_leaves_nothing_behind(tmp_path, name, using):
    old, new, _ = BAD[name]
    path = tmp_path / "extract.csv"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ExtractRefused) as refused:
        build_tree(path, plan_for(), tmp_path / "tree", using=using)
    with pytest.raises(ExtractRefused) as said:
        build_tree(path, plan_for(), tmp_path / "tree", using=build_plainly)
    assert str(refused.value) == str(said.value)
    assert [each.name for each in tmp_path.iterdir()] == ["extract.csv"]


@pytest.mark.parametrize("using", [FAST, build_plainly], ids=["compiled", "plain"])
def test_too_few_leaves_are_refused(tmp_path, using):
    path = tmp_path / "extract.csv"
    path.write_text(GOOD)
    with pytest.raises(PlanRefused, match="4 leaves"):
        build_tree(path, plan_for(leaves=3), tmp_path / "tree", using=using)
