import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.transaction import OutPoint
from khazana.custody.rotation import (
    RotationLink,
    lines_of_rotation,
    rotation,
    rotation_findings,
)
from khazana.custody.rotation_story import rotation_part, story_of
from khazana.ledger.canonical import canonical_bytes
from khazana.ledger.entries import OUTSIDE, ChainEntry, CoinPosting
from khazana.statement.parts import Part
from khazana.units import BlockHash, Height, Sats, Txid


def block(height):
    return BlockRef(Height(height), BlockHash(f"{height:064x}"))


LINK = RotationLink(old="cold-1", new="cold-2", since=block(105), reason="Bo left the office.")
UNTIL = block(200)


def entry(number, height, *, spent=(), received=(), outside=None, fee=None):
    """spent, received: (wallet, coin number, amount)."""

    def postings(coins):
        return tuple(
            CoinPosting(wallet, OutPoint(Txid(f"{coin:064x}"), 0), Sats(amount))
            for wallet, coin, amount in coins
        )

    return ChainEntry(
        Txid(f"{number:064x}"),
        block(height),
        number,
        False,
        postings(spent),
        postings(received),
        outside,
        fee,
    )


STORY = [
    entry(1, 100, received=[("cold-1", 1, 500), ("cold-1", 2, 300)]),
    entry(
        2,
        104,
        spent=[("cold-1", 1, 500)],
        received=[("cold-2", 3, 200), ("cold-1", 4, 290)],
        outside=0,
        fee=10,
    ),
    entry(
        3,
        110,
        spent=[("cold-1", 2, 300), ("cold-1", 4, 290)],
        received=[("cold-2", 5, 570)],
        outside=0,
        fee=20,
    ),
]


def findings(entries, until=UNTIL):
    return [(f.rule, f.text) for f in rotation_findings(rotation(LINK, entries, until=until))]


def test_a_rotation_is_told_from_the_entries_alone():
    told = rotation(LINK, STORY, until=UNTIL)
    assert [(move.amount, move.fee) for move in told.moves] == [(200, 10), (570, 20)]
    assert (told.held, told.moved, told.fees, told.left) == (590, 770, 30, 0)
    assert told.complete
    assert findings(STORY) == []


def test_the_order_of_entries_does_not_matter():
    assert rotation(LINK, STORY[::-1], until=UNTIL) == rotation(LINK, STORY, until=UNTIL)


def test_entries_after_the_end_are_another_periods():
    told = rotation(LINK, STORY, until=block(109))
    assert (told.moved, told.left) == (200, 590)
    assert findings(STORY, block(109)) == [
        ("K11", f"590 sat are still in the old wallet at the end of block {block(109)}")
    ]


def test_a_late_deposit_is_a_finding_even_when_it_was_moved_on():
    deposit = entry(4, 120, received=[("cold-1", 6, 77)])
    (first, left) = findings([*STORY, deposit])
    assert first[0] == "K11"
    assert first[1].startswith("a late deposit reached the old wallet: 77 sat in block 120")
    assert first[1].endswith("still there")
    assert left[1].startswith("77 sat are still in the old wallet")
    swept = entry(5, 121, spent=[("cold-1", 6, 77)], received=[("cold-2", 7, 70)], outside=0, fee=7)
    (only,) = findings([*STORY, deposit, swept])
    assert only[1].endswith("moved on since")


def test_a_deposit_in_the_block_of_the_rotation_is_not_late():
    deposit = entry(4, 105, received=[("cold-1", 6, 77)])
    told = rotation(LINK, [*STORY, deposit], until=UNTIL)
    assert (told.late, told.held) == ((), 667)


def test_change_that_goes_back_to_the_old_quorum_is_a_finding():
    back = [
        STORY[0],
        entry(
            2,
            110,
            spent=[("cold-1", 1, 500), ("cold-1", 2, 300)],
            received=[("cold-2", 3, 500), ("cold-1", 4, 290)],
            outside=0,
            fee=10,
        ),
    ]
    assert findings(back)[0][1].startswith("change went back to the old wallet: 290 sat")


def test_coins_that_went_elsewhere_are_a_finding():
    away = entry(4, 120, spent=[("cold-1", 2, 300)], outside=250, fee=50)
    inside = entry(
        5, 121, spent=[("cold-1", 1, 500)], received=[("hot", 8, 490)], outside=0, fee=10
    )
    assert findings([STORY[0], away, inside]) == [
        ("K12", "250 sat left the old wallet for outside, not for cold-2"),
        ("K12", "490 sat left the old wallet for hot, not for cold-2"),
    ]


def test_a_payment_before_the_rotation_is_no_departure():
    assert rotation(LINK, [
        STORY[0], entry(2, 105, spent=[("cold-1", 1, 500)], outside=490, fee=10)
    ], until=UNTIL).departures == ()  # fmt: skip


@st.composite
def histories(draw):
    """Random spends of the old wallet's coins, each to new, outside, hot or back."""
    coins, entries = [], []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        height = 100 + number * 2
        if not coins or draw(st.booleans()):
            amount = draw(st.integers(1, 1000))
            entries.append(entry(number, height, received=[("cold-1", number, amount)]))
            coins.append((number, amount))
            continue
        coin, amount = coins.pop()
        cuts = sorted(draw(st.lists(st.integers(0, amount), min_size=4, max_size=4)))
        new, back, hot, outside = (b - a for a, b in zip([0, *cuts[:3]], cuts, strict=True))
        paid = [("cold-2", 100 + number, new), ("hot", 200 + number, hot)]
        received = [one for one in paid if one[2]]
        if back:
            received.append(("cold-1", number, back))
            coins.append((number, back))
        entries.append(
            entry(
                number,
                height,
                spent=[("cold-1", coin, amount)],
                received=received,
                outside=outside,
                fee=amount - cuts[3],
            )
        )
    return entries


@given(histories())
def test_what_was_received_moved_left_or_is_still_there(entries):
    link = RotationLink(old="cold-1", new="cold-2", since=block(0), reason="all of it is late")
    told = rotation(link, entries, until=UNTIL)
    deposited = sum(late.amount for late in told.late if not late.change)
    gone = sum(one.amount for one in told.departures)
    fees = sum(e.fee or 0 for e in entries)
    assert deposited == told.moved + gone + fees + told.left
    assert told.left == sum(late.amount for late in told.late if not late.spent)
    assert told.held == 0


def test_the_story_reads_as_sentences():
    assert story_of(rotation(LINK, STORY, until=UNTIL)).splitlines() == [
        f"Wallet cold-2 stands in for wallet cold-1 from the end of block {block(105)} on.",
        "Reason: Bo left the office.",
        "At the end of that block cold-1 held 0.00000590 BTC.",
        f"Block 104: 0.00000200 BTC moved to cold-2, fee 0.00000010 BTC, transaction {2:064x}.",
        f"Block 110: 0.00000570 BTC moved to cold-2, fee 0.00000020 BTC, transaction {3:064x}.",
        "In all 0.00000770 BTC moved in 2 transactions, fees 0.00000030 BTC.",
        f"At the end of block {UNTIL} cold-1 holds nothing; it stays watched.",
    ]


def test_a_statement_can_carry_it_as_an_extension():
    deposit = entry(4, 120, received=[("cold-1", 6, 77)])
    away = entry(5, 121, spent=[("cold-1", 6, 77)], outside=70, fee=7)
    name, body = rotation_part(rotation(LINK, [*STORY, deposit, away], until=UNTIL))
    part = Part(7, name, bytes(16), body)
    assert part.is_extension
    assert not part.is_critical
    assert json.loads(canonical_bytes(body))["late"][0]["amount_sat"] == 77
    assert body["departures"][0]["target"] == OUTSIDE


# Lines of succession


def link(old, new):
    return RotationLink(old=old, new=new, since=block(1), reason="x")


def test_successions_become_one_line():
    a, b, c = link("1", "2"), link("2", "3"), link("x", "y")
    assert lines_of_rotation([b, a, c]) == ((a, b), (c,))


@pytest.mark.parametrize(
    "links",
    [
        [link("1", "2"), link("1", "3")],
        [link("1", "3"), link("2", "3")],
        [link("1", "2"), link("2", "1")],
        [link("0", "1"), link("5", "6"), link("6", "5")],
    ],
)
def test_impossible_successions_are_refused(links):
    with pytest.raises(ValueError, match="wallet"):
        lines_of_rotation(links)


def test_no_wallet_stands_in_for_itself():
    with pytest.raises(ValueError, match="itself"):
        link("1", "1")
