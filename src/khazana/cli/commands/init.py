"""`khazana init`: the first file of a new office."""

import argparse
from pathlib import Path

from khazana.bitcoin.network import NETWORKS
from khazana.cli.files import FileNotUsable, write_whole
from khazana.ledger.new_office import new_office_values
from khazana.ledger.office_file import read_office
from khazana.ledger.toml_writing import write_toml
from khazana.statement.checks import TEST_NOTICE

HELP = "begin an office: write its first office.toml"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("init", help=HELP)
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder of the office's files")
    parser.add_argument("--id", required=True, metavar="ID", help="such as bitcoin-office")
    parser.add_argument("--name", required=True, metavar="TEXT", help="its name in English")
    parser.add_argument("--network", default="mainnet", choices=sorted(NETWORKS))
    parser.add_argument("--timezone", required=True, metavar="ZONE", help="such as Asia/Karachi")
    parser.add_argument(
        "--currency", default="USD", metavar="CODE", help="in which cost is kept (ISO 4217)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    values = new_office_values(
        id_=args.id,
        names={"en": args.name},
        network=args.network,
        timezone=args.timezone,
        currency=args.currency,
    )
    raw = write_toml(values)
    office = read_office("office.toml", raw, lambda name: None)
    try:
        args.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileNotUsable(path=str(args.folder), problem=error.strerror or "") from error
    write_whole(args.folder / "office.toml", raw, replace=False)
    print(f"{args.folder / 'office.toml'} written: {office.name['en']} on {office.network.name}")
    print("next, to go on in the browser:")
    print("  khazana portal staff add NAME --role operator")
    print(f"  khazana portal serve --desk --office {args.folder}")
    if office.test:
        print(TEST_NOTICE)
    return 0
