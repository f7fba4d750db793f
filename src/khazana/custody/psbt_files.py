"""PSBTs go out and come back as files: the only way to signing devices, which hold the keys."""

import base64
import binascii

from khazana.bitcoin.bip322.psbt import MAGIC, PsbtMap, read_map
from khazana.bitcoin.reader import Reader, compact_size
from khazana.bitcoin.transaction import Transaction

MOST_BYTES = 1 << 26


def psbt_of_file(raw: bytes) -> bytes:
    """The PSBT in a file that holds it as bytes or, as many programs write it, as base64 text."""
    if len(raw) > MOST_BYTES:
        raise Reader(b"", "PSBT").malformed(f"{len(raw)} bytes are too many")
    if raw.startswith(MAGIC):
        return raw
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


def _written_map(pairs: PsbtMap) -> bytes:
    written = (compact_size(len(part)) + part for pair in sorted(pairs.items()) for part in pair)
    return b"".join(written) + b"\x00"
