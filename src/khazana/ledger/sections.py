"""Sections of a TOML file, read field by field; every problem carries its file, line and field."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

from khazana.ledger.accounts import Names
from khazana.ledger.office import NamedBlock, Place
from khazana.ledger.problems import ProblemList, suggestion
from khazana.ledger.tables import HASH, IDENTIFIER, block_name
from khazana.ledger.toml_lines import Path, line_of, lines_of

E = TypeVar("E", bound=Enum)

_LANGUAGE = re.compile(r"[a-z]{2,3}")
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_MOST_TEXT = 2000


class Section:
    """One table of the file. A field that is missing or wrong reads as an empty value, so that
    reading goes on to the next problem; the file is refused in the end.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        *,
        file: str,
        path: Path,
        lines: Mapping[Path, int],
        problems: ProblemList,
    ) -> None:
        self.values = values
        self.file = file
        self.path = path
        self.lines = lines
        self.problems = problems
        self.known: set[str] = set()

    def place(self, *keys: str | int) -> Place:
        path = (*self.path, *keys)
        return Place(self.file, line_of(self.lines, path), dotted(path))

    def wrong(self, text: str, *keys: str | int) -> None:
        self.problems.add(self.place(*keys), text)

    def has(self, key: str) -> bool:
        self.known.add(key)
        return key in self.values

    def _get(self, key: str, kind: type, what: str, *, required: bool) -> Any:
        if not self.has(key):
            if required:
                self.wrong("is missing", key)
            return None
        value = self.values[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.wrong(f"should be {what}", key)
            return None
        return value

    def maybe_text(self, key: str) -> str | None:
        value = self._get(key, str, "text in quotes", required=False)
        return None if value is None else self._checked_text(value, key) or None

    def text(self, key: str) -> str:
        value = self._get(key, str, "text in quotes", required=True)
        return "" if value is None else self._checked_text(value, key)

    def _checked_text(self, value: str, *keys: str | int) -> str:
        if not value.strip():
            self.wrong("is empty", *keys)
        elif len(value) > _MOST_TEXT:
            self.wrong(f"is longer than {_MOST_TEXT} characters", *keys)
        # Canonically equivalent spellings are the same text; records are kept in one of them.
        return unicodedata.normalize("NFC", value)

    def identifier(self, key: str = "id") -> str:
        value = self.text(key)
        if value and not IDENTIFIER.fullmatch(value):
            self.wrong(f"{value!r}: use 1 to 64 letters, digits, '.', '_' or '-'", key)
        return value

    def hash(self, key: str) -> str:
        value = self.text(key)
        if value and not HASH.fullmatch(value):
            self.wrong(f"{value!r} is not 64 lower-case hex digits", key)
        return value

    def integer(self, key: str, *, least: int, most: int, default: int | None = None) -> int:
        value = self._get(key, int, "a whole number", required=default is None)
        if value is None:
            return least if default is None else default
        if not least <= value <= most:
            self.wrong(f"{value} is not between {least} and {most}", key)
            return least
        return int(value)

    def flag(self, key: str) -> bool:
        return bool(self._get(key, bool, "true or false", required=True))

    def choice(self, key: str, kind: type[E], default: E | None = None) -> E:
        first = default or next(iter(kind))
        value = self._get(key, str, "text in quotes", required=default is None)
        if value is None:
            return first
        known = {member.value: member for member in kind}
        if value not in known:
            self.wrong(f"{value!r} is no choice here{suggestion(value, known)}", key)
            return first
        return known[value]

    def names(self, key: str = "name") -> Names:
        """A name in several languages; English is always there."""
        value = self._get(key, dict, 'a table of languages: {en = "..."}', required=True)
        if value is None:
            return {"en": ""}
        names = {}
        for language, text in value.items():
            if not _LANGUAGE.fullmatch(language):
                self.wrong("is not a language code of two or three letters", key, language)
            elif not isinstance(text, str):
                self.wrong("should be text in quotes", key, language)
            else:
                names[language] = self._checked_text(text, key, language)
        if "en" not in value:
            self.wrong('has no English name: add en = "..."', key)
        return names

    def texts(self, key: str, *, required: bool = False) -> list[tuple[str, int]]:
        """A list of texts with their positions, elements that are no text left out."""
        value = self._get(key, list, "a list of texts", required=required)
        found = []
        for position, item in enumerate(value or ()):
            if isinstance(item, str):
                found.append((self._checked_text(item, key, position), position))
            else:
                self.wrong("should be text in quotes", key, position)
        return found

    def maybe_block(self, key: str) -> NamedBlock | None:
        return self.block(key) if self.has(key) else None

    def block(self, key: str) -> NamedBlock:
        if not self.has(key):
            self.wrong("is missing: name a block by height, hash or date", key)
            return NamedBlock("", self.place(key))
        name, problem = block_name(self.values[key])
        if problem:
            self.wrong(problem, key)
        return NamedBlock(name, self.place(key))

    def section(self, key: str, *, required: bool = True) -> "Section | None":
        value = self._get(key, dict, f"a table: [{key}]", required=required)
        return None if value is None else self._below(value, key)

    def sections(self, key: str) -> "list[Section]":
        value = self._get(key, list, f"tables: [[{key}]]", required=False)
        found = []
        for position, item in enumerate(value or ()):
            if isinstance(item, dict):
                found.append(self._below(item, key, position))
            else:
                self.wrong(f"should be a table: [[{key}]]", key, position)
        return found

    def _below(self, values: Mapping[str, Any], *keys: str | int) -> "Section":
        return Section(
            values,
            file=self.file,
            path=(*self.path, *keys),
            lines=self.lines,
            problems=self.problems,
        )

    def finish(self) -> None:
        """Refuse what nobody asked for: a misspelt key must not be silently without effect."""
        for key in self.values:
            if key not in self.known:
                self.wrong(f"is not a known key{suggestion(key, self.known)}", key)


def dotted(path: Path) -> str:
    """A path as people read it, positions from 1.

    >>> dotted(("wallet", 0, "addresses", 2))
    'wallet[1].addresses[3]'
    """
    text = ""
    for step in path:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read_toml(file: str, raw: bytes, problems: ProblemList) -> Section:
    """The top of a TOML file; refuses at once what is not TOML at all."""
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
        values = tomllib.loads(text)
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        problems.add(Place(file, line, "(text)"), f"byte {raw[wrong.start]:#04x} is not UTF-8")
    except (tomllib.TOMLDecodeError, RecursionError) as wrong:
        found = _TOML_PLACE.search(str(wrong))
        line = int(found[1]) if found and found[1] else raw.count(b"\n") + 1
        words = str(wrong)[: found.start()] if found else "it is nested too deep"
        problems.add(Place(file, line, "(text)"), f"is not TOML: {words}")
    except ValueError:
        # Python's own bound on the digits of a whole number; it does not say where.
        longest = max(enumerate(raw.split(b"\n"), 1), key=lambda row: len(row[1]))[0]
        problems.add(Place(file, longest, "(text)"), "holds a number too long to read")
    else:
        return Section(values, file=file, path=(), lines=lines_of(text), problems=problems)
    problems.refuse_if_any(file)
    raise RuntimeError("a file without a problem was to be refused")
