"""The room of orders as the desk sees it: its readers judge, its commands alone write the log."""

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings

from khazana.bitcoin.descriptor_engines import best_engine
from khazana.custody.orders.checks import CheckOutcome, Situation, check
from khazana.custody.orders.log import OrderLog, new_log, read_log
from khazana.custody.orders.order import Order
from khazana.custody.orders.request_file import Drafter, read_request
from khazana.custody.orders.rules import SpendingRules
from khazana.custody.orders.rules_file import read_spending
from khazana.custody.orders.signing import Parties
from khazana.custody.orders.state import OrderState, Status
from khazana.errors import KhazanaError
from khazana.ledger.office import OfficeFile
from khazana.ledger.resolve import scripts_by
from khazana.portal.desk.office_store import OFFICE_JSON, OFFICE_TOML, read_file, stored
from khazana.statement.identity import Office
from khazana.statement.office_file import read_office

SPENDING, ORDERS, MEMORANDUM = "spending.toml", "orders.jsonl", "memorandum.toml"
MOST_SECONDS = 120


@dataclass(eq=False, kw_only=True)
class OrdersNotReady(KhazanaError):
    """A file that orders rest on is not there."""

    file: str
    code = "orders_not_ready"
    words = "{file} is not in the office's folder yet; nothing can be ordered without it"


@dataclass(eq=False, kw_only=True)
class OrderCommandRefused(KhazanaError):
    """The command that keeps the log refused; what it said."""

    problem: str
    code = "order_command_refused"
    words = "The log of orders takes nothing: {problem}"


@dataclass(frozen=True)
class Room:
    """The four files, read and judged: every line and signature of the log."""

    file: OfficeFile
    identity: Office
    rules: SpendingRules
    log: OrderLog

    def order(self, id_: str) -> OrderState | None:
        return self.log.order(id_) if id_ in self.log.orders else None


@dataclass(frozen=True)
class Judged:
    """A request as the rules judge it before anybody signed."""

    order: Order
    outcome: CheckOutcome


def room_now() -> Room:
    """The room as its files are at this moment."""
    file, identity = stored().office, read_file(OFFICE_JSON)
    spending = read_file(SPENDING)
    for name, there in ((OFFICE_TOML, file), (OFFICE_JSON, identity), (SPENDING, spending)):
        if there is None:
            raise OrdersNotReady(file=name)
    if file is None or identity is None or spending is None:
        raise OrdersNotReady(file=SPENDING)
    office = read_office(identity)
    rules = read_spending(SPENDING, spending, network=file.network)
    raw = read_file(ORDERS)
    log = read_log(raw, Parties(office, rules.holders)) if raw else new_log(office)
    return Room(file, office, rules, log)


def judge_request(raw: bytes, room: Room, *, at: datetime) -> Judged:
    """Every rule's answer to a request, as if the first of the drafters had signed it now.

    The lender's conditions and what addresses hold are for the check of the signed order.
    """
    drafters = room.identity.newest.role_keys(room.rules.draft_role)
    keys = [key for key in sorted(drafters) if key in room.rules.holders]
    if not keys:
        raise OrdersNotReady(file=f"a [[holder]] of the role {room.rules.draft_role}")
    drafter = Drafter(room.identity.fingerprint, room.file.network, keys[0], at)
    order = read_request("request.toml", raw, drafter)
    if order.id in room.log.orders:
        raise OrderCommandRefused(problem=f"an order {order.id} is in the log already")
    if order.account not in {line.id for line in room.file.wallets}:
        raise OrderCommandRefused(problem=f"the office has no wallet {order.account}")
    derive = scripts_by(best_engine(), room.file.network)
    situation = Situation(
        at=at,
        zone=ZoneInfo(room.file.rules.timezone),
        version=room.identity.newest,
        scripts={s: line.id for line in room.file.wallets for s in derive(line.source)},
        others=tuple(room.log.orders.values()),
        lanes={line.id: line.lanes[-1].lane for line in room.file.wallets if line.lanes},
    )
    holder = room.rules.holders[keys[0]]
    state = OrderState(order=order, status=Status.DRAFT, drafter=holder, last_at=at)
    return Judged(order, check(state, room.rules, situation))


def command(action: str, *words: str, files: Mapping[str, bytes]) -> str:
    """Run `khazana orders ACTION` on the office's folder; what it printed.

    files: bytes by the name under which the words mention them, in a folder of their own.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, raw in files.items():
            Path(folder, name).write_bytes(raw)
        run = [sys.executable, "-m", "khazana.cli.main", "orders", action]
        office = f"--office={Path(settings.OFFICE_DIR).resolve() / OFFICE_TOML}"
        try:
            ended = subprocess.run(
                [*run, *words, office],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=MOST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OrderCommandRefused(problem=f"no answer in {MOST_SECONDS} seconds") from error
    # A check that refuses the order ends with 1 and is in the log: an answer, not a failure.
    if ended.returncode != 0 and (action != "check" or ended.stderr):
        raise OrderCommandRefused(problem=(ended.stderr or ended.stdout).strip()[-2_000:])
    return ended.stdout


def check_words() -> tuple[str, ...]:
    """What a check is held against besides the rules: the office's chain and its memorandum."""
    chain = (f"--chain={settings.DESK_SOURCE}",) if settings.DESK_SOURCE else ()
    path = Path(settings.OFFICE_DIR).resolve() / MEMORANDUM
    return (*chain, f"--memorandum={path}") if path.is_file() else chain


def psbt_name(raw: bytes) -> str:
    """Where a PSBT that was attached is kept, below the office's folder."""
    return f"psbts/{hashlib.sha256(raw).hexdigest()}.psbt"


def files_out() -> bytes:
    """The files for a machine that signs, in one archive: the four, and the PSBTs attached."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        kept = sorted(Path(settings.OFFICE_DIR, "psbts").glob("*.psbt"))
        psbts = [f"psbts/{path.name}" for path in kept]
        for name in (OFFICE_TOML, OFFICE_JSON, SPENDING, ORDERS, *psbts):
            raw = read_file(name)
            if raw is not None:
                archive.writestr(name, raw)
    return out.getvalue()
