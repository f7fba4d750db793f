"""Changing one part of a memorandum's text: all other bytes stay, and no comment is lost.

The part is written anew; comments that stood inside it move above it. What comes out is read back
and compared with what was meant, so that a text of unusual shape is never cut wrongly.
"""

import copy
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from khazana.ledger.toml_lines import comments_of, lines_of

Values = dict[str, Any]
HEAD = "memorandum"
"""The one part that is no list."""
LISTS = ("perimeter", "quantity", "rate", "reference", "effect", "condition")
"""The parts that are lists of sections, in the order in which a new file has them."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDE = 92


def part_of(values: Mapping[str, Any], section: str, position: int | None) -> Values | None:
    """The values of one part; None where there is none. position: from 0, None for the head."""
    if section == HEAD:
        found = values.get(HEAD)
    else:
        listed = values.get(section, [])
        found = listed[position] if position is not None and position < len(listed) else None
    return copy.deepcopy(found) if isinstance(found, dict) else None


def with_part(text: str, section: str, position: int | None, part: Values | None) -> str:
    """The text with one part written anew, added (position None) or removed (part None).

    >>> print(with_part('[memorandum]\\nid = "a" # old', "memorandum", None, {"id": "b"}))
    # old
    [memorandum]
    id = "b"
    <BLANKLINE>
    """
    wanted = _values_with(tomllib.loads(text), section, position, part)
    spliced = _spliced(text, section, position, part)
    if spliced is not None and _reads_as(spliced, wanted):
        return spliced
    kept = [words for _, words in comments_of(text)]
    return "\n".join([*kept, *([""] if kept else []), whole_text(wanted)])


def whole_text(values: Mapping[str, Any]) -> str:
    """A whole memorandum in the layout of those that ship."""
    top = [f"{_key(key)} = {_value(each)}" for key, each in values.items() if not _is_part(each)]
    parts = ["\n".join(top)] if top else []
    for key in sorted((k for k in values if _is_part(values[k])), key=_order):
        listed = values[key] if isinstance(values[key], list) else [values[key]]
        head = f"[[{_key(key)}]]" if isinstance(values[key], list) else f"[{_key(key)}]"
        parts += ["\n".join(_section(head, (key,), each)) for each in listed]
    return "\n\n".join(parts) + "\n"


def _order(key: str) -> int:
    known = (HEAD, *LISTS)
    return known.index(key) if key in known else 1


def _values_with(values: Values, section: str, position: int | None, part: Values | None) -> Values:
    if section == HEAD:
        return {**values, HEAD: part}
    listed = list(values.get(section, []))
    if position is None:
        listed.append(part)
    else:
        listed[position : position + 1] = [] if part is None else [part]
    rest = {key: each for key, each in values.items() if key != section}
    return {**rest, section: listed} if listed else rest


def _spliced(text: str, section: str, position: int | None, part: Values | None) -> str | None:
    """The text with the lines of the part replaced; None where it has no lines of its own."""
    lines = text.split("\n")
    head = f"[{section}]" if section == HEAD else f"[[{section}]]"
    written = [] if part is None else list(_section(head, (section,), part))
    if section != HEAD and position is None:
        at = _end_of_list(text, section)
        before, after = "\n".join(lines[:at]).rstrip("\n"), "\n".join(lines[at:]).lstrip("\n")
        return "\n".join([before, "", *written, "", *([after] if after else [])])
    start = lines_of(text).get((section,) if section == HEAD else (section, position or 0))
    if start is None or not lines[start - 1].lstrip().startswith("["):
        return None
    end = _end_of_part(text, section, start)
    inside = [words for line, words in comments_of(text) if start <= line <= end]
    kept = [] if part is None else inside
    between = [""] if end < len(lines) and (written or kept) else []
    replaced = [*lines[: start - 1], *kept, *written, *between, *lines[end:]]
    return "\n".join(replaced).rstrip("\n") + "\n"


def _starts(text: str) -> list[tuple[str, int]]:
    """Each section of the top level with its line, in order."""
    found = [
        (str(path[0]), line)
        for path, line in lines_of(text).items()
        if len(path) == (1 if path[0] == HEAD else 2)
        and path[0] in (HEAD, *LISTS)
        # A key below [memorandum] is a path of two steps, and so no position.
        and (len(path) == 1 or isinstance(path[1], int))
    ]
    return sorted(found, key=lambda each: each[1])


def _end_of_part(text: str, section: str, start: int) -> int:
    """The last line of the part from line `start`; comments above the next belong to that."""
    lines = text.split("\n")
    after = [line for _, line in _starts(text) if line > start]
    if not after:
        return len(lines)
    end = after[0] - 1
    while end > start and lines[end - 1].startswith("#"):
        end -= 1
    return end


def _end_of_list(text: str, section: str) -> int:
    """After how many lines a new part of a list goes: behind the last of those that come before."""
    lines, end = text.split("\n"), 0
    for name, line in _starts(text):
        if _order(name) <= _order(section):
            end = max(end, _end_of_part(text, name, line))
    return end or len(lines)


def _reads_as(text: str, wanted: Values) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _is_part(value: object) -> bool:
    if isinstance(value, dict):
        return True
    return isinstance(value, list) and bool(value) and all(isinstance(e, dict) for e in value)


_INLINE = ("name", "source")
"""Small tables that stand in one line."""


def _section(head: str, path: tuple[str, ...], values: Mapping[str, Any]) -> Iterator[str]:
    yield head
    below = {k: v for k, v in values.items() if _is_part(v) and k not in _INLINE}
    for key, value in values.items():
        if key not in below:
            yield from _pair(key, value)
    for key, value in below.items():
        deeper = (*path, key)
        name = ".".join(_key(step) for step in deeper)
        for each in value if isinstance(value, list) else [value]:
            yield ""
            yield from _section(
                f"[[{name}]]" if isinstance(value, list) else f"[{name}]", deeper, each
            )


def _pair(key: str, value: object) -> Iterator[str]:
    line = f"{_key(key)} = {_value(value)}"
    if isinstance(value, list) and len(value) > 1 and len(line) > _WIDE:
        yield f"{_key(key)} = ["
        yield from (f"  {_value(each)}," for each in value)
        yield "]"
    else:
        yield line


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_value(each) for each in value)}]"
    raise TypeError(f"{type(value).__name__} stands in no memorandum")


def _text(text: str) -> str:
    # JSON's escapes are TOML's too; only DEL, which JSON leaves as it is, TOML refuses.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
