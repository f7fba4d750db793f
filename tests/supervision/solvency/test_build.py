"""The compiled builder and the plain one write the same bytes, or refuse the same rows."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from khazana.supervision.solvency.build import build_plainly, build_tree, builder
from khazana.supervision.solvency.errors import ExtractRefused, PlanRefused
from khazana.supervision.solvency.extract import section_for, sections_of, survey
from khazana.supervision.solvency.plan import Asset
from khazana.supervision.solvency.prove import every_slip, slips_of
from khazana.supervision.solvency.tree_file import opened
from tests.supervision.solvency.test_extract import BAD, GOOD
from tests.supervision.solvency.trees import epoch_of, plan_for

pytest.importorskip("numba")
from khazana.supervision.solvency import build_fast, fast_rows
from khazana.supervision.solvency.fast_rows import survey_fast

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
    monkeypatch.setattr(fast_rows, "PIECE_BYTES", 1000)
    monkeypatch.setattr(build_fast, "BATCH", 64)
    monkeypatch.setattr(build_fast, "BUCKET_BITS", 5)
    draw = random.Random(8)
    path = tmp_path / "extract.csv"
    path.write_text(extract_of([draw.randrange(10**9) for _ in range(1500)]))
    plan = plan_for(leaves=3333)
    plain = build_tree(path, plan, tmp_path / "plain", using=build_plainly)
    for memory in (0, 44 << 9, 1 << 30):  # none, for some of the buckets, for all
        using = builder(threads=2, memory_bytes=memory)
        assert build_tree(path, plan, tmp_path / "fast", using=using) == plain
        assert (tmp_path / "fast").read_bytes() == (tmp_path / "plain").read_bytes()


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


@given(
    st.lists(st.sampled_from([*(old for old, _, _ in BAD.values()), "\n", "#total,", "x" * 300])),
    st.randoms(use_true_random=False),
    st.booleans(),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_both_readers_find_the_same_in_any_file(tmp_path, scraps, draw, ends):
    """Rows of two extracts in any order, with scraps between them: equal sums or equal words."""
    lines = [*GOOD.splitlines(keepends=True)[2:], *scraps, "c,1.00000000,\n", "c,1.00000000,\n"]
    draw.shuffle(lines)
    head = "".join(GOOD.splitlines(keepends=True)[:2])
    path = tmp_path / "extract.csv"
    fast_rows.PIECE_BYTES = draw.choice((20, 70, 1 << 22))
    path.write_text(head + "".join(lines) + ("#total,0.00000000,0\n" if ends else ""))
    plan = plan_for(most_per_leaf=10**7)
    section = section_for(path, plan.tree)

    def said(reader):
        try:
            return reader(section, plan.tree, plan.splitting)
        except ExtractRefused as refused:
            return str(refused)

    try:
        assert said(survey_fast) == said(survey)
    finally:
        fast_rows.PIECE_BYTES = 1 << 22


def test_twins_in_a_large_file_are_named_without_reading_all_ids(tmp_path, monkeypatch):
    monkeypatch.setattr(fast_rows, "PIECE_BYTES", 4000)
    path = tmp_path / "extract.csv"
    path.write_text(extract_of([5] * 3000).replace("user-2718,", "user-31,"))
    section = section_for(path, plan_for().tree)
    with pytest.raises(ExtractRefused, match="line 2721: the customer 'user-31' stands in line 34"):
        survey_fast(section, plan_for().tree, plan_for().splitting)


def test_a_tree_is_built_from_its_own_section(tmp_path):
    usdt = Asset(name="USDT", scale=6, most=10**15)
    other = GOOD.replace("BTC,8", "USDT,6").replace("000000,", "0000,")
    debts = GOOD.replace("8,liabilities", "8,debts")
    (tmp_path / "all.csv").write_text(GOOD + other + debts)
    assert [each.line for each in sections_of(tmp_path / "all.csv")] == [1, 6, 11]
    for name, text, plan in (
        ("BTC", GOOD, plan_for()),
        ("USDT", other, plan_for(asset=usdt)),
        ("debts", debts, plan_for(kind="debts")),
    ):
        (tmp_path / name).write_text(text)
        alone = build_tree(tmp_path / name, plan, tmp_path / "alone", using=build_plainly)
        for using in (FAST, build_plainly):
            assert build_tree(tmp_path / "all.csv", plan, tmp_path / "tree", using=using) == alone
    (tmp_path / "all.csv").write_text(GOOD + other + debts.replace(",2.5", ",-2.5"))
    for using in (FAST, build_plainly):
        with pytest.raises(ExtractRefused, match=r"line 14: the balance .* is negative"):
            build_tree(tmp_path / "all.csv", plan_for(kind="debts"), tmp_path / "tree", using=using)


def test_without_openssl_and_without_numba_the_tree_is_the_same(tmp_path):
    """A new process without OpenSSL's function, and this one without numba."""
    path = tmp_path / "extract.csv"
    path.write_text(extract_of(range(0, 10**10, 10**9), own={2}))
    plain = build_tree(path, plan_for(), tmp_path / "plain", using=build_plainly)
    program = (
        "import ctypes.util, sys; ctypes.util.find_library = lambda name: None\n"
        "from pathlib import Path\n"
        "from khazana.bitcoin.blockfiles import kernel_hash\n"
        "from khazana.supervision.solvency.build import build_tree, builder\n"
        "from tests.supervision.solvency.trees import plan_for\n"
        "assert kernel_hash.OPENSSL is None\n"
        "build_tree(Path(sys.argv[1]), plan_for(), Path(sys.argv[2]), using=builder(threads=1))\n"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    subprocess.run(
        [sys.executable, "-c", program, str(path), str(tmp_path / "own")],
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
        cwd=Path(__file__).parents[3],
    )
    assert (tmp_path / "own").read_bytes() == (tmp_path / "plain").read_bytes()
    assert plain.root.sum == sum(range(0, 10**10, 10**9))


def test_an_installation_without_numba_builds_plainly(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    for name in list(sys.modules):
        if "solvency.kernel" in name or name.endswith(("fast_rows", "build_fast", "twins")):
            monkeypatch.delitem(sys.modules, name)
    assert builder(threads=2) is build_plainly


def test_compiled_slips_are_the_plain_ones(tmp_path):
    draw = random.Random(5)
    path = tmp_path / "extract.csv"
    path.write_text(extract_of([draw.randrange(10**11) for _ in range(333)], own={4, 300}))
    plan = plan_for(shares=3, most_per_leaf=10**10, leaves=2500)
    made = build_tree(path, plan, tmp_path / "tree", using=FAST)
    epoch = epoch_of(made.built)
    few = ["user-4", "user-300", "user-17", "nobody", "ünknown"]
    for to_root in (True, False):
        for customers in (None, few):
            with opened(tmp_path / "tree", leaves=2500, epoch=7) as tree:
                plain = [
                    (customer, slip.to_bytes())
                    for customer, slip in slips_of(
                        [f"user-{i}" for i in range(333)] if customers is None else few[:3],
                        extract=path,
                        plan=plan,
                        tree=tree,
                        epoch=epoch,
                        to_root=to_root,
                    )
                ]
            fast = every_slip(
                customers,
                extract=path,
                plan=plan,
                tree=tmp_path / "tree",
                epoch=epoch,
                to_root=to_root,
            )
            assert list(fast) == plain
