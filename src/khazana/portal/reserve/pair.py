"""The page of the two bars: which sets are compared, and the story of each coin."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from khazana.portal.reserve.home import bars_svg
from khazana.portal.reserve.models import FiguresRow, MovementRow
from khazana.portal.statement.models import StatementRow
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.two_bars import two_bars

_HEIGHT = re.compile("[0-9]{1,9}")


def pair_of(statement: StatementRow, asked: Mapping[str, str]) -> dict[str, Any]:
    """Template variables: both sets, both figures, arrivals; `watched`, `stock`, `block` may be
    asked for, what is not understood falls back to the statement's own pair.
    """
    rows = {row.part: row for row in FiguresRow.objects.filter(statement=statement)}
    watched = asked.get("watched", "")
    stock = asked.get("stock", "")
    watched = watched if watched in rows else statement.watched
    stock = stock if stock in rows else statement.headline
    block = asked.get("block", "")
    height = int(block) if _HEIGHT.fullmatch(block) else None
    if watched not in rows or stock not in rows or movements_withheld(statement):
        return {"statement": statement, "sets": rows.values()}
    bars = two_bars(
        cached_value(statement.root, statement.sha256), watched=watched, stock=stock, height=height
    )
    times = dict(
        MovementRow.objects.filter(
            statement=statement, txid__in=[arrival.txid for arrival in bars.arrivals]
        ).values_list("txid", "median_time")
    )
    return {
        "statement": statement,
        "sets": rows.values(),
        "watched": rows[watched],
        "stock": rows[stock],
        "only_block": height,
        "bars": bars,
        "svg": bars_svg(rows[watched], bars.gross, rows[stock], bars.net),
        "arrivals": [
            {
                "arrival": arrival,
                "at": times.get(arrival.txid),
                "source": rows.get(f"wallet/{arrival.source}")
                or rows.get(f"account/{arrival.source}"),
            }
            for arrival in bars.arrivals
        ],
    }


def movements_withheld(statement: StatementRow) -> bool:
    """Whether the published view shows no movements: then there is no story to tell."""
    value = cached_value(statement.root, statement.sha256)
    return any(value.withheld(kind) for kind in ("entry", "wallet", "perimeter"))


@lru_cache(maxsize=8)
def cached_value(root: str, sha256: str) -> ReserveStatement:
    """A statement read from its bytes; the same bytes are read once."""
    return StatementRow.objects.get(root=root, sha256=sha256).value()
