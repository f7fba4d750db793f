"""Difficulty epochs as shipped, and every way a table of them can be wrong."""

import csv
import itertools
from datetime import UTC, date, datetime
from fractions import Fraction
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.checkpoints import shipped_checkpoints
from khazana.bitcoin.network import MAINNET, REGTEST
from khazana.bitcoin.work import (
    TARGET_TIMESPAN_S,
    bits_of,
    difficulty_of,
    is_canonical,
    target_of,
    work_of,
)
from khazana.mining.difficulty import (
    DifficultyEpoch,
    DifficultyNotKnown,
    DifficultySeries,
    FeeShare,
    days_between,
    exact_work,
    replayed,
)
from khazana.mining.difficulty_table import (
    COLUMNS,
    BadDifficultyTable,
    read_difficulty,
    shipped_difficulty,
)
from khazana.units import Height
from tests.shared import shared_file

HEAD = ",".join(COLUMNS)
SHIPPED = shipped_difficulty()


def read(*rows, network=MAINNET):
    return read_difficulty("\n".join([HEAD, *rows]), network=network, file="t.csv", source="test")


def shipped_rows():
    table = resources.files("khazana.mining").joinpath("data/difficulty_epochs.csv")
    return table.read_text(encoding="ascii").splitlines()[1:]


def test_the_shipped_series_is_whole_and_keeps_the_rules_of_retargeting():
    assert [epoch.first for epoch in SHIPPED.epochs] == [2016 * n for n in range(474)]
    assert all(is_canonical(epoch.bits) for epoch in SHIPPED.epochs)
    targets = [target_of(epoch.bits) for epoch in SHIPPED.epochs]
    for old, new in itertools.pairwise(targets):
        assert bits_of(old // 4) <= bits_of(new)
        assert new <= 4 * old


def test_the_shipped_bits_are_those_of_the_checkpoints():
    known = shipped_checkpoints(MAINNET)
    assert all(known.epoch_at(epoch.first).bits == epoch.bits for epoch in SHIPPED.epochs)


def test_the_shipped_series_is_the_source_with_nothing_changed():
    source = shared_file("data/btc_difficulty_epochs.csv")
    rows = list(csv.DictReader(source.read_text(encoding="ascii").splitlines()))
    assert len(rows) == len(SHIPPED.epochs)
    for row, epoch in zip(rows, SHIPPED.epochs, strict=True):
        assert target_of(epoch.bits) == int(row["target_hex"], 16)
        assert float(difficulty_of(epoch.bits)) == pytest.approx(float(row["difficulty"]), rel=1e-9)
        estimated = row["start_time_utc_est"]
        at = datetime.fromisoformat(estimated).timestamp() if estimated else None
        assert epoch.starts_at == at


@pytest.mark.parametrize(
    ("height", "mined"),
    [  # header times of known blocks; the note beside the data states these errors
        (420_000, datetime(2016, 7, 9, 16, 46, 13, tzinfo=UTC)),
        (840_000, datetime(2024, 4, 20, 0, 9, 27, tzinfo=UTC)),
    ],
)
def test_a_halving_is_placed_within_hours_of_when_it_happened(height, mined):
    day = int(mined.timestamp()) - 86_400
    pieces = list(SHIPPED.stretches(day, day + 2 * 86_400))
    (cut,) = [
        later.starts_at
        for before, later in itertools.pairwise(pieces)
        if later.subsidy * 2 == before.subsidy
    ]
    assert abs(cut - mined.timestamp()) < 2 * 3600
    assert SHIPPED.bits_at(Height(height)) == pieces[0].bits


@given(st.integers(0, 6_000), st.integers(1, 900), st.integers(0, 86_399))
def test_stretches_cover_a_time_without_gap_or_overlap(day, days, second):
    first = SHIPPED.begins + day * 86_400 + second
    until = min(first + days * 86_400, SHIPPED.ends)
    if first >= until:
        return
    at = first
    for piece in SHIPPED.stretches(first, until):
        assert piece.starts_at == at
        assert piece.seconds > 0
        at += piece.seconds
    assert at == until


def test_time_outside_the_series_is_refused_with_its_limits():
    for first, last in [
        (date(2009, 1, 3), date(2010, 1, 1)),
        (date(2026, 6, 1), date(2026, 6, 14)),
    ]:
        with pytest.raises(DifficultyNotKnown) as refused:
            list(SHIPPED.stretches(*days_between(first, last)))
        assert refused.value.ends == "2026-06-14 00:13 UTC"
        assert "2009-12-18" in str(refused.value)
    with pytest.raises(DifficultyNotKnown, match="height 955584"):
        SHIPPED.bits_at(Height(955_584))
    assert SHIPPED.bits_at(Height(955_583)) == SHIPPED.epochs[-1].bits


def test_no_time_is_our_mistake():
    with pytest.raises(ValueError, match="no time"):
        list(SHIPPED.stretches(SHIPPED.begins, SHIPPED.begins))
    with pytest.raises(ValueError, match="before"):
        days_between(date(2024, 1, 2), date(2024, 1, 1))


@given(st.sampled_from(SHIPPED.epochs))
def test_a_node_counts_the_whole_part_of_the_exact_work(epoch):
    assert work_of(epoch.bits) == int(exact_work(epoch.bits))
    # The usual formula, difficulty × 2³², is 1.5 parts in 100,000 too low.
    usual = difficulty_of(epoch.bits) * 2**32
    assert exact_work(epoch.bits) / usual == pytest.approx(65536 / 65535, rel=1e-9)


def test_every_shipped_duration_follows_from_the_targets():
    timed = [epoch for epoch in SHIPPED.epochs if epoch.starts_at is not None]
    assert len(timed) == 459
    for before, after in itertools.pairwise(timed):
        ratio = Fraction(target_of(after.bits), target_of(before.bits))
        says = ratio * TARGET_TIMESPAN_S * 2016 / 2015
        assert abs(after.starts_at - before.starts_at - says) < 65


A = "471,949536,17020f79,2026-05-15T15:50Z"
B = "472,951552,1702068f,2026-05-29T10:19Z"
C = "473,953568,170240c3,2026-06-14T00:13Z"


def test_part_of_a_series_can_be_read():
    series = read(A, B, C)
    assert series.begins < series.ends
    assert series.bits_at(Height(951_552)) == 0x1702068F
    with pytest.raises(DifficultyNotKnown):
        series.bits_at(Height(949_535))


@pytest.mark.parametrize(
    ("rows", "line", "problem"),
    [
        ((A, "472,951552,1702068f"), 3, "3 fields where 4"),
        ((A, "x,951552,1702068f,"), 3, "not a whole number"),
        ((A, "0472,951552,1702068f,"), 3, "not a whole number"),
        ((A, B.replace("951552", "951551")), 3, "starts at height 951552"),
        ((A, C, B), 3, "epoch 472 belongs here"),
        ((A, B, B), 4, "epoch 473 belongs here"),
        ((A, B.replace("1702068f", "1702068F")), 3, "not 8 hex digits"),
        ((A, B.replace("1702068f", "02068f")), 3, "not 8 hex digits"),
        ((A, B.replace("1702068f", "1800020f")), 3, "not canonical"),
        ((A, B.replace("1702068f", "17820f79")), 3, "negative"),
        ((A, B.replace("1702068f", "1e02068f")), 3, "easier than mainnet allows"),
        ((A, B.replace("1702068f", "17020690")), 3, "are not those of mainnet"),
        ((A, B.replace("Z", "")), 3, "not a time in UTC"),
        ((A, B.replace("Z", "+05:00")), 3, "not a time in UTC"),
        ((A, B.replace("05-29", "05-32")), 3, "not a time in UTC"),
        ((A, B.rpartition(",")[0] + ","), 3, "the time is missing"),
        ((A, B.replace("05-29", "05-14")), 3, "begins before"),
        ((A, B.replace("05-29", "05-30")), 3, "the change of target says"),
        ((A,), 2, "fewer than two"),
        ((), 1, "fewer than two"),
    ],
)
def test_a_bad_row_refuses_the_table_and_says_where(rows, line, problem):
    with pytest.raises(BadDifficultyTable, match=problem) as refused:
        read(*rows)
    assert refused.value.line == line
    assert "nothing of it was used" in str(refused.value)


def test_an_epoch_beyond_the_checkpoints_must_keep_the_factor_of_four():
    easy = bits_of(target_of(0x170240C3) * 5)
    with pytest.raises(BadDifficultyTable, match="more than a factor of 4"):
        read(A, B, C, f"474,955584,{easy:08x},2026-06-28T00:13Z")
    hard = bits_of(target_of(0x170240C3) // 5)
    with pytest.raises(BadDifficultyTable, match="more than a factor of 4"):
        read(A, B, C, f"474,955584,{hard:08x},2026-06-28T00:13Z")


def test_a_table_may_go_on_where_the_shipped_one_ends():
    more = "474,955584,170240c3,2026-06-28T00:20Z"
    series = read(*shipped_rows(), more)
    assert series.ends == SHIPPED.ends + 14 * 86_400 + 7 * 60


def test_other_columns_are_refused():
    with pytest.raises(BadDifficultyTable, match="the columns are not"):
        read_difficulty("epoch,bits\n", network=MAINNET, file="t.csv", source="test")
    with pytest.raises(BadDifficultyTable, match="line 1"):
        read_difficulty("", network=MAINNET, file="t.csv", source="test")


def test_a_series_cannot_be_built_wrong():
    epoch = DifficultyEpoch(Height(0), 0x207FFFFF, 0)
    with pytest.raises(ValueError, match="no epoch starts at height 5"):
        DifficultySeries(REGTEST, (DifficultyEpoch(Height(5), 0x207FFFFF, 0),), "test")
    with pytest.raises(ValueError, match="missing"):
        DifficultySeries(REGTEST, (epoch, DifficultyEpoch(Height(4032), 0x207FFFFF, 9)), "test")
    with pytest.raises(ValueError, match="needs its time"):
        DifficultySeries(REGTEST, (epoch,), "test")
    with pytest.raises(ValueError, match="needs its time"):
        DifficultySeries(REGTEST, (epoch, DifficultyEpoch(Height(2016), 0x207FFFFF, None)), "test")
    with pytest.raises(ValueError, match="before"):
        DifficultySeries(REGTEST, (epoch, DifficultyEpoch(Height(2016), 0x207FFFFF, -1)), "test")


def test_fees_have_a_source_and_are_not_negative():
    with pytest.raises(ValueError, match="negative"):
        FeeShare(Fraction(-1), "x")
    with pytest.raises(ValueError, match="source"):
        FeeShare(Fraction(0), "")


def test_a_replay_says_that_it_is_simulated_and_keeps_its_figures():
    replay = replayed(SHIPPED, later_s=86_400)
    assert replay.simulated
    assert replay.source.startswith("SIMULATED")
    assert not SHIPPED.simulated
    day = SHIPPED.begins + 10**8
    real = [(p.seconds, p.bits, p.subsidy) for p in SHIPPED.stretches(day, day + 10**7)]
    moved = replay.stretches(day + 86_400, day + 86_400 + 10**7)
    assert [(p.seconds, p.bits, p.subsidy) for p in moved] == real
