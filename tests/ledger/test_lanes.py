import pytest

from khazana.ledger.accounts import CustodialAccount, Lane, LaneSpan, Wallet
from khazana.ledger.entries import BookKind
from khazana.ledger.lanes import lane_totals, reclassifications
from khazana.ledger.postings import balances_after, entries_of
from khazana.units import Height, Sats
from tests.ledger.paper_chain import PaperChain, block_ref, wallet_of


def seized_then_forfeited(*, since: int, declared: int = 0) -> Wallet:
    return wallet_of(
        "a",
        declared=declared,
        lanes=(
            LaneSpan(Lane.SEIZED, None),
            LaneSpan(Lane.FORFEITED, block_ref(since), "court-1"),
        ),
    )


def booked(wallet: Wallet, *, after: int = 2, until: int = 12) -> list[tuple[int, int]]:
    chain = PaperChain()
    for height in range(after + 1, until + 1):
        chain.pay(height, [chain.foreign()], [("a", 100), ("b", 1)])
    entries = entries_of(chain.history, [wallet, wallet_of("b")], {})
    found = reclassifications(
        [wallet_of("b"), wallet],
        opening={"a": Sats(50)},
        entries=entries,
        after=block_ref(after),
        until=block_ref(until),
    )
    for change in found:
        assert change.kind is BookKind.RECLASSIFICATION
        assert change.account == "a"
        assert change.document == "court-1"
        assert change.details == {"from": "seized", "to": "forfeited"}
    return [(change.block.height, int(change.amount)) for change in found]


def test_l10_a_change_of_lane_moves_what_stands_at_the_end_of_its_block() -> None:
    assert booked(seized_then_forfeited(since=5)) == [(5, 350)]
    assert booked(seized_then_forfeited(since=12)) == [(12, 1050)]


def test_l10_a_change_outside_the_period_is_not_booked() -> None:
    assert booked(seized_then_forfeited(since=2)) == []
    assert booked(seized_then_forfeited(since=13)) == []


def test_l10_a_change_before_the_wallet_was_declared_never_stood_otherwise_in_the_books() -> None:
    assert booked(seized_then_forfeited(since=5, declared=5)) == []
    assert booked(seized_then_forfeited(since=5, declared=4)) == [(5, 350)]


def test_l10_a_lane_confirmed_by_another_document_is_no_change() -> None:
    lanes = (LaneSpan(Lane.OWNED, None), LaneSpan(Lane.OWNED, block_ref(5), "court-1"))
    assert booked(wallet_of("a", lanes=lanes)) == []


def test_l10_lane_totals_at_both_ends_differ_by_movements_and_reclassifications() -> None:
    a, b = seized_then_forfeited(since=5), wallet_of("b")
    account = CustodialAccount("k", "treasury", {"en": "K"}, "Custodian", Lane.PLEDGED)
    chain = PaperChain()
    for height in (4, 5, 6):
        chain.pay(height, [chain.foreign()], [("a", 100), ("b", 1)])
    entries = entries_of(chain.history, [a, b], {})
    opening = {"a": Sats(50), "b": Sats(8), "k": Sats(3)}
    closing = balances_after(opening, entries)

    def totals(balances: dict[str, Sats], at: int, *members: str) -> dict[Lane, Sats]:
        return lane_totals(balances, members, wallets=[a, b], accounts=[account], at=Height(at))

    nothing = dict.fromkeys(Lane, 0)
    assert totals(opening, 3, "a", "b", "k") == nothing | {
        Lane.SEIZED: 50,
        Lane.OWNED: 8,
        Lane.PLEDGED: 3,
    }
    assert totals(closing, 6, "a", "b", "k") == nothing | {
        Lane.FORFEITED: 350,
        Lane.OWNED: 11,
        Lane.PLEDGED: 3,
    }
    assert totals(closing, 6, "b") == nothing | {Lane.OWNED: 11}
    (change,) = reclassifications(
        [a, b], opening=opening, entries=entries, after=block_ref(3), until=block_ref(6)
    )
    # Up to the change 200 sat arrived as seized; the change takes all 250; then 100 arrive.
    assert 50 + 200 - change.amount == 0
    assert change.amount + 100 == 350


def test_lanes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="must hold from the start"):
        wallet_of("a", lanes=())
    with pytest.raises(ValueError, match="must hold from the start"):
        wallet_of("a", lanes=(LaneSpan(Lane.OWNED, block_ref(1)),))
    with pytest.raises(ValueError, match="rising heights"):
        wallet_of(
            "a",
            lanes=(
                LaneSpan(Lane.OWNED, None),
                LaneSpan(Lane.PLEDGED, block_ref(5)),
                LaneSpan(Lane.OWNED, block_ref(5)),
            ),
        )
    with pytest.raises(ValueError, match="rising heights"):
        wallet_of("a", lanes=(LaneSpan(Lane.OWNED, None), LaneSpan(Lane.PLEDGED, None)))
