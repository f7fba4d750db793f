"""The portal's own commands: bring a folder in, put it out again, serve."""

import argparse
import os
import socket
import sys
import threading
from pathlib import Path

from khazana.errors import KhazanaError
from khazana.portal.project.command_desk import (
    DESK_COMMANDS,
    add_desk_commands,
    add_folders,
    desk_environment,
    for_owner_only,
    is_of_desk,
    run_desk,
    run_restore,
)

HOST = "127.0.0.1"
FONTS_AFTER_SECONDS = 5.0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="khazana portal", description="The public portal of an office."
    )
    made.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=Path("portal-data"),
        help="the portal's own folder: database, secret, static files (default: %(default)s)",
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve the pages")
    serve.add_argument("--port", type=int, default=8000, help="(default: %(default)s)")
    serve.add_argument("--host", default=HOST, help="address to listen on (default: %(default)s)")
    serve.add_argument(
        "--plain-http", action="store_true", help="without TLS, for this machine alone"
    )
    serve.add_argument(
        "--follow", metavar="FOLDER", type=Path, help="publication folder to keep in step with"
    )
    serve.add_argument(
        "--partner",
        metavar="FOLDER",
        type=Path,
        action="append",
        default=[],
        help="publication folder of a partner office (repeatable)",
    )
    serve.add_argument("--progress", metavar="FILE", type=Path, help="how far a demo is")
    serve.add_argument(
        "--accent",
        metavar="NUMBER",
        type=int,
        choices=range(1, 7),
        help="colour of the office, 1 to 6 (default: KHAZANA_PORTAL_ACCENT, else 1)",
    )
    for command in (serve, commands.add_parser("import", help="import a publication folder")):
        command.add_argument(
            "--chain", metavar="SOURCE", help="where the times of blocks come from"
        )
        command.add_argument(
            "--known-office",
            metavar="FILE|FINGERPRINT",
            action="append",
            default=[],
            help="an office whose log, verdicts or countersignatures count, by office.json or "
            "fingerprint "
            "(repeatable; KHAZANA_PORTAL_KNOWN_OFFICES)",
        )
        command.add_argument(
            "--level",
            choices=("totals", "addresses", "full"),
            default="full",
            help="how much of each statement becomes public (default: %(default)s)",
        )
        if command is not serve:
            command.add_argument("folder", metavar="FOLDER", type=Path)
            command.add_argument("--as-partner", action="store_true", help="of a partner office")
    serve.add_argument(
        "--desk", action="store_true", help="with the staff desk: never where the public reads"
    )
    add_folders(serve)
    add_desk_commands(commands)
    export = commands.add_parser("export", help="write everything imported into a folder")
    export.add_argument("folder", metavar="FOLDER", type=Path)
    commands.add_parser("migrate", help="bring the database to this version")
    check = commands.add_parser(
        "check", help="whether the configuration is fit for serving the public"
    )
    check.add_argument("--desk", action="store_true", help="the configuration with the staff desk")
    return made


def main(argv: list[str]) -> int:
    args = parser().parse_args(argv)
    _environment(args)
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management.base import CommandError
    from django.db import DatabaseError

    try:
        django.setup()
        return _run(args)
    except KhazanaError as error:
        problem = f"{error} ({error.code})"
    except ImproperlyConfigured as error:
        problem = f"The portal is not configured: {error}"
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1  # it was checked, and something is wrong
    except DatabaseError as error:
        problem = f"The database did not take it: {error}"
    except OSError as error:
        problem = f"{error.filename or args.data}: {error.strerror or error}"
    except KeyboardInterrupt:
        return 130
    print(problem, file=sys.stderr)
    return 2


def _environment(args: argparse.Namespace) -> None:
    """What the settings read."""
    settings = "settings_desk" if is_of_desk(args) else "settings"
    os.environ["DJANGO_SETTINGS_MODULE"] = f"khazana.portal.project.{settings}"
    os.environ["KHAZANA_PORTAL_DIR"] = str(args.data.absolute())
    if getattr(args, "plain_http", False):
        os.environ["KHAZANA_PORTAL_PLAIN_HTTP"] = "1"
    if getattr(args, "progress", None):
        os.environ["KHAZANA_PORTAL_PROGRESS"] = str(args.progress.absolute())
    if getattr(args, "chain", None):
        args.chain = _from_anywhere(args.chain)
        os.environ.setdefault("KHAZANA_PORTAL_SOURCE", args.chain)
    if getattr(args, "known_office", None):
        named = [_whole_path(each) for each in args.known_office]
        os.environ["KHAZANA_PORTAL_KNOWN_OFFICES"] = os.pathsep.join(named)
    desk_environment(args)
    if getattr(args, "accent", None):
        os.environ["KHAZANA_PORTAL_ACCENT"] = str(args.accent)


def _whole_path(office: str) -> str:
    return str(Path(office).absolute()) if office.endswith(".json") else office


def _from_anywhere(source: str) -> str:
    """A folder of blocks or of a node by its whole path: checks run in folders of their own.

    >>> _from_anywhere("esplora:http://127.0.0.1:3002")
    'esplora:http://127.0.0.1:3002'
    """
    kind, _colon, place = source.partition(":")
    path = Path(place).expanduser()
    if place and (kind == "blocks" or (kind == "core" and path.is_dir())):
        return f"{kind}:{path.absolute()}"
    return source


def _run(args: argparse.Namespace) -> int:
    from django.core.management import call_command

    if args.command == "check":
        call_command("check", deploy=True, fail_level="WARNING")
        return 0
    if args.command == "restore":
        return run_restore(args)
    if getattr(args, "chain", None):
        from khazana.bitcoin.adapters.source import open_chain

        open_chain(args.chain)  # refuses what it does not understand before anything is made
    if getattr(args, "known_office", None):
        from khazana.portal.accord.known import known_offices

        known_offices(args.known_office)
    # Whoever comes while the database is made waits for an answer instead of being refused.
    listening = _listening(args) if args.command == "serve" else None
    args.data.mkdir(parents=True, exist_ok=True)
    if is_of_desk(args):
        for_owner_only(args.data)
    call_command("migrate", interactive=False, verbosity=0)
    if args.command == "import":
        return _import(args)
    if args.command in DESK_COMMANDS:
        return run_desk(args)
    if args.command == "export":
        from khazana.portal.statement.exporting import export_folder

        print(f"{export_folder(args.folder)} files written to {args.folder}")
    if listening is not None:
        call_command("collectstatic", interactive=False, verbosity=0)
        _serve(args, listening)
    return 0


def _import(args: argparse.Namespace) -> int:
    from khazana.bitcoin.adapters.source import open_chain
    from khazana.portal.statement.importing import import_folder
    from khazana.portal.statement.publication import STATEMENTS, PublicationRefused

    if not any(args.folder.glob(STATEMENTS)):
        problem = f"no {STATEMENTS} there" if args.folder.is_dir() else "there is no such folder"
        raise PublicationRefused(path=str(args.folder), problem=problem)
    chain = open_chain(args.chain) if args.chain else None
    done = import_folder(args.folder, own=not args.as_partner, level=args.level, chain=chain)
    print(
        f"{len(done.statements)} statements new, {len(done.renewed)} renewed, "
        f"{done.files} other files"
    )
    return 0


def _listening(args: argparse.Namespace) -> socket.socket:
    # asyncio turns Nagle's delay off only where the protocol is named: 40 ms an answer otherwise.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((args.host, args.port))
        made.listen(128)
    except (OSError, OverflowError) as error:
        print(
            f"Port {args.port} of {args.host} cannot be had: {error}. "
            "Stop what listens there, or choose another with --port.",
            file=sys.stderr,
        )
        raise SystemExit(2) from error
    return made


def _serve(args: argparse.Namespace, listening: socket.socket) -> None:
    import uvicorn

    from khazana.portal.project.asgi import application
    from khazana.portal.project.following import follow
    from khazana.portal.project.fonts import put_fonts

    # Cutting them takes seconds of the processor: the first pages come first.
    fonts = threading.Timer(FONTS_AFTER_SECONDS, put_fonts, args=(args.data / "fonts",))
    fonts.daemon = True
    fonts.start()
    if args.follow is not None:
        threading.Thread(
            target=follow,
            args=(args.follow, tuple(args.partner)),
            kwargs={"level": args.level, "source": args.chain},
            daemon=True,
        ).start()
    config = uvicorn.Config(application, log_level="warning", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])
