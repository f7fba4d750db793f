"""`khazana custody first-use` and `health`: keys prove that they sign, and are reminded to."""

import argparse
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from khazana.bitcoin.descriptor import Descriptor, parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.reader import MalformedBytes
from khazana.cli.campaigns import campaign_of
from khazana.cli.chains import add_chain_argument, chain_of
from khazana.cli.clock import now
from khazana.cli.files import MOST_OFFICE_BYTES, MOST_STATEMENT_BYTES, read_bytes, write_whole
from khazana.cli.offices import office_file
from khazana.cli.usage import WrongArguments
from khazana.custody.advisories import shipped_advisories
from khazana.custody.control_evidence import CONTROL_TYPE
from khazana.custody.first_use import (
    SignedTest,
    every_key_signed,
    shown_addresses_agree,
    signed_by_message,
)
from khazana.custody.first_use_files import (
    FirstUsePlan,
    SignedMessage,
    addresses_to_fill_in,
    read_addresses,
    read_messages,
    read_plan,
    write_plan,
)
from khazana.custody.first_use_psbt import first_use_psbt, signed_in_psbt
from khazana.custody.health import REMIND_DAYS, Health, health_of
from khazana.custody.key_findings import HEALTH_DAYS, key_findings, seeds_are_sound
from khazana.custody.policy import is_nobodys, key_id
from khazana.custody.proven import keys_proven
from khazana.custody.psbt_files import psbt_of_file
from khazana.custody.register import KeyRegister
from khazana.custody.register_dates import with_days
from khazana.custody.register_file import read_register
from khazana.custody.words import describe, key_names
from khazana.ledger.findings import Finding
from khazana.ledger.office import DescriptorSource
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.checks import TEST_NOTICE

EXIT_FINDINGS = 1
PLAN = "plan.toml"
MOST_SHOWN = 100


def register_first_use(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "first-use", help="test a wallet before its first coin: signatures and addresses"
    )
    steps = parser.add_subparsers(title="steps", metavar="STEP", required=True)
    make = steps.add_parser("make", help="write what every cosigner signs and compares")
    make.add_argument("--office", metavar="FILE", required=True)
    make.add_argument("--wallet", metavar="WALLET", required=True)
    make.add_argument("--keys", metavar="FILE", type=Path, help="register of keys, for names")
    make.add_argument(
        "--addresses", metavar="N", type=int, default=3, help="to compare (default: %(default)s)"
    )
    make.add_argument("--out-dir", metavar="DIR", type=Path, required=True)
    make.set_defaults(run=run_make)
    check = steps.add_parser(
        "check",
        help="check what came back; record it in the register",
        description="Exit status 1 while a cosigner has not signed or an address differs (K8, K9).",
    )
    check.add_argument("plan", metavar="PLAN", type=Path, help=f"{PLAN} as it was made")
    check.add_argument("psbts", metavar="PSBT", type=Path, nargs="*", help="signed files")
    check.add_argument("--messages", metavar="CSV", type=Path, help="key,signature")
    check.add_argument("--addresses", metavar="CSV", type=Path, action="append", default=[])
    check.add_argument("--keys", metavar="FILE", type=Path, help="register of keys")
    check.add_argument(
        "--record", metavar="FILE", type=Path, help="the register with the day of the test"
    )
    check.set_defaults(run=run_check)
    proven = actions.add_parser(
        "proven",
        help="record in the register which keys signed a statement's proofs of control",
        description="A quarter's proofs are a health check of the keys that made them. Each gets "
        "the day of the block that its message names: nobody could sign it earlier.",
    )
    proven.add_argument("register", metavar="KEYS", type=Path, help="the register (TOML)")
    proven.add_argument("--statement", metavar="FILE", type=Path, required=True)
    add_chain_argument(proven)
    proven.add_argument("--out", metavar="FILE", type=Path, required=True, help="the new register")
    proven.set_defaults(run=run_proven)
    health = actions.add_parser(
        "health",
        help="remind: which keys must sign again by when, and what else is wrong with keys",
        description="Exit status 1 when a key is overdue or never signed, or a rule K4 to K7 "
        "finds something; 0 when keys are only due soon.",
    )
    health.add_argument("register", metavar="KEYS", type=Path, help="the register (TOML)")
    health.add_argument("--office", metavar="FILE", help="judge its wallets' quorums as well")
    health.add_argument("--at", metavar="DATE", help="as on this day (default: today, UTC)")
    health.add_argument("--days", metavar="N", type=int, default=HEALTH_DAYS)
    health.add_argument("--remind", metavar="N", type=int, default=REMIND_DAYS)
    health.set_defaults(run=run_health)


def run_make(args: argparse.Namespace) -> int:
    command = "custody first-use make"
    if not 1 <= args.addresses <= MOST_SHOWN:
        raise WrongArguments(command=command, problem=f"--addresses is 1 to {MOST_SHOWN}")
    office = office_file(args.office)
    line = next((line for line in office.wallets if line.id == args.wallet), None)
    if line is None or not isinstance(line.source, DescriptorSource):
        problem = f"office.toml states no wallet {args.wallet} by descriptor"
        raise WrongArguments(command=command, problem=problem)
    descriptor = parse_descriptor(line.source.descriptor, office.network)
    names = _register(args.keys).names if args.keys is not None else {}
    plan = FirstUsePlan(
        wallet=args.wallet,
        descriptor=descriptor,
        day=now().date(),
        nonce=secrets.token_hex(16),
        branch=0,
        index=0,
    )
    psbt = first_use_psbt(descriptor, best_engine(), branch=0, index=0, message=plan.message)
    devices = _devices(descriptor, args.keys)
    write_whole(args.out_dir / PLAN, write_plan(plan).encode(), replace=False)
    for device in devices:
        write_whole(args.out_dir / f"{device}.psbt", psbt, replace=False)
    branches = descriptor.branches
    table = addresses_to_fill_in(devices, branches=branches, count=args.addresses)
    write_whole(args.out_dir / "addresses.csv", table.encode(), replace=False)
    print(f"{args.wallet}: {describe(descriptor, names)}")
    print(f"message: {plan.message}")
    for device in devices:
        print(f"{args.out_dir / f'{device}.psbt'}: for {device} to sign; it can move no coin")
    print(f"{args.out_dir / 'addresses.csv'}: fill in what each device shows on its own screen")
    if office.test:
        print(TEST_NOTICE)
    return 0


def run_check(args: argparse.Namespace) -> int:
    if args.record is not None and args.keys is None:
        raise WrongArguments(command="custody first-use check", problem="--record needs --keys")
    plan = read_plan(str(args.plan), read_bytes(args.plan, most=MOST_OFFICE_BYTES))
    known = _register(args.keys) if args.keys is not None else None
    names = known.names if known is not None else {}
    named = key_names(plan.descriptor, names)
    tests = [*_psbts(plan, args.psbts), *_messages(plan, args.messages)]
    shown = [
        one
        for path in args.addresses
        for one in read_addresses(str(path), read_bytes(path, most=MOST_OFFICE_BYTES))
    ]
    devices = _devices(plan.descriptor, args.keys)
    signed = frozenset().union(*(test.signed for test in tests))
    for key, name in named.items():
        if key in signed:
            print(f"{name}: signed the test of {plan.day}")
    findings = [
        *every_key_signed(plan.wallet, plan.descriptor, tests, named),
        *shown_addresses_agree(plan.wallet, plan.descriptor, best_engine(), shown, devices=devices),
    ]
    for finding in findings:
        print(f"  {finding}")
    if not findings:
        print(f"{plan.wallet}: every key signed and every device shows its addresses")
    if args.record is not None and known is not None:
        _record(args, known, plan, signed)
    if plan.descriptor.network.test:
        print(TEST_NOTICE)
    return EXIT_FINDINGS if findings else 0


def run_proven(args: argparse.Namespace) -> int:
    raw = read_bytes(args.register, most=MOST_OFFICE_BYTES)
    known = read_register(str(args.register), raw)
    statement = read_reserve_statement(read_bytes(args.statement, most=MOST_STATEMENT_BYTES))
    chain = chain_of(args)
    evidence = [
        (f"$.evidence[{row}]", item.fields)
        for row, item in enumerate(statement.envelope.evidence)
        if item.type == CONTROL_TYPE and item.subject_root == statement.root
    ]
    days: dict[str, date] = {}
    for key, block in keys_proven(evidence, campaign_of(statement, chain)).items():
        held = known.holding(key)
        if held is None or chain.block_at(block.height) != block:
            continue
        found = datetime.fromtimestamp(chain.headers(block.height, block)[0].time, tz=UTC).date()
        if found >= held.created:
            days[held.id] = max(found, days.get(held.id, found))
    write_whole(args.out, with_days(known, raw, days))
    for name, day in sorted(days.items()):
        print(f"{name}: signed, not before {day}")
    print(f"{len(days)} of {len(known.keys)} keys signed: written to {args.out}")
    if statement.header.test:
        print(TEST_NOTICE)
    return 0 if days else EXIT_FINDINGS


def run_health(args: argparse.Namespace) -> int:
    command = "custody health"
    if args.days < 1 or args.remind < 0:
        raise WrongArguments(command=command, problem="--days is at least 1, --remind at least 0")
    at = _day(args.at, command) if args.at else now().date()
    known = _register(args.register)
    urgent = 0
    for one in health_of(known, at=at, health_days=args.days, remind_days=args.remind):
        urgent += one.health in (Health.OVERDUE, Health.NEVER)
        print(one.words)
    findings = dict.fromkeys(_key_findings(args, known, at))
    for finding in findings:
        print(f"  {finding}")
    print(f"{urgent} keys must sign now, {len(findings)} findings on {at}")
    if known.network.test:
        print(TEST_NOTICE)
    return EXIT_FINDINGS if urgent or findings else 0


def _key_findings(args: argparse.Namespace, known: KeyRegister, at: date) -> Iterator[Finding]:
    advisories = shipped_advisories()
    in_use = [key for key in known.keys if key.retired is None or key.retired > at]
    yield from seeds_are_sound(in_use, advisories)
    if args.office is None:
        return
    office = office_file(args.office)
    if office.network != known.network:
        problem = f"the register is of {known.network.name}, the office of {office.network.name}"
        raise WrongArguments(command="custody health", problem=problem)
    for line in office.wallets:
        if isinstance(line.source, DescriptorSource):
            descriptor = parse_descriptor(line.source.descriptor, office.network)
            yield from key_findings(
                line.id, descriptor, known, advisories, today=at, health_days=args.days
            )


def _psbts(plan: FirstUsePlan, paths: Sequence[Path]) -> Iterator[SignedTest]:
    for path in paths:
        raw = read_bytes(path, most=MOST_OFFICE_BYTES)
        try:
            psbt = psbt_of_file(raw)
            test = signed_in_psbt(
                plan.descriptor,
                best_engine(),
                psbt,
                branch=plan.branch,
                index=plan.index,
                message=plan.message,
            )
        except MalformedBytes as wrong:
            test = SignedTest(frozenset(), (str(wrong),))
        yield SignedTest(test.signed, tuple(f"{path.name}: {said}" for said in test.problems))


def _messages(plan: FirstUsePlan, path: Path | None) -> Iterator[SignedTest]:
    if path is None:
        return
    said: Sequence[SignedMessage] = read_messages(
        str(path), read_bytes(path, most=MOST_OFFICE_BYTES)
    )
    by_fingerprint = {key.fingerprint: key_id(key) for key in plan.descriptor.keys}
    for one in said:
        key = by_fingerprint.get(one.key)
        if key is None:
            problem = f"{path.name}: {one.key} is the fingerprint of no key of this wallet"
            yield SignedTest(frozenset(), (problem,))
            continue
        yield signed_by_message(
            plan.descriptor,
            key,
            one.signature,
            branch=plan.branch,
            index=plan.index,
            message=plan.message,
        )


def _record(
    args: argparse.Namespace, known: KeyRegister, plan: FirstUsePlan, signed: frozenset[str]
) -> None:
    """The day of the test for every key that signed it: nobody could sign it earlier."""
    keys = (known.holding(key) for key in signed)
    days = {key.id: plan.day for key in keys if key is not None and key.created <= plan.day}
    raw = read_bytes(args.keys, most=MOST_OFFICE_BYTES)
    write_whole(args.record, with_days(known, raw, days))
    print(f"{len(days)} keys signed on {plan.day}: written to {args.record}")


def _devices(descriptor: Descriptor, keys: Path | None) -> list[str]:
    """A name for each device: as the register calls its key, or the fingerprint."""
    known = _register(keys) if keys is not None else None
    found: dict[str, None] = {}
    for position, key in enumerate(descriptor.keys, 1):
        if is_nobodys(key):
            continue
        held = known.holding(key_id(key)) if known is not None else None
        found.setdefault(held.id if held is not None else key.fingerprint or f"key-{position}")
    return list(found)


def _register(path: Path) -> KeyRegister:
    return read_register(str(path), read_bytes(path, most=MOST_OFFICE_BYTES))


def _day(text: str, command: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = "--at takes a day such as 2026-06-01"
        raise WrongArguments(command=command, problem=problem) from None
