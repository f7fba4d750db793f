"""The tables beside the counters: bills, the pool's statement, tariffs, and feeders that were off.

All invented. A row of a table is there for a row of a statement: a month, or a piece of one.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from khazana.cli.demo.mining.meters import company_name
from khazana.cli.demo.mining.programme import Payout, Programme, Working
from khazana.cli.demo.mining.scenario import HOUR_S, PKT, DemoSite, tight
from khazana.cli.demo.mining.settlements import Settlement
from khazana.ledger.documents import utc_text
from khazana.mining.evidence.pools import PAYOUT_COLUMNS
from khazana.mining.evidence.reconcile import BILL_COLUMNS
from khazana.mining.evidence.tariffs import OUTAGE_COLUMNS, TARIFF_COLUMNS
from khazana.units import btc_from_sats

POOL_ID = "pool-b"
TARIFF_RS_KWH = Decimal("22.5")
"""One tariff for every site and hour: above the fuel of every plant here, below its full cost."""
CAPACITY_RS_KWH = Decimal("14.3")
"""What a kilowatt-hour pays for plants that stand ready (assumed for the demo)."""

_PER_MWH = 1_000


def bills_csv(programme: Programme, rows: Sequence[Settlement]) -> bytes:
    """The utility bills whole kilowatt-hours, by the main meter."""
    return _table(
        BILL_COLUMNS,
        (
            (
                f"bill-{utc_of(first):%Y%m%d}-{working.site.id}",
                working.counter.main,
                *_span(first, until),
                str(working.counter.energy_wh(first, until) // _PER_MWH),
                "",
            )
            for working, _, first, until in _each(programme, rows)
        ),
    )


def payouts_csv(programme: Programme, rows: Sequence[Settlement]) -> bytes:
    """The pool's statement of what it paid, output by output."""
    return _table(
        PAYOUT_COLUMNS,
        (
            (
                POOL_ID,
                payout.document,
                payout.site,
                *_span(*programme.span(payout.row)),
                payout.txid,
                str(payout.vout),
                payout.address,
                btc_from_sats(payout.amount),
            )
            for payout in payouts_of(programme, rows)
        ),
    )


def tariffs_csv(programme: Programme, rows: Sequence[Settlement]) -> bytes:
    """What a megawatt-hour cost each site, its plant's fuel, and fuel and capacity together."""
    return _table(
        TARIFF_COLUMNS,
        (
            (working.site.id, *_span(first, until), "PKR", *_prices(working.site))
            for working, _, first, until in _each(programme, rows)
        ),
    )


def outages_csv(programme: Programme, rows: Sequence[Settlement]) -> bytes:
    """Each company's feeders that were off because the grid was short, in hours joined."""
    first, until = programme.span(rows[0])[0], programme.span(rows[-1])[1]
    companies = sorted({working.site.company for working in programme.working})
    return _table(
        OUTAGE_COLUMNS,
        (
            (
                f"feeder-{company[-1]}{number}",
                company_name(company),
                *_span(begin, end),
                f"{company_name(company)} load-shedding notice",
            )
            for company in companies
            for begin, end in _dark(first, until)
            for number in (1, 2)
        ),
    )


def payouts_of(programme: Programme, rows: Iterable[Settlement]) -> Iterator[Payout]:
    """The payouts of some rows, in the order of the chain."""
    wanted = set(rows)
    return (payout for payout in programme.payouts if payout.row in wanted)


def utc_of(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _each(
    programme: Programme, rows: Sequence[Settlement]
) -> Iterator[tuple[Working, Settlement, int, int]]:
    for working in programme.working:
        for row in rows:
            yield working, row, *programme.span(row)


def _prices(site: DemoSite) -> Sequence[str]:
    fuel = Decimal(site.fuel_cost)
    each = (TARIFF_RS_KWH, fuel, fuel + CAPACITY_RS_KWH)
    return (*(f"{cost * _PER_MWH:.2f}" for cost in each), "tariff order 1 (invented)")


def _dark(first: int, until: int) -> Iterator[tuple[int, int]]:
    """Times in which the grid was short, whole hours, neighbours joined."""
    begin: int | None = None
    for at in range(first, until, HOUR_S):
        short = tight(datetime.fromtimestamp(at, PKT))
        if short and begin is None:
            begin = at
        elif not short and begin is not None:
            yield begin, at
            begin = None
    if begin is not None:
        yield begin, until


def _span(first: int, until: int) -> tuple[str, str]:
    return utc_text(utc_of(first)), utc_text(utc_of(until))


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    # No cell of these tables holds a comma or a quotation mark.
    return "".join(f"{','.join(row)}\n" for row in (columns, *rows)).encode("ascii")
