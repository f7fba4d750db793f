"""The shapes of the API's answers about movements, coins, holdings over time and what follows."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from khazana.portal.api.schemas import HASH, Answer, Block, Figure

Grade = Literal["A", "B", "C", "D"]


class Line(Answer):
    """Why one wallet's holdings changed; the figure is signed as the wallet sees it."""

    wallet: str
    reason: str
    figure: Figure
    counterpart: str | None
    document: str | None
    grade: Grade
    rule: str


class Movement(Answer):
    """One transaction as far as it touches declared wallets. time: the block's median time past."""

    txid: str = Field(pattern=HASH)
    statement: str
    block: Block
    time: datetime | None
    position: int
    coinbase: bool
    unexplained: bool
    spent: Figure
    received: Figure
    lines: list[Line]
    link: str
    page: str


class Posting(Answer):
    """A coin that a movement spent or made."""

    wallet: str
    outpoint: str
    figure: Figure


class Document(Answer):
    """A business record: named and committed to; its content stays with the office."""

    id: str
    commitment: str
    grade: Grade
    file_sha256: str | None
    statement: str


class Leaf(Answer):
    """Where a movement stands under the statement's root."""

    part: str
    digest: str | None
    parts: int
    root: str


class WalletStop(Answer):
    """A wallet that a movement touches, and the height at which it was declared."""

    id: str
    name: dict[str, str]
    declared_at: int | None


class MovementFull(Movement):
    """A movement through its stops: transaction, wallets, documents, statement."""

    fee: Figure | None
    paid_outside: Figure | None
    coins_spent: list[Posting]
    coins_received: list[Posting]
    wallets: list[WalletStop]
    documents: list[Document]
    leaf: Leaf


class Coin(Answer):
    """A coin held at the closing block. block: where it was made."""

    outpoint: str
    wallet: str
    coinbase: bool
    block: Block
    figure: Figure


class Address(Answer):
    """An output script that a wallet declares; address: null where it has none."""

    wallet: str
    number: int
    script: str
    address: str | None
    statement: str


class BalancePoint(Answer):
    """What a set held from the end of a block on. time: the block's median time past."""

    time: datetime | None
    figure: Figure


class Holdings(Answer):
    """What a set held at the end of a day in the office's time zone.

    since: the median time past of the figure's block, after which nothing changed until that day.
    """

    set: str
    day: date
    timezone: str
    since: datetime
    figure: Figure


class Price(Answer):
    """A price that was used."""

    at: str
    venue: str
    rule: str
    base: str
    currency: str
    price: str
    source: str | None
    file_sha256: str | None
    grade: Grade


class Worth(Answer):
    """Holdings of a set in one currency, in major units; null where it cannot be said."""

    currency: str
    amount: str | None


class SetValue(Answer):
    """The state's own holdings of a set at the closing block, and what they were worth."""

    set: str
    own: Figure
    value: list[Worth]
    recognised_sats: int
    recognised_value: list[Worth]


class Rate(Answer):
    """What one bitcoin was worth: the product of the prices."""

    currency: str
    grade: Grade | None
    prices: list[Price]


class Valuation(Answer):
    """What a statement's holdings were worth at closing; `file` has all of it."""

    statement: str
    at: str
    rates: list[Rate]
    sets: list[SetValue]
    file: str
    test: bool
    notice: str | None


class Arrival(Answer):
    """What a transaction brought into the watched set, and from where.

    from_inside: the stock held it already, so that the stock did not change.
    """

    txid: str
    source: str
    from_inside: bool
    figure: Figure
    reasons: list[str]
    link: str


class TwoBars(Answer):
    """The gross inflow of one set beside the net change of another."""

    watched: str
    stock: str
    gross: Figure
    from_inside: Figure
    from_outside: Figure
    net: Figure
    arrivals: list[Arrival]
    link: str


class Changed(Answer):
    """A set whose figures a later statement corrected. before: null where it was not there."""

    set: str
    name: dict[str, str]
    before: Figure | None
    after: Figure


class Replacement(Answer):
    """A statement that replaced another."""

    replaced: str
    by: str
    signed_at: datetime | None
    changed: list[Changed]


class BookEntry(Answer):
    """A change of the books that no transaction made."""

    kind: str
    account: str
    figure: Figure
    document: str | None
    details: dict[str, str]


class Corrections(Answer):
    """Everything that was corrected: statements replaced, and entries of the books."""

    replacements: list[Replacement]
    entries: list[BookEntry]


class ClaimFigure(Answer):
    """A figure of a claim or of its check: plain decimal digits and a unit."""

    name: str
    text: str
    unit: str


class Claim(Answer):
    """Who said what, when, where it was read, and what our check makes of it."""

    id: str
    subject: str
    country: str
    speaker: dict[str, str]
    said: str
    as_of: str
    text: dict[str, str]
    quantity: ClaimFigure | None
    qualifier: str | None
    perimeter: str | None
    publisher: str
    source: str | None
    mark: str
    grade: Grade
    check: str
    verdict: str
    figures: list[ClaimFigure]
    note: dict[str, str] | None
    uses: list[str]
    command: str | None


class Verdict(Answer):
    """A condition at one moment; figures are decimal text in `unit`."""

    day: date | None
    block: Block | None
    measured: str | None
    target: str | None
    adjusted: str | None
    headroom: str | None
    verdict: str
    why: str
    grade: Grade | None


class Condition(Answer):
    """A lender's condition with every verdict that the statement carries, in its order."""

    id: str
    name: dict[str, str]
    kind: str
    quantity: str
    unit: str
    direction: str
    continuous: bool
    verdicts: list[Verdict]


class Accumulation(Answer):
    """The accumulation test between the ends of two blocks, in satoshis."""

    perimeter: str
    after: Block
    until: Block
    verdict: str
    why: str
    gain_sats: int | None
    gain_known_sats: int | None


class Conditions(Answer):
    """A memorandum's conditions as a statement carries them; anyone computes them again."""

    memorandum: str
    statement: str
    today: date
    conditions: list[Condition]
    accumulation: list[Accumulation]
    test: bool
    notice: str | None


Body = dict[str, Any]
