"""The bodies of a reserve statement's parts, exactly as they stand in the file.

Amounts are satoshis. An outpoint is `txid:vout`. A block is a height with its hash.
The part's name is its kind, or `kind/id`; docs/spec/statement.md describes each.
"""

from typing import Annotated, Any, Literal

import msgspec

from khazana.statement import patterns
from khazana.statement.patterns import END

MOST_SATS = 2_100_000_000_000_000
"""Every coin that will ever exist, rounded up: 21 million bitcoin."""

Amount = Annotated[int, msgspec.Meta(ge=-MOST_SATS, le=MOST_SATS)]
Sum = Annotated[int, msgspec.Meta(ge=0, le=MOST_SATS)]
HeightField = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
Hash = Annotated[str, msgspec.Meta(pattern=patterns.HASH256)]
ScriptHex = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2}){1,10000}" + END)]
OutPointText = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}:(0|[1-9][0-9]{0,9})" + END)]
Identifier = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}" + END)]
SetName = Annotated[
    str, msgspec.Meta(pattern="^(entity|perimeter)/[A-Za-z0-9][A-Za-z0-9._-]{0,63}" + END)
]
"""The part that a change of a set of accounts is about: an entity or a perimeter."""
Text = Annotated[str, msgspec.Meta(max_length=2000)]
UtcTime = Annotated[str, msgspec.Meta(pattern=patterns.INSTANT)]
Grade = Literal["A", "B", "C", "D"]
NamesField = dict[Annotated[str, msgspec.Meta(pattern=patterns.LANGUAGE)], Text]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part's body. Unknown fields are refused; extensions are parts of their own."""


class BlockBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    height: HeightField
    hash: Hash


class NetworkBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Text
    genesis: Hash


class OfficeBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The publisher. fingerprint: of its identity; None for an account nobody signs.

    notice: a sentence that every output must repeat, such as who claims these addresses.
    """

    id: Identifier
    name: NamesField
    fingerprint: Hash | None
    notice: Text | None


class PeriodBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """(after, until]: opening at the end of block `after`, closing at the end of `until`.

    after_mtp, until_mtp: median time past of the two blocks, UTC.
    """

    after: BlockBody
    until: BlockBody
    after_mtp: UtcTime
    until_mtp: UtcTime
    timezone: Text


class HeaderBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the statement is about. `parts` counts every part by kind, disclosed or withheld."""

    office: OfficeBody
    network: NetworkBody
    test: bool
    period: PeriodBody
    tip: BlockBody
    """The newest block when the statement was made."""
    min_depth: Annotated[int, msgspec.Meta(ge=6, le=10_000)]
    previous: Hash | None
    supersedes: Hash | None
    dust_threshold: Sum
    match_window_days: Annotated[int, msgspec.Meta(ge=0, le=366)]
    cost_method: Text
    parts: dict[str, int]
    critical: list[Text] = []
    """Names of the critical extension parts, so that none can be hidden by withholding it."""


class GradesBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much of a total each evidence grade carries."""

    a: Amount = msgspec.field(name="A")
    b: Amount = msgspec.field(name="B")
    c: Amount = msgspec.field(name="C")
    d: Amount = msgspec.field(name="D")


class ReasonBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one reason adds (positive) or takes away, and on what evidence."""

    reason: Text
    amount: Amount
    grades: GradesBody


class CorrectionsBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """opening + loss + restatement + perimeter_change = closing (docs/methods/postings.md, L11)."""

    opening: Amount
    loss: Amount
    restatement: Amount
    perimeter_change: Amount
    closing: Amount


class FiguresBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The account of a period, for a wallet, an entity or a perimeter.

    opening + inflow + coinbase - outflow - fee + perimeter_change + off_chain = closing
    inflow + coinbase - outflow + off_chain = the sum of `reasons`
    internal: moved between accounts of the set; it changes nothing.
    off_chain: change of attested balances.
    immature: of `closing`, coinbases that cannot be spent yet.
    corrections: what the books write off or restate; recognised holdings = closing + its closing.
    grades: how much of `closing` each evidence grade carries.
    """

    opening: Amount
    inflow: Sum
    coinbase: Sum
    outflow: Sum
    fee: Sum
    internal: Sum
    perimeter_change: Amount
    off_chain: Amount
    closing: Amount
    immature: Sum
    corrections: CorrectionsBody
    grades: GradesBody
    reasons: list[ReasonBody]


class EntityBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: Identifier
    name: NamesField
    sector: Text
    figures: FiguresBody


class LaneBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lane: Literal["owned", "seized", "forfeited", "pledged", "held_for_clients"]
    since: BlockBody | None
    document: Text | None


class SealBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A hash logged before disclosure; `salt` opens it."""

    commitment: Hash
    block: BlockBody
    salt: Annotated[str, msgspec.Meta(pattern=patterns.SALT128)] | None


class WalletBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: Identifier
    entity: Identifier
    name: NamesField
    lanes: list[LaneBody]
    declared: BlockBody
    seal: SealBody | None
    script_count: Annotated[int, msgspec.Meta(ge=1)]
    figures: FiguresBody


class ScriptsBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every output script the wallet declares: completeness is relative to this list."""

    wallet: Identifier
    scripts: list[ScriptHex]


class BranchBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The derived range of one branch: indexes 0 to `stop` (not included), gap included."""

    branch: Annotated[int, msgspec.Meta(ge=0, le=0x7FFF_FFFF)]
    stop: Annotated[int, msgspec.Meta(ge=1, le=0x7FFF_FFFF)]


class DescriptorBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The descriptor behind a wallet's scripts; whoever reads it knows its future addresses too."""

    wallet: Identifier
    descriptor: Annotated[str, msgspec.Meta(max_length=20_000)]
    branches: list[BranchBody]
    gap: Annotated[int, msgspec.Meta(ge=0, le=100_000)]


class CoinBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    outpoint: OutPointText
    amount: Sum
    block: BlockBody
    coinbase: bool


class CoinsBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A wallet's coins at the two ends of the period, sorted by outpoint."""

    wallet: Identifier
    opening: list[CoinBody]
    closing: list[CoinBody]


class CoinPostingBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    wallet: Identifier
    outpoint: OutPointText
    amount: Sum


class EntryBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One transaction as far as it touches declared wallets (docs/methods/postings.md)."""

    txid: Hash
    block: BlockBody
    position: HeightField
    coinbase: bool
    spent: list[CoinPostingBody]
    received: list[CoinPostingBody]
    fee: Sum | None
    paid_outside: Sum | None


class ExplanationLineBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why a wallet's holdings changed; `amount` is signed as the wallet sees it."""

    wallet: Identifier
    reason: Text
    amount: Amount
    counterpart: Text | None
    document: Text | None
    grade: Grade
    rule: Text


class ExplanationBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    txid: Hash
    lines: list[ExplanationLineBody]


class DocumentBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A business record, named and committed to; its content stays with the office."""

    id: Text
    commitment: Hash
    grade: Grade
    file_sha256: Hash | None


class AttestationBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A balance that a custodian attests for a block's end."""

    block: BlockBody
    amount: Sum
    grade: Grade
    attested_by: Text | None
    document: Text
    file_sha256: Hash | None


class AccountBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A custodial account: the balance attested at or before the opening (None: nobody attested),
    and every balance attested in the period, in order of block.
    """

    id: Identifier
    entity: Identifier
    name: NamesField
    custodian: Text
    lane: Literal["owned", "seized", "forfeited", "pledged", "held_for_clients"]
    opening: AttestationBody | None
    attested: list[AttestationBody]
    figures: FiguresBody
    lines: list[ExplanationLineBody]


class MemberBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    account: Identifier
    since: BlockBody | None
    until: BlockBody | None
    document: Text | None


class LaneTotalBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lane: Text
    opening: Amount
    closing: Amount


class PerimeterBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: Identifier
    name: NamesField
    members: list[MemberBody]
    figures: FiguresBody
    lanes: list[LaneTotalBody]


class BookBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A change of the books that no transaction made."""

    kind: Literal["perimeter_change", "reclassification", "restatement", "loss"]
    block: BlockBody
    account: Identifier
    perimeter: SetName | None
    amount: Amount
    document: Text | None
    details: dict[str, str]


class SealedBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A wallet promised but not disclosed."""

    commitment: Hash
    block: BlockBody


class ExclusionBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something the office knows of and leaves out, and why."""

    name: Text
    reason: Text


BODIES: dict[str, type[Body]] = {
    "header": HeaderBody,
    "entity": EntityBody,
    "wallet": WalletBody,
    "scripts": ScriptsBody,
    "descriptor": DescriptorBody,
    "coins": CoinsBody,
    "entry": EntryBody,
    "explanation": ExplanationBody,
    "document": DocumentBody,
    "account": AccountBody,
    "perimeter": PerimeterBody,
    "book": BookBody,
    "sealed": SealedBody,
    "exclusion": ExclusionBody,
}
"""Every kind of part a reserve statement may have, in the order they stand in the file."""


def parts_json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of every part's body, by kind, as shipped in docs/spec.

    It says less than the reader: sums, references and counts cannot be said in JSON Schema.
    """
    schemas, definitions = msgspec.json.schema_components(
        BODIES.values(), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "khazana.reserve parts",
        "type": "object",
        "properties": dict(zip(BODIES, schemas, strict=True)),
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }
