"""A coverage statement read into typed parts; what contradicts itself is refused with its place."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import msgspec

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.secrets import find_secret
from khazana.errors import KhazanaError
from khazana.ledger.canonical import JsonRefused, canonical_bytes, parse_strict
from khazana.statement.envelope import Statement, read_statement
from khazana.statement.errors import StatementMalformed
from khazana.statement.parts import HEADER
from khazana.supervision.coverage.parts import (
    BODIES,
    DEBTS,
    LIABILITIES,
    AssetBody,
    AttestedBody,
    DescriptorBody,
    EpochBody,
    HeaderBody,
    WalletBody,
)
from khazana.supervision.coverage.snapshot import Draw
from khazana.supervision.solvency.epoch import Block, Epoch, TreeHead, read_epoch
from khazana.supervision.solvency.plan import BITCOIN
from khazana.units import BlockHash, Height


@dataclass(frozen=True)
class CoverageStatement:
    """A statement or disclosure whose disclosed parts all have the shape of their kind."""

    envelope: Statement
    bodies: Mapping[str, Sequence[Any]]

    @property
    def root(self) -> str:
        return self.envelope.root

    @cached_property
    def header(self) -> HeaderBody:
        return cast(HeaderBody, self.bodies[HEADER][0])

    @property
    def block(self) -> BlockRef:
        """Everything is as of the end of this block."""
        return block_ref(self.header.block)

    @cached_property
    def trees(self) -> Mapping[str, TreeHead]:
        """By name, such as liabilities/BTC, in the order of the epoch statement."""
        found = [*self.bodies.get(LIABILITIES, ()), *self.bodies.get(DEBTS, ())]
        return {head.name: head for head in sorted(found, key=lambda head: cast(str, head.name))}

    @cached_property
    def assets(self) -> Mapping[str, AssetBody]:
        return {body.asset: body for body in self.bodies.get("asset", ())}

    @cached_property
    def wallets(self) -> Mapping[str, WalletBody]:
        return {body.id: body for body in self.bodies.get("wallet", ())}

    @cached_property
    def descriptors(self) -> Mapping[str, DescriptorBody]:
        return {body.wallet: body for body in self.bodies.get("descriptor", ())}

    @cached_property
    def attested(self) -> Mapping[str, AttestedBody]:
        return {body.id: body for body in self.bodies.get("attested", ())}

    @cached_property
    def epoch(self) -> Epoch | None:
        """The epoch statement that these parts are, to the byte; None where some are withheld."""
        if self.withheld("epoch") or self.withheld(LIABILITIES) or self.withheld(DEBTS):
            return None
        (whole,) = self.bodies["epoch"]
        trees = [msgspec.to_builtins(head) for head in self.trees.values()]
        return read_epoch(canonical_bytes({**msgspec.to_builtins(whole), "trees": trees}))

    def withheld(self, kind: str) -> int:
        """How many parts of a kind exist but are not disclosed here."""
        return self.header.parts.get(kind, 0) - len(self.bodies.get(kind, ()))

    @property
    def name(self) -> str:
        """For the head of a report."""
        office = self.header.office
        text = f"{office.name.get('en', office.id)}, licence {self.header.licence}, epoch "
        text += f"{self.header.epoch}, at block {self.header.block.height}"
        return f"{text} ({office.notice})" if office.notice else text


def block_ref(body: Block) -> BlockRef:
    return BlockRef(Height(body.height), BlockHash(body.hash))


def is_coverage(raw: bytes) -> bool:
    """Whether a file says that it is a coverage statement; what else it is, others judge."""
    if b'"coverage":"khazana.coverage/' not in raw:
        return False
    try:
        document = parse_strict(raw)
    except JsonRefused:
        return False
    parts = document.get("parts") if isinstance(document, dict) else None
    first = parts[0] if isinstance(parts, list) and parts else None
    body = first.get("body") if isinstance(first, dict) else None
    return isinstance(body, dict) and "coverage" in body


def read_coverage(raw: bytes) -> CoverageStatement:
    """Read a file strictly; whatever is not exactly a coverage statement is refused."""
    return typed(read_statement(raw, kinds=frozenset(BODIES)))


def typed(envelope: Statement) -> CoverageStatement:
    """Give each disclosed part the type of its kind, or say which part is malformed and how."""
    bodies: dict[str, list[Any]] = {}
    for part in envelope.parts:
        body_type = BODIES.get(part.kind)
        if body_type is None:
            continue  # an extension that says it may be passed over
        try:
            body = msgspec.convert(part.body, body_type, strict=True)
        except msgspec.ValidationError as error:
            problem, _, place = str(error).partition(" - at ")
            where = f"part {part.name}{place.strip('`').lstrip('$')}"
            raise StatementMalformed(path=where, problem=problem) from error
        named = _name_of(body)
        if part.name != named:
            raise StatementMalformed(path=f"part {part.name}", problem=f"it is about {named}")
        bodies.setdefault(part.kind, []).append(body)
    statement = CoverageStatement(envelope, bodies)
    for path, problem in _problems(statement):
        raise StatementMalformed(path=path, problem=problem)
    return statement


def _name_of(body: Any) -> str:
    match body:
        case HeaderBody():
            return HEADER
        case EpochBody():
            return "epoch"
        case TreeHead():
            return body.name
        case AssetBody():
            return f"asset/{body.asset}"
        case WalletBody():
            return f"wallet/{body.id}"
        case DescriptorBody():
            return f"descriptor/{body.wallet}"
        case _:
            return f"attested/{body.id}"


def _problems(statement: CoverageStatement) -> Iterator[tuple[str, str]]:
    """Where the parts do not fit one another. What is a lie rather than a slip has a check."""
    yield from _counts(statement)
    for draw in (statement.header.snapshot, statement.header.next):
        if draw is not None:
            try:
                Draw(announced=draw.announced, window=draw.window)
            except ValueError as error:
                yield "part header.snapshot", str(error)
    for wallet in statement.wallets.values():
        yield from _wallet_problems(wallet)
    for body in statement.descriptors.values():
        yield from _descriptor_problems(body, statement)
    for name, asset in statement.assets.items():
        if name == BITCOIN.name and asset.scale != BITCOIN.scale:
            yield f"part asset/{name}", f"BTC has {BITCOIN.scale} decimals, not {asset.scale}"
        for head in (statement.trees.get(f"{kind}/{name}") for kind in (LIABILITIES, DEBTS)):
            if head is not None and head.scale != asset.scale:
                yield f"part asset/{name}", f"its scale is not that of {head.name}"
    try:
        epoch = statement.epoch
    except KhazanaError as error:
        yield "part epoch", str(error)
        return
    if epoch is None:
        return
    header = statement.header
    for what, stated, due in (
        ("licence", header.licence, epoch.provider.licence),
        ("epoch", header.epoch, epoch.epoch),
        ("network", header.network.genesis, epoch.genesis),
        ("test", header.test, epoch.test),
    ):
        if stated != due:
            yield f"part header.{what}", f"it is {stated}, the epoch statement says {due}"


def _counts(statement: CoverageStatement) -> Iterator[tuple[str, str]]:
    stated = statement.header.parts
    disclosed = Counter(part.kind for part in statement.envelope.parts if part.name != HEADER)
    where = "part header.parts"
    for kind in stated:
        if (kind not in BODIES or kind == HEADER) and not kind.startswith("x-"):
            yield f"{where}.{kind}", "unknown kind"
    for kind, count in disclosed.items():
        if stated.get(kind, 0) < count:
            yield (
                where,
                f"{count} parts of kind {kind} are disclosed, {stated.get(kind, 0)} counted",
            )
    if sum(stated.values()) + 1 != statement.envelope.size:
        under = statement.envelope.size - 1
        yield where, f"{sum(stated.values())} parts are counted, {under} are under the root"
    if stated.get("epoch") != 1:
        yield where, "there is one part called epoch"


def _wallet_problems(wallet: WalletBody) -> Iterator[tuple[str, str]]:
    where = f"part wallet/{wallet.id}"
    for number, coin in enumerate(wallet.coins):
        if coin.script >= len(wallet.scripts):
            yield f"{where}.coins[{number}].script", "the wallet has no script of that number"
    outpoints = [coin.outpoint for coin in wallet.coins]
    if outpoints != sorted(set(outpoints)):
        yield f"{where}.coins", "coins are sorted by outpoint, each once"


def _descriptor_problems(
    body: DescriptorBody, statement: CoverageStatement
) -> Iterator[tuple[str, str]]:
    where = f"part descriptor/{body.wallet}"
    if found := find_secret(body.descriptor):
        yield f"{where}.descriptor", f"{found.kind} stands here, which could spend"
    if len({branch.branch for branch in body.branches}) != len(body.branches):
        yield f"{where}.branches", "one branch stands twice"
    if body.wallet not in statement.wallets and not statement.withheld("wallet"):
        yield where, f"there is no wallet {body.wallet}"
