from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.ledger.accounts import Membership, Perimeter, Wallet
from khazana.ledger.entries import AttestedBalance, BookEntry, BookKind, ChainEntry
from khazana.ledger.perimeters import as_declared, standing_at, wallet_perimeter
from khazana.ledger.postings import balances_after, entries_by_wallet, entries_of
from khazana.ledger.roll_forward import RollForward, roll_forward, roll_forward_holds
from khazana.units import Height, Sats
from tests.ledger.paper_chain import PaperChain, block_ref, wallet_of

FUND, AGENCY = wallet_of("fund"), wallet_of("agency", entity="energy")


def perimeter(*members: Membership, name: str = "p") -> Perimeter:
    return Perimeter(name, {"en": name}, members)


def account_of(
    p: Perimeter,
    entries: tuple[ChainEntry, ...] = (),
    *,
    wallets: tuple[Wallet, ...] = (FUND, AGENCY),
    opening: dict[str, int] | None = None,
    book: tuple[BookEntry, ...] = (),
    attested: tuple[AttestedBalance, ...] = (),
    after: int = 5,
    until: int = 15,
) -> RollForward:
    return roll_forward(
        p,
        wallets=wallets,
        opening={k: Sats(v) for k, v in (opening or {}).items()},
        entries=entries,
        book=book,
        attested=attested,
        after=block_ref(after),
        until=block_ref(until),
    )


def defining_case() -> tuple[tuple[ChainEntry, ...], dict[str, int]]:
    chain = PaperChain()
    coin = chain.coin("agency", 1_002)
    chain.pay(9, [coin], [("fund", 1_000)])
    entries = entries_of(chain.history, [FUND, AGENCY], {coin.outpoint: coin})
    return entries, {"agency": 1_002, "fund": 40}


def test_l9_the_page_of_the_fund_rises_and_the_stock_of_the_public_sector_does_not() -> None:
    entries, opening = defining_case()
    fund = account_of(wallet_perimeter(FUND), entries, opening=opening)
    assert (fund.opening, fund.movement.inflow, fund.closing) == (40, 1_000, 1_040)
    public = account_of(
        perimeter(Membership("fund"), Membership("agency")), entries, opening=opening
    )
    assert (public.opening, public.movement.inflow, public.closing) == (1_042, 0, 1_040)
    assert (public.movement.internal, public.movement.fee) == (1_000, 2)
    assert list(roll_forward_holds(fund)) == list(roll_forward_holds(public)) == []


def test_l9_from_a_wallet_declared_only_later_the_same_payment_is_an_inflow_then_a_change() -> None:
    entries, opening = defining_case()
    late = replace(AGENCY, declared=block_ref(12))
    public = account_of(
        perimeter(Membership("fund"), Membership("agency")),
        entries,
        wallets=(FUND, late),
        opening=opening | {"agency": 1_502},
    )
    assert (public.opening, public.closing) == (40, 1_540)
    assert public.movement.inflow == 1_000
    assert public.movement.internal == 0
    assert public.perimeter_change == 500
    (change,) = public.changes
    assert (change.block, change.account, change.amount) == (block_ref(12), "agency", 500)
    assert list(roll_forward_holds(public)) == []


def test_l9_a_change_of_perimeter_is_a_line_of_its_own() -> None:
    entries, opening = defining_case()
    joined = Membership("agency", since=block_ref(9))
    roll = account_of(perimeter(Membership("fund"), joined), entries, opening=opening)
    assert (roll.opening, roll.movement.inflow, roll.perimeter_change) == (40, 1_000, 0)
    left = Membership("agency", until=block_ref(8))
    roll = account_of(perimeter(Membership("fund"), left), entries, opening=opening)
    assert (roll.opening, roll.movement.inflow, roll.perimeter_change) == (1_042, 1_000, -1_002)
    assert roll.closing == 1_040


def test_l9_attested_balances_change_outside_the_chain() -> None:
    k = perimeter(Membership("k", since=block_ref(8)), Membership("fund"))
    attested = tuple(
        AttestedBalance("k", block_ref(height), Sats(amount))
        for height, amount in ((15, 30), (4, 99), (5, 98), (6, 12), (11, 17), (8, 20), (16, 97))
    )
    roll = account_of(k, opening={"k": 5, "fund": 1}, attested=attested)
    assert (roll.opening, roll.perimeter_change, roll.off_chain, roll.closing) == (1, 20, 10, 31)
    assert list(roll_forward_holds(roll)) == []


def loss(account: str, height: int, amount: int, kind: BookKind = BookKind.LOSS) -> BookEntry:
    return BookEntry(kind, block_ref(height), account, Sats(amount), document="finding-1")


def test_l11_a_loss_lowers_recognised_holdings_and_leaves_the_chains_figure() -> None:
    roll = account_of(
        perimeter(Membership("fund"), Membership("agency")),
        opening={"fund": 100, "agency": 50},
        book=(
            loss("fund", 3, -10),
            loss("fund", 9, -20),
            loss("agency", 9, 5, BookKind.RESTATEMENT),
            loss("fund", 16, -1),  # after the period
            loss("stranger", 9, -7),
            BookEntry(BookKind.PERIMETER_CHANGE, block_ref(9), "fund", Sats(999), perimeter="p"),
            BookEntry(BookKind.RECLASSIFICATION, block_ref(9), "fund", Sats(999)),
        ),
    )
    assert (roll.opening, roll.closing, roll.perimeter_change) == (150, 150, 0)
    assert (roll.recognised_opening, roll.recognised_closing) == (140, 125)
    assert (roll.corrections.loss, roll.corrections.restatement) == (-20, 5)
    assert list(roll_forward_holds(roll)) == []


def test_l11_a_loss_enters_and_leaves_with_its_account() -> None:
    book = (loss("fund", 3, -10), loss("fund", 8, -20), loss("fund", 12, -30))
    for since, until, expected in (
        (None, None, (-10, -50, 0, -60)),
        (8, None, (0, -30, -30, -60)),  # the loss at the end of block 8 comes before the entry
        (7, 8, (0, -20, 20, 0)),
        (None, 8, (-10, -20, 30, 0)),
        (None, 5, (0, 0, 0, 0)),
    ):
        member = Membership(
            "fund",
            since=None if since is None else block_ref(since),
            until=None if until is None else block_ref(until),
        )
        # Until 7 the wallet was declared from the start: declared at block 0, before the period.
        c = account_of(perimeter(member), opening={"fund": 100}, book=book).corrections
        assert (c.opening, c.loss, c.perimeter_change, c.closing) == expected
        assert c.opening + c.loss + c.restatement + c.perimeter_change == c.closing


def test_l11_more_written_off_than_held_is_found() -> None:
    roll = account_of(
        perimeter(Membership("fund")), opening={"fund": 9}, book=(loss("fund", 9, -10),)
    )
    (finding,) = roll_forward_holds(roll)
    assert finding.rule == "L11"
    assert finding.text == "10 sat are written off, but only 9 sat are held"


def test_l9_a_sum_that_does_not_close_is_found() -> None:
    entries, opening = defining_case()
    roll = account_of(perimeter(Membership("fund")), entries, opening=opening)
    (finding,) = roll_forward_holds(replace(roll, opening=Sats(41)))
    assert finding.rule == "L9"
    assert finding.text == "opening and entries make 1041 sat, but 1040 sat are held"
    assert "after 5" in finding.where
    overdrawn = account_of(perimeter(Membership("agency")), entries, opening={"agency": 1_001})
    assert [f.text for f in roll_forward_holds(overdrawn)] == [
        "-1 sat are held: less than nothing",
        "0 sat are written off, but only -1 sat are held",
    ]


def test_what_does_not_belong_to_the_period_is_our_mistake() -> None:
    entries, _ = defining_case()
    fund = perimeter(Membership("fund"))
    for after, until in ((9, 15), (5, 8)):
        with pytest.raises(ValueError, match="is not in the period"):
            account_of(fund, entries, after=after, until=until)
    with pytest.raises(ValueError, match="not in chain order"):
        account_of(fund, entries * 2)
    with pytest.raises(ValueError, match="before it starts"):
        account_of(fund, after=15, until=5)
    with pytest.raises(ValueError, match="wallet fund is attested"):
        account_of(fund, attested=(AttestedBalance("fund", block_ref(9), Sats(1)),))


NAMES = ("a", "b", "c")
heights = st.integers(1, 20)


@st.composite
def histories(draw: st.DrawFn) -> PaperChain:
    chain = PaperChain()
    parties = st.sampled_from([*NAMES, "a/1", "stranger"])
    free: dict[str, list[tuple[object, int]]] = {name: [] for name in NAMES}
    for height in sorted(draw(st.lists(heights, max_size=12))):
        givers = [n for n in draw(st.sets(st.sampled_from(NAMES), max_size=2)) if free[n]]
        coins = [free[name].pop() for name in sorted(givers)]
        inputs = [outpoint for outpoint, _ in coins]
        left = sum(amount for _, amount in coins)
        if not coins or draw(st.booleans()):
            inputs.append(chain.foreign())
            left += draw(st.integers(0, 1_000))
        outputs = []
        for party in draw(st.lists(parties, min_size=1, max_size=4)):
            amount = draw(st.integers(0, left))
            outputs.append((party, amount))
            left -= amount
        made = chain.pay(height, inputs, outputs)  # type: ignore[arg-type]
        for vout, (party, amount) in enumerate(outputs):
            if party != "stranger":
                free[party[0]].append((made.outpoint(vout), amount))
    return chain


@st.composite
def memberships(draw: st.DrawFn, account: str) -> list[Membership]:
    cuts = sorted(draw(st.sets(heights, max_size=4)))
    bounds = [None, *(block_ref(h) for h in cuts), None]
    spans = list(pairwise(bounds))
    inside = draw(st.lists(st.booleans(), min_size=len(spans), max_size=len(spans)))
    return [
        Membership(account, since, until)
        for (since, until), here in zip(spans, inside, strict=True)
        if here
    ]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_l9_every_account_of_every_perimeter_closes(data: st.DataObject) -> None:
    chain = data.draw(histories())
    wallets = tuple(wallet_of(n, declared=data.draw(st.integers(0, 21))) for n in NAMES)
    p = perimeter(*(m for n in (*NAMES, "k") for m in data.draw(memberships(n))))
    after = data.draw(st.integers(0, 20))
    until = data.draw(st.integers(after, 21))
    entries = entries_of(chain.history, wallets, {})
    before = [e for e in entries if e.block.height <= after]
    inside = tuple(e for e in entries if after < e.block.height <= until)
    opening = balances_after({"k": Sats(3)}, before)
    attested = tuple(
        AttestedBalance("k", block_ref(h), Sats(data.draw(st.integers(0, 9))))
        for h in sorted(data.draw(st.lists(st.integers(after + 1, until + 1), max_size=3)))
        if h <= until
    )
    kinds = st.sampled_from([BookKind.LOSS, BookKind.RESTATEMENT])
    book = tuple(
        loss(data.draw(st.sampled_from(NAMES)), height, data.draw(st.integers(-9, 9)), kind)
        for height, kind in data.draw(st.lists(st.tuples(heights, kinds), max_size=5))
    )
    roll = account_of(
        p,
        inside,
        wallets=wallets,
        opening={k: int(v) for k, v in opening.items()},
        book=book,
        attested=attested,
        after=after,
        until=until,
    )
    assert [f for f in roll_forward_holds(roll) if f.rule == "L9"] == []
    closing = balances_after(opening, inside) | {a.account: a.amount for a in attested}
    standing = standing_at(as_declared(p, wallets), Height(until))
    assert roll.closing == sum(closing.get(account, 0) for account in standing)
    c = roll.corrections
    assert c.opening + c.loss + c.restatement + c.perimeter_change == c.closing

    # Two periods that follow one another tell what one over both tells.
    middle = data.draw(st.integers(after, until))
    first = [e for e in inside if e.block.height <= middle]
    at_middle = balances_after(opening, first)
    at_middle.update((a.account, a.amount) for a in attested if a.block.height <= middle)
    parts = [
        roll_forward(
            p,
            wallets=wallets,
            opening=start,
            entries=[e for e in inside if low < e.block.height <= high],
            book=book,
            attested=[a for a in attested if low < a.block.height <= high],
            after=block_ref(low),
            until=block_ref(high),
        )
        for low, high, start in ((after, middle, opening), (middle, until, at_middle))
    ]
    assert parts[0].closing == parts[1].opening
    assert parts[0].recognised_closing == parts[1].recognised_opening
    assert parts[0].movement + parts[1].movement == roll.movement
    assert parts[0].off_chain + parts[1].off_chain == roll.off_chain
    assert (*parts[0].changes, *parts[1].changes) == roll.changes


@settings(max_examples=50, deadline=None)
@given(histories())
def test_l9_a_wallets_account_needs_only_its_own_entries(chain: PaperChain) -> None:
    wallets = tuple(wallet_of(n, declared=4) for n in NAMES)
    entries = entries_of(chain.history, wallets, {})
    by_wallet = entries_by_wallet(entries)
    for wallet in wallets:
        p = wallet_perimeter(wallet)
        own = by_wallet.get(wallet.id, ())
        assert account_of(p, own, wallets=wallets, after=0, until=21) == account_of(
            p, entries, wallets=wallets, after=0, until=21
        )


@settings(max_examples=50, deadline=None)
@given(histories())
def test_l7_wallets_alone_add_up_to_the_perimeter_of_all_but_for_internal_transfers(
    chain: PaperChain,
) -> None:
    wallets = tuple(wallet_of(n) for n in NAMES)
    entries = entries_of(chain.history, wallets, {})
    alone = [
        account_of(wallet_perimeter(w), entries, wallets=wallets, after=0, until=21).movement
        for w in wallets
    ]
    p = perimeter(*(Membership(n) for n in NAMES))
    together = account_of(p, entries, wallets=wallets, after=0, until=21).movement
    assert sum(m.inflow for m in alone) == together.inflow + together.internal
    assert sum(m.outflow for m in alone) == together.outflow + together.internal
    assert sum(m.fee for m in alone) == together.fee
    assert sum(m.net for m in alone) == together.net
