"""The JSON shapes an Esplora server answers with, as far as they are used, made into values."""

from typing import Annotated

import msgspec

from khazana.bitcoin.block import Header
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.hashes import from_displayed
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.units import BlockHash, Height, Sats, Txid

Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}\\Z")]
Hex = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2})*\\Z")]
Unsigned32 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
Signed32 = Annotated[int, msgspec.Meta(ge=-0x8000_0000, le=0xFFFF_FFFF)]
"""Servers write a version signed or unsigned."""
HeightNumber = Annotated[int, msgspec.Meta(ge=0, le=0x7FFF_FFFF)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=0x7FFF_FFFF_FFFF_FFFF)]


class Status(msgspec.Struct, frozen=True):
    """Whether and where a transaction is confirmed."""

    confirmed: bool
    block_height: HeightNumber | None = None
    block_hash: Hash | None = None

    @property
    def block(self) -> BlockRef | None:
        """The block, or None for a transaction that waits."""
        if not self.confirmed or self.block_height is None or self.block_hash is None:
            return None
        return BlockRef(Height(self.block_height), BlockHash(self.block_hash))


class Output(msgspec.Struct, frozen=True):
    scriptpubkey: Hex
    value: Amount


class SpentOutput(msgspec.Struct, frozen=True):
    """What an input spends; its amount is nobody's proof, so it is not read."""

    scriptpubkey: Hex


class Input(msgspec.Struct, frozen=True):
    txid: Hash
    vout: Unsigned32
    sequence: Unsigned32
    scriptsig: Hex = ""
    witness: tuple[Hex, ...] = ()
    prevout: SpentOutput | None = None


class ListedTransaction(msgspec.Struct, frozen=True):
    """A transaction as lists and `/tx/:txid` give it."""

    txid: Hash
    version: Signed32
    locktime: Unsigned32
    vin: tuple[Input, ...]
    vout: tuple[Output, ...]
    status: Status

    def transaction(self) -> Transaction:
        """The transaction that these words describe; its txid is its own, not the server's."""
        return Transaction(
            version=self.version & 0xFFFF_FFFF,
            inputs=tuple(
                TxIn(
                    OutPoint(Txid(i.txid), i.vout),
                    bytes.fromhex(i.scriptsig),
                    i.sequence,
                    tuple(bytes.fromhex(item) for item in i.witness),
                )
                for i in self.vin
            ),
            outputs=tuple(TxOut(Sats(o.value), bytes.fromhex(o.scriptpubkey)) for o in self.vout),
            lock_time=self.locktime,
        )


class MerkleProof(msgspec.Struct, frozen=True):
    """`/tx/:txid/merkle-proof`: where a transaction stands in its block, and its siblings."""

    block_height: HeightNumber
    pos: HeightNumber
    merkle: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=32)]

    @property
    def branch_le(self) -> tuple[bytes, ...]:
        return tuple(from_displayed(sibling) for sibling in self.merkle)


class BlockStatus(msgspec.Struct, frozen=True):
    """`/block/:hash/status`."""

    in_best_chain: bool
    height: HeightNumber | None = None


class ListedBlock(msgspec.Struct, frozen=True):
    """A block as `/blocks/:start` gives it: enough to rebuild its 80-byte header."""

    id: Hash
    height: HeightNumber
    version: Signed32
    timestamp: Unsigned32
    merkle_root: Hash
    bits: Unsigned32
    nonce: Unsigned32
    previousblockhash: Hash | None = None

    @property
    def ref(self) -> BlockRef:
        return BlockRef(Height(self.height), BlockHash(self.id))

    def header(self) -> Header:
        """The header these words describe; its hash is its own, not the server's."""
        version = self.version
        return Header(
            version=version - (1 << 32) if version >= 1 << 31 else version,
            previous=BlockHash(self.previousblockhash or "00" * 32),
            merkle_root_le=from_displayed(self.merkle_root),
            time=self.timestamp,
            bits=self.bits,
            nonce=self.nonce,
        )
