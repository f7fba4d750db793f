"""The figures that the demo tells: read from the signed statements, never from the scenario."""

from dataclasses import dataclass

from khazana.ledger.flows import flows
from khazana.ledger.perimeters import MembersByHeight, as_declared
from khazana.reserve.bodies import perimeter_of, wallet_of
from khazana.reserve.reading import ReserveStatement
from khazana.units import Height, Sats


@dataclass(frozen=True)
class TwoBars:
    """received: what came into the fund's page. change: of what the public sector holds."""

    received: Sats
    change: Sats


def on_one_day(statement: ReserveStatement, height: int, *, page: str, stock: str) -> TwoBars:
    """What one block brought to a wallet's page, and what it changed in the public sector."""
    received, _ = _moved(statement, height, page)
    gained, lost = _moved(statement, height, stock)
    return TwoBars(Sats(received), Sats(gained - lost))


def lane_changes(statement: ReserveStatement, perimeter: str) -> dict[str, int]:
    """How much more a perimeter holds in each legal lane at the closing than at the opening."""
    lanes = statement.perimeters[perimeter].lanes
    return {lane.lane: lane.closing - lane.opening for lane in lanes}


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
