"""What can happen to an order, as the log keeps it: one kind of event each, strictly read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from khazana.custody.orders.errors import OrderFileRefused
from khazana.custody.orders.order import is_plain
from khazana.custody.orders.order_file import Amount, Text, refused_shape
from khazana.statement.dsse import Envelope, EnvelopeFile
from khazana.statement.office_file import Instant
from khazana.statement.times import read_instant
from khazana.statement.wire import Hash256

_Hex = Annotated[str, msgspec.Meta(pattern="^(?:[0-9a-f]{2})*(?![\\s\\S])", max_length=8_000_000)]
_Vout = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
_Height = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]


class _Event(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", kw_only=True
):
    """order: its id. at: UTC. by: who, as the office names people; signed events prove it."""

    order: Text
    at: Instant
    by: Text


class SpentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An output that an input spends."""

    sats: Amount
    script: _Hex


class ResultFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule's answer. largest_sat: the largest order that this rule lets pass; null: any."""

    rule: Text
    passed: bool
    why: Text
    overridable: bool
    largest_sat: int | None


class NeededFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An approval that the rules ask for."""

    role: Text
    count: Annotated[int, msgspec.Meta(ge=1, le=100)]


class Drafted(_Event, frozen=True, tag="drafted"):
    """envelope: the drafter's signature over the order's record, in DSSE."""

    envelope: EnvelopeFile


class Attached(_Event, frozen=True, tag="attached"):
    """A transaction for the order. unsigned: hex. change: outputs that return to the wallet."""

    purpose: Literal["original", "replacement", "child"]
    unsigned: _Hex
    spent: Annotated[Sequence[SpentFile], msgspec.Meta(min_length=1)]
    change: Sequence[_Vout]
    psbt_sha256: Hash256


class Checked(_Event, frozen=True, tag="checked"):
    """Every rule's answer. transaction: which one was looked at. not_before: end of cooling off."""

    passed: bool
    results: Annotated[Sequence[ResultFile], msgspec.Meta(min_length=1)]
    largest_sat: int | None
    transaction: Hash256 | None
    rules_sha256: Hash256
    valid_until: Instant
    not_before: Instant
    needed: Annotated[Sequence[NeededFile], msgspec.Meta(min_length=1)]
    override_role: Text | None
    publish_after_days: int | None


class Overridden(_Event, frozen=True, tag="overridden"):
    """Two people let the order pass against named rules. publish_on: a day, YYYY-MM-DD."""

    envelope: EnvelopeFile
    publish_on: Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}(?![\\s\\S])")]


class Published(_Event, frozen=True, tag="published"):
    """The override was made public. where: a page, a paper, a statement's root."""

    where: Text


class Approved(_Event, frozen=True, tag="approved"):
    """One person's approval of the order and its transaction."""

    envelope: EnvelopeFile


class Declined(_Event, frozen=True, tag="declined"):
    """A person said no; final."""

    reason: Text


class Attempted(_Event, frozen=True, tag="attempted"):
    """Something was refused and changed nothing. code: the error's."""

    what: Text
    code: Text
    why: Annotated[str, msgspec.Meta(min_length=1, max_length=8_000)]


class Signed(_Event, frozen=True, tag="signed"):
    """The final transaction. raw: hex."""

    raw: _Hex


class Broadcast(_Event, frozen=True, tag="broadcast"):
    """Sent to the network through a chain source. where: which, without credentials."""

    txid: Hash256
    where: Text


class Confirmed(_Event, frozen=True, tag="confirmed"):
    """A transaction of the order stands in a block. raw: as the block has it."""

    raw: _Hex
    height: _Height
    block: Hash256


class Paid(_Event, frozen=True, tag="paid"):
    """The money of a purchase left. reference: the bank's."""

    currency: Text
    minor: Annotated[int, msgspec.Meta(ge=1)]
    reference: Text


class Delivered(_Event, frozen=True, tag="delivered"):
    """Coins of a purchase arrived. raw: the transaction as the block has it."""

    raw: _Hex
    vout: _Vout
    height: _Height
    block: Hash256


class Receipted(_Event, frozen=True, tag="receipted"):
    """The dealer's receipt is in the files. file_sha256: of the paper."""

    file_sha256: Hash256


class Expired(_Event, frozen=True, tag="expired"):
    """Its time passed before it was released."""


class Booked(_Event, frozen=True, tag="booked"):
    """Documents were written that explain the movement. rows_sha256: of the table's rows."""

    documents: Annotated[Sequence[Text], msgspec.Meta(min_length=0)]
    rows_sha256: Hash256


Event: TypeAlias = (
    Drafted
    | Attached
    | Checked
    | Overridden
    | Published
    | Approved
    | Declined
    | Attempted
    | Signed
    | Broadcast
    | Confirmed
    | Paid
    | Delivered
    | Receipted
    | Expired
    | Booked
)


def envelope_file(envelope: Envelope) -> EnvelopeFile:
    """A signed envelope as an event holds it."""
    return msgspec.convert(envelope.to_json(), EnvelopeFile)


def at_of(text: str) -> datetime:
    """An event's time."""
    try:
        return read_instant(text)
    except ValueError as error:
        raise OrderFileRefused(place="event", problem=f"{text} is no time") from error


def builtins(value: object) -> Any:
    """A value of these kinds as JSON values."""
    return msgspec.to_builtins(value)


def event_record(event: Event) -> dict[str, Any]:
    """The event as JSON values."""
    made: dict[str, Any] = msgspec.to_builtins(event)
    return made


def event_of(record: object) -> Event:
    """The event that JSON values describe, or a refusal with the place."""
    try:
        event: Event = msgspec.convert(record, Event)
    except msgspec.ValidationError as error:
        raise refused_shape(error, within="event") from error
    for name in event.__struct_fields__:
        text = getattr(event, name)
        # Why something was refused may quote anything; whoever prints it makes it printable.
        if name != "why" and isinstance(text, str) and not is_plain(text):
            problem = "it holds a line break or another control character"
            raise OrderFileRefused(place=f"event.{name}", problem=problem)
    return event


def event_name(event: Event) -> str:
    """What kind it is, as the log writes it.

    >>> event_name(Expired(order="1", at="2026-01-01T00:00:00Z", by="clerk"))
    'expired'
    """
    return str(event.__struct_config__.tag)
