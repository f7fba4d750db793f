"""What a log never holds: the tokens of one-time links, which open accounts while they are good."""

import logging
import re

_TOKEN = re.compile(r"(/begin/)[^/\s\"']+")


class WithoutTokens(logging.Filter):
    """Takes tokens out of every record before a handler writes it.

    Django logs the path of what it refuses (a weak password, a forged form), and the path of a
    one-time link is the link.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _without(record.getMessage())
        record.args = ()
        if record.exc_info:
            record.exc_text = _without(_FORMATTER.formatException(record.exc_info))
        return True


_FORMATTER = logging.Formatter()


def _without(text: str) -> str:
    """
    >>> _without("Unprocessable: /en/accounts/begin/ab-C_9/")
    'Unprocessable: /en/accounts/begin/.../'
    """
    return _TOKEN.sub(r"\1...", text)
