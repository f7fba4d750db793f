"""Who counts as inside: perimeters as declared, what crosses them, and who enters or leaves."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from khazana.bitcoin.chain import BlockRef
from khazana.ledger.accounts import CustodialAccount, Entity, Membership, Perimeter, Wallet
from khazana.ledger.entries import AttestedBalance, BookEntry, BookKind, ChainEntry, Fact
from khazana.ledger.flows import flows
from khazana.units import Height, Sats

NOTHING = Sats(0)


@dataclass(frozen=True, slots=True)
class Movement:
    """What transactions did to a set of accounts; every figure is zero or more satoshis.

    internal: moved between accounts of the set; it changes nothing.
    """

    inflow: Sats = NOTHING
    outflow: Sats = NOTHING
    internal: Sats = NOTHING
    fee: Sats = NOTHING
    coinbase: Sats = NOTHING

    @property
    def net(self) -> Sats:
        """By how much the set's holdings rose."""
        return Sats(self.inflow + self.coinbase - self.outflow - self.fee)

    def __add__(self, other: "Movement") -> "Movement":
        return Movement(
            Sats(self.inflow + other.inflow),
            Sats(self.outflow + other.outflow),
            Sats(self.internal + other.internal),
            Sats(self.fee + other.fee),
            Sats(self.coinbase + other.coinbase),
        )


def movement(entry: ChainEntry, members: Collection[str]) -> Movement:
    """Rule L7: an entry as a perimeter with these members sees it.

    A flow is internal when both ends are members, an inflow or outflow when one end is.
    """
    if not any(posting.wallet in members for posting in (*entry.spent, *entry.received)):
        return Movement()
    inflow = outflow = internal = fee = coinbase = 0
    for flow in flows(entry):
        gives, takes = flow.source in members, flow.target in members
        if flow.fact is Fact.FEE:
            fee += flow.amount if gives else 0
        elif flow.fact is Fact.COINBASE:
            coinbase += flow.amount if takes else 0
        elif gives and takes:
            internal += flow.amount
        elif gives:
            outflow += flow.amount
        elif takes:
            inflow += flow.amount
    return Movement(Sats(inflow), Sats(outflow), Sats(internal), Sats(fee), Sats(coinbase))


def as_declared(perimeter: Perimeter, wallets: Iterable[Wallet]) -> Perimeter:
    """Rule L8: a wallet belongs to a perimeter at the earliest from where it was declared.

    Whatever a membership says, no statement made before the declaration could count the wallet.
    """
    declared = {wallet.id: wallet.declared for wallet in wallets}
    members = []
    for member in perimeter.members:
        since = declared.get(member.account)
        if since is None or (member.since and member.since.height >= since.height):
            members.append(member)
        elif member.until is None or since.height < member.until.height:
            members.append(replace(member, since=since))
    return replace(perimeter, members=tuple(members))


def entity_perimeter(
    entity: Entity, wallets: Iterable[Wallet], accounts: Iterable[CustodialAccount] = ()
) -> Perimeter:
    """An entity as a perimeter: its wallets since they were declared, and its accounts."""
    members = [Membership(w.id, since=w.declared) for w in wallets if w.entity == entity.id]
    members += [Membership(account.id) for account in accounts if account.entity == entity.id]
    return Perimeter(entity.id, entity.name, tuple(members))


def wallet_perimeter(wallet: Wallet) -> Perimeter:
    """A wallet as a perimeter of its own: gross figures, transfers within the state included."""
    return Perimeter(wallet.id, wallet.name, (Membership(wallet.id, since=wallet.declared),))


def standing_at(perimeter: Perimeter, height: Height) -> frozenset[str]:
    """The accounts whose balance at the end of the block at `height` the perimeter counts."""
    return perimeter.accounts_at(Height(height + 1))


class MembersByHeight:
    """The accounts of a perimeter at any height, found without asking every membership again."""

    def __init__(self, perimeter: Perimeter) -> None:
        # Postings at a height see the memberships that changed strictly below it.
        self._changes = sorted(
            {
                block.height
                for member in perimeter.members
                for block in (member.since, member.until)
                if block is not None
            }
        )
        self._perimeter = perimeter
        # Only spans that are asked about: a perimeter may have as many changes as members.
        self._spans: dict[int, frozenset[str]] = {}

    def at(self, height: Height) -> frozenset[str]:
        """The accounts whose postings in the block at `height` are the perimeter's."""
        span = bisect_left(self._changes, height)
        if span not in self._spans:
            self._spans[span] = self._perimeter.accounts_at(height)
        return self._spans[span]


def perimeter_changes(
    perimeter: Perimeter,
    *,
    wallets: Iterable[Wallet],
    opening: Mapping[str, Sats],
    entries: Sequence[ChainEntry],
    attested: Iterable[AttestedBalance] = (),
    after: BlockRef,
    until: BlockRef,
) -> tuple[BookEntry, ...]:
    """Rule L8: who enters or leaves the perimeter after block `after`, up to the end of `until`.

    opening: every account's balance at the end of `after`. attested: of custodial accounts; those
    outside the period are not read. Each entry carries what stands in the
    account at the end of the block of the change, nothing included; in order of block, those that
    leave first, then by account. details: whether it enters or leaves, and whether a membership or
    the wallet's declaration is the cause.
    """
    wallets = tuple(wallets)
    declared = {wallet.id: wallet.declared for wallet in wallets}
    events = [
        (block, enters, member)
        for member in as_declared(perimeter, wallets).members
        for block, enters in ((member.since, True), (member.until, False))
        if block is not None and after.height < block.height <= until.height
    ]
    events.sort(key=lambda event: (event[0].height, event[1], event[2].account))
    news = [item for item in attested if after.height < item.block.height <= until.height]
    steps = _steps(entries, news, {member.account for _, _, member in events})
    balances: dict[str, int] = {member.account: 0 for _, _, member in events}
    balances.update((account, opening.get(account, 0)) for account in balances)
    changes = []
    done = 0
    for block, enters, member in events:
        while done < len(steps) and steps[done][0] <= block.height:
            _, account, amount, is_balance = steps[done]
            balances[account] = amount if is_balance else balances[account] + amount
            done += 1
        stands = balances[member.account]
        by_declaration = enters and block == declared.get(member.account)
        changes.append(
            BookEntry(
                kind=BookKind.PERIMETER_CHANGE,
                block=block,
                account=member.account,
                amount=Sats(stands if enters else -stands),
                perimeter=perimeter.id,
                document=member.document,
                details={
                    "change": "enters" if enters else "leaves",
                    "cause": "declaration" if by_declaration else "membership",
                },
            )
        )
    return tuple(changes)


def _steps(
    entries: Iterable[ChainEntry], attested: Iterable[AttestedBalance], accounts: set[str]
) -> list[tuple[Height, str, int, bool]]:
    """Changes of balances by height: an amount to add, or (True) the new balance itself."""
    steps: list[tuple[Height, str, int, bool]] = []
    for entry in entries:
        height = entry.block.height
        steps += [(height, p.wallet, -p.amount, False) for p in entry.spent if p.wallet in accounts]
        steps += [
            (height, p.wallet, p.amount, False) for p in entry.received if p.wallet in accounts
        ]
    steps += [
        (a.block.height, a.account, a.amount, True) for a in attested if a.account in accounts
    ]
    return sorted(steps, key=lambda step: step[0])
