"""Who holds what: entities, wallets, custodial accounts, legal lanes and perimeters."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from khazana.bitcoin.chain import BlockRef
from khazana.units import Height

NO_END = Height(2**63)
"""Above every height there will be: until when an open span lasts."""

Names = Mapping[str, str]
"""A name in several languages: language code -> text; "en" is always there."""


class Lane(Enum):
    """The legal title under which coins are held. The chain cannot show it; a document does."""

    OWNED = "owned"
    SEIZED = "seized"
    """Taken into custody; title not yet passed to the state."""
    FORFEITED = "forfeited"
    """Title passed to the state by a court or an act."""
    PLEDGED = "pledged"
    """Owned, but encumbered in favour of somebody else."""
    HELD_FOR_CLIENTS = "held_for_clients"
    """Belongs to clients of a public body."""


@dataclass(frozen=True)
class Entity:
    """A body of the public sector.

    sector: its place in the GFSM 2014 classification, in the office's own words.
    """

    id: str
    name: Names
    sector: str


@dataclass(frozen=True)
class LaneSpan:
    """From the end of block `since` on, the wallet's coins are in `lane`; None: from the start."""

    lane: Lane
    since: BlockRef | None
    document: str | None = None


@dataclass(frozen=True)
class Seal:
    """A promise made before disclosure: a hash logged at `block`, opened by `salt` later."""

    commitment: str
    block: BlockRef
    salt: str | None


@dataclass(frozen=True)
class Wallet:
    """A named set of scripts with one owner.

    scripts: every output script the wallet declares, in derivation order, without repetition.
    lanes: the first from the start (since=None), the others at rising heights.
    declared: the block at whose end the office had declared the wallet.
    birth: no script of the wallet was used before this height, as the office says; None: unknown.
    """

    id: str
    entity: str
    name: Names
    scripts: tuple[bytes, ...]
    lanes: tuple[LaneSpan, ...]
    declared: BlockRef
    seal: Seal | None = None
    birth: Height | None = None

    def __post_init__(self) -> None:
        if self.id.startswith("("):
            raise ValueError(f"wallet {self.id}: ids in parentheses stand for outsiders")
        if len(set(self.scripts)) != len(self.scripts):
            raise ValueError(f"wallet {self.id} declares a script twice")
        if not self.lanes or self.lanes[0].since is not None:
            raise ValueError(f"wallet {self.id}: the first lane must hold from the start")
        heights = [-1 if span.since is None else span.since.height for span in self.lanes]
        if any(later <= earlier for earlier, later in pairwise(heights)):
            raise ValueError(f"wallet {self.id}: lanes must begin at rising heights")

    def lane_at(self, height: Height) -> Lane:
        """The lane at the end of the block at `height`."""
        lane = self.lanes[0].lane
        for span in self.lanes[1:]:
            if span.since is not None and span.since.height <= height:
                lane = span.lane
        return lane


@dataclass(frozen=True)
class CustodialAccount:
    """A balance that somebody else holds for an entity: attested by them, never on our chain."""

    id: str
    entity: str
    name: Names
    custodian: str
    lane: Lane


@dataclass(frozen=True)
class Membership:
    """An account belongs to a perimeter after the end of block `since` up to the end of `until`.

    What stands in the account at the end of `since` enters the perimeter there, as a perimeter
    change; what stands in it at the end of `until` leaves. None: without beginning, without end.
    """

    account: str
    since: BlockRef | None = None
    until: BlockRef | None = None
    document: str | None = None

    def __post_init__(self) -> None:
        if self.since and self.until and self.until.height <= self.since.height:
            raise ValueError(f"{self.account} leaves at {self.until}, before it enters")

    def covers(self, height: Height) -> bool:
        """Whether postings in the block at `height` are the perimeter's."""
        return (self.since is None or self.since.height < height) and (
            self.until is None or height <= self.until.height
        )


@dataclass(frozen=True)
class Perimeter:
    """A named set of accounts with validity by block: the fund, the public sector, ..."""

    id: str
    name: Names
    members: tuple[Membership, ...]

    def __post_init__(self) -> None:
        spans: dict[str, list[tuple[int, int]]] = {}
        for m in self.members:
            since = m.since.height if m.since else -1
            until = m.until.height if m.until else NO_END
            spans.setdefault(m.account, []).append((since, until))
        for account, lived in spans.items():
            if any(later[0] < earlier[1] for earlier, later in pairwise(sorted(lived))):
                raise ValueError(f"{account} is twice a member of {self.id} at the same time")

    def accounts_at(self, height: Height) -> frozenset[str]:
        """The accounts whose postings in the block at `height` are the perimeter's."""
        return frozenset(m.account for m in self.members if m.covers(height))
