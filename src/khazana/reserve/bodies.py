"""Between the ledger's values and the bodies that stand in a statement, both ways."""

from collections.abc import Iterable

from khazana.bitcoin.chain import BlockRef, Coin
from khazana.bitcoin.transaction import OutPoint
from khazana.ledger.accounts import Lane, LaneSpan, Membership, Perimeter, Seal, Wallet
from khazana.ledger.entries import BookEntry, BookKind, ChainEntry, CoinPosting
from khazana.ledger.office import BranchRange, DescriptorSource
from khazana.reserve.parts import (
    BlockBody,
    BookBody,
    BranchBody,
    CoinBody,
    CoinPostingBody,
    DescriptorBody,
    EntryBody,
    LaneBody,
    MemberBody,
    PerimeterBody,
    SealBody,
    WalletBody,
)
from khazana.units import BlockHash, Height, Sats, Txid


def block_body(block: BlockRef) -> BlockBody:
    return BlockBody(height=block.height, hash=block.hash)


def block_ref(body: BlockBody) -> BlockRef:
    return BlockRef(Height(body.height), BlockHash(body.hash))


def _optional_body(block: BlockRef | None) -> BlockBody | None:
    return None if block is None else block_body(block)


def _optional_ref(body: BlockBody | None) -> BlockRef | None:
    return None if body is None else block_ref(body)


def outpoint_of(text: str) -> OutPoint:
    """Read `txid:vout`; the shape was checked when the body was read."""
    txid, vout = text.split(":")
    return OutPoint(Txid(txid), int(vout))


def coin_body(coin: Coin) -> CoinBody:
    return CoinBody(
        outpoint=str(coin.outpoint),
        amount=coin.amount,
        block=block_body(coin.block),
        coinbase=coin.is_coinbase,
    )


def coin_of(body: CoinBody, script: bytes = b"") -> Coin:
    """The coin; its script is not in the body, for the wallet may withhold its addresses."""
    return Coin(
        outpoint_of(body.outpoint), Sats(body.amount), script, block_ref(body.block), body.coinbase
    )


def _postings_body(postings: Iterable[CoinPosting]) -> list[CoinPostingBody]:
    return [
        CoinPostingBody(wallet=p.wallet, outpoint=str(p.outpoint), amount=p.amount)
        for p in postings
    ]


def _postings_of(bodies: Iterable[CoinPostingBody]) -> tuple[CoinPosting, ...]:
    return tuple(CoinPosting(b.wallet, outpoint_of(b.outpoint), Sats(b.amount)) for b in bodies)


def entry_body(entry: ChainEntry) -> EntryBody:
    return EntryBody(
        txid=entry.txid,
        block=block_body(entry.block),
        position=entry.position,
        coinbase=entry.coinbase,
        spent=_postings_body(entry.spent),
        received=_postings_body(entry.received),
        fee=entry.fee,
        paid_outside=entry.paid_outside,
    )


def entry_of(body: EntryBody) -> ChainEntry:
    return ChainEntry(
        txid=Txid(body.txid),
        block=block_ref(body.block),
        position=body.position,
        coinbase=body.coinbase,
        spent=_postings_of(body.spent),
        received=_postings_of(body.received),
        paid_outside=None if body.paid_outside is None else Sats(body.paid_outside),
        fee=None if body.fee is None else Sats(body.fee),
    )


def lane_bodies(spans: Iterable[LaneSpan]) -> list[LaneBody]:
    return [
        LaneBody(lane=span.lane.value, since=_optional_body(span.since), document=span.document)
        for span in spans
    ]


def seal_body(seal: Seal | None) -> SealBody | None:
    if seal is None:
        return None
    return SealBody(commitment=seal.commitment, block=block_body(seal.block), salt=seal.salt)


def wallet_of(body: WalletBody, scripts: Iterable[bytes]) -> Wallet:
    return Wallet(
        id=body.id,
        entity=body.entity,
        name=body.name,
        scripts=tuple(scripts),
        lanes=tuple(
            LaneSpan(Lane(lane.lane), _optional_ref(lane.since), lane.document)
            for lane in body.lanes
        ),
        declared=block_ref(body.declared),
        seal=None
        if body.seal is None
        else Seal(body.seal.commitment, block_ref(body.seal.block), body.seal.salt),
    )


def descriptor_body(wallet: str, source: DescriptorSource) -> DescriptorBody:
    return DescriptorBody(
        wallet=wallet,
        descriptor=source.descriptor,
        branches=[BranchBody(branch=r.branch, stop=r.stop) for r in source.branches],
        gap=source.gap,
    )


def descriptor_source(body: DescriptorBody) -> DescriptorSource:
    return DescriptorSource(
        body.descriptor, tuple(BranchRange(b.branch, b.stop) for b in body.branches), body.gap
    )


def member_bodies(members: Iterable[Membership]) -> list[MemberBody]:
    return [
        MemberBody(
            account=m.account,
            since=_optional_body(m.since),
            until=_optional_body(m.until),
            document=m.document,
        )
        for m in members
    ]


def perimeter_of(body: PerimeterBody) -> Perimeter:
    return Perimeter(
        id=body.id,
        name=body.name,
        members=tuple(
            Membership(m.account, _optional_ref(m.since), _optional_ref(m.until), m.document)
            for m in body.members
        ),
    )


def book_body(entry: BookEntry) -> BookBody:
    return BookBody(
        kind=entry.kind.value,
        block=block_body(entry.block),
        account=entry.account,
        perimeter=entry.perimeter,
        amount=entry.amount,
        document=entry.document,
        details=dict(entry.details or {}),
    )


def book_of(body: BookBody) -> BookEntry:
    return BookEntry(
        kind=BookKind(body.kind),
        block=block_ref(body.block),
        account=body.account,
        perimeter=body.perimeter,
        amount=Sats(body.amount),
        document=body.document,
        details=body.details or None,
    )
