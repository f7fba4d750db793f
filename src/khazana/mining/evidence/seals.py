"""Seals: the utility's gateway signs each day of a meter, and with it every reading of that day.

what is signed (DSSE, canonical JSON):
{"count", "day", "first_seq", "head", "meter", "root", "type": "khazana.meter-day/1"}
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.ledger.canonical import Json, canonical_bytes
from khazana.ledger.tables import HASH, Row, read_table
from khazana.mining.evidence.problems import EvidenceProblems
from khazana.mining.evidence.readings import Reading, day_text, root_of_day
from khazana.statement.dsse import pre_authentication_encoding
from khazana.statement.keys import key_id, public_bytes, signature_fits

SEAL_TYPE = "application/vnd.khazana.meter-day+json"
SEAL_COLUMNS = ("meter", "day", "first_seq", "count", "head", "root", "key", "signature")
_EPOCH = date(1970, 1, 1).toordinal()
_NUMBER = re.compile(r"0|[1-9][0-9]{0,11}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySeal:
    """A gateway's signature over one meter's readings of a day (UTC).

    day: since 1970-01-01. head: the chain after the day's last reading; it covers all days before.
    key: id of the gateway key. line: in the file, from 1; 0 for a seal that was just made.
    """

    meter: str
    day: int
    first_seq: int
    count: int
    head: bytes
    root: bytes
    key: str
    signature: bytes
    line: int = 0

    @property
    def message(self) -> bytes:
        """The bytes that are signed."""
        return seal_message(
            meter=self.meter,
            day=self.day,
            first_seq=self.first_seq,
            count=self.count,
            head=self.head,
            root=self.root,
        )

    def fits(self, public: bytes) -> bool:
        return signature_fits(public=public, signature=self.signature, message=self.message)


def seal_message(
    *, meter: str, day: int, first_seq: int, count: int, head: bytes, root: bytes
) -> bytes:
    """What a gateway signs for a day."""
    payload: dict[str, Json] = {
        "type": "khazana.meter-day/1",
        "meter": meter,
        "day": day_text(day),
        "first_seq": first_seq,
        "count": count,
        "head": head.hex(),
        "root": root.hex(),
    }
    return pre_authentication_encoding(SEAL_TYPE, canonical_bytes(payload))


def seal_day(meter: str, readings: Sequence[Reading], private: Ed25519PrivateKey) -> DaySeal:
    """The seal over a day's readings, as the gateway makes it."""
    if not readings or readings[0].day != readings[-1].day:
        raise ValueError("a seal is over the readings of one day")
    day, first, head = readings[0].day, readings[0].seq, readings[-1].head
    root, count = root_of_day(readings), len(readings)
    message = seal_message(meter=meter, day=day, first_seq=first, count=count, head=head, root=root)
    return DaySeal(
        meter=meter,
        day=day,
        first_seq=first,
        count=count,
        head=head,
        root=root,
        key=key_id(public_bytes(private)),
        signature=private.sign(message),
    )


def write_seals(seals: Iterable[DaySeal]) -> bytes:
    """A table of seals as CSV."""
    lines = [",".join(SEAL_COLUMNS)]
    for s in seals:
        lines.append(
            f"{s.meter},{day_text(s.day)},{s.first_seq},{s.count},{s.head.hex()},{s.root.hex()},"
            f"{s.key},{s.signature.hex()}"
        )
    return "".join(f"{line}\n" for line in lines).encode()


def read_seals(name: str, raw: bytes) -> tuple[DaySeal, ...]:
    """The seals in a CSV file; `EvidenceRefused` with every problem when one is malformed."""
    problems = EvidenceProblems()
    rows = read_table(name, raw, columns=SEAL_COLUMNS, required=SEAL_COLUMNS, problems=problems)
    seals = [_seal(row) for row in rows]
    problems.refuse_if_any(name)
    return tuple(seals)


def _seal(row: Row) -> DaySeal:
    signature = row.text("signature")
    if signature and not _SIGNATURE.fullmatch(signature):
        row.wrong("signature", "is not 128 lower-case hex digits")
        signature = ""
    return DaySeal(
        meter=row.identifier("meter"),
        day=_day(row),
        first_seq=_number(row, "first_seq"),
        count=_number(row, "count"),
        head=_hash(row, "head"),
        root=_hash(row, "root"),
        key=_hash(row, "key").hex(),
        signature=bytes.fromhex(signature),
        line=row.line,
    )


def _number(row: Row, column: str) -> int:
    value = row.text(column)
    if value and not _NUMBER.fullmatch(value):
        row.wrong(column, f"{value[:40]!r} is not a whole number")
        return 0
    return int(value or 0)


def _hash(row: Row, column: str) -> bytes:
    value = row.text(column)
    if value and not HASH.fullmatch(value):
        row.wrong(column, f"{value[:70]!r} is not 64 lower-case hex digits")
        return b""
    return bytes.fromhex(value)


def _day(row: Row) -> int:
    value = row.text("day")
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            return date.fromisoformat(value).toordinal() - _EPOCH
    except ValueError:
        pass
    if value:
        row.wrong("day", f"{value[:40]!r} is not a day such as 2026-01-31")
    return 0
