"""`khazana auditor`: announce and recompute samples, check working papers, sign an opinion."""

import argparse
import json
import sys
from pathlib import Path

from khazana.cli.chains import add_chain_argument, chain_of
from khazana.cli.clock import now
from khazana.cli.files import MOST_STATEMENT_BYTES, naming, read_bytes, write_whole
from khazana.cli.keys import read_key
from khazana.cli.usage import WrongArguments
from khazana.reserve.auditing.announcement import (
    LEAST_DEPTH,
    announce,
    drawing_block,
    read_announcement,
    sample_by,
    write_announcement,
    write_sample,
)
from khazana.reserve.auditing.check import check_papers
from khazana.reserve.auditing.draw import METHODS
from khazana.reserve.auditing.papers import MOST_PAPERS_BYTES
from khazana.reserve.auditing.population import (
    KINDS,
    population_of,
    read_population,
    write_population,
)
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.opinions import (
    MOST_OPINION_BYTES,
    read_opinion,
    read_signed_opinion,
    sign_opinion,
)

MOST_ANNOUNCEMENT_BYTES = 1 << 16


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("auditor", help="samples, working papers, signed opinions")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_announce(actions)
    _add_sample(actions)
    _add_papers(actions)
    _add_sign(actions)


def _add_announce(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "announce",
        help="announce a sample that a future block's hash draws",
        description="Write down the population, the method, the size and the block whose hash will "
        "draw. Keep the file where it cannot be written anew, before that block is found.",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the statement, with nothing "
                        "withheld of what is sampled")  # fmt: skip
    add_chain_argument(parser)
    parser.add_argument("--of", choices=KINDS, required=True, help="what there is to draw from")
    parser.add_argument("--method", choices=METHODS, default=METHODS[0])
    parser.add_argument("--size", metavar="NUMBER", type=int, required=True)
    parser.add_argument("--height", metavar="NUMBER", type=int, required=True)
    parser.add_argument("--min-depth", metavar="NUMBER", type=int, default=LEAST_DEPTH)
    parser.add_argument("--by", metavar="NAME", required=True, help="who announces")
    parser.add_argument("--population-out", metavar="PATH", type=Path)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True)
    parser.set_defaults(run=_announce)


def _add_sample(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "sample", help="draw an announced sample, or draw it again to compare"
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the announcement")
    add_chain_argument(parser)
    parser.add_argument("--statement", metavar="FILE", type=Path)
    parser.add_argument("--population", metavar="FILE", type=Path, help="instead of --statement")
    parser.add_argument("--out", metavar="FILE", type=Path)
    parser.set_defaults(run=_sample)


def _add_papers(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "papers",
        help="check an archive of working papers",
        description="Every hash, the statement's root, every sample, the audit log, the opinion. "
        "With --chain the blocks that drew are looked up. Status 1: something does not hold.",
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    add_chain_argument(parser, required=False)
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_papers)


def _add_sign(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("sign", help="sign an opinion with the auditor's offline key")
    parser.add_argument("file", metavar="FILE", type=Path, help="the opinion from the desk")
    parser.add_argument("--key", metavar="FILE", type=Path, required=True)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True)
    parser.set_defaults(run=_sign)


def _announce(args: argparse.Namespace) -> int:
    with naming(args.file):
        statement = read_reserve_statement(read_bytes(args.file, most=MOST_STATEMENT_BYTES))
        population = population_of(statement, args.of)
    announcement = announce(
        statement,
        population,
        method=args.method,
        size=args.size,
        height=args.height,
        min_depth=args.min_depth,
        tip=chain_of(args).tip(),
        by=args.by,
        at=now().replace(microsecond=0),
    )
    if args.population_out is not None:
        write_whole(args.population_out, write_population(population))
    write_whole(args.out, write_announcement(announcement))
    print(f"announcement {announcement.sha256}")
    print(
        f"{announcement.size} of {len(population.items)} {population.kind} "
        f"({population.total} sat), {announcement.method}, drawn by block {announcement.height}"
    )
    return _noted(test=announcement.test)


def _sample(args: argparse.Namespace) -> int:
    if (args.statement is None) == (args.population is None):
        problem = "give the population with --statement FILE or with --population FILE"
        raise WrongArguments(command="auditor sample", problem=problem)
    with naming(args.file):
        announcement = read_announcement(read_bytes(args.file, most=MOST_ANNOUNCEMENT_BYTES))
    if args.statement is not None:
        with naming(args.statement):
            raw = read_bytes(args.statement, most=MOST_STATEMENT_BYTES)
            population = population_of(read_reserve_statement(raw), announcement.population.kind)
    else:
        with naming(args.population):
            population = read_population(read_bytes(args.population, most=MOST_STATEMENT_BYTES))
    block = drawing_block(announcement, chain_of(args))
    sample = sample_by(announcement, population, block)
    if args.out is not None:
        write_whole(args.out, write_sample(sample))
    print(f"announcement {announcement.sha256} of {announcement.announced_at}")
    print(f"drawn by block {block}")
    for item in sample.items:
        print(f"{item.id}  {item.sats} sat" + (f"  {item.hits} hits" if item.hits > 1 else ""))
    return _noted(test=announcement.test)


def _papers(args: argparse.Namespace) -> int:
    raw = read_bytes(args.file, most=MOST_PAPERS_BYTES)
    chain = None if args.chain is None else chain_of(args)
    with naming(args.file):
        papers, lines = check_papers(raw, chain=chain)
        test = papers.statement.header.test
    if args.json:
        json.dump([{"what": line.what, "said": line.said, "problem": line.problem}
                   for line in lines], sys.stdout, indent=2)  # fmt: skip
        print()
    else:
        for line in lines:
            print(f"{'FAILED' if line.problem else 'passed'}  {line.what}: "
                  f"{line.problem or line.said}")  # fmt: skip
        _noted(test=test)
    return 1 if any(line.problem for line in lines) else 0


def _sign(args: argparse.Namespace) -> int:
    with naming(args.file):
        opinion = read_opinion(read_bytes(args.file, most=MOST_OPINION_BYTES))
    signed = sign_opinion(opinion, read_key(args.key))
    read_signed_opinion(signed)
    write_whole(args.out, signed)
    print(f"{opinion.opinion} opinion on root {opinion.root}")
    print(f"signed by key {opinion.key}")
    return 0


def _noted(*, test: bool) -> int:
    if test:
        print(TEST_NOTICE)
    return 0
