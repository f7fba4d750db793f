"""How often one address may ask: counted in fixed spans, so that an answer costs one look-up."""

import hashlib
import math
import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from ninja.throttling import BaseThrottle

SPANS = {"s": 1, "min": 60, "h": 3600}


def rate_of(text: str) -> tuple[int, int]:
    """Requests and seconds of a rate; ValueError for other spellings.

    >>> rate_of("600/min")
    (600, 60)
    """
    number, _slash, span = text.partition("/")
    if not (number.isascii() and number.isdecimal()) or int(number) == 0 or span not in SPANS:
        raise ValueError(f"{text!r} is no rate such as 600/min, 20/s or 10000/h")
    return int(number), SPANS[span]


class Rate(BaseThrottle):
    """The rate of settings.API_RATE for each reader's address; no rate, no limit."""

    def allow_request(self, request: HttpRequest) -> bool:
        if not settings.API_RATE:
            return True
        most, span = rate_of(settings.API_RATE)
        who = hashlib.sha256((self.get_ident(request) or "").encode()).hexdigest()[:32]
        key = f"api-rate-{who}-{int(time.time()) // span}"
        cache.add(key, 0, span)
        try:
            return cache.incr(key) <= most
        except ValueError:  # it expired between the two: a new span has begun
            return True

    def wait(self) -> float | None:
        """Seconds until the next span begins."""
        if not settings.API_RATE:
            return None
        _most, span = rate_of(settings.API_RATE)
        return float(span - math.floor(time.time()) % span)
