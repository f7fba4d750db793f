"""Reading memoranda and entered figures, and asking the chain which blocks close their days."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.days import DayBeforeChain, DayNotClosed, closing_block
from khazana.cli.chains import block_of
from khazana.cli.files import read_bytes
from khazana.cli.usage import WrongArguments
from khazana.conditions.evaluate import days_named
from khazana.conditions.lint import errors_of, lint
from khazana.conditions.memorandum import Memorandum
from khazana.conditions.memorandum_file import read_memorandum
from khazana.conditions.shipped import SHIPPED_MEMORANDA, shipped_memorandum
from khazana.conditions.statistics import ClientLiabilities, Figures
from khazana.conditions.statistics_file import read_liabilities, read_statistics

MOST_MEMORANDUM_BYTES = 10_000_000
MOST_TABLE_BYTES = 200_000_000
SHIPPED_PREFIX = "shipped:"
MEMORANDUM_HELP = f"a memorandum (TOML), or {SHIPPED_PREFIX} with " + " or ".join(SHIPPED_MEMORANDA)


def memorandum_named(name: str) -> Memorandum:
    """The memorandum in a file, or one that comes with Khazana."""
    if not name.startswith(SHIPPED_PREFIX):
        return read_memorandum(name, read_bytes(Path(name), most=MOST_MEMORANDUM_BYTES))
    wanted = name.removeprefix(SHIPPED_PREFIX)
    if wanted not in SHIPPED_MEMORANDA:
        problem = f"no memorandum {wanted!r} is shipped; there are {', '.join(SHIPPED_MEMORANDA)}"
        raise WrongArguments(command="conditions", problem=problem)
    return shipped_memorandum(wanted)


def linted(name: str) -> Memorandum:
    """The same, if nothing in it would mislead; else its errors, and nothing is measured by it."""
    memorandum = memorandum_named(name)
    if wrong := errors_of(lint(memorandum)):
        listed = "\n".join(f"  {finding}" for finding in wrong)
        problem = f"{name} has {len(wrong)} errors, and nothing is measured by it:\n{listed}"
        raise WrongArguments(command="conditions", problem=problem)
    return memorandum


def figures_from(
    statistics: Path | None, liabilities: Path | None, *, chain: ChainView | None, zone: str
) -> Figures:
    """The entered figures in the tables; what clients are owed names blocks and needs a chain."""
    owed: tuple[ClientLiabilities, ...] = ()
    if liabilities is not None:
        if chain is None:
            raise WrongArguments(command="conditions", problem="--liabilities needs --chain")
        source = chain
        raw = read_bytes(liabilities, most=MOST_TABLE_BYTES)
        owed = read_liabilities(
            str(liabilities), raw, lambda name: block_of(source, name, timezone=zone)
        )
    if statistics is None:
        return Figures((), owed)
    raw = read_bytes(statistics, most=MOST_TABLE_BYTES)
    return Figures(read_statistics(str(statistics), raw), owed)


def closings_of(
    memoranda: Iterable[Memorandum], chain: ChainView, *, zone: str
) -> dict[date, BlockRef]:
    """The closing block of each day that the memoranda need, as far as the chain has come."""
    found: dict[date, BlockRef] = {}
    for day in sorted({day for memorandum in memoranda for day in days_named(memorandum)}):
        try:
            found[day] = closing_block(chain, day, ZoneInfo(zone))
        except (DayNotClosed, DayBeforeChain):
            continue  # what needs that block is not assessable, and says so
    return found
