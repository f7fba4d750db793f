"""An office as it describes itself: before (OfficeFile) and after (Office) asking the chain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.network import Network
from khazana.ledger.accounts import (
    CustodialAccount,
    Entity,
    Lane,
    Names,
    Perimeter,
    Wallet,
)
from khazana.ledger.documents import Document
from khazana.ledger.entries import AttestedBalance, BookEntry, BookKind
from khazana.ledger.grades import EvidenceGrade
from khazana.units import Sats

BlockName = str
"""A block as people write it: a height, a hash or a date; a date names the close of that day."""

LEAST_DEPTH = 6
"""A period's closing block has at least this many blocks on top of it, itself included."""


@dataclass(frozen=True, slots=True)
class BranchRange:
    """The indexes 0 to `stop` (not included) of one branch: 0 receives, 1 keeps the change."""

    branch: int
    stop: int


@dataclass(frozen=True, slots=True)
class DescriptorSource:
    """Scripts by an output descriptor (BIP-380), over stated ranges. gap: unused indexes at the end
    of each range when it was stated; a coin inside the gap is a finding, not a loss.
    """

    descriptor: str
    branches: tuple[BranchRange, ...]
    gap: int


@dataclass(frozen=True, slots=True)
class AddressSource:
    """Scripts by their addresses, in the order listed."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RawSource:
    """Output scripts as they are: raw(HEX)."""

    scripts: tuple[bytes, ...]


ScriptSource = DescriptorSource | AddressSource | RawSource
"""What a wallet's scripts are made from."""


class Storage(Enum):
    """Where a wallet's keys are, as lenders ask for it. The office's word: no chain shows it."""

    HOT = "hot"
    """A key that can spend is on a machine with a network."""
    COLD = "cold"


class CloseRule(Enum):
    """Which block closes a day D in the office's zone."""

    MEDIAN_TIME_PAST = "median_time_past"
    """The last block whose median time past (BIP-113) precedes D+1 00:00."""


class CostMethod(Enum):
    """How the cost of coins that leave is found (docs/methods/cost.md)."""

    WEIGHTED_AVERAGE = "weighted_average"
    FIFO = "fifo"


class UnpaidCost(Enum):
    """The cost of coins nobody paid for: mined, seized, donated (Rule C4)."""

    FAIR_VALUE = "fair_value"
    ZERO = "zero"


class ImpairmentRule(Enum):
    """Whether an impairment may be reversed (Rule C6)."""

    NEVER_REVERSED = "never_reversed"
    REVERSED_IN_NEXT_PERIOD = "reversed_in_next_period"


@dataclass(frozen=True, kw_only=True)
class OfficeRules:
    """What the office decided once and states with every figure.

    min_depth: blocks from the closing block to the tip, both counted. dust_threshold: Rule M4.
    match_window_days: Rules M2 and M3. currency: ISO 4217, in which cost is kept.
    """

    timezone: str
    close: CloseRule
    min_depth: int
    dust_threshold: Sats
    match_window_days: int
    currency: str
    cost_method: CostMethod
    unpaid_cost: UnpaidCost
    impairment: ImpairmentRule


@dataclass(frozen=True, slots=True)
class SealedWallet:
    """A wallet promised but not disclosed: the hash of its description, logged at `block`."""

    commitment: str
    block: BlockRef


@dataclass(frozen=True, kw_only=True)
class Attestation:
    """A balance that a custodian attests for the end of a block. document: the paper's name."""

    account: str
    as_of: BlockRef
    amount: Sats
    document: str
    attested_by: str | None = None
    file_sha256: str | None = None

    @property
    def balance(self) -> AttestedBalance:
        """The balance alone, as the roll-forward reads it."""
        return AttestedBalance(self.account, self.as_of, self.amount, self.document)

    @property
    def grade(self) -> EvidenceGrade:
        """C when a named party attests a paper with a published hash, else D."""
        attested = self.attested_by is not None and self.file_sha256 is not None
        return EvidenceGrade.C if attested else EvidenceGrade.D


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Something the office knows of and leaves out, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A statement key of the office's identity: an Ed25519 public key, as hex."""

    id: str
    public_hex: str


@dataclass(frozen=True, slots=True)
class KeyRole:
    """`threshold` of `keys` act together in a role of the office's identity."""

    role: str
    threshold: int
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Office:
    """An office whose blocks are in the best chain and whose scripts are derived.

    notice: a sentence that every output must repeat; None for an office that speaks for itself.
    sources: wallet id -> what its scripts are made from. storage: by wallet id, where it is said;
    no figure of a statement depends on it.
    """

    id: str
    name: Names
    network: Network
    test: bool
    notice: str | None
    rules: OfficeRules
    entities: tuple[Entity, ...]
    wallets: tuple[Wallet, ...]
    sources: Mapping[str, ScriptSource]
    sealed: tuple[SealedWallet, ...]
    accounts: tuple[CustodialAccount, ...]
    attestations: tuple[Attestation, ...]
    perimeters: tuple[Perimeter, ...]
    exclusions: tuple[Exclusion, ...]
    documents: tuple[Document, ...]
    book_entries: tuple[BookEntry, ...]
    keys: tuple[PublicKey, ...]
    roles: tuple[KeyRole, ...]
    storage: Mapping[str, Storage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file, a line in it (from 1), and the field."""

    file: str
    line: int
    field: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, {self.field}"


@dataclass(frozen=True, slots=True)
class NamedBlock:
    """A block as the file names it, and where."""

    name: BlockName
    place: Place


@dataclass(frozen=True, slots=True)
class LaneLine:
    """A wallet's lane from a block on; since=None: from its first coin."""

    lane: Lane
    since: NamedBlock | None
    document: str | None


@dataclass(frozen=True, slots=True)
class SealLine:
    commitment: str
    block: NamedBlock
    salt: str | None


@dataclass(frozen=True, kw_only=True)
class WalletLine:
    """A wallet as the file describes it. birth: no script of it was used before this block."""

    id: str
    entity: str
    name: Names
    source: ScriptSource
    lanes: tuple[LaneLine, ...]
    declared: NamedBlock
    seal: SealLine | None
    birth: NamedBlock | None
    place: Place
    storage: Storage | None = None


@dataclass(frozen=True, slots=True)
class MemberLine:
    account: str
    since: NamedBlock | None
    until: NamedBlock | None
    document: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class PerimeterLine:
    id: str
    name: Names
    members: tuple[MemberLine, ...]


@dataclass(frozen=True, kw_only=True)
class AttestationLine:
    account: str
    as_of: NamedBlock
    amount: Sats
    document: str
    attested_by: str | None
    file_sha256: str | None


@dataclass(frozen=True, kw_only=True)
class BookLine:
    """A loss or a restatement: what the office enters by hand. note: why, in its words."""

    kind: BookKind
    block: NamedBlock
    account: str
    amount: Sats
    document: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class CorrectedDocument:
    """A document that explains nothing any more, because a later row corrects it. by: its id."""

    document: Document
    by: str


@dataclass(frozen=True, kw_only=True)
class OfficeFile:
    """What office.toml and the tables beside it say, checked by itself; blocks are still names.

    documents: those in force. corrected: those that a later row took the place of.
    """

    file: str
    id: str
    name: Names
    network: Network
    test: bool
    notice: str | None
    rules: OfficeRules
    entities: tuple[Entity, ...]
    wallets: tuple[WalletLine, ...]
    sealed: tuple[SealLine, ...]
    accounts: tuple[CustodialAccount, ...]
    attestations: tuple[AttestationLine, ...]
    perimeters: tuple[PerimeterLine, ...]
    exclusions: tuple[Exclusion, ...]
    documents: tuple[Document, ...]
    book_entries: tuple[BookLine, ...]
    keys: tuple[PublicKey, ...]
    roles: tuple[KeyRole, ...]
    corrected: tuple[CorrectedDocument, ...] = ()
