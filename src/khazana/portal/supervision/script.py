"""The script of the portal's check of a slip: the saved page's own, with other ends."""

import hashlib
from functools import cache
from importlib.resources import files

from khazana.statement.browser_page.assemble import SHELL, constants, scripts
from khazana.supervision.solvency.page.build import page_words, verifier


@cache
def script() -> bytes:
    """A file of its own, as the portal's policy asks; the same version gives the same bytes."""
    own = (files(__package__) / "data" / "check_balance.js").read_text(encoding="utf-8")
    parts = (constants({"WORDS": page_words()}), verifier(), scripts(*SHELL), own)
    return ('"use strict";\n(() => {\n' + "\n".join(parts) + "\n})();\n").encode()


def script_sha256() -> str:
    return hashlib.sha256(script()).hexdigest()
