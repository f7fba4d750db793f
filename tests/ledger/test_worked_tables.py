"""The tables of docs/methods/postings.md against the program, and every rule against its tests."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from khazana.ledger.accounts import Lane, LaneSpan, Membership, Perimeter, Wallet
from khazana.ledger.entries import ISSUANCE, OUTSIDE, BookEntry, BookKind, ChainEntry, HeldCoin
from khazana.ledger.flows import fee_shares, flows, nets
from khazana.ledger.lanes import lane_totals, reclassifications
from khazana.ledger.perimeters import movement
from khazana.ledger.postings import balances_after, entries_of, immature_amount
from khazana.ledger.roll_forward import RollForward, roll_forward, roll_forward_holds
from khazana.units import Height, Sats
from tests.ledger.paper_chain import PaperChain, block_ref, wallet_of
from tests.ledger.worked_tables import Example, Row, Table, examples_of, mine, number

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/methods/postings.md"
EXAMPLES = examples_of(PAGE)
NAMES = ("fund", "vault", "agency", "miner")
FORFEITED: tuple[LaneSpan, ...] = (
    LaneSpan(Lane.SEIZED, None),
    LaneSpan(Lane.FORFEITED, block_ref(105)),
)
AFTER, UNTIL = 100, 120


def wallets_of(example: Example) -> list[Wallet]:
    declared = dict.fromkeys(NAMES, 0)
    firsts = {table.columns[0] for table in example.tables}
    if "Account" in firsts:
        rows = example.table("Account").rows
        declared |= {row["Account"]: number(row["Declared at"]) for row in rows}
    owned: tuple[LaneSpan, ...] = (LaneSpan(Lane.OWNED, None),)
    lanes = dict.fromkeys(NAMES, owned)
    if "Lane" in firsts:
        lanes["fund"] = FORFEITED
    return [wallet_of(name, declared=declared[name], lanes=lanes[name]) for name in NAMES]


def entries(example: Example) -> tuple[ChainEntry, ...]:
    if all(table.columns[0] != "Block" for table in example.tables):
        return ()
    chain = PaperChain()
    opening = mine(example.table("Block"), chain)
    return entries_of(chain.history, wallets_of(example), opening)


def only_entry(example: Example) -> ChainEntry:
    (entry,) = entries(example)
    return entry


def check_maturity(table: Table, example: Example) -> None:
    for row in table.rows:
        coin = HeldCoin(
            "miner",
            PaperChain().foreign(),
            Sats(number(row["Amount"])),
            block_ref(number(row["Mined in block"])),
            True,
        )
        at = Height(number(row["At the end of block"]))
        assert immature_amount([coin], at) == number(row["Immature"])


def check_nets(table: Table, example: Example) -> None:
    entry = only_entry(example)
    net, shares = nets(entry), fee_shares(entry)
    assert [row["Wallet"] for row in table.rows] == list(entry.wallets)
    for row in table.rows:
        wallet = row["Wallet"]
        received = sum(p.amount for p in entry.received if p.wallet == wallet)
        spent = sum(p.amount for p in entry.spent if p.wallet == wallet)
        assert received == number(row["Received"])
        assert spent == number(row["Spent"])
        assert shares.get(wallet, 0) == number(row["Fee share"])
        assert net[wallet] == number(row["Net"])


def check_flows(table: Table, example: Example) -> None:
    ends = {"outside": OUTSIDE, "issuance": ISSUANCE}
    expected = [
        (
            ends.get(row["From"], row["From"]),
            ends.get(row["To"], row["To"]),
            number(row["Amount"]),
            row["Fact"],
        )
        for row in table.rows
    ]
    found = [(f.source, f.target, f.amount, f.fact.value) for f in flows(only_entry(example))]
    assert sorted(found) == sorted(expected)


def check_movements(table: Table, example: Example) -> None:
    for row in table.rows:
        seen = movement(only_entry(example), row["Perimeter"].split(", "))
        for column in ("Inflow", "Outflow", "Internal", "Fee", "Coinbase", "Net"):
            assert getattr(seen, column.lower()) == number(row[column]), (row, column)


def check_accounts(table: Table, example: Example) -> None:
    assert {row["Account"] for row in table.rows} <= set(NAMES)


def members(text: str) -> tuple[Membership, ...]:
    """`fund, vault [, 110], miner [105, ]`: names, with the blocks of joining and leaving."""
    found = re.findall(r"([a-z]+)(?: \[(\d*), ?(\d*)\])?(?:, |$)", text)
    return tuple(
        Membership(
            name,
            since=block_ref(int(since)) if since else None,
            until=block_ref(int(until)) if until else None,
        )
        for name, since, until in found
    )


def opening_of(example: Example) -> dict[str, Sats]:
    rows = example.table("Account").rows
    return {row["Account"]: Sats(number(row["Balance at 100"])) for row in rows}


def rolled(row: Row, example: Example, book: Sequence[BookEntry] = ()) -> RollForward:
    text = row["Members at 100 to 120"]
    roll = roll_forward(
        Perimeter("p", {"en": text}, members(text)),
        wallets=wallets_of(example),
        opening=opening_of(example),
        entries=entries(example),
        book=book,
        after=block_ref(AFTER),
        until=block_ref(UNTIL),
    )
    assert list(roll_forward_holds(roll)) == []
    return roll


def check_roll_forward(table: Table, example: Example) -> None:
    if "Recognised at 100" in table.columns:
        return check_corrections(table, example)
    for row in table.rows:
        roll = rolled(row, example)
        assert roll.opening == number(row["Opening"])
        assert roll.movement.inflow == number(row["Inflow"])
        assert roll.movement.coinbase == number(row["Coinbase"])
        assert roll.movement.outflow == number(row["Outflow"])
        assert roll.movement.fee == number(row["Fee"])
        assert roll.perimeter_change == number(row["Perimeter change"])
        assert roll.closing == number(row["Closing"])
    return None


def check_corrections(table: Table, example: Example) -> None:
    book = [
        BookEntry(
            BookKind(row["Book entry"]),
            block_ref(number(row["At block"])),
            row["Account"],
            Sats(number(row["Amount"])),
        )
        for row in example.table("Book entry").rows
    ]
    for row in table.rows:
        roll = rolled(row, example, book)
        came = roll.perimeter_change + roll.corrections.perimeter_change
        assert roll.closing == number(row["Held"])
        assert roll.recognised_opening == number(row["Recognised at 100"])
        assert roll.corrections.loss == number(row["Loss"])
        assert roll.corrections.restatement == number(row["Restatement"])
        assert came == number(row["Entered or left"])
        assert roll.recognised_closing == number(row["Recognised at 120"])


def check_lanes(table: Table, example: Example) -> None:
    wallets, opening, moves = wallets_of(example), opening_of(example), entries(example)
    before = lane_totals(opening, {"fund"}, wallets=wallets, at=Height(AFTER))
    after = lane_totals(balances_after(opening, moves), {"fund"}, wallets=wallets, at=Height(UNTIL))
    (change,) = reclassifications(
        wallets, opening=opening, entries=moves, after=block_ref(AFTER), until=block_ref(UNTIL)
    )
    assert change.details is not None
    for row in table.rows:
        lane = Lane(row["Lane"])
        assert before[lane] == number(row["At 100"])
        assert after[lane] == number(row["At 120"])
        sign = {change.details["from"]: -1, change.details["to"]: 1}[lane.value]
        assert sign * change.amount == number(row["Reclassified"])
        # A transaction posts to the lane before its block's end, where lanes change.
        moved = sum(
            posting.amount
            for entry in moves
            for posting in entry.received
            if wallets[0].lane_at(Height(entry.block.height - 1)) is lane
        )
        assert moved == number(row["Movements"])


def given_to_others(table: Table, example: Example) -> None:
    """What an example starts from; the other tables of the example use it."""
    assert len(example.tables) > 1
    assert table.rows


def check_modules(table: Table, example: Example) -> None:
    """Each rule stands in the module that the page names for it."""
    for row in table.rows:
        rules = row["Rules"].split(", ")
        first, *others = re.findall(r"`([a-z_.]+)`", row["Module"])
        room = first.rsplit(".", 1)[0]
        paths = [first, *(f"{room}.{name}" for name in others)]
        text = "".join((ROOT / f"src/{p.replace('.', '/')}.py").read_text() for p in paths)
        for rule in rules:
            assert re.search(rf"Rules? .*\b{rule}\b", text), (rule, paths)


CHECKS: dict[str, Callable[[Table, Example], None]] = {
    "Mined in block": check_maturity,
    "Block": given_to_others,
    "Account": check_accounts,
    "Book entry": given_to_others,
    "Wallet": check_nets,
    "From": check_flows,
    "Perimeter": check_movements,
    "Members at 100 to 120": check_roll_forward,
    "Lane": check_lanes,
    "Rules": check_modules,
}


@pytest.mark.parametrize(
    ("example", "table"),
    [(example, table) for example in EXAMPLES for table in example.tables],
    ids=lambda value: value.title if isinstance(value, Example) else value.columns[0],
)
def test_the_program_computes_what_the_page_shows(example: Example, table: Table) -> None:
    assert table.rows, f"the table under {example.title!r} is empty"
    CHECKS[table.columns[0]](table, example)


def test_the_page_has_every_kind_of_table() -> None:
    assert {table.columns[0] for example in EXAMPLES for table in example.tables} == set(CHECKS)


RULES = re.findall(r"^\*\*(L\d+)\.", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_rules_are_numbered_without_a_gap() -> None:
    assert sorted(RULES, key=lambda rule: int(rule[1:])) == [
        f"L{number}" for number in range(1, len(RULES) + 1)
    ]


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_test_that_cites_it_and_code_that_follows_it(rule: str) -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests/ledger").glob("test_*.py"))
    code = "".join(path.read_text() for path in (ROOT / "src/khazana/ledger").glob("*.py"))
    assert f"def test_{rule.lower()}_" in tests
    assert re.search(rf"Rules? (L\d+ and )?{rule}\b", code)


def test_every_rule_that_code_cites_is_on_the_page() -> None:
    code = "".join(path.read_text() for path in (ROOT / "src/khazana").rglob("*.py"))
    cited = set(re.findall(r"\bL\d+\b", " ".join(re.findall(r"Rules? (L\d+[^.\n]*)", code))))
    assert cited <= set(RULES)
