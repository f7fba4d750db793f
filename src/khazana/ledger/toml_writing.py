"""Writing office.toml: the same values give the same text, and it reads back as those values.

Tables of the top level are written as sections, everything inside them on one line. Comments are
not kept, which is why whoever saves through a program keeps the file that was there before.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def write_toml(values: Mapping[str, Any]) -> bytes:
    """The file for these values; TypeError for what no office file holds.

    >>> print(write_toml({"format": "x", "key": [{"id": "a", "names": {"en": "A"}}]}).decode())
    format = "x"
    <BLANKLINE>
    [[key]]
    id = "a"
    names = {en = "A"}
    <BLANKLINE>
    """
    top = [f"{_key(key)} = {_value(value)}" for key, value in values.items() if not _is_part(value)]
    parts = ["\n".join(top)] if top else []
    for key, value in values.items():
        if isinstance(value, Mapping):
            parts.append(_section(f"[{_key(key)}]", value))
        elif _is_part(value):
            parts += [_section(f"[[{_key(key)}]]", each) for each in value]
    return ("\n\n".join(parts) + "\n").encode()


def _is_part(value: object) -> bool:
    """Whether it is written as a section of its own."""
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list) and bool(value) and all(isinstance(e, Mapping) for e in value)


def _section(head: str, values: Mapping[str, Any]) -> str:
    return "\n".join([head, *(f"{_key(key)} = {_value(value)}" for key, value in values.items())])


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items())
        return f"{{{inside}}}"
    if isinstance(value, Sequence):
        return f"[{', '.join(_value(each) for each in value)}]"
    raise TypeError(f"{type(value).__name__} stands in no office file")


def _text(text: str) -> str:
    # JSON's escapes are TOML's too; only DEL, which JSON leaves as it is, TOML refuses.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
