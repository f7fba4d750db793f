"""The check of every block a statement names beside its period: declared, sealed, since, until."""

from collections.abc import Iterator
from dataclasses import dataclass

from khazana.bitcoin.chain import BlockRef, HeightBeyondTip
from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.reserve.answers import Answer, answer
from khazana.reserve.bodies import block_ref
from khazana.reserve.case import Case
from khazana.reserve.parts import BlockBody
from khazana.reserve.reading import ReserveStatement

MOST_HEIGHTS = 2_000
"""A source is asked about each height once; a file may name millions to keep a reader busy."""
NAMING = ("wallet", "account", "perimeter", "book", "sealed")
"""Kinds of parts that name blocks of their own. Coins and entries have checks for theirs."""

WORD_LIMIT = (
    "That a wallet was declared, or a seal logged, when the block it names was the newest is the "
    "office's word, unless an earlier statement or its log (check log_dates) shows it: a block can "
    "be named at any later time."
)


@dataclass(eq=False, kw_only=True)
class TooManyBlocks(KhazanaError):
    """More blocks are named than a source is asked about."""

    named: int
    most: int
    code = "too_many_blocks_named"
    words = "the statement names blocks at {named} heights, and at most {most} are looked up"


def blocks(case: Case) -> Answer:
    """Rule R18: whether every block named, up to the closing block, is in the best chain."""
    chain, header = case.required_chain(), case.statement.header
    until = header.period.until.height
    findings: list[Finding] = []
    due: list[tuple[str, BlockRef]] = []
    later = 0
    for where, body in _named(case.statement):
        if body.height > header.tip.height:
            text = (
                f"it names block {body.height}, which was not there when the statement was made "
                f"(the newest was {header.tip.height})"
            )
            findings.append(Finding("R18", text, where))
        elif body.height > until:
            later += 1
        else:
            due.append((where, block_ref(body)))
    heights = sorted({block.height for _, block in due})
    if len(heights) > MOST_HEIGHTS:
        raise TooManyBlocks(named=len(heights), most=MOST_HEIGHTS)
    best = {height: chain.block_at(height) for height in heights}
    findings += [
        Finding(
            "R18", f"it names block {block}, the best chain has {best[block.height].hash}", where
        )
        for where, block in due
        if best[block.height] != block
    ]
    return answer(
        basis=str(chain.basis),
        good=f"blocks at {len(heights)} heights, all in the best chain",
        findings=findings,
        limits=(*_limits(case, later), WORD_LIMIT),
    )


def _named(statement: ReserveStatement) -> Iterator[tuple[str, BlockBody]]:
    for where, block in _mentioned(statement):
        if block is not None:
            yield where, block


def _mentioned(statement: ReserveStatement) -> Iterator[tuple[str, BlockBody | None]]:
    for name, wallet in statement.wallets.items():
        yield f"wallet {name}, declared", wallet.declared
        yield f"wallet {name}, sealed", wallet.seal.block if wallet.seal else None
        yield from ((f"wallet {name}, legal lane", lane.since) for lane in wallet.lanes)
    for name, account in statement.accounts.items():
        for attested in (account.opening, *account.attested):
            yield f"account {name}, attested", attested.block if attested else None
    for name, perimeter in statement.perimeters.items():
        for member in perimeter.members:
            yield f"perimeter {name}, member {member.account}", member.since
            yield f"perimeter {name}, member {member.account}", member.until
    for entry in statement.book_bodies:
        yield f"book entry of {entry.account}", entry.block
    for sealed in statement.sealed:
        yield f"sealed wallet {sealed.commitment}", sealed.block


def _limits(case: Case, later: int) -> Iterator[str]:
    chain, tip = case.required_chain(), case.statement.header.tip
    if later:
        yield f"{later} blocks after the closing block are named; they were not looked up."
    withheld = sum(case.statement.withheld(kind) for kind in NAMING)
    if withheld:
        yield f"{withheld} parts that may name blocks are withheld."
    try:
        newest = chain.block_at(block_ref(tip).height)
    except HeightBeyondTip:
        yield (
            f"The source has not reached block {tip.height}, which the statement calls the newest "
            "when it was made."
        )
        return
    # A newest block may be replaced a minute later without any fault of the office's.
    if newest != block_ref(tip):
        yield (
            f"The block that was the newest when the statement was made, {block_ref(tip)}, is not "
            "in the best chain: it was replaced since, or never there."
        )
