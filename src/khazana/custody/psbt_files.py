"""PSBTs go out and come back as files: the only way to signing devices, which hold the keys."""

import base64
import binascii
import re

from khazana.bitcoin.bip322.psbt import (
    GLOBAL_UNSIGNED_TX,
    IN_FINAL_SCRIPTSIG,
    IN_FINAL_WITNESS,
    MAGIC,
    PsbtMap,
    read_map,
)
from khazana.bitcoin.reader import Reader, compact_size
from khazana.bitcoin.transaction import Transaction, TxIn

MOST_BYTES = 1 << 26

_TRANSACTION = re.compile(rb"\s*(?:[0-9a-fA-F]{2}){60,}\s*")


def psbt_of_file(raw: bytes) -> bytes:
    """The PSBT in a file that holds it as bytes or, as many programs write it, as base64 text.

    A program that has all signatures may write the finished transaction in hex instead (Electrum
    does): that becomes the finished PSBT which it stands for.
    """
    if len(raw) > MOST_BYTES:
        raise Reader(b"", "PSBT").malformed(f"{len(raw)} bytes are too many")
    if raw.startswith(MAGIC):
        return raw
    if _TRANSACTION.fullmatch(raw):
        return _finished(Transaction.parse(bytes.fromhex(raw.decode("ascii").strip())))
    try:
        decoded = base64.b64decode(raw.strip(), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not decoded.startswith(MAGIC):
        raise Reader(raw[:1], "PSBT").malformed("this is neither a PSBT nor one in base64")
    return decoded


def psbt_text(psbt: bytes) -> str:
    """A PSBT as one line of base64, for programs that want text."""
    return base64.b64encode(psbt).decode("ascii") + "\n"


def written_psbt(maps: list[PsbtMap]) -> bytes:
    """A PSBT of version 0 from its maps: the global one, one per input, one per output."""
    return MAGIC + b"".join(_written_map(pairs) for pairs in maps)


def maps_of(psbt: bytes) -> tuple[Transaction, list[PsbtMap]]:
    """The unsigned transaction and each input's map, of a PSBT that `read_psbt` accepts."""
    reader = Reader(psbt, "PSBT")
    reader.offset = len(MAGIC)
    unsigned = Transaction.parse(read_map(reader)[b"\x00"], witness=False)
    return unsigned, [read_map(reader) for _ in unsigned.inputs]


def _finished(transaction: Transaction) -> bytes:
    """A PSBT whose inputs carry what the transaction's do; it says nothing of what they spend."""
    unsigned = Transaction(
        transaction.version,
        tuple(TxIn(i.outpoint, b"", i.sequence) for i in transaction.inputs),
        transaction.outputs,
        transaction.lock_time,
    )
    maps: list[PsbtMap] = [{bytes([GLOBAL_UNSIGNED_TX]): unsigned.serialize(witness=False)}]
    for each in transaction.inputs:
        pairs: PsbtMap = {}
        if each.script_sig:
            pairs[bytes([IN_FINAL_SCRIPTSIG])] = each.script_sig
        if each.witness:
            items = (compact_size(len(item)) + item for item in each.witness)
            stack = compact_size(len(each.witness)) + b"".join(items)
            pairs[bytes([IN_FINAL_WITNESS])] = stack
        maps.append(pairs)
    return written_psbt([*maps, *({} for _ in transaction.outputs)])


def _written_map(pairs: PsbtMap) -> bytes:
    written = (compact_size(len(part)) + part for pair in sorted(pairs.items()) for part in pair)
    return b"".join(written) + b"\x00"
