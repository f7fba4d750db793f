"""Canonical JSON: one value, one sequence of bytes, and a reader that refuses double meanings.

The subset is small on purpose: integers within +-(2^53 - 1), strings in Unicode NFC, booleans,
null, arrays, and objects whose keys are printable ASCII, nested at most 32 deep. On it the compact
form with sorted keys is RFC 8785 (JSON Canonicalization Scheme). These bytes are what is hashed
and signed.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from khazana.errors import KhazanaError

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"

MOST_INTEGER = 2**53 - 1
"""Every integer up to here is exact in every JSON reader (RFC 8259, section 6; RFC 7493)."""
MOST_NESTING = 32
"""Arrays and objects inside one another; deeper text is an attack on readers, not a document."""


@dataclass(eq=False, kw_only=True)
class JsonRefused(KhazanaError):
    """JSON text outside the strict subset. `path` leads to the value, such as `parts[3].amount`."""

    path: str
    line: int
    column: int
    problem: str
    code = "json_refused"
    words = "JSON refused at {path} (line {line}, column {column}): {problem}."


def canonical_bytes(value: Json) -> bytes:
    """The RFC 8785 bytes of a value; ValueError or TypeError when it is outside the subset.

    >>> canonical_bytes({"b": [1, None, True], "a": "خزانہ"}).decode()
    '{"a":"خزانہ","b":[1,null,true]}'
    >>> canonical_bytes({"rate": 0.5})
    Traceback (most recent call last):
    TypeError: rate: float is not in the canonical subset
    """
    plain = _plain(value, "", 0)
    # ASCII keys sort alike by code point and by UTF-16 unit, which is the order RFC 8785 asks for.
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode("utf-8")


def _plain(value: object, path: str, depth: int) -> Any:
    """The value as json.dumps wants it; `depth` containers are open around it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if problem := _integer_problem(value):
            raise ValueError(f"{path or '(top)'}: {problem}")
        return int(value)
    if isinstance(value, str):
        if problem := _text_problem(value):
            raise ValueError(f"{path or '(top)'}: {problem}")
        return str(value)
    if not isinstance(value, (Mapping, list, tuple)):
        raise TypeError(f"{path or '(top)'}: {type(value).__name__} is not in the canonical subset")
    if depth >= MOST_NESTING:
        raise ValueError(f"{path}: nested deeper than {MOST_NESTING}")
    if not isinstance(value, Mapping):
        return [_plain(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
    plain = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise TypeError(f"{path or '(top)'}: key {key!r} is not a string")
        if problem := _key_problem(key):
            raise ValueError(f"{path or '(top)'}: {problem}")
        plain[key] = _plain(item, _below(path, key), depth + 1)
    return plain


def parse_strict(text: str | bytes) -> Json:
    """Read JSON text of the subset; `JsonRefused` says where and why it is refused.

    Whitespace and key order are free: compare `canonical_bytes` of the result with the input to
    learn whether it was canonical.

    >>> parse_strict('{"sats": 1, "sats": 2}')
    Traceback (most recent call last):
    khazana.ledger.canonical.JsonRefused: JSON refused at sats (line 1, column 13): key "sats" ...
    """
    if isinstance(text, bytes):
        text = _decoded(text)
    # The library's reader is fast but cannot say where; whatever it dislikes is read again by ours.
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object_of,
            parse_float=_refuse,
            parse_constant=_refuse,
            parse_int=_int_of,
        )
        _plain(value, "", 0)
    except (ValueError, TypeError, RecursionError):
        return _Reader(text).document()
    return value  # type: ignore[no-any-return]


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _refuse(literal: str) -> NoReturn:
    raise ValueError(literal)


def _int_of(literal: str) -> int:
    if literal == "-0" or len(literal) > 17:
        raise ValueError(literal)
    return int(literal)


def _integer_problem(value: int) -> str | None:
    if abs(value) > MOST_INTEGER:
        return f"{value} is beyond 2^53 - 1, where JSON readers stop being exact"
    return None


def _text_problem(text: str) -> str | None:
    if text.isascii():
        return None
    if any("\ud800" <= char <= "\udfff" for char in text):
        return "text has half of a surrogate pair, which is no character"
    if not unicodedata.is_normalized("NFC", text):
        return "text is not in Unicode normal form C: two spellings would look alike"
    return None


def _key_problem(key: str) -> str | None:
    if key and key.isascii() and key.isprintable():
        return None
    return f"key {key!r} is not printable ASCII" if key else "an empty key"


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as wrong:
        before = raw[: wrong.start]
        raise JsonRefused(
            path="(text)",
            line=before.count(b"\n") + 1,
            column=wrong.start - (before.rfind(b"\n") + 1) + 1,
            problem=f"byte {raw[wrong.start]:#04x} is not UTF-8",
        ) from wrong


_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?[0-9][0-9.eE+-]*")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_PLAIN_TEXT = re.compile(r'[^"\\\x00-\x1f]*')
_HEX4 = re.compile(r"[0-9A-Fa-f]{4}")
_ESCAPES = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_WORDS: tuple[tuple[str, bool | None], ...] = (("true", True), ("false", False), ("null", None))


class _Reader:
    """Reads the strict subset by itself and knows at every step where it is."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def document(self) -> Json:
        if self.text.startswith("\ufeff"):
            self.refuse("", "the text starts with a byte order mark; save it as plain UTF-8")
        value = self.value("", 0)
        self.space()
        if self.at < len(self.text):
            self.refuse("", "something follows the document's end")
        return value

    def refuse(self, path: str, problem: str, at: int | None = None) -> NoReturn:
        at = self.at if at is None else at
        raise JsonRefused(
            path=path or "(top)",
            line=self.text.count("\n", 0, at) + 1,
            column=at - (self.text.rfind("\n", 0, at) + 1) + 1,
            problem=problem,
        )

    def space(self) -> str:
        """Skip whitespace; the next character, or '' at the end."""
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]

    def value(self, path: str, depth: int) -> Json:
        char = self.space()
        if char == '"':
            return self.string(path)
        if char and char in "-0123456789":
            return self.integer(path)
        if char and char in "[{":
            if depth >= MOST_NESTING:
                self.refuse(path, f"nested deeper than {MOST_NESTING}")
            return self.array(path, depth) if char == "[" else self.object(path, depth)
        for word, meaning in _WORDS:
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return meaning
        if not char:
            self.refuse(path, "the text ends where a value should stand")
        for word in ("NaN", "Infinity"):
            if self.text.startswith(word, self.at):
                self.refuse(path, f"{word} is not JSON")
        self.refuse(path, f"{char!r} starts no value")

    def integer(self, path: str) -> int:
        start = self.at
        found = _NUMBER.match(self.text, start)
        literal = found.group() if found else "-"
        if not _INTEGER.fullmatch(literal) or literal == "-0":
            self.refuse(path, f"{literal[:40]} is not a plain integer; fractions are strings here")
        # int() itself refuses absurd lengths; seventeen digits are beyond the limit already.
        if len(literal) > 17 or _integer_problem(int(literal)):
            self.refuse(path, f"{literal[:40]} is beyond 2^53 - 1")
        self.at = start + len(literal)
        return int(literal)

    def string(self, path: str) -> str:
        start = self.at
        self.at += 1
        pieces: list[str] = []
        while True:
            found = _PLAIN_TEXT.match(self.text, self.at)
            if found:
                pieces.append(found.group())
                self.at = found.end()
            char = self.text[self.at : self.at + 1]
            if char == '"':
                self.at += 1
                break
            if char == "\\":
                pieces.append(self.escape(path))
            elif char:
                self.refuse(path, f"control character {char!r} in a string must be escaped")
            else:
                self.refuse(path, "a string is not closed", start)
        text = "".join(pieces)
        if problem := _text_problem(text):
            self.refuse(path, problem, start)
        return text

    def escape(self, path: str) -> str:
        start = self.at
        letter = self.text[start + 1 : start + 2]
        if letter in _ESCAPES:
            self.at += 2
            return _ESCAPES[letter]
        unit = self.unit(start)
        if unit is None:
            self.refuse(path, f"{self.text[start : start + 2]!r} is no escape")
        self.at += 6
        if 0xD800 <= unit <= 0xDBFF:
            low = self.unit(self.at)
            if low is not None and 0xDC00 <= low <= 0xDFFF:
                self.at += 6
                return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        return chr(unit)

    def unit(self, at: int) -> int | None:
        """The UTF-16 unit of the escape that starts at `at`, if one does."""
        if not self.text.startswith("\\u", at):
            return None
        found = _HEX4.match(self.text, at + 2)
        return int(found.group(), 16) if found else None

    def array(self, path: str, depth: int) -> list[Json]:
        self.at += 1
        items: list[Json] = []
        if self.space() == "]":
            self.at += 1
            return items
        while True:
            items.append(self.value(f"{path}[{len(items)}]", depth + 1))
            if self.next_or_end(path, "]"):
                return items

    def object(self, path: str, depth: int) -> dict[str, Json]:
        self.at += 1
        members: dict[str, Json] = {}
        if self.space() == "}":
            self.at += 1
            return members
        while True:
            if self.space() != '"':
                self.refuse(path, "a key in double quotes should stand here")
            start = self.at
            key = self.string(path)
            if problem := _key_problem(key):
                self.refuse(path, problem, start)
            if key in members:
                self.refuse(_below(path, key), f'key "{key}" stands here twice', start)
            if self.space() != ":":
                self.refuse(_below(path, key), "a colon should follow the key")
            self.at += 1
            members[key] = self.value(_below(path, key), depth + 1)
            if self.next_or_end(path, "}"):
                return members

    def next_or_end(self, path: str, end: str) -> bool:
        char = self.space()
        if char not in (",", end):
            self.refuse(path, f"a comma or {end!r} should stand here")
        self.at += 1
        return char == end
