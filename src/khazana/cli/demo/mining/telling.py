"""What the demo says about its mining: energy in, bitcoin expected and arrived, the limit."""

from collections.abc import Iterator, Sequence

from khazana.cli.demo.mining.earning import DIVISOR
from khazana.mining.month_body import MonthBody
from khazana.mining.parts import MiningBody, mining_bodies
from khazana.reserve.reading import ReserveStatement
from khazana.units import Sats, btc_from_sats

_WH_PER_GWH = 10**9


def sites_told(statements: Sequence[ReserveStatement]) -> Iterator[str]:
    """All sites of some statements in a sentence: no good word without its limit."""
    bodies = [body for told in statements for body in mining_bodies(told.envelope.parts)]
    months = [month for body in bodies for month in body.months]
    if not months:
        return
    sites = len({body.site for body in bodies})
    energy = sum(month.low_wh for month in months)
    expected = sum(month.expected_sat for month in months)
    arrived = sum(month.arrived_sat for month in months)
    within = sum(month.verdict == "within" for month in months)
    worst = max((month.detection_percent for month in months), key=float)
    first = min(month.first for month in months)[:10]
    until = max(month.until for month in months)[:10]
    yield (
        f"Mining in Pakistan, {sites} sites of a SYNTHETIC table, {first} to {until}: "
        f"{energy // _WH_PER_GWH:,} GWh by the utility's sealed counters, {_btc(expected)} "
        f"expected, {_btc(arrived)} arrived. Difficulty is SIMULATED: mainnet's, replayed; "
        f"payouts are scaled 1 : {DIVISOR:,}. {within} of {len(months)} months of sites are "
        f"within; a shortfall smaller than {worst} % of a month could not be seen."
    )


def shortfalls_told(name: str, statement: ReserveStatement) -> Iterator[str]:
    """Every month of a statement that misses what its energy earns."""
    for body in mining_bodies(statement.envelope.parts):
        for month in body.months:
            if month.verdict == "below":
                yield f"{name}: {shortfall(body, month)}"


def shortfall(body: MiningBody, month: MonthBody) -> str:
    """A month that misses its expectation, in words.

    Rounded down to tenths of a per cent.
    """
    missing = 1_000 * (month.expected_sat - month.arrived_sat) // month.expected_sat
    return (
        f"{body.name}, {month.month}: {_btc(month.expected_sat)} expected of "
        f"{month.low_wh // 10**6:,} MWh, {_btc(month.arrived_sat)} arrived, "
        f"{missing // 10}.{missing % 10} % missing; detection limit {month.detection_percent} %."
    )


def _btc(amount: int) -> str:
    return f"{btc_from_sats(Sats(amount))} BTC"
