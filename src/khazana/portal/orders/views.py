"""Orders at the desk: judged before anybody signs, signed elsewhere, logged by the room."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from khazana.custody.orders import events as ev
from khazana.custody.orders.state import FINAL, OrderState
from khazana.custody.psbt_files import MOST_BYTES
from khazana.errors import KhazanaError
from khazana.ledger.toml_writing import write_toml
from khazana.portal.accounts.roles import CONFIRMS, PREPARES
from khazana.portal.accounts.sessions import person_of
from khazana.portal.audit.record import record
from khazana.portal.desk.office_store import read_file, write_file
from khazana.portal.desk.uploads import MOST_OFFICE_BYTES, uploaded
from khazana.portal.orders.room import (
    Room,
    check_words,
    command,
    files_out,
    judge_request,
    psbt_name,
    room_now,
)

FIELDS = ("id", "wallet", "purpose", "authority", "budget_line")
"""Of a request for one payment, as request.toml names them."""
REASONS = ("disbursement", "client_withdrawal", "disposal", "to_custodian")


MOST_DIGITS = 4
"""Of a number of days; whatever is longer is refused as text is."""


def orders(request: HttpRequest, problems: tuple[str, ...] = ()) -> HttpResponse:
    """Every order with its state, the newest first."""
    room, status = None, 422 if problems else 200
    try:
        room = room_now()
    except KhazanaError as error:
        problems = (*problems, str(error))
    context = {
        "states": tuple(reversed(list(room.log.orders.values()))) if room else (),
        "head": room.log.head if room else "",
        "problems": problems,
        "ready": room is not None,
        "prepares": person_of(request).role in PREPARES,
    }
    return render(request, "orders/orders.html", context, status=status)


def order_new(request: HttpRequest) -> HttpResponse:
    """A request, judged by the rules at once; the file then goes to the drafter's key."""
    given, judged, problems, text = request.POST, None, [], request.POST.get("text", "")
    room: Room | None = None
    try:
        room = room_now()
        if request.method == "POST":
            raw = text.encode() if text.strip() else _request_toml(given)
            text = raw.decode()
            judged = judge_request(raw, room, at=timezone.now().replace(microsecond=0))
            detail = {"refused by": ", ".join(each.rule for each in judged.outcome.refusals)}
            record(
                "order request judged",
                actor=person_of(request).username,
                subject=judged.order.id,
                detail=detail,
            )
            if given.get("step") == "file":
                return _download(raw, f"{judged.order.id}.toml")
    except (KhazanaError, ValueError) as error:
        problems = [str(error)]
    refused = bool(problems) or (judged is not None and not judged.outcome.passed)
    context = {
        "given": given,
        "text": text,
        "judged": judged,
        "problems": problems,
        "wallets": [line.id for line in room.file.wallets] if room else (),
        "reasons": REASONS,
    }
    return render(request, "orders/new.html", context, status=422 if refused else 200)


def order_in(request: HttpRequest) -> HttpResponse:
    """The order that its drafter signed offline comes in."""
    try:
        raw = uploaded(request, "signed", most=MOST_OFFICE_BYTES)
        said = command("draft", "--envelope=signed.json", files={"signed.json": raw})
    except KhazanaError as error:
        _refused(request, "draft", "", error)
        return orders(request, (str(error),))
    record("order logged", actor=person_of(request).username, subject=said.splitlines()[-2])
    return redirect("orders")


def orders_files(request: HttpRequest) -> HttpResponse:
    """The room's files for a machine without a network, on which people look and sign."""
    record("order files taken", actor=person_of(request).username)
    return _download(files_out(), "orders.zip")


def order(request: HttpRequest, order: str, problems: tuple[str, ...] = ()) -> HttpResponse:
    """One order: what it does, what every rule says, who approved and who is missing."""
    try:
        room = room_now()
    except KhazanaError:
        return orders(request)  # which says what is wrong with the files
    state = room.order(order)
    if state is None:
        raise Http404
    role = person_of(request).role
    open_ = state.status not in FINAL
    context = {
        "state": state,
        "needed": tuple(_needed(state)),
        "events": tuple(
            (event, ev.event_name(event)) for event in room.log.events() if event.order == order
        ),
        "problems": problems,
        "prepares": role in PREPARES and open_,
        "speaks": role in PREPARES | CONFIRMS and open_,
        "chain": bool(settings.DESK_SOURCE),
    }
    return render(request, "orders/order.html", context, status=422 if problems else 200)


def order_act(request: HttpRequest, order: str) -> HttpResponse:
    """What moves an order on: a check, its transaction, the signed one, the chain, its end."""
    step, by = request.POST.get("step", ""), f"--by={person_of(request).username}"
    chain = f"--chain={settings.DESK_SOURCE}"

    def act(state: OrderState) -> str:
        if step == "check":
            return command("check", order, by, *check_words(), files={})
        if step == "attach-psbt":
            raw = uploaded(request, "file", most=MOST_BYTES)
            said = command("attach-psbt", order, "a.psbt", by, files={"a.psbt": raw})
            write_file(settings.OFFICE_DIR / psbt_name(raw), raw)
            return said
        if step == "signed":
            files = {"s.psbt": uploaded(request, "file", most=MOST_BYTES)}
            words: tuple[str, ...] = (order, "s.psbt", by)
            kept = read_file(f"psbts/{state.facts.psbt_sha256}.psbt") if state.facts else None
            # A transaction finished elsewhere is raw and stands alone; a PSBT needs its first.
            if kept is not None and files["s.psbt"].startswith((b"psbt\xff", b"cHNidP")):
                files["a.psbt"], words = kept, (*words, "--psbt=a.psbt")
            return command("signed", *words, files=files)
        if step in ("broadcast", "confirm") and settings.DESK_SOURCE:
            return command(step, order, by, chain, files={})
        if step == "expire":
            return command("expire", order, by, files={})
        raise Http404

    return _acted(request, order, step, act)


def order_word(request: HttpRequest, order: str) -> HttpResponse:
    """An approval that a key signed, or a refusal with its reason. A click approves nothing."""
    step = request.POST.get("step", "")

    def act(state: OrderState) -> str:
        if step == "approve":
            raw = uploaded(request, "file", most=MOST_OFFICE_BYTES)
            return command("approve", order, "--envelope=a.json", files={"a.json": raw})
        if step == "decline":
            reason = request.POST.get("reason", "").strip()[:1_000]
            by = f"--by={person_of(request).username}"
            return command("decline", order, f"--reason={reason}", by, files={})
        raise Http404

    return _acted(request, order, step, act)


def _acted(request: HttpRequest, order_id: str, step: str, act: Any) -> HttpResponse:
    try:
        state = room_now().order(order_id)
        if state is None:
            raise Http404
        said: str = act(state)
    except KhazanaError as error:
        _refused(request, step, order_id, error)
        return order(request, order_id, (str(error),))
    detail = {"said": said.strip()[-1_000:]}
    record(f"order {step}", actor=person_of(request).username, subject=order_id, detail=detail)
    return redirect("order", order_id)


def _refused(request: HttpRequest, step: str, subject: str, error: KhazanaError) -> None:
    who = person_of(request).username
    record(f"order {step} refused", actor=who, subject=subject, detail={"why": str(error)[:1_000]})


def _request_toml(given: Mapping[str, str]) -> bytes:
    """One payment as the room reads requests; what is wrong in it is for the room to say."""
    days = given.get("expires_in_days", "")
    values: dict[str, Any] = {"format": "khazana.order-request/1"}
    values |= {name: given[name].strip() for name in FIELDS if given.get(name, "").strip()}
    values["reason"] = given.get("reason", "")
    number = days.isascii() and days.isdigit() and len(days) <= MOST_DIGITS
    values["expires_in_days"] = int(days) if number else days
    pay = {"address": given.get("address", "").strip(), "btc": given.get("btc", "").strip()}
    label = given.get("label", "").strip()
    values["pay"] = [pay | ({"label": label} if label else {})]
    return write_toml(values)


def _needed(state: OrderState) -> list[tuple[str, int, list[str], int]]:
    """Role, how many it takes, who approved, how many are missing."""
    rows = []
    for need in state.check.needed if state.check else ():
        given = sorted({each.holder for each in state.counting if need.role in each.roles})
        rows.append((need.role, need.count, given, max(0, need.count - len(given))))
    return rows


def _download(raw: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(raw, content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
