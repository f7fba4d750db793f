"""What every parser of a feed's foreign bytes must do with any input: refuse it, or read it whole.

A finding is an exception that is no `KhazanaError`, and a reading that written again gives other
bytes. The first byte of an input says which parser gets the rest.
"""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from khazana.accord.agreement.signed import read_signed_agreement
from khazana.accord.feed.dated import DATED_TYPE, read_dated
from khazana.accord.feed.records import read_record, read_unsigned, sign_record
from khazana.accord.feed.split_view import read_split_view
from khazana.cli.feed_source import WebFeed
from khazana.errors import KhazanaError
from khazana.ledger.canonical import parse_strict
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.envelope import Evidence, write_statement
from khazana.statement.log.checkpoint import checkpoint_of, cosigned_at
from khazana.statement.log.entries import entry_bytes, read_entry
from khazana.statement.log.inclusion import INCLUSION_TYPE, read_inclusion
from khazana.statement.log.notes import ED25519_COSIGNATURE, NoteKey, read_note, read_verifier_key
from khazana.statement.log.office_keys import cosigned_by, read_office_checkpoint
from khazana.statement.log.office_log import without_time
from khazana.statement.log.tiles import (
    ENTRIES,
    Tile,
    bundle_bytes,
    read_bundle,
    read_hashes,
    read_path,
)
from khazana.statement.office_file import read_office, write_office
from khazana.statement.tree import includes, is_consistent
from tests.accord.offices import office, private_key, rotated
from tests.reserve.simulator import NOW

OFFICE = rotated(office("drill-office"), since=NOW)
WITNESS = NoteKey("w.example", bytes([88]) + bytes([102]) * 31, ED25519_COSIGNATURE)


class Disagreement(Exception):
    """What was read is not what was there."""


def same(written: bytes, raw: bytes) -> None:
    if written != raw:
        raise Disagreement(f"{raw[:200]!r} was read and written as {written[:200]!r}")


def note(raw: bytes) -> None:
    found = read_note(raw)
    same(found.to_bytes(), raw)
    cosigned_at_or_refused(raw)
    checkpoint = checkpoint_of(found)
    same(checkpoint.text().encode(), found.text.encode())


def cosigned_at_or_refused(raw: bytes) -> None:
    cosigned_at(read_note(raw), WITNESS)


def signed_checkpoint(raw: bytes) -> None:
    _, found, _ = read_office_checkpoint(raw, OFFICE, at=NOW)
    cosigned_by(found, OFFICE, now=NOW)


def verifier_key(raw: bytes) -> None:
    text = raw.decode("utf-8", "replace")
    same(read_verifier_key(text).verifier_key().encode(), text.encode())


def path(raw: bytes) -> None:
    text = raw.decode("utf-8", "replace")
    same(read_path(text).path.encode(), text.encode())


def bundle(raw: bytes) -> None:
    width = raw[0] + 1 if raw else 1
    entries = read_bundle(Tile(ENTRIES, 0, width), raw[1:])
    same(bundle_bytes(entries), raw[1:])


def hashes(raw: bytes) -> None:
    width = raw[0] + 1 if raw else 1
    same(b"".join(read_hashes(Tile(0, 0, width), raw[1:])), raw[1:])


def entry(raw: bytes) -> None:
    same(entry_bytes(read_entry(raw)), raw)
    without_time(raw)


def record(raw: bytes) -> None:
    same(read_record(raw).to_bytes(), raw)


def unsigned(raw: bytes) -> None:
    found = read_unsigned(raw)
    again = sign_record(found, private_key("fuzz"))
    same(again.to_bytes(), read_record(again.to_bytes()).to_bytes())


def split_view(raw: bytes) -> None:
    found = read_split_view(raw)
    same(read_split_view(found.to_bytes()).to_bytes(), found.to_bytes())


def inclusion(raw: bytes) -> None:
    document = parse_strict(raw)
    if isinstance(document, dict):
        read_inclusion(Evidence(INCLUSION_TYPE, "00" * 32, document))


def dated(raw: bytes) -> None:
    document = parse_strict(raw)
    if isinstance(document, dict):
        read_dated(Evidence(DATED_TYPE, "00" * 32, document))


def signed_agreement_file(raw: bytes) -> None:
    found = read_signed_agreement(raw)
    same(found.to_bytes(), raw)
    found.agreement.digest  # noqa: B018  every agreement that can be read has a hash


def disclosed_statement(raw: bytes) -> None:
    """The document behind an entry `disclosure`, as a witness reads it."""
    found = read_reserve_statement(raw)
    same(write_statement(read_reserve_statement(write_statement(found.envelope)).envelope),
         write_statement(found.envelope))  # fmt: skip


class Redirected(WebFeed):
    """A feed whose server sends us to a place; nothing is asked there, it is only judged."""

    def _ask(
        self, url: str, conditions: Mapping[str, str], most: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        if not self.requests:
            self.requests += 1
            return 302, {"location": self.place}, b""
        host = urlsplit(url).hostname or ""
        self._judged_address(url)
        host.encode("idna")
        return 404, {}, b""


def redirect(raw: bytes) -> None:
    feed = Redirected("http://feed.example/", look_up=no_name)
    feed.place = raw.decode("latin-1")  # type: ignore[attr-defined]
    feed.get("checkpoint", most=1)


def no_name(host: str, port: int) -> list[str]:
    """An address that is written out, and no name: nothing is looked up."""
    return ["93.184.216.34"] if host == "feed.example" else [str(ip_address(host))]


def office_file(raw: bytes) -> None:
    found = read_office(raw)
    same(write_office(read_office(write_office(found))), write_office(found))


def proofs(raw: bytes) -> None:
    """Any path is an answer of yes or no, never an exception."""
    size, index, rest = int.from_bytes(raw[:4], "big"), int.from_bytes(raw[4:8], "big"), raw[8:]
    nodes = [rest[i : i + 32].ljust(32, b"\0") for i in range(0, len(rest), 32)]
    leaf = bytes(32)
    includes(root=leaf, size=size, index=index, leaf=leaf, proof=nodes)
    is_consistent(older_root=leaf, older_size=index, newer_root=leaf, newer_size=size, proof=nodes)


PARSERS: tuple[Callable[[bytes], None], ...] = (
    note,
    signed_checkpoint,
    verifier_key,
    path,
    bundle,
    hashes,
    entry,
    record,
    unsigned,
    split_view,
    inclusion,
    office_file,
    proofs,
    signed_agreement_file,
    dated,
    disclosed_statement,
    redirect,
)


def judge(data: bytes) -> None:
    """Raises for a finding; a refusal is none."""
    if not data:
        return
    try:
        PARSERS[data[0] % len(PARSERS)](data[1:])
    except KhazanaError as refused:
        str(refused)  # a refusal says itself, whatever is in it
