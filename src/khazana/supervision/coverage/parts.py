"""The bodies of a coverage statement's parts, exactly as they stand in the file.

What is owed and held is in each asset's smallest unit. A block is a height with its hash.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from khazana.statement import patterns
from khazana.statement.patterns import END
from khazana.statement.wire import Hash256, NetworkFile, json_schema
from khazana.supervision.solvency.epoch import Block, Count, TreeHead

FORMAT = "khazana.coverage/1"
MOST_WATCH = 2_016
MOST_WINDOW = 4_032
LEAST_WATCH = LEAST_WINDOW = 144
"""About a day. With fewer a loan of some hours covers the drawn block, and coins need not be there
before or after it. Test networks may have fewer, and say so.
"""

Identifier = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}" + END)]
AssetName = Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Z0-9]{0,15}" + END)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
NamesField = dict[Annotated[str, msgspec.Meta(pattern=patterns.LANGUAGE)], Text]
UtcTime = Annotated[str, msgspec.Meta(pattern=patterns.INSTANT)]
ScriptHex = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2}){1,10000}" + END)]
OutPointText = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}:(0|[1-9][0-9]{0,9})" + END)]
HeightField = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
Status = Literal["proved", "attested", "not_covered"]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part's body. Unknown fields are refused."""


class ProviderBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The publisher. fingerprint: of its identity. notice: every output must repeat it."""

    id: Identifier
    name: NamesField
    fingerprint: Hash256 | None
    notice: Text | None


class DrawBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which block's hash draws the snapshot, among the `window` blocks before it."""

    announced: HeightField
    window: Annotated[int, msgspec.Meta(ge=1, le=MOST_WINDOW)]


class HeaderBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the statement is about. parts: counts every part by kind.

    block: everything is as of its end. tip: the newest block when the statement was made.
    watch: blocks before and after in which coins that come and go are looked for.
    next: what draws the next epoch's block, announced here. previous: root of the epoch before.
    """

    coverage: Literal["khazana.coverage/1"]
    office: ProviderBody
    licence: Text
    network: NetworkFile
    test: bool
    epoch: Count
    block: Block
    block_mtp: UtcTime
    tip: Block
    min_depth: Annotated[int, msgspec.Meta(ge=6, le=10_000)]
    watch: Annotated[int, msgspec.Meta(ge=1, le=MOST_WATCH)]
    snapshot: DrawBody
    next: DrawBody | None
    previous: Hash256 | None
    parts: dict[str, Annotated[int, msgspec.Meta(ge=0)]]
    critical: list[Text] = []


class EpochBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The epoch statement without its trees, which are parts of their own."""

    block: dict[str, Any]
    epoch: Count
    format: Literal["khazana.solvency-epoch/1"]
    genesis: Hash256
    previous: Hash256 | None
    provider: dict[str, Any]
    reserves: dict[str, Any] | None
    software: str
    test: bool


class AssetBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An asset that the provider offers. owed: to customers; None where no tree was built.

    debts: what customers owe, never set against `owed`. proved: coins that the chain shows.
    """

    asset: AssetName
    scale: Annotated[int, msgspec.Meta(ge=0, le=15)]
    owed: Count | None
    debts: Count | None
    proved: Count
    attested: Count
    status: Status


class BranchBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The indexes 0 to `stop` (not included) of one branch of a descriptor."""

    branch: Annotated[int, msgspec.Meta(ge=0, le=1)]
    stop: Annotated[int, msgspec.Meta(ge=1, le=1 << 24)]


class CoinBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A coin of a wallet. script: which of the wallet's scripts can spend it, from 0."""

    outpoint: OutPointText
    amount: Count
    block: Block
    script: Annotated[int, msgspec.Meta(ge=0)]


class WalletBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Scripts that hold bitcoin for customers, and their coins at the end of the block."""

    id: Identifier
    name: NamesField
    scripts: Annotated[list[ScriptHex], msgspec.Meta(min_length=1)]
    coins: list[CoinBody]
    total: Count


class DescriptorBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a wallet's scripts are made from; it shows future addresses, so it may be withheld."""

    wallet: Identifier
    descriptor: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
    branches: Annotated[list[BranchBody], msgspec.Meta(min_length=1, max_length=2)]


class AttestedBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a third party holds for the provider's customers, by its own paper.

    grade C names a paper with a published hash; without the hash it is D.
    """

    id: Identifier
    asset: AssetName
    kind: Literal["bank", "custodian"]
    holder: Text
    amount: Count
    document: Text
    file_sha256: Hash256 | None
    as_of: Block
    grade: Literal["C", "D"]


LIABILITIES, DEBTS = "liabilities", "debts"
BODIES: Mapping[str, type[Any]] = {
    "header": HeaderBody,
    "epoch": EpochBody,
    LIABILITIES: TreeHead,
    DEBTS: TreeHead,
    "asset": AssetBody,
    "wallet": WalletBody,
    "descriptor": DescriptorBody,
    "attested": AttestedBody,
}
"""Every kind of part, in the order of the file."""


def coverage_json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the parts; the reader asks more than it can say."""
    fields: list[Any] = [
        (kind, body | msgspec.UnsetType, msgspec.UNSET) for kind, body in BODIES.items()
    ]
    return json_schema(FORMAT, msgspec.defstruct("CoverageParts", fields))


def status_of(*, owed: int | None, proved: int, attested: int) -> Status:
    """What the figures say of one asset.

    >>> status_of(owed=10, proved=10, attested=0), status_of(owed=10, proved=9, attested=1)
    ('proved', 'attested')
    >>> status_of(owed=None, proved=5, attested=0)
    'not_covered'
    """
    if owed is None:
        return "not_covered"
    if proved >= owed:
        return "proved"
    return "attested" if proved + attested >= owed else "not_covered"
