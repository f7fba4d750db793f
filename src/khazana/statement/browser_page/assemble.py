"""One self-contained HTML file from pieces of script and style, locked to exactly these pieces."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

DATA = files("khazana.statement.browser_page") / "data"

SHELL = ("dom",)
"""Scripts for elements and languages; they need the constant `WORDS`."""
CRYPTOGRAPHY = ("bytes", "sha256", "sha512", "ed25519")
"""Scripts that know nothing of statements; other pages may build on them."""
STRICT_JSON = ("canonical", "shape")
"""Scripts that read JSON strictly; they need `CRYPTOGRAPHY`'s `bytes` before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The file, and the policy that a server which sends it must send too (or none at all)."""

    html: bytes
    content_security_policy: str


def text_of(name: str) -> str:
    """A text that ships with this package."""
    return (DATA / name).read_text(encoding="utf-8")


def scripts(*names: str) -> str:
    """The scripts of these names, one after the other in one scope."""
    return "\n".join(text_of(f"{name}.js") for name in names)


def in_english(html: str, words: Mapping[str, Mapping[str, str]]) -> str:
    """The page with its fixed words filled in, for a browser too old to run the script."""

    def filled(found: re.Match[str]) -> str:
        return f"{found[1]}{escape(words[found[2]]['en'])}</"

    return re.sub(r'(<[^<>]* data-word="(\w+)"[^<>]*>)</', filled, html)


def constants(values: Mapping[str, Any]) -> str:
    """JavaScript constants of plain JSON values, safe inside a script element."""
    return "".join(f"const {name} = {_literal(value)};\n" for name, value in values.items())


def _literal(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=False, separators=(",", ":"))
    # "</script>" and "<!--" would end or confuse the element, wherever they stand.
    return text.replace("<", "\\u003c")


def assembled(*, html: str, style: str, script: Sequence[str]) -> Page:
    """The page: `html` with @STYLE@, @SCRIPT@ and @CSP@ filled in; the same input, the same bytes.

    The policy allows this one script and this one style by their SHA-256, and no address at all.
    """
    whole = '"use strict";\n(() => {\n' + "\n".join(script) + "\n})();\n"
    for what, text in (("script", whole), ("style", style)):
        if f"</{what}" in text.lower() or "<!--" in text:
            raise ValueError(f"the {what} would end its own element")
    inside = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_source_of(whole)}",
            f"style-src {_source_of(style)}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        )
    )
    for mark, text in (("@CSP@", inside), ("@STYLE@", style), ("@SCRIPT@", whole)):
        if html.count(mark) != 1:
            raise ValueError(f"the page has {html.count(mark)} places for {mark}")
        html = html.replace(mark, text)
    # A meta element cannot say who may frame the page; a server can.
    policy = f"{inside}; frame-ancestors 'none'"
    return Page(html=html.encode(), content_security_policy=policy)


def _source_of(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
