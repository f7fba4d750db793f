"""The log of orders: one line per event, each bound to the line before by its hash.

    {"event":{...},"n":7,"previous":"<hash of line 6>"}

Line 0 names the office and the network. Nothing is ever changed or removed; what was refused stays
too. Whoever notes the last hash can tell later whether the past was rewritten.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from khazana.custody.orders import events as ev
from khazana.custody.orders.errors import (
    MoneyDiffers,
    OrderIdTaken,
    OrderLogRefused,
    OrderUnknown,
)
from khazana.custody.orders.machine import apply, drafted
from khazana.custody.orders.signing import Parties
from khazana.custody.orders.state import OrderState, Override
from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement.identity import Office
from khazana.statement.wire import Hash256

LOG_FORMAT = "khazana.order-log/1"
LINE_DOMAIN = b"khazana.order-log/1\x00"
NOTHING_BEFORE = "00" * 32


class _Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Line 0."""

    format: Literal["khazana.order-log/1"]
    office: Hash256
    genesis: Hash256


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    n: int
    previous: Hash256
    event: dict[str, Any]


@dataclass(frozen=True)
class OrderLog:
    """A log whose every line was judged. lines: without their line ends, the opening first.

    head: the last line's hash. orders: where each order stands, in the order of their drafts.
    """

    lines: tuple[bytes, ...]
    head: str
    orders: Mapping[str, OrderState]
    last_at: datetime | None

    def order(self, id_: str) -> OrderState:
        if id_ not in self.orders:
            raise OrderUnknown(order=id_)
        return self.orders[id_]

    def others(self, id_: str) -> tuple[OrderState, ...]:
        return tuple(state for other, state in self.orders.items() if other != id_)

    def events(self) -> tuple[ev.Event, ...]:
        """Everything that happened, the oldest first."""
        return tuple(ev.event_of(msgspec.json.decode(line)["event"]) for line in self.lines[1:])

    def to_bytes(self) -> bytes:
        """The file."""
        return b"".join(line + b"\n" for line in self.lines)


def line_hash(line: bytes) -> str:
    """SHA-256("khazana.order-log/1" ‖ 0x00 ‖ the line without its end), in hex."""
    return hashlib.sha256(LINE_DOMAIN + line).hexdigest()


def new_log(office: Office) -> OrderLog:
    """An empty log of an office."""
    opening = canonical_bytes(
        {
            "format": LOG_FORMAT,
            "office": office.fingerprint,
            "genesis": office.newest.network.genesis,
        }
    )
    return OrderLog((opening,), line_hash(opening), {}, None)


def appended(log: OrderLog, event: ev.Event, parties: Parties) -> OrderLog:
    """The log with one more event; an OrderRefused when it cannot follow, and nothing changed."""
    at = ev.at_of(event.at)
    if log.last_at is not None and at < log.last_at:
        raise OrderLogRefused(
            line=len(log.lines) + 1, problem=f"{event.at} is before the event before it"
        )
    state = _after(log, event, parties)
    record = ev.event_record(event)
    # What its own reader would refuse must not be written: the whole log would be unreadable.
    ev.event_of(record)
    line = canonical_bytes({"n": len(log.lines), "previous": log.head, "event": record})
    return OrderLog((*log.lines, line), line_hash(line), {**log.orders, state.order.id: state}, at)


def _after(log: OrderLog, event: ev.Event, parties: Parties) -> OrderState:
    if isinstance(event, ev.Drafted):
        if event.order in log.orders:
            raise OrderIdTaken(order=event.order)
        return drafted(event, parties)
    state = apply(log.order(event.order), event, parties)
    if isinstance(event, ev.Delivered):
        _require_new(log, state)
    return state


def _require_new(log: OrderLog, state: OrderState) -> None:
    """One output delivers one order: a dealer who is paid twice has to send twice (Rule O29)."""
    new = state.deliveries[-1]
    for other in log.others(state.order.id):
        if any((each.txid, each.vout) == (new.txid, new.vout) for each in other.deliveries):
            problem = f"output {new.vout} of {new.txid} was delivered for order {other.order.id}"
            raise MoneyDiffers(order=state.order.id, problem=problem)


def read_log(raw: bytes, parties: Parties, *, head: str | None = None) -> OrderLog:
    """The log in a file, every line judged again: its hashes, its order, every signature.

    head: the last hash that somebody noted; the file must still contain it.
    """
    if not raw.endswith(b"\n"):
        raise OrderLogRefused(
            line=raw.count(b"\n") + 1, problem="the last line is cut off, or the file is empty"
        )
    lines = raw[:-1].split(b"\n")
    log = new_log(parties.office)
    if lines[0] != log.lines[0]:
        _opening(lines[0])
        raise OrderLogRefused(line=1, problem="it is the log of another office or network")
    heads = {log.head}
    kept = [lines[0]]
    orders: dict[str, OrderState] = {}
    for number, line in enumerate(lines[1:], 1):
        log = _read_line(log, line, number, parties)
        heads.add(log.head)
        kept.append(line)
        orders = dict(log.orders)
    if head is not None and head not in heads:
        raise OrderLogRefused(
            line=len(lines), problem=f"the hash noted before, {head}, is not in it any more"
        )
    return OrderLog(tuple(kept), log.head, orders, log.last_at)


def _opening(line: bytes) -> None:
    try:
        msgspec.convert(parse_strict(line), _Opening)
    except (msgspec.ValidationError, KhazanaError) as error:
        raise OrderLogRefused(line=1, problem=str(error).rstrip(".")) from error


def _read_line(log: OrderLog, line: bytes, number: int, parties: Parties) -> OrderLog:
    try:
        document = parse_strict(line)
        read = msgspec.convert(document, _Line)
    except (msgspec.ValidationError, KhazanaError) as error:
        raise OrderLogRefused(line=number + 1, problem=str(error).rstrip(".")) from error
    if read.n != number:
        problem = f"it says it is number {read.n}, and stands in place {number}"
        raise OrderLogRefused(line=number + 1, problem=problem)
    if read.previous != log.head:
        raise OrderLogRefused(
            line=number + 1,
            problem="it does not follow the line before: something was changed, taken out or moved",
        )
    try:
        after = appended(log, ev.event_of(read.event), parties)
    except KhazanaError as error:
        raise OrderLogRefused(line=number + 1, problem=str(error).rstrip(".")) from error
    if after.lines[-1] != line:
        raise OrderLogRefused(line=number + 1, problem="it is not in canonical form")
    return after


@dataclass(frozen=True, slots=True)
class OverrideDue:
    """An override whose day of publication has come. late_days: 0 on the day itself."""

    order: str
    override: Override
    late_days: int


def overrides_due(log: OrderLog, day: date) -> tuple[OverrideDue, ...]:
    """Overrides to be published by `day` that the log does not show as published."""
    return tuple(
        OverrideDue(state.order.id, each, (day - each.publish_on).days)
        for state in log.orders.values()
        for each in state.overrides
        if each.published is None and each.publish_on <= day
    )


@dataclass(frozen=True, slots=True)
class DeliveryAlarm:
    """Money left and the coins did not come by the day agreed."""

    order: str
    dealer: str
    paid_at: str
    reference: str
    deliver_by: date
    missing_sats: int
    late_days: int

    def __str__(self) -> str:
        return (
            f"order {self.order}: paid at {self.paid_at} to {self.dealer} ({self.reference}), and "
            f"{self.missing_sats} sat were not delivered by {self.deliver_by}: {self.late_days} "
            "days late"
        )


def delivery_alarms(log: OrderLog, day: date) -> tuple[DeliveryAlarm, ...]:
    """Purchases that were paid and not delivered in full by their day, on a day after it."""
    found = []
    for state in log.orders.values():
        bought, paid = state.order.purchase, state.paid
        if bought is None or paid is None or day <= bought.deliver_by:
            continue
        missing = bought.sats - state.delivered_sats
        if missing > 0:
            found.append(
                DeliveryAlarm(
                    order=state.order.id,
                    dealer=bought.quote.dealer,
                    paid_at=paid.at,
                    reference=paid.reference,
                    deliver_by=bought.deliver_by,
                    missing_sats=missing,
                    late_days=(day - bought.deliver_by).days,
                )
            )
    return tuple(found)
