"""The files of a spending desk: office, identity, rules and the log of orders, kept safely."""

import argparse
import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.chains import block_of, chain_of
from khazana.cli.clock import now
from khazana.cli.files import MOST_OFFICE_BYTES, FileNotUsable, naming, read_bytes, write_whole
from khazana.cli.memoranda import closings_of, figures_from, linted
from khazana.cli.offices import office_file, resolved
from khazana.cli.usage import WrongArguments
from khazana.conditions.as_if_booked import LenderConditions
from khazana.conditions.parts import custody_of
from khazana.conditions.verdicts import Inputs
from khazana.custody.orders import events as ev
from khazana.custody.orders.checks import require_current
from khazana.custody.orders.errors import OrderRefused
from khazana.custody.orders.log import OrderLog, appended, new_log, read_log
from khazana.custody.orders.rules import SpendingRules
from khazana.custody.orders.rules_file import read_spending
from khazana.custody.orders.signing import Parties
from khazana.custody.orders.state import OrderState
from khazana.errors import KhazanaError
from khazana.ledger.accounts import Lane
from khazana.ledger.office import OfficeFile
from khazana.ledger.resolve import scripts_by
from khazana.reserve.gather import gather_period
from khazana.reserve.office_books import books_of
from khazana.statement.errors import OfficeConflict
from khazana.statement.identity import Office
from khazana.statement.office_file import read_office
from khazana.statement.times import write_instant
from khazana.units import Sats


@dataclass(eq=False, kw_only=True)
class ChainOfAnotherNetwork(KhazanaError):
    """A source was named that shows another network than the office's."""

    wanted: str
    found: str
    code = "chain_of_another_network"
    words = "The office is on {wanted}, and the chain source shows {found}. Nothing was done."


MOST_LOG_BYTES = 1 << 30
_GUARDED = (ev.Overridden, ev.Approved, ev.Signed, ev.Broadcast, ev.Paid)
"""What rests on a check, which has to be one by the rules as they are now."""
_NAMES = {"identity": "office.json", "rules": "spending.toml", "log": "orders.jsonl"}


@dataclass(frozen=True)
class OrderDesk:
    """What every command about orders reads. Files are read once; the log again before it grows."""

    file: OfficeFile
    identity: Office
    rules: SpendingRules
    path: Path

    @property
    def parties(self) -> Parties:
        return Parties(self.identity, self.rules.holders)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.file.rules.timezone)

    @property
    def test(self) -> bool:
        return self.file.test or self.file.network.test

    @cached_property
    def scripts(self) -> Mapping[bytes, str]:
        """Every script of the office's wallets, derived from office.toml."""
        derive = scripts_by(best_engine(), self.file.network)
        return {s: line.id for line in self.file.wallets for s in derive(line.source)}

    @property
    def lanes(self) -> Mapping[str, Lane]:
        """Whose the coins of each wallet are by law, by the last lane that office.toml states."""
        return {line.id: line.lanes[-1].lane for line in self.file.wallets if line.lanes}

    def wallet_scripts(self, wallet: str) -> frozenset[bytes]:
        return frozenset(s for s, name in self.scripts.items() if name == wallet)

    def log(self, *, head: str | None = None) -> OrderLog:
        """The log as it is, every line judged; an empty one where there is no file yet."""
        if not self.path.exists():
            return new_log(self.identity)
        raw = read_bytes(self.path, most=MOST_LOG_BYTES)
        with naming(self.path):
            return read_log(raw, self.parties, head=head)

    def add(self, event: ev.Event) -> OrderState:
        """Append an event. What is refused is logged as an attempt, with the reason."""
        with _locked(self.path):
            after = self._judged(event)
            self._write(after)
            return after.order(event.order)

    def would(self, event: ev.Event) -> None:
        """Raise, and log the attempt, if an event could not be appended; append nothing else."""
        with _locked(self.path):
            self._judged(event)

    def _judged(self, event: ev.Event) -> OrderLog:
        log = self.log()
        try:
            if isinstance(event, _GUARDED) and event.order in log.orders:
                require_current(log.order(event.order), self.rules, self.identity.newest)
            return appended(log, event, self.parties)
        except OrderRefused as refused:
            if event.order in log.orders:
                self._write(appended(log, attempt_of(event, refused), self.parties))
            raise

    def _write(self, log: OrderLog) -> None:
        write_whole(self.path, log.to_bytes())

    def heading(self, order: str, by: str, *, at: datetime | None = None) -> dict[str, str]:
        """The fields that every event has."""
        return {"order": order, "at": write_instant(at or now()), "by": by}


def attempt_of(event: ev.Event, refused: OrderRefused) -> ev.Attempted:
    """The event that says what was tried, and why it was refused."""
    return ev.Attempted(
        order=event.order,
        at=event.at,
        by=event.by,
        what=ev.event_name(event),
        code=refused.code,
        why=str(refused)[:8_000],
    )


def add_desk_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--office", metavar="FILE", required=True, help="office.toml")
    for name, default in _NAMES.items():
        parser.add_argument(
            f"--{name}", metavar="FILE", type=Path, help=f"default: {default} beside office.toml"
        )


def desk_of(args: argparse.Namespace) -> OrderDesk:
    """The desk whose files the arguments name."""
    file = office_file(args.office)
    beside = Path(args.office).parent
    paths = {name: getattr(args, name) or beside / default for name, default in _NAMES.items()}
    identity = read_office(read_bytes(paths["identity"], most=MOST_OFFICE_BYTES))
    if identity.newest.network.genesis != file.network.genesis or identity.id != file.id:
        problem = f"{paths['identity']} is {identity.id} on {identity.newest.network.name}, "
        raise OfficeConflict(problem=problem + f"office.toml {file.id} on {file.network.name}")
    raw = read_bytes(paths["rules"], most=MOST_OFFICE_BYTES)
    rules = read_spending(str(paths["rules"]), raw, network=file.network)
    return OrderDesk(file, identity, rules, paths["log"])


def chain_for(desk: OrderDesk, args: argparse.Namespace) -> ChainView:
    """The chain source named by --chain, if it is of the office's network."""
    chain = chain_of(args)
    if chain.network.genesis != desk.file.network.genesis:
        raise ChainOfAnotherNetwork(wanted=desk.file.network.name, found=chain.network.name)
    return chain


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time: two commands at once must not lose a line."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise FileNotUsable(path=str(lock), problem=(error.strerror or "").lower()) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def held_now(desk: OrderDesk, chain: ChainView) -> dict[bytes, Sats]:
    """What every own address holds at the tip."""
    found: dict[bytes, Sats] = {}
    for coin in chain.coins_at(frozenset(desk.scripts), chain.tip()):
        found[coin.script] = Sats(found.get(coin.script, 0) + coin.amount)
    return found


def lender_of(
    args: argparse.Namespace, desk: OrderDesk, chain: ChainView | None
) -> tuple[LenderConditions | None, int | None]:
    """The lender's conditions as asked for, and the last block of the books they are counted in."""
    if not args.memorandum:
        return None, None
    memoranda = tuple(linted(name) for name in args.memorandum)
    today = now().astimezone(desk.zone).date()
    zone = desk.file.rules.timezone
    figures = figures_from(args.statistics, args.liabilities, chain=chain, zone=zone)
    if not (args.after and args.until):
        if args.after or args.until:
            problem = "the books need --chain, --from and --to together"
            raise WrongArguments(command="orders check", problem=problem)
        return LenderConditions(memoranda, Inputs(figures=figures, closings={}, today=today)), None
    if chain is None:
        problem = "the books need --chain, --from and --to together"
        raise WrongArguments(command="orders check", problem=problem)
    office = resolved(desk.file, chain)
    until = block_of(chain, args.until, timezone=zone)
    period = gather_period(
        chain,
        {script for wallet in office.wallets for script in wallet.scripts},
        after=block_of(chain, args.after, timezone=zone),
        until=until,
    )
    inputs = Inputs(
        books=books_of(office, period),
        perimeters=office.perimeters,
        custody=custody_of(office),
        figures=figures,
        closings=closings_of(memoranda, chain, zone=zone),
        today=today,
    )
    return LenderConditions(memoranda, inputs), until.height
