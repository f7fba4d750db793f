"""`khazana office`: keys and identity of an office, and a look at its description."""

import argparse
import getpass
import os
from datetime import timedelta
from pathlib import Path

from khazana.cli.clock import now
from khazana.cli.files import MOST_OFFICE_BYTES, read_bytes, write_whole
from khazana.cli.keys import PASSPHRASE_VARIABLE, read_key, write_new_key
from khazana.cli.offices import office_file
from khazana.cli.usage import WrongArguments
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.identity import grouped, new_office, succeeded
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.office_file import read_office, write_office
from khazana.statement.office_plan import next_version
from khazana.statement.times import write_instant

DEFAULT_VALIDITY_DAYS = 3 * 365


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("office", help="an office's keys, identity and description")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    keygen = actions.add_parser("keygen", help="make a statement key (offline, not a wallet key)")
    keygen.add_argument("--out", metavar="FILE", type=Path, required=True)
    keygen.add_argument("--passphrase", action="store_true", help="protect it with a passphrase")
    keygen.set_defaults(run=run_keygen)
    identity = actions.add_parser(
        "identity",
        help="write office.json: the first version of an identity, or the next one",
        description="Write or extend office.json from the keys and roles in office.toml. Each new "
        "version is signed by root keys of the version before and of its own.",
    )
    identity.add_argument("--office", metavar="FILE", required=True, help="office.toml")
    identity.add_argument(
        "--key", metavar="FILE", type=Path, action="append", required=True, help="a root key"
    )
    identity.add_argument("--extends", metavar="FILE", type=Path, help="the office.json so far")
    identity.add_argument(
        "--days", type=int, default=DEFAULT_VALIDITY_DAYS, help="validity (default: %(default)s)"
    )
    identity.add_argument("--out", metavar="FILE", type=Path, required=True)
    identity.set_defaults(run=run_identity)
    show = actions.add_parser("fingerprint", help="print an office's fingerprint, to compare")
    show.add_argument("file", metavar="FILE", type=Path, help="office.json")
    show.set_defaults(run=run_fingerprint)
    check = actions.add_parser("check", help="read office.toml and its tables, list every problem")
    check.add_argument("office", metavar="FILE", help="office.toml, or shipped:el_salvador_claimed")
    check.set_defaults(run=run_check)


def run_keygen(args: argparse.Namespace) -> int:
    passphrase = None
    if args.passphrase:
        given = os.environ.get(PASSPHRASE_VARIABLE)
        text = given if given is not None else getpass.getpass("new passphrase: ")
        if given is None and text != getpass.getpass("the same again: "):
            raise WrongArguments(
                command="office keygen", problem="the two passphrases differ; nothing was written"
            )
        if not text:
            raise WrongArguments(
                command="office keygen", problem="an empty passphrase protects nothing"
            )
        passphrase = text.encode()
    public = public_bytes(write_new_key(args.out, passphrase=passphrase))
    print(f"secret key written to {args.out}: keep it offline")
    print(f"public key {public.hex()}")
    print(f"key id     {key_id(public)}")
    return 0


def run_identity(args: argparse.Namespace) -> int:
    file = office_file(args.office)
    so_far = (
        None
        if args.extends is None
        else read_office(read_bytes(args.extends, most=MOST_OFFICE_BYTES))
    )
    begins = now()
    version = next_version(
        file, so_far, valid_from=begins, valid_until=begins + timedelta(days=args.days)
    )
    signers = [read_key(path) for path in args.key]
    office = new_office(version, signers) if so_far is None else succeeded(so_far, version, signers)
    write_whole(args.out, write_office(office))
    print(f"{office.id}, version {version.version}, written to {args.out}")
    print(f"fingerprint {grouped(office.fingerprint)}")
    if version.test:
        print(TEST_NOTICE)
    return 0


def run_fingerprint(args: argparse.Namespace) -> int:
    office = read_office(read_bytes(args.file, most=MOST_OFFICE_BYTES))
    newest = office.newest
    print(grouped(office.fingerprint))
    print(
        f"{office.id} on {newest.network}, version {newest.version}, valid from "
        f"{write_instant(newest.valid_from)} until {write_instant(newest.valid_until)}"
    )
    if newest.test:
        print(TEST_NOTICE)
    return 0


def run_check(args: argparse.Namespace) -> int:
    file = office_file(args.office)
    if file.notice:
        print(file.notice)
    print(
        f"{file.name.get('en', file.id)}: {len(file.entities)} entities, {len(file.wallets)} "
        f"wallets, {len(file.accounts)} custodial accounts, {len(file.perimeters)} perimeters, "
        f"{len(file.documents)} documents on {file.network.name}: no problem found"
    )
    if file.test:
        print(TEST_NOTICE)
    return 0
