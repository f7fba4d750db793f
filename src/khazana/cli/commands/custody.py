"""`khazana custody`: who may spend, the register of keys, labels, wallets of other programs."""

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

from khazana.bitcoin.address import address_of
from khazana.bitcoin.descriptor import Descriptor, parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import NETWORKS, Network
from khazana.bitcoin.secrets import refuse_secrets_in
from khazana.cli.clock import now
from khazana.cli.commands.custody_campaign import register_campaign
from khazana.cli.commands.custody_device import register_device
from khazana.cli.commands.custody_first_use import register_first_use
from khazana.cli.commands.custody_rotation import register_rotation
from khazana.cli.files import MOST_OFFICE_BYTES, read_bytes, write_whole
from khazana.cli.offices import office_file
from khazana.cli.usage import WrongArguments
from khazana.custody.advisories import shipped_advisories
from khazana.custody.exports.coldcard import coldcard_file
from khazana.custody.exports.electrum import electrum_wallet
from khazana.custody.imports.read import read_export
from khazana.custody.key_findings import HEALTH_DAYS, key_findings
from khazana.custody.labels import merge
from khazana.custody.labels_file import read_labels, write_labels
from khazana.custody.register import KeyRegister
from khazana.custody.register_file import read_register
from khazana.custody.words import describe
from khazana.ledger.office import DescriptorSource
from khazana.statement.checks import TEST_NOTICE

EXIT_FINDINGS = 1
DEFAULT_NETWORK = "mainnet"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("custody", help="quorums, keys, labels, imported wallets")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    said = actions.add_parser("describe", help="say in plain words who may spend")
    _add_wallets(said)
    said.add_argument("--keys", metavar="FILE", type=Path, help="register of keys, for names")
    said.set_defaults(run=run_describe)
    keys = actions.add_parser(
        "keys",
        help="check the register of keys, alone or against wallets",
        description="Read the register of keys and list every finding about the keys of the given "
        "wallets. Exit status 1 when there is one.",
    )
    keys.add_argument("register", metavar="KEYS", type=Path, help="the register (TOML)")
    _add_wallets(keys)
    keys.add_argument("--on", metavar="DATE", help="judge as on this day (default: today, UTC)")
    keys.add_argument(
        "--health-days",
        metavar="N",
        type=int,
        default=HEALTH_DAYS,
        help="days after which a key must sign again (default: %(default)s)",
    )
    keys.set_defaults(run=run_keys)
    labels = actions.add_parser("labels", help="check labels (BIP-329), or merge two files of them")
    labels.add_argument("file", metavar="FILE", type=Path, help="labels as JSON Lines")
    labels.add_argument("--merge", metavar="FILE", type=Path, help="labels of somebody else")
    labels.add_argument("--out", metavar="FILE", type=Path, help="write the result here")
    _add_network(labels)
    labels.set_defaults(run=run_labels)
    importer = actions.add_parser(
        "import",
        help="read a wallet as Sparrow, Specter, Nunchuk or Coldcard export it",
    )
    importer.add_argument("file", metavar="FILE", type=Path, help="the export")
    _add_network(importer)
    importer.set_defaults(run=run_import)
    exporter = actions.add_parser(
        "export",
        help="write a wallet's public keys as another program takes them over",
        description="A file without secrets: the other program watches the wallet, shows its "
        "addresses and carries PSBTs to the devices.",
    )
    exporter.add_argument("--office", metavar="FILE", required=True)
    exporter.add_argument("--wallet", metavar="WALLET", required=True)
    exporter.add_argument("--for", dest="program", choices=sorted(EXPORTS), required=True)
    exporter.add_argument("--out", metavar="FILE", type=Path, required=True)
    exporter.set_defaults(run=run_export)
    register_campaign(actions)
    register_rotation(actions)
    register_first_use(actions)
    register_device(actions)


def _add_network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--network", choices=sorted(NETWORKS), default=DEFAULT_NETWORK)


def _add_wallets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--descriptor", metavar="TEXT", action="append", default=[])
    parser.add_argument("--office", metavar="FILE", help="every descriptor wallet of office.toml")
    _add_network(parser)


def run_describe(args: argparse.Namespace) -> int:
    wallets = _wallets(args, "custody describe")
    names = _register(args.keys).names if args.keys else {}
    for wallet, descriptor in wallets:
        print(f"{wallet}: {describe(descriptor, names)}")
    return 0


def run_keys(args: argparse.Namespace) -> int:
    command = "custody keys"
    today = _day(args.on, command) if args.on else now().date()
    if args.health_days < 1:
        raise WrongArguments(command=command, problem="--health-days is at least 1")
    known = _register(args.register)
    wallets = _wallets(args, command, needed=False)
    print(f"{known.file}: {len(known.keys)} keys, read without a problem")
    found = 0
    for wallet, descriptor in wallets:
        if descriptor.network != known.network:
            problem = f"the register is of {known.network.name}, {wallet} of another network"
            raise WrongArguments(command=command, problem=problem)
        print(f"{wallet}: {describe(descriptor, known.names)}")
        for finding in key_findings(
            wallet,
            descriptor,
            known,
            shipped_advisories(),
            today=today,
            health_days=args.health_days,
        ):
            found += 1
            print(f"  {finding}")
    if wallets:
        print(f"{found} finding{'s' if found != 1 else ''} on {today}")
    return EXIT_FINDINGS if found else 0


def run_labels(args: argparse.Namespace) -> int:
    network = NETWORKS[args.network]
    ours = read_labels(str(args.file), read_bytes(args.file, most=MOST_OFFICE_BYTES), network)
    labels = ours.labels
    passed = len(ours.ignored)
    conflicts = 0
    if args.merge is not None:
        raw = read_bytes(args.merge, most=MOST_OFFICE_BYTES)
        theirs = read_labels(str(args.merge), raw, network)
        labels, findings = merge(ours.labels, theirs.labels)
        conflicts, passed = len(findings), passed + len(theirs.ignored)
        for finding in findings:
            print(finding, file=sys.stderr)
    if args.out is not None:
        write_whole(args.out, write_labels(labels).encode())
        print(f"{len(labels)} labels written to {args.out}")
    elif args.merge is not None:
        sys.stdout.write(write_labels(labels))
    else:
        print(f"{len(labels)} labels, read without a problem")
    if passed:
        print(f"{passed} records of unknown types were passed over", file=sys.stderr)
    return EXIT_FINDINGS if conflicts else 0


def run_import(args: argparse.Namespace) -> int:
    raw = read_bytes(args.file, most=MOST_OFFICE_BYTES)
    wallet = read_export(str(args.file), raw, NETWORKS[args.network], best_engine())
    print(f"# {wallet.format}{f': {wallet.name}' if wallet.name else ''}")
    print(f"# Who may spend: {describe(wallet.descriptor, wallet.key_names)}")
    print(f"# First address, to compare with every device: {wallet.first_address}")
    for note in wallet.notes:
        print(f"# Note: {note}")
    sys.stdout.write(wallet.office_lines())
    return 0


def run_export(args: argparse.Namespace) -> int:
    command = "custody export"
    office = office_file(args.office)
    line = next((line for line in office.wallets if line.id == args.wallet), None)
    if line is None or not isinstance(line.source, DescriptorSource):
        problem = f"office.toml states no wallet {args.wallet} by descriptor"
        raise WrongArguments(command=command, problem=problem)
    descriptor = parse_descriptor(line.source.descriptor, office.network)
    text = EXPORTS[args.program](descriptor, line.name.get("en", line.id))
    write_whole(args.out, text.encode(), replace=False)
    first = best_engine().derive(descriptor, branch=0, start=0, stop=1)[0]
    print(f"{args.wallet} for {args.program}: {args.out}")
    print(f"first address, to compare there: {address_of(first, office.network)}")
    if office.test:
        print(TEST_NOTICE)
    return 0


EXPORTS: dict[str, Callable[[Descriptor, str], str]] = {
    "coldcard": lambda descriptor, name: coldcard_file(descriptor, name=name),
    "descriptor": lambda descriptor, _: descriptor.text + "\n",
    "electrum": lambda descriptor, _: electrum_wallet(descriptor),
}


def _register(path: Path) -> KeyRegister:
    return read_register(str(path), read_bytes(path, most=MOST_OFFICE_BYTES))


def _wallets(
    args: argparse.Namespace, command: str, *, needed: bool = True
) -> list[tuple[str, Descriptor]]:
    """The wallets named by --office and --descriptor, in that order."""
    network: Network = NETWORKS[args.network]
    found = []
    if args.office is not None:
        office = office_file(args.office)
        for wallet in office.wallets:
            if isinstance(wallet.source, DescriptorSource):
                found.append(
                    (wallet.id, parse_descriptor(wallet.source.descriptor, office.network))
                )
            else:
                print(f"{wallet.id}: states addresses, not keys; passed over", file=sys.stderr)
    for position, text in enumerate(args.descriptor, 1):
        refuse_secrets_in(text, where=f"descriptor {position}")
        found.append((f"descriptor {position}", parse_descriptor(text, network)))
    if needed and not found:
        raise WrongArguments(command=command, problem="name wallets by --office or --descriptor")
    return found


def _day(text: str, command: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = "--on takes a day such as 2026-06-01"
        raise WrongArguments(command=command, problem=problem) from None
