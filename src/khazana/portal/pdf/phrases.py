"""The words of printed statements, and sentences put together from words and figures."""

import string
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from khazana.portal.formatting.languages import LANGUAGES, language_of
from khazana.portal.pdf.runs import Run, words

PHRASES_FORMAT = "khazana.pdf-phrases/1"


@cache
def table() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """section -> key -> language -> text, as shipped."""
    file = resources.files("khazana.portal.pdf").joinpath("data/phrases.toml")
    read = tomllib.loads(file.read_text(encoding="utf-8"))
    if read.pop("format", None) != PHRASES_FORMAT:
        raise RuntimeError(f"phrases.toml is not {PHRASES_FORMAT}")
    for section, phrases in read.items():
        for key, texts in phrases.items():
            if set(texts) != set(LANGUAGES) or not all(texts.values()):
                raise RuntimeError(f"phrase {section}.{key} is not in every language")
    return read


def phrase(section: str, key: str, *, language: str) -> str:
    """A phrase without figures."""
    return table()[section][key][language_of(language)]


def sentence(section: str, key: str, *, language: str, **facts: Run | Sequence[Run]) -> list[Run]:
    """A phrase with its figures and names in place, each keeping its own direction."""
    runs: list[Run] = []
    for text, name, _, _ in string.Formatter().parse(phrase(section, key, language=language)):
        if text:
            runs.append(words(text))
        if name is not None:
            fact = facts[name]
            runs += [fact] if isinstance(fact, Run) else fact
    return runs
