"""Example memoranda of the demo's lender: the shipped ones' conditions with invented figures.

At each review the base of what is counted moves to the day the period before closed, so that one
quarter's books are enough to measure it.
"""

from collections.abc import Iterable
from datetime import date

from khazana.cli.demo.names import (
    DRILL_ARRANGEMENT,
    EL_SALVADOR_ARRANGEMENT,
    LENDERS_PUBLIC_SECTOR,
    NET_RESERVES,
    NO_ACCUMULATION,
    NO_ACCUMULATION_ELSEWHERE,
    NO_PURCHASE_OR_MINING,
    OUTSIDE_RESERVE,
    PAKISTAN_ARRANGEMENT,
    PURCHASE_CEILING,
    STATE_BANK,
    STOCK_CEILING,
    WALLET_STATEMENT,
    toml_names,
)
from khazana.ledger.accounts import Names
from khazana.statement.checks import TEST_NOTICE

STOCK_CEILING_BTC = 900
"""El Salvador: coins less what clients are owed, in the demo's scale."""
PURCHASE_CEILING_BTC = 12
"""Pakistan: bought and mined between two reviews, in the demo's scale."""
NET_RESERVES_FLOOR_USD_M = -12_150
"""Pakistan: negative, as such floors are."""

_SOURCE = '{ document = "Example memorandum of the test network (invented)", page = 1, mark = "S" }'
_FREE_IN = '["seizure", "forfeiture", "dust"]'


def el_salvador_memorandum(*, approved: date, base: date, tested: Iterable[date]) -> str:
    """No accumulation, no purchase, a ceiling on the stock, a statement each quarter.

    tested: the days for whose close a wallet statement is due.
    """
    return "\n".join(
        (
            *_head("el-salvador-example", EL_SALVADOR_ARRANGEMENT, "SLV", approved),
            *_perimeter(
                "public-sector",
                LENDERS_PUBLIC_SECTOR,
                "Every public body, hot and cold wallets alike; clients' coins are theirs.",
            ),
            *_continuous(
                "no-accumulation",
                NO_ACCUMULATION,
                ("bitcoin_accumulation", "public-sector"),
                target=(base, 0),
                base=base,
                net_of_clients=True,
            ),
            *_continuous(
                "no-purchase-or-mining",
                NO_PURCHASE_OR_MINING,
                ("bitcoin_acquisitions", "public-sector"),
                target=(base, 0),
                base=base,
            ),
            *_continuous(
                "stock-ceiling",
                STOCK_CEILING,
                ("bitcoin_stock", "public-sector"),
                target=(approved, STOCK_CEILING_BTC),
                net_of_clients=True,
            ),
            *_condition("wallet-statement", WALLET_STATEMENT, "reporting_duty"),
            'quantity = "done"',
            'perimeter = "public-sector"',
            'unit = "done"',
            'sign = "positive"',
            'direction = "floor"',
            *_dated(tested, 1),
        )
    )


def pakistan_memorandum(*, approved: date, base: date, tested: Iterable[date]) -> str:
    """A ceiling on what is bought and mined, no coins beside the reserve, a floor on reserves."""
    days = list(tested)
    return "\n".join(
        (
            *_head("pakistan-example", PAKISTAN_ARRANGEMENT, "PAK", approved),
            *_perimeter("public-sector", LENDERS_PUBLIC_SECTOR, "Every public body."),
            *_perimeter(
                "outside-reserve",
                OUTSIDE_RESERVE,
                "Public bodies that hold coins and have no mandate to: customs, the site company.",
            ),
            *_perimeter("central-bank", STATE_BANK, "The central bank alone."),
            "",
            "[[reference]]",
            'quantity = "gross_international_reserves"',
            f"date = {days[0]}",
            "value = 14_500",
            'unit = "USD m"',
            f"source = {_SOURCE}",
            "",
            "# What an order to buy bitcoin does to others: the coins are no reserve asset.",
            "[[effect]]",
            'reason = "acquisition"',
            'paid_from = "central_bank"',
            'quantity = "net_international_reserves"',
            "factor = -1",
            f"source = {_SOURCE}",
            *_continuous(
                "purchase-ceiling",
                PURCHASE_CEILING,
                ("bitcoin_acquisitions", "public-sector"),
                target=(base, PURCHASE_CEILING_BTC),
                base=base,
            ),
            *_continuous(
                "no-accumulation-elsewhere",
                NO_ACCUMULATION_ELSEWHERE,
                ("bitcoin_accumulation", "outside-reserve"),
                target=(base, 0),
                base=base,
                excluded='["seizure", "forfeiture", "dust", "mined"]',
                counts='["acquisition"]',
            ),
            *_condition("net-reserves", NET_RESERVES, "periodic_performance_criterion"),
            'quantity = "net_international_reserves"',
            'perimeter = "central-bank"',
            'unit = "USD m"',
            'sign = "negative"',
            'direction = "floor"',
            *_dated(days, NET_RESERVES_FLOOR_USD_M),
        )
    )


def drill_memorandum(*, base: date) -> str:
    """What the Drill Office breaks."""
    return "\n".join(
        (
            *_head("drill-example", DRILL_ARRANGEMENT, "XXX", base),
            *_perimeter("all", LENDERS_PUBLIC_SECTOR, "The whole Drill Office."),
            *_continuous(
                "no-accumulation",
                NO_ACCUMULATION,
                ("bitcoin_accumulation", "all"),
                target=(base, 0),
                base=base,
            ),
            "",
        )
    )


def _head(id_: str, name: Names, country: str, approved: date) -> Iterable[str]:
    yield f"# An example: {TEST_NOTICE}. No lender and no state agreed to any of this."
    yield 'format = "khazana.memorandum/1"'
    yield ""
    yield "[memorandum]"
    yield f'id = "{id_}"'
    yield f"name = {toml_names(name)}"
    yield 'lender = "The lender (invented)"'
    yield f'country = "{country}"'
    yield 'arrangement = "Example arrangement (invented)"'
    yield f"approved = {approved}"
    yield f'notice = "{TEST_NOTICE}"'


def _perimeter(id_: str, name: Names, definition: str) -> Iterable[str]:
    yield from ("", "[[perimeter]]", f'id = "{id_}"', f"name = {toml_names(name)}")
    yield from (f'definition = "{definition}"', f"source = {_SOURCE}")


def _condition(id_: str, name: Names, kind: str) -> Iterable[str]:
    yield from ("", "[[condition]]", f'id = "{id_}"', f"name = {toml_names(name)}")
    yield from (f'kind = "{kind}"', f"source = {_SOURCE}")


def _continuous(
    id_: str,
    name: Names,
    about: tuple[str, str],
    *,
    target: tuple[date, int],
    base: date | None = None,
    net_of_clients: bool = False,
    excluded: str = _FREE_IN,
    counts: str = '["acquisition", "mined"]',
) -> Iterable[str]:
    """A ceiling that holds at every block. about: quantity and perimeter; target: since, BTC."""
    since, most = target
    yield from _condition(id_, name, "continuous_performance_criterion")
    yield from (f'quantity = "{about[0]}"', f'perimeter = "{about[1]}"', 'unit = "BTC"')
    yield from (f'sign = "{"positive" if most else "zero"}"', 'direction = "ceiling"')
    if base is not None:
        yield f"cumulative_from = {base}"
    yield from ("", "[condition.ledger]", f"counts = {counts}", f"excluded_reasons = {excluded}")
    yield 'excluded_lanes = ["seized"]'
    yield f"net_of_clients = {str(net_of_clients).lower()}"
    yield from ("", "[[condition.target]]", f"since = {since}", f"value = {most}")


def _dated(days: Iterable[date], value: int) -> Iterable[str]:
    for day in days:
        yield from ("", "[[condition.target]]", f"date = {day}", f"value = {value}")
    yield ""
