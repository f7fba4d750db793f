"""`khazana solvency prove`: slips as files or in one bundle, for one customer, some, or all."""

import argparse
import base64
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from khazana.cli.commands.solvency_build import notice
from khazana.cli.files import FileNotUsable, read_bytes, write_whole
from khazana.cli.solvency_files import (
    EPOCH_FILE,
    KEYS_FILE,
    epoch_in,
    plan_in,
    require_readable,
    trees_chosen,
)
from khazana.cli.usage import WrongArguments
from khazana.supervision.solvency.epoch import Epoch
from khazana.supervision.solvency.errors import NotInExtract
from khazana.supervision.solvency.prove import every_slip
from khazana.supervision.solvency.sections import tree_file
from khazana.supervision.solvency.slip import TEXT_PREFIX

COMMAND = "solvency prove"
HELP = "write customers' slips: of one, of those in a list, or of all"
MOST_LIST = 1 << 32


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    prove = commands.add_parser("prove", help=HELP, description=HELP)
    prove.add_argument("customer", nargs="?")
    prove.add_argument("--list", metavar="FILE", type=Path, help="ids, one a line")
    prove.add_argument("--all", action="store_true", help="every customer of the extract")
    prove.add_argument("--extract", metavar="CSV", type=Path, required=True)
    prove.add_argument("--built", metavar="DIR", type=Path, required=True)
    prove.add_argument("--tree", metavar="NAME", help="only this one, such as liabilities/BTC")
    prove.add_argument("--to-root", action="store_true", help="longer; needs no published level")
    prove.add_argument(
        "--out",
        metavar="PATH",
        type=Path,
        help="a file for the slip of one customer in one tree, otherwise a folder of slips",
    )
    prove.add_argument(
        "--bundle", metavar="FILE", type=Path, help="all in one file: customer,tree,slip as text"
    )
    prove.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if [args.customer is not None, args.list is not None, args.all].count(True) != 1:
        raise WrongArguments(command=COMMAND, problem="name a CUSTOMER, or give --list or --all")
    if (args.out is None) == (args.bundle is None):
        raise WrongArguments(command=COMMAND, problem="give --out or --bundle")
    wanted = _wanted(args)
    epoch = epoch_in(args.built / EPOCH_FILE)
    trees = trees_chosen(epoch, args.tree, command=COMMAND)
    require_readable(args.extract)
    made = _Slips(args, epoch, trees, wanted)
    if args.bundle is not None:
        _write_bundle(args.bundle, made, epoch)
        where = args.bundle
    elif args.customer is not None and len(trees) == 1:
        found = list(made)
        made.require_all()
        write_whole(args.out, found[0][2], mode=0o600)
        where = args.out
    else:
        _write_folder(args.out, made)
        where = args.out
    notice(epoch)
    print(f"{where}: {made.count} slips, {made.size} bytes; confidential")
    return 0


def _wanted(args: argparse.Namespace) -> list[str] | None:
    if args.all:
        return None
    if args.list is None:
        return [args.customer]
    text = read_bytes(args.list, most=MOST_LIST).decode("utf-8", "replace")
    ids = [line.strip() for line in text.splitlines() if line.strip()]
    if len(set(ids)) != len(ids):
        raise FileNotUsable(path=str(args.list), problem="names a customer twice")
    if not ids:
        raise FileNotUsable(path=str(args.list), problem="names no customer")
    return ids


class _Slips:
    """Slips of some trees as they are made; afterwards, how many, and who has none."""

    def __init__(
        self, args: argparse.Namespace, epoch: Epoch, trees: list[int], wanted: list[str] | None
    ) -> None:
        self._args, self._epoch, self._trees, self._wanted = args, epoch, trees, wanted
        self._missing = dict.fromkeys(wanted or ())
        self.count = self.size = 0

    def __iter__(self) -> Iterator[tuple[str, str, bytes]]:
        args = self._args
        for number in self._trees:
            name = self._epoch.trees[number].name
            for customer, raw in every_slip(
                self._wanted,
                extract=args.extract,
                plan=plan_in(args.built / KEYS_FILE, self._epoch, number),
                tree=tree_file(args.built, name),
                epoch=self._epoch,
                to_root=args.to_root,
            ):
                self._missing.pop(customer, None)
                self.count += 1
                self.size += len(raw)
                yield customer, name, raw

    def require_all(self) -> None:
        for customer in self._missing:
            raise NotInExtract(file=self._args.extract.name, customer=customer)


def _write_bundle(path: Path, made: _Slips, epoch: Epoch) -> None:
    """One line for each slip, after a line with the statement's digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(f"#khazana.slips/1,{epoch.digest}\ncustomer,tree,slip\n".encode())
            prefix = TEXT_PREFIX.encode()
            for customer, name, raw in made:
                text = base64.urlsafe_b64encode(raw).rstrip(b"=")
                file.write(b"%b,%b,%b%b\n" % (customer.encode(), name.encode(), prefix, text))
        made.require_all()
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _write_folder(path: Path, made: _Slips) -> None:
    """A folder for each tree in it, a file for each slip; nothing where one is missing."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileNotUsable(path=str(path), problem="exists already and is not an empty folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        for customer, name, raw in made:
            # An id may hold any sign that a file's name may not.
            folder = scratch / name.replace("/", "-")
            folder.mkdir(exist_ok=True)
            path_of_slip = folder / f"{quote(customer, safe='')}.slip"
            file = os.open(path_of_slip, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(file, "wb") as out:
                out.write(raw)
        made.require_all()
        os.replace(scratch, path)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
