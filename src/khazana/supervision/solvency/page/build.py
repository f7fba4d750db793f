"""Builds the customer's page; the cryptography and the strict reader are the statement page's."""

import json
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from khazana.statement.browser_page.assemble import (
    SHELL,
    STRICT_JSON,
    Page,
    assembled,
    constants,
    in_english,
    scripts,
)
from khazana.statement.browser_page.assemble import text_of as shared_text
from khazana.statement.browser_page.build import LANGUAGES, without_prose
from khazana.statement.wire import json_schema
from khazana.supervision.solvency.epoch import Epoch
from khazana.supervision.solvency.errors import Reason

DATA = files("khazana.supervision.solvency.page") / "data"


def text_of(name: str) -> str:
    """A text that ships with this page."""
    return (DATA / name).read_text(encoding="utf-8")


def verifier() -> str:
    """The verifier alone, without a page around it."""
    data = constants({"SCHEMAS": {"epoch": without_prose(json_schema("epoch", Epoch))}})
    shared = scripts("bytes", "sha256", *STRICT_JSON)
    return "\n".join((data, shared, text_of("tree.js"), text_of("given.js")))


@cache
def built() -> Page:
    """The page; the same version of Khazana always gives the same bytes."""
    words = page_words()
    script = (constants({"WORDS": words}), verifier(), scripts(*SHELL), text_of("page.js"))
    html = in_english(text_of("page.html"), words["page"])
    return assembled(html=html, style=shared_text("page.css"), script=script)


def page_words() -> dict[str, dict[str, dict[str, str]]]:
    """The page's words; ValueError where a language lacks one."""
    document: dict[str, Any] = tomllib.loads(text_of("words.toml"))
    if document.pop("format") != "khazana.words/1":
        raise ValueError("words.toml is of another format")
    for key, texts in (document["page"] | document["reason"]).items():
        if tuple(texts) != LANGUAGES or not all(texts.values()):
            raise ValueError(f"{key} is not said in each of {json.dumps(LANGUAGES)}")
    if set(document["reason"]) != set(Reason):
        raise ValueError("words.toml does not say each reason for rejecting, and no other")
    return msgspec.convert(document, dict[str, dict[str, dict[str, str]]])
