"""The figures that the demo tells: read from the signed statements, never from the scenario."""

from dataclasses import dataclass

from khazana.ledger.flows import flows
from khazana.ledger.perimeters import MembersByHeight, as_declared
from khazana.reserve.bodies import perimeter_of, wallet_of
from khazana.reserve.reading import ReserveStatement
from khazana.units import Height, Sats


@dataclass(frozen=True)
class TwoBars:
    """received: what came into the first perimeter. change: of what the second one holds."""

    received: Sats
    change: Sats


def on_one_day(statement: ReserveStatement, height: int, *, page: str, stock: str) -> TwoBars:
    """What one block brought to a wallet's page, and what it changed in the public sector."""
    received, _ = _moved(statement, height, page)
    gained, lost = _moved(statement, height, stock)
    return TwoBars(Sats(received), Sats(gained - lost))


def in_the_period(statement: ReserveStatement, *, page: str, stock: str) -> TwoBars:
    """The same for the whole period, as the statement's figures have it."""
    seen = statement.perimeters[page].figures
    held = statement.perimeters[stock].figures
    return TwoBars(Sats(seen.inflow + seen.coinbase), Sats(held.closing - held.opening))


def _moved(statement: ReserveStatement, height: int, perimeter: str) -> tuple[int, int]:
    """What a perimeter gained and lost in a block by crossing its border, fees included."""
    wallets = [wallet_of(body, ()) for body in statement.wallets.values()]
    declared = as_declared(perimeter_of(statement.perimeters[perimeter]), wallets)
    inside = MembersByHeight(declared).at(Height(height))
    gained = lost = 0
    for entry in statement.entries:
        if entry.block.height != height:
            continue
        for flow in flows(entry):
            if flow.target in inside and flow.source not in inside:
                gained += flow.amount
            elif flow.source in inside and flow.target not in inside:
                lost += flow.amount
    return gained, lost
