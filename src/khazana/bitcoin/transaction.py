"""Transactions: parsed and written back byte for byte."""

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from khazana.bitcoin.hashes import displayed, from_displayed, sha256, sha256d
from khazana.bitcoin.reader import Reader, compact_size
from khazana.units import Sats, Txid

NULL_TXID = Txid("00" * 32)
COINBASE_VOUT = 0xFFFF_FFFF

_OUTPOINT = struct.Struct("<32sI")

# Smallest possible encodings, to bound the counts a hostile transaction may announce.
_SMALLEST_INPUT = 32 + 4 + 1 + 4
_SMALLEST_OUTPUT = 8 + 1


@dataclass(frozen=True, slots=True, order=True)
class OutPoint:
    """One output of one transaction: the name of a coin."""

    txid: Txid
    vout: int

    def __str__(self) -> str:
        return f"{self.txid}:{self.vout}"


@dataclass(frozen=True, slots=True)
class TxIn:
    outpoint: OutPoint
    script_sig: bytes
    sequence: int
    witness: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class TxOut:
    amount: Sats
    script: bytes
    """The output script (scriptPubKey)."""


@dataclass(frozen=True)
class Transaction:
    """A transaction.

        version 4 | [marker 00 flag 01] | inputs | outputs | [witnesses] | lock time 4

    version, lock_time and each input's sequence: unsigned, as consensus reads them.
    """

    version: int
    inputs: tuple[TxIn, ...]
    outputs: tuple[TxOut, ...]
    lock_time: int

    @classmethod
    def parse(cls, raw: bytes, *, witness: bool = True) -> Self:
        """Read a whole transaction; bytes left over are refused.

        witness=False reads the form that can hold no witness, as a PSBT's unsigned transaction.
        """
        reader = Reader(raw, "transaction")
        transaction = cls.read(reader, witness=witness)
        reader.finish()
        return transaction

    @classmethod
    def read(cls, reader: Reader, *, witness: bool = True) -> Self:
        """Read a transaction from where the reader stands."""
        start = reader.offset
        version = reader.integer(4)
        has_witness = witness and _take_marker(reader)
        inputs = tuple(_read_input(reader) for _ in range(reader.count(_SMALLEST_INPUT)))
        outputs = tuple(_read_output(reader) for _ in range(reader.count(_SMALLEST_OUTPUT)))
        if has_witness:
            stacks = [_read_stack(reader) for _ in inputs]
            # BIP-144: a witness serialisation without any witness is malformed.
            if not any(stacks):
                raise reader.malformed("witness announced but every stack is empty")
            inputs = tuple(
                TxIn(i.outpoint, i.script_sig, i.sequence, stack)
                for i, stack in zip(inputs, stacks, strict=True)
            )
        lock_time = reader.integer(4)
        transaction = cls(version, inputs, outputs, lock_time)
        if not has_witness:
            # The bytes without witness are what the txid hashes: no need to write them again.
            transaction.__dict__["txid_le"] = sha256d(reader.data[start : reader.offset])
        return transaction

    def serialize(self, *, witness: bool = True) -> bytes:
        """The transaction on the wire; without witnesses it is what the txid hashes."""
        with_witness = witness and self.has_witness
        pieces = [self.version.to_bytes(4, "little")]
        if with_witness:
            pieces.append(b"\x00\x01")
        pieces.append(compact_size(len(self.inputs)))
        for i in self.inputs:
            pieces.append(from_displayed(i.outpoint.txid))
            pieces.append(i.outpoint.vout.to_bytes(4, "little"))
            pieces.append(compact_size(len(i.script_sig)))
            pieces.append(i.script_sig)
            pieces.append(i.sequence.to_bytes(4, "little"))
        pieces.append(compact_size(len(self.outputs)))
        for o in self.outputs:
            pieces.append(o.amount.to_bytes(8, "little", signed=True))
            pieces.append(compact_size(len(o.script)))
            pieces.append(o.script)
        if with_witness:
            for i in self.inputs:
                pieces.append(compact_size(len(i.witness)))
                for item in i.witness:
                    pieces.append(compact_size(len(item)))
                    pieces.append(item)
        pieces.append(self.lock_time.to_bytes(4, "little"))
        return b"".join(pieces)

    @property
    def has_witness(self) -> bool:
        return any(i.witness for i in self.inputs)

    @cached_property
    def txid_le(self) -> bytes:
        return sha256d(self.serialize(witness=False))

    @cached_property
    def txid(self) -> Txid:
        return Txid(displayed(self.txid_le))

    @cached_property
    def wtxid_le(self) -> bytes:
        return sha256d(self.serialize()) if self.has_witness else self.txid_le

    @property
    def wtxid(self) -> Txid:
        return Txid(displayed(self.wtxid_le))

    @cached_property
    def outpoints_sha256(self) -> bytes:
        """Over all inputs' outpoints: what every input's signature hash shares (BIP-143, BIP-341).

        Computed once, or the work for a transaction would grow with the square of its inputs.
        """
        return sha256(
            b"".join(
                from_displayed(i.outpoint.txid) + i.outpoint.vout.to_bytes(4, "little")
                for i in self.inputs
            )
        )

    @cached_property
    def sequences_sha256(self) -> bytes:
        """Over all inputs' sequences."""
        return sha256(b"".join(i.sequence.to_bytes(4, "little") for i in self.inputs))

    @cached_property
    def outputs_sha256(self) -> bytes:
        """Over all outputs as they are serialised."""
        return sha256(
            b"".join(
                o.amount.to_bytes(8, "little", signed=True) + compact_size(len(o.script)) + o.script
                for o in self.outputs
            )
        )

    @property
    def is_coinbase(self) -> bool:
        return len(self.inputs) == 1 and self.inputs[0].outpoint == OutPoint(
            NULL_TXID, COINBASE_VOUT
        )

    def outpoint(self, vout: int) -> OutPoint:
        return OutPoint(self.txid, vout)


def _take_marker(reader: Reader) -> bool:
    """Step over marker and flag if they are there.

    Zero inputs are the marker (BIP-144). As in Bitcoin Core, a zero after them is the output count
    of a transaction with nothing in it, and any flag but 1 announces data that nobody knows.
    """
    marker = reader.data[reader.offset : reader.offset + 2]
    if marker[:1] != b"\x00" or marker[1:] in (b"", b"\x00"):
        return False
    if marker[1] != 1:
        raise reader.malformed(f"unknown optional data (flag {marker[1]})")
    reader.offset += 2
    return True


def _read_input(reader: Reader) -> TxIn:
    txid_le, vout = _OUTPOINT.unpack(reader.take(36))
    outpoint = OutPoint(Txid(displayed(txid_le)), vout)
    return TxIn(outpoint, reader.sized(), reader.integer(4))


def _read_output(reader: Reader) -> TxOut:
    return TxOut(Sats(reader.signed(8)), reader.sized())


def _read_stack(reader: Reader) -> tuple[bytes, ...]:
    return tuple(reader.sized() for _ in range(reader.count(1)))
