"""The portal's commands for the staff desk: accounts and the audit log."""

import argparse
import os
import pwd
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

DESK_COMMANDS = ("staff", "audit-log", "work", "backup", "restore")
"""Commands that need the desk's tables, whatever else they are given."""


def add_desk_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    staff = commands.add_parser("staff", help="accounts of the staff desk")
    actions = staff.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make an account and print its one-time link")
    add.add_argument("username", metavar="NAME", help="name at the desk, such as a.khan")
    add.add_argument(
        "--role",
        required=True,
        choices=("viewer", "operator", "approver", "auditor", "administrator"),
    )
    add.add_argument("--name", metavar="TEXT", help="the person's name (default: NAME)")
    reset = actions.add_parser("reset", help="for who lost password or keys: a new link")
    reset.add_argument("username", metavar="NAME")
    close = actions.add_parser("close", help="close an account; its sessions end at once")
    close.add_argument("username", metavar="NAME")
    confirm = actions.add_parser(
        "confirm", help="confirm an account that an administrator made or changed in the browser"
    )
    confirm.add_argument("username", metavar="NAME")
    for each in (add, reset):
        each.add_argument(
            "--address",
            metavar="URL",
            help="how staff reach the desk, such as https://desk.example (default: the first of "
            "KHAZANA_PORTAL_HOSTS)",
        )
    actions.add_parser("list", help="who has an account, in which role")
    work = commands.add_parser(
        "work", help="do the desk's work: follow the chain, import, check; several may run"
    )
    work.add_argument("--chain", metavar="SOURCE", help="the office's own source of the chain")
    add_folders(work)
    work.add_argument(
        "--partner",
        metavar="FOLDER",
        type=Path,
        action="append",
        default=[],
        help="publication folder of a partner office (repeatable)",
    )
    work.add_argument("--once", action="store_true", help="end when nothing is left to do")
    backup = commands.add_parser("backup", help="database and office files into one file")
    restore = commands.add_parser("restore", help="a backup into an installation without data")
    restore.add_argument(
        "--secret", metavar="FILE", type=Path, help="the copy of secret.key that was kept apart"
    )
    for each in (backup, restore):
        each.add_argument("file", metavar="FILE", type=Path)
        each.add_argument("--office", metavar="DIR", type=Path, help="the office's files of record")
    log = commands.add_parser("audit-log", help="the acts of the staff")
    log_actions = log.add_subparsers(dest="action", required=True, metavar="ACTION")
    log_actions.add_parser("verify", help="follow the chain through the database")
    export = log_actions.add_parser("export", help="write the file that `khazana audit-log` checks")
    export.add_argument("file", metavar="FILE", type=Path)


def add_folders(parser: argparse.ArgumentParser) -> None:
    """Where the desk's files are; the serving process and the workers are told the same."""
    parser.add_argument(
        "--office",
        metavar="DIR",
        type=Path,
        help="the office's files of record (default: DATA/office)",
    )
    parser.add_argument(
        "--publication", metavar="FOLDER", type=Path, help="folder into which the desk publishes"
    )


def is_of_desk(args: argparse.Namespace) -> bool:
    return args.command in DESK_COMMANDS or bool(getattr(args, "desk", False))


def desk_environment(args: argparse.Namespace) -> None:
    """What settings_desk reads."""
    if is_of_desk(args):
        if getattr(args, "chain", None):
            os.environ["KHAZANA_PORTAL_CHAIN"] = args.chain
        for option in ("publication", "office"):
            if getattr(args, option, None):
                name = f"KHAZANA_PORTAL_{option.upper()}"
                os.environ[name] = str(getattr(args, option).absolute())


def for_owner_only(folder: Path) -> None:
    """What the desk keeps (hashes of passwords, documents with their salts) is nobody else's."""
    os.umask(0o077)
    folder.chmod(0o700)


def run_desk(args: argparse.Namespace) -> int:
    """Run one of the desk's commands; the tables are there."""
    return {"staff": _staff, "audit-log": _audit_log, "work": _work, "backup": _backup}[
        str(args.command)
    ](args)


def _actor() -> str:
    """Who acts at the machine itself, as the audit log names them."""
    # Not by LOGNAME, which whoever calls may set.
    try:
        return f"console:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"console:{os.getuid()}"


def _staff(args: argparse.Namespace) -> int:
    from khazana.portal.accounts.invitations import (
        LINK_HOURS,
        add_person,
        change_person,
        confirm_person,
        reset_person,
    )
    from khazana.portal.accounts.models import Person

    if args.action == "list":
        for person in Person.objects.all():
            state = "open" if person.is_active else "closed"
            state += f", waits for confirmation (by {person.unconfirmed_by})" * bool(
                person.unconfirmed_by
            )
            print(f"{person.username}  {person.role}  {state}  {person.name}")
        return 0
    if args.action == "close":
        change_person(args.username, active=False, by=_actor())
        print(f"{args.username} is closed; its sessions have ended")
        return 0
    if args.action == "confirm":
        confirm_person(args.username, by=_actor())
        print(f"{args.username} is confirmed")
        return 0
    if args.action == "add":
        name = args.name or args.username
        token = add_person(args.username, name=name, role=args.role, by=_actor())
    else:
        token = reset_person(args.username, by=_actor())
    print(f"one-time link for {args.username}, good for {LINK_HOURS} hours:")
    print(_link(args.address, token))
    return 0


def _link(address: str | None, token: str) -> str:
    from django.conf import settings
    from django.urls import reverse

    base = address or f"https://{(settings.ALLOWED_HOSTS or ['localhost'])[0]}"
    return base.rstrip("/") + reverse("begin", args=[token])


def _work(args: argparse.Namespace) -> int:
    from khazana.portal.tasks.schedule import office_schedules, work
    from khazana.portal.tasks.worker import LEASE_SECONDS

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())  # the task in hand is finished first
    schedules = office_schedules([str(folder.absolute()) for folder in args.partner])
    done = work(schedules, once=args.once, stop=stop, lease_seconds=LEASE_SECONDS)
    print(f"{done} tasks done")
    return 0


def _backup(args: argparse.Namespace) -> int:
    from khazana.portal.audit.record import record
    from khazana.portal.desk.backup import make_backup

    record("backup made", actor=_actor(), subject=args.file.name)
    count = make_backup(args.file, now=datetime.now(UTC))
    print(f"{count} files in {args.file}; secret.key is not among them: keep a copy elsewhere")
    return 0


def run_restore(args: argparse.Namespace) -> int:
    """Before anything else has made a database."""
    from khazana.portal.accounts.invitations import forget_links
    from khazana.portal.audit.record import record
    from khazana.portal.desk.backup import restore_backup

    args.data.mkdir(parents=True, exist_ok=True)
    for_owner_only(args.data)
    count = restore_backup(args.file, secret=args.secret)
    forget_links()
    record("backup restored", actor=_actor(), subject=args.file.name)
    print(f"{count} files restored from {args.file}; one-time links and sessions have ended")
    return 0


def _audit_log(args: argparse.Namespace) -> int:
    from khazana.portal.audit.record import export_to, record, verified

    if args.action == "export":
        record("audit log taken", actor=_actor())
        print(f"{args.file} written; last act {export_to(args.file)}")
        return 0
    head = verified()
    print(f"{head.number} acts, chain unbroken; last act {head}")
    return 0
