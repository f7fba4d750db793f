"""`khazana custody rotate` and `story`: a new quorum stands in for an old one, as one story."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from khazana.bitcoin.descriptor import Descriptor, parse_descriptor
from khazana.cli.chains import add_chain_argument, block_of, chain_of
from khazana.cli.files import MOST_OFFICE_BYTES, read_bytes, write_whole
from khazana.cli.offices import office_file, resolved
from khazana.cli.rotations import links_of, whole_history
from khazana.cli.usage import WrongArguments
from khazana.custody.policy import is_nobodys, key_id
from khazana.custody.register_file import read_register
from khazana.custody.rotation import rotation, rotation_findings
from khazana.custody.rotation_file import (
    ROTATION_FILE_FORMAT,
    read_rotations,
    rotation_section,
)
from khazana.custody.rotation_part import stories
from khazana.custody.words import describe, key_names
from khazana.ledger.office import DescriptorSource, OfficeFile
from khazana.ledger.tables import block_name
from khazana.reserve.gather import gather_period
from khazana.statement.checks import TEST_NOTICE
from khazana.units import Height

EXIT_FINDINGS = 1


def register_rotation(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    rotate = actions.add_parser(
        "rotate",
        help="write down that a wallet stands in for another one",
        description="Add a rotation to rotation.toml, for wallets that office.toml declares both. "
        "Says which keys leave, stay and join. It moves no coin: that is a payment, signed by the "
        "old quorum.",
    )
    rotate.add_argument("file", metavar="ROTATIONS", type=Path, help="rotation.toml, new or not")
    rotate.add_argument("--office", metavar="FILE", required=True)
    rotate.add_argument("--old", metavar="WALLET", required=True)
    rotate.add_argument("--new", metavar="WALLET", required=True)
    rotate.add_argument(
        "--since",
        metavar="BLOCK",
        required=True,
        help="the new wallet stands in from the end of this block on: a height, a hash or a date",
    )
    rotate.add_argument("--reason", metavar="TEXT", required=True)
    rotate.add_argument("--keys", metavar="FILE", type=Path, help="register of keys, for names")
    rotate.set_defaults(run=run_rotate)
    story = actions.add_parser(
        "story",
        help="tell every rotation from the chain: what moved, what came late, what is left",
        description="Every amount is read from the chain. Exit status 1 when something came back, "
        "was left behind or went astray (K11, K12).",
    )
    story.add_argument("file", metavar="ROTATIONS", type=Path, help="rotation.toml")
    story.add_argument("--office", metavar="FILE", required=True)
    add_chain_argument(story)
    story.add_argument("--to", metavar="BLOCK", default="tip", help="up to the end of this block")
    story.set_defaults(run=run_story)


def run_rotate(args: argparse.Namespace) -> int:
    command = "custody rotate"
    office = office_file(args.office)
    since, problem = block_name(args.since)
    if problem is not None:
        raise WrongArguments(command=command, problem=f"--since: {problem}")
    before = f'format = "{ROTATION_FILE_FORMAT}"\n'.encode()
    if args.file.exists():
        before = read_bytes(args.file, most=MOST_OFFICE_BYTES).rstrip() + b"\n"
    section = rotation_section(old=args.old, new=args.new, since=since, reason=args.reason)
    after = before + section.encode()
    # Read as it will be read: what would be refused then is refused now, and nothing is written.
    read_rotations(str(args.file), after, wallets=[wallet.id for wallet in office.wallets])
    names = {}
    if args.keys is not None:
        names = read_register(str(args.keys), read_bytes(args.keys, most=MOST_OFFICE_BYTES)).names
    old, new = (_descriptor(office, wallet, command) for wallet in (args.old, args.new))
    for wallet, descriptor in ((args.old, old), (args.new, new)):
        print(f"{wallet}: {describe(descriptor, names)}")
    for line in _keys_that_change(old, new, names):
        print(line)
    write_whole(args.file, after)
    print(f"{args.new} stands in for {args.old} from the end of block {since} on: {args.file}")
    _say_if_test(office)
    return 0


def run_story(args: argparse.Namespace) -> int:
    chain = chain_of(args)
    file = office_file(args.office)
    office = resolved(file, chain)
    until = block_of(chain, args.to, timezone=office.rules.timezone)
    links = links_of(args.file, office, chain)
    scripts = {script for wallet in office.wallets for script in wallet.scripts}
    facts = gather_period(chain, scripts, after=chain.block_at(Height(0)), until=until)
    entries = whole_history(office, facts)
    _say_if_test(file)
    print("\n".join(stories(links, entries, until=until)), end="")
    found = [
        finding
        for link in links
        for finding in rotation_findings(rotation(link, entries, until=until))
    ]
    for finding in found:
        print(f"  {finding}")
    return EXIT_FINDINGS if found else 0


def _descriptor(office: OfficeFile, wallet: str, command: str) -> Descriptor:
    source = next(line.source for line in office.wallets if line.id == wallet)
    if not isinstance(source, DescriptorSource):
        problem = f"wallet {wallet} states addresses, not keys; a quorum is stated by descriptor"
        raise WrongArguments(command=command, problem=problem)
    return parse_descriptor(source.descriptor, office.network)


def _keys_that_change(old: Descriptor, new: Descriptor, names: dict[str, str]) -> Iterator[str]:
    before, after = (
        {key_id(k): key_names(d, names)[key_id(k)] for k in d.keys if not is_nobodys(k)}
        for d in (old, new)
    )
    for word, keys in (
        ("leaves", [name for key, name in before.items() if key not in after]),
        ("stays", [name for key, name in before.items() if key in after]),
        ("joins", [name for key, name in after.items() if key not in before]),
    ):
        if keys:
            print_word = word if len(keys) == 1 else word.removesuffix("s")
            yield f"  {print_word}: {', '.join(keys)}"
    if before.keys() == after.keys():
        yield "  the keys are the same; only the script or the threshold differs"


def _say_if_test(office: OfficeFile) -> None:
    if office.test:
        print(TEST_NOTICE)
