import pytest

from khazana.ledger.accounts import (
    CustodialAccount,
    Entity,
    Lane,
    Membership,
    Perimeter,
)
from khazana.ledger.entries import AttestedBalance, BookEntry, BookKind
from khazana.ledger.perimeters import (
    MembersByHeight,
    Movement,
    as_declared,
    entity_perimeter,
    movement,
    perimeter_changes,
    standing_at,
    wallet_perimeter,
)
from khazana.ledger.postings import entries_of
from khazana.units import Height, Sats
from tests.ledger.paper_chain import PaperChain, block_ref, wallet_of


def perimeter(*members: Membership) -> Perimeter:
    return Perimeter("p", {"en": "P"}, members)


def member(account: str, since: int | None = None, until: int | None = None) -> Membership:
    return Membership(
        account,
        since=None if since is None else block_ref(since),
        until=None if until is None else block_ref(until),
    )


def moved(*, in_: int = 0, out: int = 0, internal: int = 0, fee: int = 0, cb: int = 0) -> Movement:
    return Movement(Sats(in_), Sats(out), Sats(internal), Sats(fee), Sats(cb))


def test_l7_the_defining_case_one_wallet_rises_and_the_public_sector_does_not() -> None:
    fund, agency = wallet_of("fund"), wallet_of("agency", entity="energy")
    chain = PaperChain()
    coin = chain.coin("agency", 1_000 + 2)
    chain.pay(9, [coin], [("fund", 1_000)])
    (entry,) = entries_of(chain.history, [fund, agency], {coin.outpoint: coin})
    assert movement(entry, {"fund"}) == moved(in_=1_000)
    assert movement(entry, {"agency"}) == moved(out=1_000, fee=2)
    public_sector = movement(entry, {"fund", "agency"})
    assert public_sector == moved(internal=1_000, fee=2)
    assert public_sector.net == -2
    assert movement(entry, set()) == moved()


def test_l7_one_transaction_of_two_entities_and_an_outsider_is_split_by_perimeter() -> None:
    wallets = [wallet_of("a"), wallet_of("b"), wallet_of("c", entity="energy")]
    chain = PaperChain()
    coins = [chain.coin("a", 700), chain.coin("c", 300)]
    chain.pay(9, coins, [("b", 500), ("stranger", 400), ("c/1", 90)])
    (entry,) = entries_of(chain.history, wallets, {c.outpoint: c for c in coins})
    # Fee 10: a 7, c 3. a gives 693, c 207; b takes 500 from a, outsiders 193 from a, 207 from c.
    assert movement(entry, {"a", "b"}) == moved(internal=500, out=193, fee=7)
    assert movement(entry, {"c"}) == moved(out=207, fee=3)
    assert movement(entry, {"b"}) == moved(in_=500)
    assert movement(entry, {"a", "b", "c"}) == moved(internal=500, out=400, fee=10)


def test_l7_a_coinbase_is_no_inflow() -> None:
    chain = PaperChain()
    chain.coinbase(9, [("a", 50), ("stranger", 3), ("b", 1)])
    (entry,) = entries_of(chain.history, [wallet_of("a"), wallet_of("b")], {})
    assert movement(entry, {"a"}) == moved(cb=50)
    assert movement(entry, {"a"}).net == 50


def test_l8_a_wallet_counts_from_where_it_was_declared_whatever_the_membership_says() -> None:
    wallets = [wallet_of("late", declared=10)]
    told = perimeter(member("late"), member("custodian"))
    assert as_declared(told, wallets) == perimeter(member("late", 10), member("custodian"))
    assert as_declared(perimeter(member("late", 5, 20)), wallets).members == (
        member("late", 10, 20),
    )
    assert as_declared(perimeter(member("late", 15)), wallets).members == (member("late", 15),)
    assert as_declared(perimeter(member("late", 5, 10)), wallets).members == ()
    once = as_declared(told, wallets)
    assert as_declared(once, wallets) == once


def test_l8_an_entity_holds_its_wallets_since_declared_and_its_custodial_accounts() -> None:
    treasury = Entity("treasury", {"en": "Treasury"}, "general government")
    wallets = [wallet_of("a", declared=3), wallet_of("b", declared=8), wallet_of("x", entity="y")]
    account = CustodialAccount("k", "treasury", {"en": "K"}, "Custodian", Lane.OWNED)
    other = CustodialAccount("z", "y", {"en": "Z"}, "Custodian", Lane.OWNED)
    found = entity_perimeter(treasury, wallets, [account, other])
    assert found.id == "treasury"
    assert found.members == (member("a", 3), member("b", 8), member("k"))
    assert standing_at(found, Height(2)) == {"k"}
    assert standing_at(found, Height(3)) == {"a", "k"}
    assert wallet_perimeter(wallets[1]).members == (member("b", 8),)


def test_l8_members_at_every_height_are_those_that_the_memberships_cover() -> None:
    p = perimeter(member("a"), member("b", 3), member("c", 2, 5), member("c", 5, 6), member("d", 0))
    found = MembersByHeight(p)
    assert [found.at(Height(h)) for h in range(9)] == [p.accounts_at(Height(h)) for h in range(9)]
    assert found.at(Height(3)) == {"a", "c", "d"}
    assert MembersByHeight(perimeter(member("a"))).at(Height(0)) == {"a"}


def history_of_a_wallet() -> PaperChain:
    """Wallet a receives 100 in each of the blocks 1 to 20."""
    chain = PaperChain()
    for height in range(1, 21):
        chain.pay(height, [chain.foreign()], [("a", 100)])
    return chain


def changes(p: Perimeter, *, declared: int = 0, after: int = 2, until: int = 12) -> list[BookEntry]:
    a = wallet_of("a", declared=declared)
    entries = entries_of(history_of_a_wallet().history, [a], {})
    return list(
        perimeter_changes(
            p,
            wallets=[a],
            opening={"a": Sats(100 * after), "k": Sats(7)},
            entries=[e for e in entries if after < e.block.height <= until],
            attested=[
                AttestedBalance("k", block_ref(4), Sats(9)),
                AttestedBalance("k", block_ref(8), Sats(5)),
            ],
            after=block_ref(after),
            until=block_ref(until),
        )
    )


def booked(p: Perimeter, **settings: int) -> list[tuple[str, int, int, str]]:
    found = changes(p, **settings)
    assert all(c.kind is BookKind.PERIMETER_CHANGE and c.perimeter == p.id for c in found)
    return [(c.account, c.block.height, int(c.amount), (c.details or {})["change"]) for c in found]


def test_l8_what_stands_at_the_end_of_the_block_enters_and_leaves() -> None:
    assert booked(perimeter(member("a", 5))) == [("a", 5, 500, "enters")]
    assert booked(perimeter(member("a", None, 7))) == [("a", 7, -700, "leaves")]
    assert booked(perimeter(member("a", 5, 7))) == [
        ("a", 5, 500, "enters"),
        ("a", 7, -700, "leaves"),
    ]


def test_l8_a_change_at_the_first_block_is_part_of_the_opening_and_at_the_last_is_booked() -> None:
    assert booked(perimeter(member("a", 2))) == []
    assert booked(perimeter(member("a", 12))) == [("a", 12, 1200, "enters")]
    assert booked(perimeter(member("a", 13))) == []
    assert booked(perimeter(member("a", None, 2))) == []
    assert booked(perimeter(member("a", None, 12))) == [("a", 12, -1200, "leaves")]


def test_l8_a_wallet_that_leaves_and_returns_in_one_block_is_booked_both_ways() -> None:
    assert booked(perimeter(member("a", None, 7), member("a", 7))) == [
        ("a", 7, -700, "leaves"),
        ("a", 7, 700, "enters"),
    ]


def test_l8_in_one_block_those_that_leave_come_first_whatever_the_order_of_members() -> None:
    assert booked(perimeter(member("a", 7), member("k", None, 7), member("a", None, 7))) == [
        ("a", 7, -700, "leaves"),
        ("k", 7, -9, "leaves"),
        ("a", 7, 700, "enters"),
    ]


def test_l8_what_was_attested_before_the_period_is_in_its_opening() -> None:
    assert booked(perimeter(member("k", 9)), after=8) == [("k", 9, 7, "enters")]


def test_l8_a_declaration_inside_the_period_is_a_perimeter_change() -> None:
    assert booked(perimeter(member("a")), declared=6) == [("a", 6, 600, "enters")]
    assert booked(perimeter(member("a", 3, 6)), declared=6) == []


def test_l8_an_account_that_holds_nothing_is_booked_all_the_same() -> None:
    assert booked(perimeter(member("empty", 5))) == [("empty", 5, 0, "enters")]


def test_l8_a_custodial_account_enters_with_its_last_AttestedBalance() -> None:
    assert booked(perimeter(member("k", 3, 4))) == [("k", 3, 7, "enters"), ("k", 4, -9, "leaves")]
    assert booked(perimeter(member("k", 7, 9))) == [("k", 7, 9, "enters"), ("k", 9, -5, "leaves")]


def test_the_document_of_a_membership_explains_its_change() -> None:
    act = Membership("a", since=block_ref(5), document="act-7")
    (change,) = changes(perimeter(act))
    assert change.document == "act-7"
    assert change.block == block_ref(5)
    assert change.details == {"change": "enters", "cause": "membership"}


def test_l8_a_declaration_is_named_as_the_cause_of_its_change() -> None:
    (entered, left) = changes(perimeter(member("a", 3, 9)), declared=6)
    assert entered.details == {"change": "enters", "cause": "declaration"}
    assert left.details == {"change": "leaves", "cause": "membership"}


def test_memberships_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="before it enters"):
        member("a", 5, 5)
    with pytest.raises(ValueError, match="twice a member of p"):
        perimeter(member("a", 5), member("a", 7, 9))
    with pytest.raises(ValueError, match="twice a member"):
        perimeter(member("a"), member("a", 7))
    perimeter(member("a", None, 7), member("a", 7, 9), member("a", 9))
