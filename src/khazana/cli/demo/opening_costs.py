"""What the offices' coins had cost before the demo's first day: an invented table."""

from khazana.ledger.money import major_units
from khazana.reserve.holdings import holdings_of, own_of
from khazana.reserve.reading import ReserveStatement
from khazana.units import SATS_PER_BTC

FILE = "opening-cost.csv"
PAID = {"USD": 43_000_00, "PKR": 12_060_000_00}
"""For each bitcoin of the opening inventory, in minor units; below the first day's price."""


def opening_costs(statement: ReserveStatement, currency: str) -> bytes:
    """The table for every set that opens the first statement with coins of its own."""
    lines = ["set,amount_sat,cost,document,note"]
    for held in holdings_of(statement):
        amount = own_of(held.opening).recognised
        if amount:
            cost = major_units(amount * PAID[currency] // SATS_PER_BTC, currency)
            lines.append(f"{held.part},{amount},{cost},opening-inventory,invented figures")
    return ("\n".join(lines) + "\n").encode()
