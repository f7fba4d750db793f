"""Drawing: worked by hand, and properties that hold for every population."""

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.reserve.auditing.draw import draw, monetary_unit, seed_of, simple_random
from khazana.reserve.auditing.population import Item

PAGE = Path(__file__).resolve().parents[3] / "docs" / "methods" / "audit-sampling.md"


def items(*weights):
    return [Item(id=chr(97 + n) * (1 + n // 26), sats=sats) for n, sats in enumerate(weights)]


def test_the_worked_table_of_rule_u5_is_what_the_program_draws():
    rows = re.findall(r"^\| (\d+) \| ([\d, ]+) \| ([\d, ]+) \|$", PAGE.read_text(), flags=re.M)
    assert len(rows) == 4
    for start, _, hits in rows:
        found = monetary_unit(items(3, 5, 2), 2, int(start))
        assert [found[place] for place in range(3)] == [int(each) for each in hits.split(", ")]


def test_every_satoshi_is_selected_by_exactly_size_of_all_starts():
    # T = 10 starts, size 3: each satoshi lies under exactly 3 of them, so each has the chance 3/10.
    ones = items(*[1] * 10)
    selected = Counter()
    for start in range(10):
        selected += monetary_unit(ones, 3, start)
    assert selected == Counter(dict.fromkeys(range(10), 3))


def test_a_shuffle_worked_by_hand():
    # 5 places, 3 drawn. 7 mod 5 = 2: [2,1,0,3,4]; 4 mod 4 = 0: stays; 11 mod 3 = 2: 2 with 4.
    assert simple_random(5, 3, iter([7, 4, 11])) == Counter([2, 1, 4])


def test_numbers_that_would_favour_small_places_are_passed_over():
    # 2**256 mod 3 is 1, so the number 2**256 - 1 alone would make place 0 likelier than the others.
    assert simple_random(3, 1, iter([2**256 - 1, 1])) == Counter([1])


def test_the_seed_is_the_hash_of_the_domain_the_announcement_and_the_block():
    # (printf 'khazana.audit-sample/1\n'; 32 bytes of 00; 32 bytes of ff) | sha256sum
    expected = "76fed471b95cc52c00f481af7c79e8e55ee80d5570ba0fb945e8feecf48993d7"
    assert seed_of(announcement_sha256="00" * 32, block_hash="ff" * 32).hex() == expected


def test_a_sample_worked_from_its_seed_by_hand():
    # head -c 40 /dev/zero | sha256sum gives 2c34ce1df23b838c...; modulo 10 that is r = 9.
    # Satoshi r of 3 + 5 + 2 lies in c.
    drawn = draw("monetary-unit", items(3, 5, 2), size=1, seed=bytes(32))
    assert [(each.id, each.hits) for each in drawn] == [("c", 1)]


@pytest.mark.parametrize("method", ["monetary-unit", "simple-random"])
@pytest.mark.parametrize(("weights", "size"), [((), 1), ((0, 0), 3), ((1, 1), 0), ((1, 2), 4)])
def test_a_size_that_cannot_be_drawn_is_refused(method, weights, size):
    with pytest.raises(ValueError, match="cannot be drawn from"):
        draw(method, items(*weights), size=size, seed=bytes(32))


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any),
    st.binary(min_size=32, max_size=32),
    st.data(),
)
def test_a_sample_has_its_size_never_an_empty_item_and_every_large_one(weights, seed, data):
    total = sum(weights)
    size = data.draw(st.integers(1, total))
    drawn = draw("monetary-unit", items(*weights), size=size, seed=seed)
    assert sum(each.hits for each in drawn) == size
    assert all(each.sats > 0 for each in drawn)
    large = {item.id for item in items(*weights) if item.sats * size >= total}
    assert large <= {each.id for each in drawn}
    assert drawn == draw("monetary-unit", items(*weights), size=size, seed=seed)


@given(st.integers(1, 40), st.binary(min_size=32, max_size=32), st.data())
def test_a_simple_sample_has_each_item_once(count, seed, data):
    size = data.draw(st.integers(1, count))
    drawn = draw("simple-random", items(*[0] * count), size=size, seed=seed)
    assert len({each.id for each in drawn}) == len(drawn) == size
    assert all(each.hits == 1 for each in drawn)
