"""The announcement of a sample, written before the block exists whose hash will draw it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.reserve.auditing.draw import Drawn, Method, draw, largest_size, seed_of
from khazana.reserve.auditing.population import Kind, Population
from khazana.reserve.parts import BlockBody, Hash, HeightField, NetworkBody, Sum, UtcTime
from khazana.reserve.reading import ReserveStatement
from khazana.statement.times import write_instant
from khazana.units import Height

ANNOUNCEMENT_FORMAT: Final = "khazana.audit-announcement/1"
SAMPLE_FORMAT: Final = "khazana.audit-sample/1"
LEAST_DEPTH = 6
MOST_SIZE = 10_000
MOST_AHEAD = 10_000


@dataclass(eq=False, kw_only=True)
class AnnouncementRefused(KhazanaError):
    """Nothing can be announced like this, or the file is no announcement."""

    problem: str
    code = "announcement_refused"
    words = "The announcement is refused: {problem}."


@dataclass(eq=False, kw_only=True)
class NotYetDrawn(KhazanaError):
    """The block that draws is not there, or not buried."""

    height: int
    min_depth: int
    tip: int
    code = "not_yet_drawn"
    words = (
        "Block {height} draws the sample when it is {min_depth} deep; the newest block is {tip}."
    )


class PopulationName(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A population by its hash, with what it holds."""

    kind: Kind
    count: Annotated[int, msgspec.Meta(ge=1)]
    total: Sum
    sha256: Hash


class Announcement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that decides the sample, but the hash. known: the newest block when announced."""

    format: Literal["khazana.audit-announcement/1"] = ANNOUNCEMENT_FORMAT
    network: NetworkBody
    test: bool
    root: Hash
    population: PopulationName
    method: Method
    size: Annotated[int, msgspec.Meta(ge=1, le=MOST_SIZE)]
    height: HeightField
    min_depth: Annotated[int, msgspec.Meta(ge=LEAST_DEPTH, le=1000)]
    known: BlockBody
    announced_at: UtcTime
    announced_by: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

    def __post_init__(self) -> None:
        if not self.known.height < self.height <= self.known.height + MOST_AHEAD:
            raise ValueError(
                f"block {self.height} is not 1 to {MOST_AHEAD} blocks after the newest, "
                f"{self.known.height}: a hash that is known draws nothing"
            )
        most = largest_size(self.method, count=self.population.count, total=self.population.total)
        if self.size > most:
            raise ValueError(f"a sample of {self.size} cannot be drawn from {most}")

    @property
    def sha256(self) -> str:
        return hashlib.sha256(write_announcement(self)).hexdigest()


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was drawn. announcement: SHA-256 of its file; block: the one whose hash drew."""

    format: Literal["khazana.audit-sample/1"] = SAMPLE_FORMAT
    announcement: Hash
    block: BlockBody
    items: list[Drawn]


def announce(
    statement: ReserveStatement,
    population: Population,
    *,
    method: Method,
    size: int,
    height: int,
    tip: BlockRef,
    by: str,
    at: datetime,
    min_depth: int = LEAST_DEPTH,
) -> Announcement:
    """Announce a sample; refused for a block that exists (Rule U2)."""
    if not population.items:
        raise AnnouncementRefused(problem=f"the statement has no {population.kind}")
    made = {
        "network": msgspec.to_builtins(statement.header.network),
        "test": statement.header.test,
        "root": statement.root,
        "population": {
            "kind": population.kind,
            "count": len(population.items),
            "total": population.total,
            "sha256": population.sha256,
        },
        "method": method,
        "size": size,
        "height": height,
        "min_depth": min_depth,
        "known": {"height": tip.height, "hash": tip.hash},
        "announced_at": write_instant(at),
        "announced_by": by,
        "format": ANNOUNCEMENT_FORMAT,
    }
    return _converted(made)


def require_announced(announcement: Announcement, population: Population) -> None:
    """The population is to the byte the one that was announced."""
    if (population.root, population.sha256) != (announcement.root, announcement.population.sha256):
        problem = (
            f"the population has the hash {population.sha256}, announced was "
            f"{announcement.population.sha256}: it changed, and nothing is drawn from it"
        )
        raise AnnouncementRefused(problem=problem)


def sample_by(announcement: Announcement, population: Population, block: BlockRef) -> Sample:
    """The sample that this block's hash draws; the same for everybody."""
    require_announced(announcement, population)
    if block.height != announcement.height:
        problem = f"block {announcement.height} draws, not {block.height}"
        raise AnnouncementRefused(problem=problem)
    seed = seed_of(announcement_sha256=announcement.sha256, block_hash=block.hash)
    items = draw(announcement.method, population.items, size=announcement.size, seed=seed)
    return Sample(
        announcement=announcement.sha256,
        block=BlockBody(height=block.height, hash=block.hash),
        items=list(items),
    )


def drawing_block(announcement: Announcement, chain: ChainView) -> BlockRef:
    """The block that draws, once it is buried; asks the chain for its tip and one block."""
    if chain.network.genesis != announcement.network.genesis:
        problem = f"it is for {announcement.network.name}, the source shows {chain.network.name}"
        raise AnnouncementRefused(problem=problem)
    tip = chain.tip()
    if tip.height - announcement.height + 1 < announcement.min_depth:
        raise NotYetDrawn(
            height=announcement.height, min_depth=announcement.min_depth, tip=tip.height
        )
    return chain.block_at(Height(announcement.height))


def write_announcement(announcement: Announcement) -> bytes:
    """The bytes of the file: RFC 8785 JSON and one newline."""
    return canonical_bytes(msgspec.to_builtins(announcement)) + b"\n"


def read_announcement(raw: bytes) -> Announcement:
    """The announcement in a file, in its one spelling."""
    announcement = _converted(parse_strict(raw))
    if write_announcement(announcement) != raw:
        raise AnnouncementRefused(problem="it is not in canonical form")
    return announcement


def write_sample(sample: Sample) -> bytes:
    """The bytes of the file: RFC 8785 JSON and one newline."""
    return canonical_bytes(msgspec.to_builtins(sample)) + b"\n"


def read_sample(raw: bytes) -> Sample:
    """The sample in a file, in its one spelling; what it follows from is another question."""
    try:
        sample = msgspec.convert(parse_strict(raw), Sample)
    except msgspec.ValidationError as error:
        raise AnnouncementRefused(problem=f"the sample is malformed: {error}") from error
    if write_sample(sample) != raw:
        raise AnnouncementRefused(problem="the sample is not in canonical form")
    return sample


def _converted(document: object) -> Announcement:
    try:
        return msgspec.convert(document, Announcement)
    except msgspec.ValidationError as error:
        raise AnnouncementRefused(problem=str(error)) from error
