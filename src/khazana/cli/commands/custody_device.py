"""`khazana custody device`: signing devices on a cable, by HWI or another program like it."""

import argparse
from pathlib import Path

from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import NETWORKS
from khazana.cli.files import MOST_OFFICE_BYTES, read_bytes, write_whole
from khazana.cli.offices import office_file
from khazana.cli.signing_devices import DEFAULT_PROGRAM, DeviceProgram
from khazana.cli.usage import WrongArguments
from khazana.custody.first_use import ShownAddress, shown_addresses_agree
from khazana.custody.psbt_files import psbt_of_file
from khazana.ledger.office import DescriptorSource
from khazana.statement.table import printable

EXIT_FINDINGS = 1


def register_device(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "device", help="devices on a cable: list them, show an address, sign a file"
    )
    steps = parser.add_subparsers(title="steps", metavar="STEP", required=True)
    listing = steps.add_parser("list", help="which devices answer")
    _add_common(listing)
    listing.set_defaults(run=run_list)
    address = steps.add_parser(
        "address", help="let a device show an address of a wallet, and compare it (K9)"
    )
    address.add_argument("--office", metavar="FILE", required=True)
    address.add_argument("--wallet", metavar="WALLET", required=True)
    address.add_argument("--branch", type=int, default=0, help="0 receives, 1 keeps the change")
    address.add_argument("--index", type=int, default=0)
    _add_common(address, fingerprint=True, network=False)
    address.set_defaults(run=run_address)
    sign = steps.add_parser("sign", help="let a device sign a PSBT, such as one of a campaign")
    sign.add_argument("psbt", metavar="PSBT", type=Path)
    sign.add_argument("--out", metavar="FILE", type=Path, required=True)
    _add_common(sign, fingerprint=True)
    sign.set_defaults(run=run_sign)


def _add_common(
    parser: argparse.ArgumentParser, *, fingerprint: bool = False, network: bool = True
) -> None:
    parser.add_argument(
        "--program",
        metavar="COMMAND",
        default=DEFAULT_PROGRAM,
        help="the program that speaks with devices (default: %(default)s)",
    )
    if network:
        parser.add_argument("--network", choices=sorted(NETWORKS), default="mainnet")
    if fingerprint:
        parser.add_argument("--fingerprint", metavar="HEX", required=True, help="of the device")


def run_list(args: argparse.Namespace) -> int:
    found = DeviceProgram(args.program, NETWORKS[args.network]).devices()
    for device in found:
        said = f"{device.fingerprint or 'no fingerprint'}: {device.kind}, {device.model}"
        print(printable(f"{said}; {device.problem}" if device.problem else said))
    print(f"{len(found)} devices answered")
    return 0


def run_address(args: argparse.Namespace) -> int:
    command = "custody device address"
    office = office_file(args.office)
    line = next((line for line in office.wallets if line.id == args.wallet), None)
    if line is None or not isinstance(line.source, DescriptorSource):
        problem = f"office.toml states no wallet {args.wallet} by descriptor"
        raise WrongArguments(command=command, problem=problem)
    descriptor = parse_descriptor(line.source.descriptor, office.network)
    if args.fingerprint not in {key.fingerprint for key in descriptor.keys}:
        problem = f"no key of wallet {args.wallet} has the fingerprint {args.fingerprint}"
        raise WrongArguments(command=command, problem=problem)
    descriptor.check_range(branch=args.branch, start=args.index, stop=args.index + 1)
    program = DeviceProgram(args.program, office.network)
    print(f"compare on the screen of {args.fingerprint}, then confirm there")
    address = program.shows(args.fingerprint, descriptor, branch=args.branch, index=args.index)
    shown = ShownAddress(args.fingerprint, args.branch, args.index, address)
    findings = list(
        shown_addresses_agree(args.wallet, descriptor, best_engine(), [shown], devices=())
    )
    for finding in findings:
        print(printable(f"  {finding}"))
    if not findings:
        print(f"{address}: the address of {args.wallet}, branch {args.branch}, index {args.index}")
    return EXIT_FINDINGS if findings else 0


def run_sign(args: argparse.Namespace) -> int:
    psbt = psbt_of_file(read_bytes(args.psbt, most=MOST_OFFICE_BYTES))
    program = DeviceProgram(args.program, NETWORKS[args.network])
    signed = program.signs(args.fingerprint, psbt)
    write_whole(args.out, signed, replace=False)
    if signed == psbt:
        print(f"{args.fingerprint} added nothing: none of its keys is asked, or it refused")
        return EXIT_FINDINGS
    print(f"{args.out}: with what {args.fingerprint} added; `custody collect` judges it")
    return 0
