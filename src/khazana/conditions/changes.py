"""What one memorandum changes in another: part by part, field by field, old and new.

It compares everything that stands in the files, not only what the room understands today.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from khazana.ledger.toml_lines import comments_of


class Change(Enum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field; "": it was or is not there. Both texts are as the file writes the value."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class PartChange:
    """A condition, another part of a list, or the head. id: "" of the head."""

    section: str
    id: str
    change: Change
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs. comments: those that went, and those that came."""

    parts: tuple[PartChange, ...]
    comments_gone: tuple[str, ...]
    comments_new: tuple[str, ...]
    same_bytes: bool


def compare(old: bytes, new: bytes) -> Comparison:
    """Two memoranda that the room can read; `old` may be empty: then all is added."""
    was, is_ = _text(old), _text(new)
    before, after = _parts(tomllib.loads(was)), _parts(tomllib.loads(is_))
    parts = []
    for key in [*after, *(key for key in before if key not in after)]:
        fields = tuple(_fields(before.get(key, {}), after.get(key, {})))
        if fields:
            change = Change.CHANGED
            if key not in before or key not in after:
                change = Change.REMOVED if key in before else Change.ADDED
            parts.append(PartChange(key[0], key[1], change, fields))
    had, has = (Counter(words for _, words in comments_of(text)) for text in (was, is_))
    return Comparison(
        parts=tuple(parts),
        comments_gone=tuple((had - has).elements()),
        comments_new=tuple((has - had).elements()),
        same_bytes=old == new,
    )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8-sig").replace("\r\n", "\n")


Key = tuple[str, str]


def _parts(values: Mapping[str, Any]) -> dict[Key, dict[str, str]]:
    """Section and id -> field -> value as text. The order of the parts is not compared."""
    found: dict[Key, dict[str, str]] = {}
    for section, value in values.items():
        if isinstance(value, list) and all(isinstance(each, dict) for each in value):
            for name, each in _named(value):
                found[section, name] = dict(_leaves("", each))
        elif isinstance(value, dict):
            found[section, ""] = dict(_leaves("", value))
        else:
            found[section, ""] = {section: _shown(value)}
    return found


_NAMES = ("id", "currency", "date", "since", "quantity", "reason")


def _named(rows: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows by what people call them; of two of one name, the second says that it is the second.

    >>> [name for name, _ in _named([{"id": "a"}, {"id": "a"}, {"value": 1}])]
    ['a', 'a (2)', '3']
    """
    seen: Counter[str] = Counter()
    for position, row in enumerate(rows, start=1):
        said = [str(row[key]) for key in _NAMES if key in row]
        name = (said[0] if "id" in row else " ".join(said)) or str(position)
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})", row


def _leaves(path: str, value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, each in value.items():
        name = f"{path}.{key}" if path else key
        if isinstance(each, dict):
            yield from _leaves(name, each)
        elif isinstance(each, list) and each and all(isinstance(e, dict) for e in each):
            for row, inside in _named(each):
                yield from _leaves(f"{name}[{row}]", inside)
        else:
            yield name, _shown(each)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "; ".join(_shown(each) for each in value)
    return str(value)


def _fields(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[FieldChange]:
    for name in [*after, *(name for name in before if name not in after)]:
        old, new = before.get(name, ""), after.get(name, "")
        if old != new or (name in before) is not (name in after):
            yield FieldChange(name, old, new)
