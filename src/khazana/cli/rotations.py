"""Rotations in a statement: added when it is made, computed again when it is verified."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.cli.chains import block_of
from khazana.cli.files import MOST_OFFICE_BYTES, read_bytes
from khazana.custody.rotation import RotationLink, rotation, rotation_findings
from khazana.custody.rotation_file import read_rotations, resolved_rotations
from khazana.custody.rotation_part import KIND, links_in, rotation_parts, rotations_follow
from khazana.ledger.entries import ChainEntry
from khazana.ledger.findings import Finding
from khazana.ledger.office import Office
from khazana.ledger.postings import entries_of
from khazana.reserve.answers import FILE, Answer, answer
from khazana.reserve.bodies import block_ref
from khazana.reserve.case import Case, PartsWithheld
from khazana.reserve.figures import Books
from khazana.reserve.gather import ChainFacts
from khazana.reserve.question import Question
from khazana.reserve.reading import ReserveStatement
from khazana.statement.checks import Check, Profile
from khazana.statement.errors import StatementMalformed
from khazana.statement.table import printable


def links_of(path: Path, office: Office, chain: ChainView) -> tuple[RotationLink, ...]:
    """The rotations in a file, for the wallets of an office, with their blocks."""
    raw = read_bytes(path, most=MOST_OFFICE_BYTES)
    file = read_rotations(str(path), raw, wallets=[wallet.id for wallet in office.wallets])
    return resolved_rotations(
        file, lambda name: block_of(chain, name, timezone=office.rules.timezone)
    )


def whole_history(office: Office, facts: ChainFacts) -> tuple[ChainEntry, ...]:
    """The entries of all wallets from their first coin up to the closing block."""
    return entries_of(facts.history, office.wallets, {})


class RotationParts:
    """What a statement's maker is handed (`more` of khazana.reserve.make.make)."""

    def __init__(self, links: Sequence[RotationLink], facts: ChainFacts) -> None:
        self.links = tuple(links)
        self.facts = facts

    def __call__(self, office: Office, books: Books) -> Iterable[tuple[str, Mapping[str, Any]]]:
        entries = whole_history(office, self.facts)
        return rotation_parts(self.links, entries, until=books.until)


class RotationChecks:
    """The check `rotation`, for `khazana.reserve.verify.verify` (its `more`)."""

    def __call__(self, case: Case) -> Iterable[Check[Case]]:
        if not case.statement.header.parts.get(KIND):
            return ()
        # A reader who takes the opening from the previous statement asks for no older history.
        level = None if case.accept_opening else Profile.FULL
        needs = ("schema", "period", "entries", "completeness")
        return (Question("rotation", "Rotations as they were", self.rotations, level, needs),)

    def rotations(self, case: Case) -> Answer:
        """Whether what moved from old quorums to new ones is what the chain shows."""
        shown = sum(1 for part in case.statement.envelope.parts if part.kind == KIND)
        if shown < case.statement.header.parts.get(KIND, 0):
            case.require(KIND)
        if case.accept_opening:
            raise PartsWithheld(kind="history before the period", missing=1)
        try:
            stated = links_in(case.statement.envelope.parts)
        except StatementMalformed as wrong:
            findings: Iterable[Finding] = [Finding("K15", wrong.problem, wrong.path)]
            return answer(basis=FILE, good="", findings=findings)
        chain, until = case.required_chain(), block_ref(case.statement.header.period.until)
        entries = entries_of(case.facts.history, case.wallets, {})
        findings = [
            *_blocks(chain, [link for _, link in stated]),
            *rotations_follow(stated, entries, until=until, wallets=[w.id for w in case.wallets]),
        ]
        good = "; ".join(_told(link, entries, until) for _, link in stated)
        return answer(basis=str(chain.basis), good=good, findings=findings, limits=LIMITS)


LIMITS = (
    "That a new wallet stands in for an old one, and why, is the office's word; what moved between "
    "them is not.",
)


def _blocks(chain: ChainView, links: Iterable[RotationLink]) -> Iterable[Finding]:
    tip = chain.tip()
    for link in links:
        if link.since.height > tip.height or chain.block_at(link.since.height) != link.since:
            text = f"block {link.since} is not in the best chain"
            yield Finding("K15", text, f"part {KIND}/rotation/{link.old}")


def _told(link: RotationLink, entries: Sequence[ChainEntry], until: BlockRef) -> str:
    """One rotation in a line, with what it leaves to be said (K11, K12)."""
    story = rotation(link, entries, until=until)
    left = len(list(rotation_findings(story)))
    said = f"{link.old} to {link.new}: {story.moved} sat moved, {story.left} sat left behind"
    return f"{said}; {left} things to look at" if left else said


def rotation_lines(statement: ReserveStatement) -> Iterator[str]:
    """The rotations that a statement tells, as `statement show` prints them."""
    for part, link in links_in(statement.envelope.parts):
        moved, left = part.body.get("moved_sat"), part.body.get("left_sat")
        yield printable(
            f"rotation: {link.new} stands in for {link.old} since block {link.since.height}: "
            f"{link.reason}; {moved} sat moved, {left} sat left behind"
        )
