"""Which sets a first page speaks of: the widest perimeter, and the one that received most in it."""

from collections.abc import Iterable

from khazana.ledger.perimeters import as_declared, standing_at
from khazana.reserve.bodies import perimeter_of, wallet_of
from khazana.reserve.parts import FiguresBody
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.sets import sets_of
from khazana.units import Height, Sats


def widest_set(statement: ReserveStatement) -> str:
    """The part that stands for everything: the perimeter with most accounts at the closing block.

    Among equals the one that holds most, then the first of the file. Without perimeters the entity
    that holds most; "" where a disclosure shows neither.
    """
    wallets = [wallet_of(body, ()) for body in statement.wallets.values()]
    until = Height(statement.header.period.until.height)
    perimeters = [
        (
            -len(standing_at(as_declared(perimeter_of(body), wallets), until)),
            -body.figures.closing,
            position,
            f"perimeter/{body.id}",
        )
        for position, body in enumerate(statement.perimeters.values())
    ]
    if perimeters:
        return min(perimeters)[3]
    return _most((f"entity/{e.id}", e.figures.closing) for e in statement.entities.values())


def watched_set(statement: ReserveStatement, stock: str) -> str:
    """The part whose gross inflow is set beside the net of `stock`: of the other perimeters and of
    the wallets, the one that received most; perimeters go first among equals.
    """
    received = [
        (part, received_gross(figures))
        for part, figures, _ in sets_of(statement)
        if part != stock and part.startswith(("perimeter/", "wallet/"))
    ]
    received.sort(key=lambda found: not found[0].startswith("perimeter/"))
    return _most(received)


def received_gross(figures: FiguresBody) -> Sats:
    """Everything that came in across the set's border, mined coins included."""
    return Sats(figures.inflow + figures.coinbase)


def net_change(figures: FiguresBody) -> Sats:
    """By how much the set's holdings rose on the chain: what joined or left it as a whole and
    attested balances are left out.
    """
    return Sats(figures.inflow + figures.coinbase - figures.outflow - figures.fee)


def _most(candidates: Iterable[tuple[str, int]]) -> str:
    best, most = "", -1
    for part, amount in candidates:
        if amount > most:
            best, most = part, amount
    return best
