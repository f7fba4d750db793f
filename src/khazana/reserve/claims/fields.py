"""What fields of a register may look like: ids, countries, addresses, texts."""

import re
import unicodedata

CLAIM_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""Also a name in formulas."""
COUNTRY = re.compile(r"[A-Z]{3}")
ADDRESS = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?:/[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?"
)
"""A host and, if known, a path: what https:// stands before."""


def bad_text(text: str) -> str | None:
    """What is wrong with a text that a page will show, or None.

    >>> bad_text("over 6,000")
    """
    # Direction is the page's to set; an unseen mark turns what stands beside it around.
    for sign in text:
        if unicodedata.category(sign) in ("Cc", "Cf", "Co"):
            return f"holds the control character U+{ord(sign):04X}"
    if text != text.strip():
        return "has spaces around it"
    return None
