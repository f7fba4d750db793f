from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from khazana.bitcoin.chain import BlockRef, HeightBeyondTip
from khazana.conditions.problems import MemorandumRefused
from khazana.conditions.statistics import ClientLiabilities, Figures
from khazana.conditions.statistics_file import read_liabilities, read_statistics
from khazana.ledger.grades import EvidenceGrade
from khazana.units import BlockHash, Height, Sats

HEAD = "quantity,perimeter,date,value,unit,source,grade,entered,note\n"
GOOD = "social_transfers,,2026-06-30,101.5,PKR bn,ministry,C,2026-07-20T09:00:00+05:00,\n"
OWED_HEAD = "perimeter,as_of,amount_btc,document,attested_by,file_sha256,entered\n"
OWED = f"public-sector,120,40.5,letter,Wallet company,{'ab' * 32},2026-07-20T09:00:00Z\n"


def block_of(name: str) -> BlockRef:
    height = Height(int(name))
    if height > 500:
        tip = BlockRef(Height(500), BlockHash("00" * 32))
        raise HeightBeyondTip(height=height, tip=tip, source="drill")
    return BlockRef(height, BlockHash(f"{height:064x}"))


def test_a_statistic_is_read_exactly():
    (found,) = read_statistics("s.csv", (HEAD + GOOD).encode())
    assert (found.quantity, found.perimeter, found.day) == (
        "social_transfers",
        None,
        date(2026, 6, 30),
    )
    assert (found.value, found.unit, found.grade) == (Decimal("101.5"), "PKR bn", EvidenceGrade.C)
    assert found.entered == datetime(2026, 7, 20, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("101.5", "101,5", "cells where the header has"),
        ("101.5", "1e3", "is not a decimal"),
        ("101.5", "", "is empty"),
        ("PKR bn", "PKR", None),
        ("PKR bn", "rupees", "is no unit"),
        (",C,", ",A,", "no grade of an entered figure"),
        (",C,", ",X,", "no grade"),
        ("2026-06-30", "30.6.2026", "is not a day"),
        ("2026-07-20T09:00:00+05:00", "2026-07-20", "not a time with a zone"),
        ("ministry", "", "is empty"),
    ],
)
def test_a_cell_that_is_wrong_refuses_the_table(old, new, said):
    raw = (HEAD + GOOD.replace(old, new)).encode()
    if said is None:
        assert read_statistics("s.csv", raw)
        return
    with pytest.raises(MemorandumRefused, match=said) as refused:
        read_statistics("s.csv", raw)
    assert "s.csv, line 2" in str(refused.value)


def test_two_figures_entered_at_the_same_time_are_refused():
    with pytest.raises(MemorandumRefused, match="which one holds"):
        read_statistics("s.csv", (HEAD + GOOD + GOOD.replace("101.5", "7")).encode())


def test_what_clients_are_owed_is_read_at_its_block():
    (found,) = read_liabilities("l.csv", (OWED_HEAD + OWED).encode(), block_of)
    assert (found.block.height, found.amount) == (120, 4_050_000_000)
    assert found.grade is EvidenceGrade.C
    assert (
        read_liabilities(
            "l.csv", (OWED_HEAD + OWED.replace("Wallet company", "")).encode(), block_of
        )[0].grade
        is EvidenceGrade.D
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("40.5", "-1", "less than nothing"),
        ("40.5", "", "amount"),
        ("40.5", "0.000000001", "satoshi"),
        (",120,", ",9999,", "no block at height 9999"),
        (",120,", ",tip-6,", "moves with the chain"),
        ("ab" * 32, "ab", "64 lower-case"),
        ("letter", "", "is empty"),
    ],
)
def test_a_line_about_clients_that_is_wrong_refuses_the_table(old, new, said):
    raw = (OWED_HEAD + OWED.replace(old, new)).encode()
    with pytest.raises(MemorandumRefused, match=said):
        read_liabilities("l.csv", raw, block_of)


def test_of_two_attestations_for_a_block_the_newer_counts():
    (first,) = read_liabilities("l.csv", (OWED_HEAD + OWED).encode(), block_of)
    later = ClientLiabilities(
        perimeter="public-sector",
        block=first.block,
        amount=Sats(7),
        document="correction",
        entered=datetime(2026, 9, 1, tzinfo=UTC),
    )
    figures = Figures((), (later, first))
    assert figures.owed_at("public-sector", first.block) == later
    assert figures.known_at(first.entered).owed_at("public-sector", first.block) == first
    with pytest.raises(ValueError, match="less than nothing"):
        ClientLiabilities(
            perimeter="p", block=first.block, amount=Sats(-1), document="d", entered=first.entered
        )
