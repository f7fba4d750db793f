"""A strict reader for the finalized PSBT that a proof of funds is (BIP-174).

    "psbt" ff | global map | one map per input | one map per output
    map: (key length, key, value length, value) ... 00

Own code because what BIP-322 needs (version 0, sequence 0, field 0x09) must come through
unchanged, and because a key given twice or a byte left over is refused.
"""

from dataclasses import dataclass, field

from khazana.bitcoin.reader import Reader
from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.units import Sats

MAGIC = b"psbt\xff"

GLOBAL_UNSIGNED_TX = 0x00
GLOBAL_MESSAGE = 0x09
"""PSBT_GLOBAL_GENERIC_SIGNED_MESSAGE: the message in UTF-8 (BIP-322)."""
GLOBAL_VERSION = 0xFB
IN_NON_WITNESS_UTXO = 0x00
IN_WITNESS_UTXO = 0x01
IN_FINAL_SCRIPTSIG = 0x07
IN_FINAL_WITNESS = 0x08

PsbtMap = dict[bytes, bytes]
"""One map of a PSBT: key (its first byte is the type) -> value."""


@dataclass(frozen=True, slots=True)
class PsbtInput:
    """What one input's map says that a proof needs.

    previous: the whole transaction it spends from. spent: the output alone, as segwit signers
    add it. script_sig, witness: None where the input was not finalized with one.
    """

    previous: Transaction | None
    spent: TxOut | None
    script_sig: bytes | None
    witness: tuple[bytes, ...] | None

    @property
    def is_final(self) -> bool:
        return self.script_sig is not None or self.witness is not None


@dataclass(frozen=True, slots=True)
class Psbt:
    """unsigned: `to_sign` without its signatures. message: field 0x09, None where absent."""

    unsigned: Transaction
    inputs: tuple[PsbtInput, ...]
    message: bytes | None = field(default=None)


def read_psbt(raw: bytes) -> Psbt:
    """Read a PSBT of version 0; raises MalformedBytes for anything else."""
    reader = Reader(raw, "PSBT")
    if reader.data[: len(MAGIC)] != MAGIC:
        raise reader.malformed("the magic bytes are missing")
    reader.offset = len(MAGIC)
    globals_ = read_map(reader)
    version = globals_.get(bytes([GLOBAL_VERSION]))
    if version is not None and version != bytes(4):
        raise reader.malformed("only PSBTs of version 0 are read, this is another")
    serialised = globals_.get(bytes([GLOBAL_UNSIGNED_TX]))
    if serialised is None:
        raise reader.malformed("the unsigned transaction is missing")
    unsigned = Transaction.parse(serialised, witness=False)
    if any(i.script_sig for i in unsigned.inputs):
        raise reader.malformed("the unsigned transaction holds a script signature")
    inputs = tuple(_read_input(reader) for _ in unsigned.inputs)
    for _ in unsigned.outputs:
        read_map(reader)
    reader.finish()
    return Psbt(unsigned, inputs, globals_.get(bytes([GLOBAL_MESSAGE])))


def read_map(reader: Reader) -> PsbtMap:
    """The next map; a key that stands twice is refused."""
    pairs: PsbtMap = {}
    while True:
        start = reader.offset
        key = reader.sized()
        if not key:
            return pairs
        if key in pairs:
            reader.offset = start
            raise reader.malformed(f"the key {key[:40].hex()} stands twice in one map")
        pairs[key] = reader.sized()


def _read_input(reader: Reader) -> PsbtInput:
    start = reader.offset
    pairs = read_map(reader)
    for kind in (IN_NON_WITNESS_UTXO, IN_WITNESS_UTXO, IN_FINAL_SCRIPTSIG, IN_FINAL_WITNESS):
        if any(key[0] == kind and len(key) > 1 for key in pairs):
            reader.offset = start
            raise reader.malformed(f"an input's key of type {kind:#04x} has data that it must not")
    previous = pairs.get(bytes([IN_NON_WITNESS_UTXO]))
    spent = pairs.get(bytes([IN_WITNESS_UTXO]))
    witness = pairs.get(bytes([IN_FINAL_WITNESS]))
    return PsbtInput(
        previous=None if previous is None else Transaction.parse(previous),
        spent=None if spent is None else _output(spent),
        script_sig=pairs.get(bytes([IN_FINAL_SCRIPTSIG])),
        witness=None if witness is None else _stack(witness),
    )


def _output(raw: bytes) -> TxOut:
    reader = Reader(raw, "PSBT output")
    output = TxOut(Sats(reader.signed(8)), reader.sized())
    reader.finish()
    return output


def _stack(raw: bytes) -> tuple[bytes, ...]:
    reader = Reader(raw, "PSBT witness")
    stack = tuple(reader.sized() for _ in range(reader.count(1)))
    reader.finish()
    return stack
