"""The accumulation test between two blocks: shown, asserted, contradicted or not assessable."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from khazana.bitcoin.chain import BlockRef
from khazana.conditions.holdings import change_of, members_ever, untested_accounts
from khazana.conditions.memorandum import LedgerRule
from khazana.conditions.statistics import ClientLiabilities
from khazana.ledger.accounts import Perimeter, Wallet
from khazana.ledger.documents import Reason
from khazana.ledger.entries import ChainEntry
from khazana.ledger.seals import seal_commitment
from khazana.reserve.figures import Books
from khazana.reserve.parts import ExplanationLineBody
from khazana.units import Sats, Txid


class Accumulation(Enum):
    """What became of the claim that the stock did not rise (Rules K30 to K34)."""

    SHOWN = "shown"
    """It did not rise, whatever was declared after the first block."""
    ASSERTED = "asserted"
    """It did not rise if wallets declared later were the state's already."""
    CONTRADICTED = "contradicted"
    """It rose."""
    NOT_ASSESSABLE = "not assessable"


class Origin(Enum):
    """Where coins that flowed in came from, seen from the first block."""

    KNOWN = "declared or sealed before"
    LATE = "declared later"
    EXCLUDED = "excluded by the condition"
    CLIENT = "deposited by a client"
    OUTSIDE = "from outside"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Coins that a wallet of the perimeter received in one transaction, by where they came from.

    source: the wallet they came from; None: no declared one. reason, document: as explained.
    """

    txid: Txid
    block: BlockRef
    wallet: str
    amount: Sats
    origin: Origin
    source: str | None
    reason: str
    document: str | None


@dataclass(frozen=True, slots=True)
class LateWallet:
    """A wallet that nobody had declared or sealed by the first block: who said when, and where.

    entity: its owner as the office says. paid: what it gave to wallets known by the first block.
    """

    wallet: str
    entity: str
    declared: BlockRef
    document: str | None
    paid: Sats


@dataclass(frozen=True, kw_only=True)
class AccumulationTest:
    """The result between the ends of two blocks. All amounts in satoshis.

    gain: by how much coins less client liabilities rose, beside what the condition excludes; over
    every wallet declared by now. gain_known: the same over the wallets known by `after` alone, to
    which others are outsiders. Both None when it is not assessable.
    left_behind: by how much client liabilities fell more than coins left: house coins, then.
    """

    perimeter: str
    after: BlockRef
    until: BlockRef
    verdict: Accumulation
    why: str
    gain: Sats | None
    gain_known: Sats | None
    liabilities_before: Sats | None
    liabilities_after: Sats | None
    left_behind: Sats
    arrivals: tuple[Arrival, ...]
    late: tuple[LateWallet, ...]

    @property
    def transactions(self) -> tuple[Arrival, ...]:
        """What contradicts the claim: arrivals from outside that nothing excludes."""
        return tuple(a for a in self.arrivals if a.origin is Origin.OUTSIDE)


LIMITS = (
    "A wallet that nobody declared cannot be seen: what it bought is in no figure.",
    "That a wallet was declared at a block rests on what the office published then: compare with "
    "the statement of that time (--previous).",
)
"""What this test can never show; printed with every result."""


def accumulation_test(
    books: Books,
    perimeter: Perimeter,
    rule: LedgerRule,
    *,
    liabilities: Sequence[ClientLiabilities],
    custody: Collection[tuple[str, BlockRef]],
) -> AccumulationTest:
    """Whether the perimeter's stock rose in the books' period, and what that rests on.

    liabilities: of the perimeter's bodies towards clients; those for the two blocks are used.
    custody: custodial accounts with the blocks they are attested for.
    """
    members = members_ever(perimeter, books)
    known = known_at(books, perimeter, members)
    arrivals = tuple(_arrivals(books, members, known, rule))
    late = tuple(_late(books, perimeter, members - known, arrivals))
    ends = (books.after, books.until)
    owed = [next((o.amount for o in liabilities if o.block == end), None) for end in ends]
    if missing := _missing(books, members, rule, owed, custody):
        return _result(
            books,
            perimeter,
            Accumulation.NOT_ASSESSABLE,
            missing,
            arrivals=arrivals,
            late=late,
            owed=owed,
        )
    owed_more = (owed[1] or 0) - (owed[0] or 0) if rule.net_of_clients else 0
    gain = _gain(books, members, members, rule) - owed_more
    gain_known = _gain(books, known, members, rule) - owed_more
    coins_more = _coins(books, members)
    left_behind = max(0, -owed_more + min(coins_more, 0))
    if gain > 0:
        verdict, why = Accumulation.CONTRADICTED, _contradiction(gain, arrivals, left_behind)
    elif gain_known > 0:
        names = ", ".join(f"{w.wallet} (declared at block {w.declared.height})" for w in late)
        why = f"the stock did not rise if {names} belonged to the perimeter before it said so"
        verdict = Accumulation.ASSERTED
    else:
        why = "every rise is made up for by coins that wallets known by the first block gave away"
        verdict = Accumulation.SHOWN
    return _result(
        books,
        perimeter,
        verdict,
        why,
        arrivals=arrivals,
        late=late,
        owed=owed,
        gain=gain,
        gain_known=gain_known,
        left_behind=left_behind,
    )


def _result(
    books: Books,
    perimeter: Perimeter,
    verdict: Accumulation,
    why: str,
    *,
    arrivals: tuple[Arrival, ...],
    late: tuple[LateWallet, ...],
    owed: Sequence[Sats | None],
    gain: int | None = None,
    gain_known: int | None = None,
    left_behind: int = 0,
) -> AccumulationTest:
    return AccumulationTest(
        perimeter=perimeter.id,
        after=books.after,
        until=books.until,
        verdict=verdict,
        why=why,
        gain=None if gain is None else Sats(gain),
        gain_known=None if gain_known is None else Sats(gain_known),
        liabilities_before=owed[0],
        liabilities_after=owed[1],
        left_behind=Sats(left_behind),
        arrivals=arrivals,
        late=late,
    )


def known_at(books: Books, perimeter: Perimeter, members: Collection[str]) -> frozenset[str]:
    """Rule K32: the members that had been declared, or sealed, as such by the opening block.

    A seal counts when its salt opens it over the wallet's scripts; a membership that begins later
    is a later word about the wallet, whenever the wallet itself was declared.
    """
    height = books.after.height
    joined = {m.account for m in perimeter.members if m.since is None or m.since.height <= height}
    wallets = {wallet.id: wallet for wallet in books.wallets}
    return frozenset(
        account
        for account in members
        if account in joined
        and (account not in wallets or _promised(wallets[account], books.after))
    )


def _promised(wallet: Wallet, by: BlockRef) -> bool:
    if wallet.declared.height <= by.height:
        return True
    seal = wallet.seal
    if seal is None or seal.salt is None or seal.block.height > by.height or not wallet.scripts:
        return False
    return seal_commitment(wallet.scripts, bytes.fromhex(seal.salt)) == seal.commitment


def _missing(
    books: Books,
    members: Collection[str],
    rule: LedgerRule,
    owed: Sequence[Sats | None],
    custody: Collection[tuple[str, BlockRef]],
) -> str | None:
    """Rule K34: why there can be no verdict, if so."""
    ends = (books.after, books.until)
    if rule.net_of_clients:
        blocks = [
            f"block {e.height}" for e, amount in zip(ends, owed, strict=True) if amount is None
        ]
        if blocks:
            return f"what is owed to clients is not attested at {' and '.join(blocks)}"
    untested = untested_accounts(books, members, custody, ends)
    if untested:
        account, block = min(untested.items())
        return f"the custodian of {account} attests no balance at block {block.height}"
    return None


def _coins(books: Books, members: Collection[str]) -> int:
    """By how much the members' coins and attested balances changed in the period."""
    change = sum(change_of(e, members) for e in books.entries_touching(sorted(members)))
    last = {b.account: b.amount for b in books.attested if b.account in members}
    return change + sum(amount - books.opening.get(a, 0) for a, amount in last.items())


def _gain(books: Books, inside: Collection[str], members: Collection[str], rule: LedgerRule) -> int:
    """Rule K31, seen from the accounts `inside`; the other members are outsiders to them."""
    reasons = {reason.value for reason in rule.excluded_reasons}
    lanes = set(rule.excluded_lanes)
    wallets = {w.id: w for w in books.wallets}
    excluded = 0
    for entry in books.entries_touching(sorted(inside)):
        for line in books.lines.get(entry.txid, ()):
            if line.wallet not in inside:
                continue
            came = line.amount > 0 and line.reason in reasons
            returned = (
                line.amount < 0
                and line.counterpart not in members
                and wallets[line.wallet].lane_at(entry.block.height) in lanes
            )
            if came or returned:
                excluded += line.amount
    return _coins(books, inside) - excluded


def _arrivals(
    books: Books, members: Collection[str], known: Collection[str], rule: LedgerRule
) -> Iterator[Arrival]:
    """Every flow into the perimeter's wallets from elsewhere than themselves, by origin."""
    excluded = {reason.value for reason in rule.excluded_reasons}
    for entry in books.entries_touching(sorted(members)):
        for line in books.lines.get(entry.txid, ()):
            if line.wallet in members and line.amount > 0:
                yield _arrival(entry, line, members, known, excluded)


def _arrival(
    entry: ChainEntry,
    line: ExplanationLineBody,
    members: Collection[str],
    known: Collection[str],
    excluded: Collection[str],
) -> Arrival:
    transfer = line.reason == Reason.TRANSFER.value
    source = line.counterpart if transfer else None
    if source in known:
        origin = Origin.KNOWN
    elif source in members:
        origin = Origin.LATE
    elif line.reason in excluded:
        origin = Origin.EXCLUDED
    elif line.reason == Reason.CLIENT_DEPOSIT.value:
        origin = Origin.CLIENT
    else:
        origin = Origin.OUTSIDE
    return Arrival(
        entry.txid,
        entry.block,
        line.wallet,
        Sats(line.amount),
        origin,
        source,
        line.reason,
        line.document,
    )


def _late(
    books: Books,
    perimeter: Perimeter,
    late: Collection[str],
    arrivals: Sequence[Arrival],
) -> Iterator[LateWallet]:
    """Rule K33: of each wallet declared later: by whom, when, and which document says so."""
    since = {m.account: (m.since, m.document) for m in perimeter.members}
    for wallet in books.wallets:
        if wallet.id not in late:
            continue
        joined, document = since[wallet.id]
        declared = wallet.declared
        if joined is not None and joined.height > declared.height:
            declared = joined
        paid = sum(a.amount for a in arrivals if a.source == wallet.id)
        yield LateWallet(wallet.id, wallet.entity, declared, document, Sats(paid))


def _contradiction(gain: int, arrivals: Sequence[Arrival], left_behind: int) -> str:
    outside = [a for a in arrivals if a.origin is Origin.OUTSIDE]
    text = f"the stock rose by {gain} sat"
    if outside:
        largest = max(outside, key=lambda a: (a.amount, a.txid))
        more = f" and {len(outside) - 1} more" if len(outside) > 1 else ""
        text += (
            f": {largest.amount} sat came to {largest.wallet} from outside in transaction "
            f"{largest.txid}{more}"
        )
    if left_behind:
        text += f": clients are owed {left_behind} sat less, and the coins stayed with the house"
    return text
