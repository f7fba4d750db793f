"""Invented prices: what the demo's exchange and bank quote on each day."""

import csv
import io
from datetime import datetime, timedelta

from khazana.cli.demo.timeline import Timeline
from khazana.ledger.documents import utc_text
from khazana.ledger.money import minor_digits
from khazana.ledger.valuation import (
    PRICE_COLUMNS,
    PricePoint,
    PriceRule,
    Quote,
    Value,
    read_prices,
    value_at,
)
from khazana.units import Sats

VENUE, CLOSE = "Exchange A", "daily close (invented for the test network)"
BANK, SELLING = "Bank C", "selling rate (invented for the test network)"

_BASE_USD, _USD_PER_DAY, _SWING_USD = 61_000, 35, 4_001
_BASE_PAISA, _SWING_PAISA = 28_050, 151


class Prices:
    """The table of prices of a demo, read back as any office's table is."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(PRICE_COLUMNS)
        for day in range(1, timeline.days + 1):
            at = utc_text(timeline.instant(day))
            # Multiplying by a prime spreads the days over the swing: a wobble without dice.
            usd = _BASE_USD + _USD_PER_DAY * day + day * 7_919 % _SWING_USD
            paisa = _BASE_PAISA + day * 6_271 % _SWING_PAISA
            writer.writerow((at, VENUE, CLOSE, "BTC", "USD", f"{usd}.00"))
            writer.writerow((at, BANK, SELLING, "USD", "PKR", f"{paisa // 100}.{paisa % 100:02d}"))
        self.table = out.getvalue().encode()
        """The bytes of prices.csv."""
        self.points = read_prices("prices.csv", self.table)
        self._points: dict[datetime, list[PricePoint]] = {}
        for point in self.points:
            self._points.setdefault(point.at, []).append(point)

    def value(self, amount: int, day: int, currency: str) -> Value:
        """What an amount was worth on a day, in USD or PKR."""
        at = self._timeline.instant(day)
        quotes = [Quote("BTC", "USD", VENUE, CLOSE), Quote("USD", "PKR", BANK, SELLING)]
        wanted = quotes if currency == "PKR" else quotes[:1]
        rule = PriceRule(quotes=tuple(wanted), max_age=timedelta(0))
        found = value_at(Sats(amount), at, prices=self._points[at], rule=rule)
        if not isinstance(found, Value):
            raise ValueError(f"the demo has no price for day {day}: {found}")
        return found


def major(minor: int, currency: str) -> str:
    """Minor units as a decimal with the currency's digits."""
    digits = minor_digits()[currency]
    whole, fraction = divmod(minor, 10**digits)
    return f"{whole}.{fraction:0{digits}d}"
