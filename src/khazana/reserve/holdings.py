"""What an entity or perimeter holds by legal lane, on the chain and recognised, at either end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from khazana.ledger.accounts import CustodialAccount, Lane, Perimeter, Wallet
from khazana.ledger.entries import BookKind
from khazana.ledger.perimeters import as_declared, standing_at
from khazana.reserve.bodies import block_ref, wallet_of
from khazana.reserve.case import PartsWithheld
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.sets import accounts_of, sets_of
from khazana.units import Height

OWN_LANES = frozenset({Lane.OWNED, Lane.FORFEITED, Lane.PLEDGED})
"""Rule V7: what is the state's. What is seized or held for clients is somebody else's still."""
CORRECTIONS = (BookKind.LOSS, BookKind.RESTATEMENT)
NEEDED = ("wallet", "account", "entity", "perimeter", "book")


@dataclass(frozen=True, slots=True)
class LaneHoldings:
    """holdings: chain and attested. recognised: with losses and restatements; satoshis."""

    holdings: int = 0
    recognised: int = 0

    def __add__(self, other: "LaneHoldings") -> "LaneHoldings":
        return LaneHoldings(self.holdings + other.holdings, self.recognised + other.recognised)


@dataclass(frozen=True)
class SetHoldings:
    """An entity or perimeter (`part`) with its holdings by lane at both ends of the period."""

    part: str
    perimeter: Perimeter
    opening: dict[Lane, LaneHoldings]
    closing: dict[Lane, LaneHoldings]


def own_of(lanes: Mapping[Lane, LaneHoldings]) -> LaneHoldings:
    """The state's own: owned, forfeited and pledged together."""
    return sum((lanes[lane] for lane in OWN_LANES), LaneHoldings())


def holdings_of(statement: ReserveStatement) -> Iterator[SetHoldings]:
    """Every entity and perimeter of a statement, in the order of the file."""
    for kind in NEEDED:
        if missing := statement.withheld(kind):
            raise PartsWithheld(kind=kind, missing=missing)
    wallets = [wallet_of(body, ()) for body in statement.wallets.values()]
    period = statement.header.period
    after, until = block_ref(period.after).height, block_ref(period.until).height
    for part, _, perimeter in sets_of(statement):
        if part.startswith(("entity/", "perimeter/")):
            yield SetHoldings(
                part,
                perimeter,
                _lanes(statement, as_declared(perimeter, wallets), wallets, after, "opening"),
                _lanes(statement, as_declared(perimeter, wallets), wallets, until, "closing"),
            )


def _lanes(
    statement: ReserveStatement,
    perimeter: Perimeter,
    wallets: list[Wallet],
    height: Height,
    side: str,
) -> dict[Lane, LaneHoldings]:
    lanes = dict.fromkeys(Lane, LaneHoldings())
    members: dict[str, Wallet | CustodialAccount] = {w.id: w for w in wallets}
    members.update((account.id, account) for account in accounts_of(statement))
    for name in standing_at(perimeter, height):
        member = members.get(name)
        if member is None:
            continue  # the check of the books says that a member is not stated
        bodies = statement.wallets if isinstance(member, Wallet) else statement.accounts
        balance: int = getattr(bodies[name].figures, side)
        corrections = sum(
            entry.amount
            for entry in statement.book
            if entry.kind in CORRECTIONS and entry.account == name and entry.block.height <= height
        )
        lane = member.lane_at(height) if isinstance(member, Wallet) else member.lane
        lanes[lane] += LaneHoldings(balance, balance + corrections)
    return lanes
