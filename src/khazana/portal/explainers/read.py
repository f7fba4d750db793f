"""Explainers as HTML: Markdown without raw HTML, links that stay where they should."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from khazana.portal.words.read import LANGUAGES

SLUGS = (
    "what-a-proof-shows",
    "check-it-yourself",
    "evidence-grades",
    "addresses-and-liabilities",
    "two-bars",
    "proof-of-control",
    "lenders-conditions",
    "mining-evidence",
    "detection-limit",
    "solvency-coverage",
    "questions-of-law",
)
"""In the order in which a page lists them."""

EXPLAINER, CLAIM = "explainer:", "claim:"
"""What a text writes for a link to another explainer, or to a claim of the register."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the portal keeps what texts link to; {} stands for the slug or the claim's id."""

    explainer: str = "../{}/"
    claim: str = "../../claims/#{}"


DEFAULT_PLACES = Places()


@dataclass(frozen=True, slots=True)
class Explainer:
    """One page. title: its heading as plain text. html: the rest, safe to put into a page."""

    slug: str
    language: str
    title: str
    html: str


@cache
def explainers(language: str, places: Places = DEFAULT_PLACES) -> tuple[Explainer, ...]:
    """All explainers in a language, in order.

    >>> [page.title for page in explainers("en")][:2]
    ['What a proof shows, and what it does not', 'Check it yourself']
    """
    return tuple(explainer(slug, language, places) for slug in SLUGS)


def explainer(slug: str, language: str, places: Places = DEFAULT_PLACES) -> Explainer:
    """One explainer; ValueError for a slug or language that there is not."""
    if slug not in SLUGS:
        raise ValueError(f"no explainer is called {slug!r}")
    return to_page(slug, language, source(slug, language), places)


def source(slug: str, language: str) -> str:
    """The text as it was written."""
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is not one of the languages {', '.join(LANGUAGES)}")
    folder = resources.files("khazana.portal.explainers").joinpath("data")
    return folder.joinpath(f"{slug}.{language}.md").read_text(encoding="utf-8")


def to_page(slug: str, language: str, text: str, places: Places = DEFAULT_PLACES) -> Explainer:
    """A Markdown text with one first heading; ValueError says what it must not contain."""
    markdown = _markdown()
    tokens = markdown.parse(text)
    headings = [token.tag for token in tokens if token.type == "heading_open"]
    if headings.count("h1") != 1 or tokens[0].tag != "h1":
        raise ValueError(f"{slug}.{language}: begins with its one heading, # Title")
    for token in _all(tokens):
        if token.type == "image":
            raise ValueError(f"{slug}.{language}: explainers are words; it holds an image")
        if token.type == "link_open":
            token.attrs["href"] = _place(str(token.attrs["href"]), places, f"{slug}.{language}")
    title = "".join(
        child.content for child in tokens[1].children or () if child.type in ("text", "code_inline")
    )
    html = markdown.renderer.render(tokens[3:], markdown.options, {})
    return Explainer(slug, language, title, html)


def _place(link: str, places: Places, where: str) -> str:
    """The address behind a link: our own names resolved, http(s) kept, other schemes refused."""
    if link.startswith(EXPLAINER):
        slug = link.removeprefix(EXPLAINER)
        if slug not in SLUGS:
            raise ValueError(f"{where}: no explainer is called {slug!r}")
        return places.explainer.format(slug)
    if link.startswith(CLAIM):
        return places.claim.format(link.removeprefix(CLAIM))
    if link.startswith(("https://", "http://")):
        return link
    # //host leaves the site as https://host does, and looks like a path of ours.
    if _SCHEME.match(link) or link.startswith("//"):
        raise ValueError(f"{where}: links go to http(s) or stay here, not to {link!r}")
    return link


def _all(tokens: Sequence[Token]) -> list[Token]:
    found = []
    for token in tokens:
        found.append(token)
        found += _all(token.children or ())
    return found


@cache
def _markdown() -> MarkdownIt:
    # Raw HTML is shown as the text it is.
    markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    # Every link is looked at by us, also those that markdown-it would leave as text.
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]
    return markdown


class _Renderer(RendererHTML):
    """Code stands left to right and apart from the text around it, in every language."""

    def code_inline(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return f'<bdi dir="ltr"><code>{escapeHtml(tokens[idx].content)}</code></bdi>'

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<pre dir="ltr"><code>{escapeHtml(tokens[idx].content)}</code></pre>\n'

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        href = str(tokens[idx].attrs["href"])
        away = ' rel="noopener noreferrer"' if href.startswith("http") else ""
        return f'<a href="{escapeHtml(href)}"{away}>'


def shape(text: str) -> Mapping[str, Any]:
    """What every language of a page must have in common: blocks, links, code and digits."""
    tokens = _markdown().parse(text)
    blocks = [f"{token.type} {token.tag}" for token in tokens if token.nesting >= 0]
    return {
        "blocks": blocks,
        "links": sorted(str(t.attrs["href"]) for t in _all(tokens) if t.type == "link_open"),
        "code": sorted(t.content for t in _all(tokens) if t.type in ("code_inline", "fence")),
        "figures": sorted(re.findall(r"\d[\d.,]*\d|\d", _words(tokens))),
        "strong": sum(token.type == "strong_open" for token in _all(tokens)),
    }


def _words(tokens: Sequence[Token]) -> str:
    return "\n".join(token.content for token in _all(tokens) if token.type == "text")
