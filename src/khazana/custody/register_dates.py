"""When a key last proved that it signs: written into the register from files, never by hand."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from khazana.custody.register import KeyRegister
from khazana.custody.register_file import read_register
from khazana.errors import KhazanaError
from khazana.ledger.toml_lines import lines_of

_DATED = re.compile(r"(\s*(?:last_proven|created)\s*=\s*)\d{4}-\d\d-\d\d(\s*(?:#.*)?\r?\n?)")


@dataclass(eq=False, kw_only=True)
class RegisterNotEditable(KhazanaError):
    """The register is sound, but not written so that one date can be changed in it."""

    file: str
    line: int
    code = "register_not_editable"
    words = (
        "{file}, line {line}: write `created` and `last_proven` on lines of their own, so that the "
        "day of a proof can be put there; nothing was changed"
    )


def with_days(register: KeyRegister, raw: bytes, days: Mapping[str, date]) -> bytes:
    """The register's bytes with `last_proven` moved up to these days; nothing else changes.

    raw: what `register` was read from. days: by the register's key id. A day that is not after
    the one that stands there changes nothing; one before the key was created is a ValueError.
    """
    text = raw.decode("utf-8-sig")
    lines = lines_of(text.replace("\r\n", "\n"))
    written = text.splitlines(keepends=True)
    changed = {}
    # From the last key up, so that a line put in does not move those still to be changed.
    for position, key in reversed(list(enumerate(register.keys))):
        day = days.get(key.id)
        if day is None or (key.last_proven is not None and day <= key.last_proven):
            continue
        if day < key.created:
            raise ValueError(f"key {key.id} cannot have signed on {day}, before it was created")
        field = "created" if key.last_proven is None else "last_proven"
        at = lines[("key", position, field)]
        found = _DATED.fullmatch(written[at - 1])
        if found is None:
            raise RegisterNotEditable(file=register.file, line=at)
        if key.last_proven is None:
            end = "\r\n" if written[at - 1].endswith("\r\n") else "\n"
            written[at - 1] = written[at - 1].rstrip("\r\n") + end
            written.insert(at, f"last_proven = {day}{end}")
        else:
            written[at - 1] = f"{found[1]}{day}{found[2]}"
        changed[key.id] = day
    result = "".join(written).encode()
    _require_nothing_else(register, read_register(register.file, result), changed)
    return result


def _require_nothing_else(
    before: KeyRegister, after: KeyRegister, changed: Mapping[str, date]
) -> None:
    for old, new in zip(before.keys, after.keys, strict=True):
        expected = replace(old, last_proven=changed.get(old.id, old.last_proven), place=new.place)
        if new != expected:
            raise RegisterNotEditable(file=before.file, line=old.place.line)
