"""Reading rotation.toml: which wallet stands in for which; complete, or refused whole."""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.secrets import refuse_secrets_in, refuse_secrets_in_values
from khazana.custody.rotation import RotationLink
from khazana.errors import KhazanaError
from khazana.ledger.office import BlockName, NamedBlock, Place
from khazana.ledger.problems import ProblemList, suggestion
from khazana.ledger.sections import Section, read_toml

ROTATION_FILE_FORMAT = "khazana.rotation/1"


@dataclass(frozen=True, kw_only=True)
class RotationLine:
    """A rotation as the file says it. since: the new wallet stands in from the block's end on."""

    old: str
    new: str
    since: NamedBlock
    reason: str
    place: Place


@dataclass(frozen=True, slots=True)
class RotationFile:
    """All rotations of an office, each wallet with one successor at the most."""

    file: str
    lines: tuple[RotationLine, ...]


def read_rotations(name: str, raw: bytes, *, wallets: Collection[str]) -> RotationFile:
    """The rotations in the bytes of a TOML file. wallets: those that the office declares.

    SecretRefused for anything that could spend; OfficeFileRefused with every problem's file, line
    and field: an unknown wallet, one with two successors or predecessors, a circle.
    """
    refuse_secrets_in(raw.decode("utf-8", errors="replace"), where=name)
    problems = ProblemList()
    top = read_toml(name, raw, problems)
    refuse_secrets_in_values(top.values, where=name)
    if top.text("format") not in ("", ROTATION_FILE_FORMAT):
        top.wrong(f'this program reads format = "{ROTATION_FILE_FORMAT}"', "format")
    sections = top.sections("rotation")
    if not sections:
        top.wrong("lists no rotation: [[rotation]]", "rotation")
    lines = tuple(_line(section, wallets) for section in sections)
    _refuse_forks(sections, lines)
    _refuse_circles(sections, lines)
    top.finish()
    problems.refuse_if_any(name)
    return RotationFile(name, lines)


def resolved_rotations(
    file: RotationFile, block_of: Callable[[BlockName], BlockRef]
) -> tuple[RotationLink, ...]:
    """The links with their blocks found in the best chain, in the file's order.

    OfficeFileRefused names every block that is not there, and a wallet that is replaced before it
    itself stood in for another.
    """
    problems = ProblemList()
    links: list[RotationLink] = []
    for line in file.lines:
        try:
            since = block_of(line.since.name)
        except KhazanaError as wrong:
            problems.add(line.since.place, str(wrong))
            continue
        links.append(RotationLink(old=line.old, new=line.new, since=since, reason=line.reason))
    entered = {link.new: link.since for link in links}
    for line, link in zip(file.lines, links, strict=False) if not problems.found else ():
        start = entered.get(link.old)
        if start is not None and link.since.height <= start.height:
            text = f"{link.old} itself stands in since block {start.height} only"
            problems.add(line.since.place, text)
    problems.refuse_if_any(file.file)
    return tuple(links)


def rotation_section(*, old: str, new: str, since: BlockName, reason: str) -> str:
    """One [[rotation]] as text, to be put behind a file's last line."""
    block = since if since.isdecimal() else json.dumps(since)
    return (
        f"\n[[rotation]]\nold = {json.dumps(old)}\nnew = {json.dumps(new)}\nsince = {block}\n"
        f"reason = {json.dumps(reason, ensure_ascii=False)}\n"
    )


def _line(section: Section, wallets: Collection[str]) -> RotationLine:
    old, new = section.identifier("old"), section.identifier("new")
    for field, wallet in (("old", old), ("new", new)):
        if wallet and wallet not in wallets:
            section.wrong(f"no wallet is called {wallet!r}{suggestion(wallet, wallets)}", field)
    if old and old == new:
        section.wrong(f"{old} cannot stand in for itself", "new")
    line = RotationLine(
        old=old,
        new=new,
        since=section.block("since"),
        reason=section.text("reason"),
        place=section.place(),
    )
    section.finish()
    return line


def _refuse_forks(sections: Iterable[Section], lines: Iterable[RotationLine]) -> None:
    replaced: dict[str, int] = {}
    entered: dict[str, int] = {}
    for section, line in zip(sections, lines, strict=True):
        for field, wallet, seen, what in (
            ("old", line.old, replaced, "has a successor"),
            ("new", line.new, entered, "stands in for a wallet"),
        ):
            if wallet and wallet in seen:
                text = f"{wallet} {what} already, in line {seen[wallet]}"
                section.wrong(f"{text}; a quorum's story has one line", field)
            seen.setdefault(wallet, section.place(field).line)


def _refuse_circles(sections: Iterable[Section], lines: Iterable[RotationLine]) -> None:
    successor: dict[str, str] = {}
    for section, line in zip(sections, lines, strict=True):
        if not line.old or not line.new or line.old == line.new:
            continue
        successor.setdefault(line.old, line.new)
        at: str | None = line.new
        while at is not None and at != line.old:
            at = successor.get(at)
        if at is not None:
            section.wrong(f"{line.old} would come to succeed itself", "old")
            del successor[line.old]  # said once; the other lines are read without it
