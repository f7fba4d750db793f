"""Builds the page that checks a statement: shapes and words come from where Python has them."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from khazana.bitcoin.network import NETWORKS
from khazana.statement.browser_page.assemble import (
    CRYPTOGRAPHY,
    SHELL,
    STRICT_JSON,
    Page,
    assembled,
    constants,
    in_english,
    scripts,
    text_of,
)
from khazana.statement.dsse import EnvelopeFile
from khazana.statement.office_file import office_json_schema
from khazana.statement.signatures import RootClaim
from khazana.statement.wire import json_schema, statement_json_schema

LANGUAGES = ("en", "ur", "ar", "es")
STATEMENT_SCRIPTS = (
    "merkle",
    "statement",
    "parts",
    "arithmetic",
    "identity",
    "signatures",
    "checks",
)

PROSE = frozenset({"$schema", "default", "description", "title"})
"""Keywords that ask for nothing."""
KEYWORDS = frozenset(
    {
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "enum",
        "exclusiveMaximum",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "properties",
        "propertyNames",
        "required",
        "type",
    }
)
"""What shape.js obeys of JSON Schema; any other keyword stops the build."""


def page() -> bytes:
    """The file. The same version of Khazana always gives the same bytes."""
    return built().html


def content_security_policy() -> str:
    """The header for a server that sends the page: its own policy would block the inline script."""
    return built().content_security_policy


@cache
def built() -> Page:
    """The page and its policy."""
    words = page_words()
    data = constants(
        {
            "SCHEMAS": page_schemas(),
            "WORDS": words,
            "CHECKS": list(words["check"]),
            "NETWORKS": [
                {"name": network.name, "genesis": network.genesis, "test": network.test}
                for network in NETWORKS.values()
            ],
        }
    )
    html = in_english(text_of("page.html"), words["page"])
    parts = scripts(*CRYPTOGRAPHY, *STRICT_JSON, *STATEMENT_SCRIPTS, *SHELL, "page", "programs")
    return assembled(html=html, style=text_of("page.css"), script=(data, parts))


def page_schemas() -> dict[str, Any]:
    """Every shape that the page checks, by the name that its scripts use."""
    return {
        "statement": without_prose(statement_json_schema()),
        "parts": without_prose(json.loads(text_of("reserve-parts.schema.json"))),
        "office": without_prose(office_json_schema()),
        "envelope": without_prose(json_schema("envelope", EnvelopeFile)),
        "claim": without_prose(json_schema("claim", RootClaim)),
    }


def without_prose(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without descriptions; ValueError for a keyword that the page would not obey."""
    kept: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in PROSE:
            continue
        if keyword not in KEYWORDS:
            raise ValueError(f"shape.js does not know the JSON Schema keyword {keyword}")
        if keyword in ("properties", "$defs"):
            kept[keyword] = {name: without_prose(each) for name, each in value.items()}
        elif keyword == "anyOf":
            kept[keyword] = [without_prose(each) for each in value]
        elif isinstance(value, dict):
            kept[keyword] = without_prose(value)
        else:
            kept[keyword] = value
    return kept


def page_words() -> dict[str, dict[str, dict[str, str]]]:
    """The page's words by table and key, each in every language; ValueError where one lacks."""
    document = tomllib.loads(text_of("words.toml"))
    if document.pop("format") != "khazana.words/1":
        raise ValueError("words.toml is of another format")
    for place, texts in _entries(document):
        if tuple(texts) != LANGUAGES or not all(texts.values()):
            raise ValueError(f"{place} is not said in each of {', '.join(LANGUAGES)}")
    return msgspec.convert(document, dict[str, dict[str, dict[str, str]]])


def _entries(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    for table, entries in document.items():
        for key, texts in entries.items():
            yield f"{table}.{key}", texts
