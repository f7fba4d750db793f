"""Files as text for QR codes, in parts that may be scanned in any order (BBQr).

    B$ | encoding | file type | number of parts, 2 | this part, 2 | data

Encoding 2 is base32 without padding, Z the same after raw deflate with a window of 2^10 bytes;
numbers have base 36. Every character is in the set that QR codes pack most tightly, so that cheap
cameras and screens suffice. Source: github.com/coinkite/BBQr, BBQr.md.
"""

import base64
import binascii
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from khazana.errors import KhazanaError

PSBT, TEXT = "P", "U"
"""File types: a PSBT, and plain text such as the message."""

MOST_PARTS = 36 * 36 - 1
SMALLEST_PART, USUAL_PART = 40, 480
"""Characters of data in one code; 480 make a code of 73 by 73 modules (version 14, level M)."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HEAD = 8
_WINDOW = -10
_MOST_BYTES = 1 << 26


@dataclass(eq=False, kw_only=True)
class QrPartsRefused(KhazanaError):
    """Scanned parts do not give a file."""

    problem: str
    code = "qr_parts_refused"
    words = "the scanned codes give no file: {problem}"


def split_qr(raw: bytes, *, file_type: str, size: int = USUAL_PART) -> list[str]:
    """The parts of a file, each the text of one code.

    size: characters of data in a part at the most, at least 40. All parts but the last decode by
    themselves, so a reader may store each as it comes.
    """
    if size < SMALLEST_PART:
        raise ValueError(f"a part holds at least {SMALLEST_PART} characters")
    packer = zlib.compressobj(level=9, wbits=_WINDOW)
    packed = packer.compress(raw) + packer.flush()
    encoding, data = ("Z", packed) if len(packed) < len(raw) else ("2", raw)
    text = base64.b32encode(data).decode("ascii").rstrip("=")
    step = size - size % 8  # eight characters are five bytes
    parts = [text[start : start + step] for start in range(0, len(text), step)] or [""]
    if len(parts) > MOST_PARTS:
        problem = f"{len(raw)} bytes need {len(parts)} codes, more than {MOST_PARTS}"
        raise QrPartsRefused(problem=problem)
    total = _base36(len(parts))
    return [
        f"B${encoding}{file_type}{total}{_base36(number)}{part}"
        for number, part in enumerate(parts)
    ]


def looks_like_qr(raw: bytes) -> bool:
    """Whether a file holds scanned parts, one a line, rather than something else."""
    return raw.lstrip().startswith(b"B$")


def joined_qr(lines: Sequence[str]) -> tuple[str, bytes]:
    """The file type and the file, from its parts in any order; the same part may come twice.

    QrPartsRefused names the parts that are missing or do not belong together.
    """
    found: dict[int, str] = {}
    heads: set[str] = set()
    for number, line in enumerate((line.strip() for line in lines if line.strip()), 1):
        head = line[:6]
        if len(line) < _HEAD or not line.startswith("B$") or line[2] not in "2ZH":
            raise QrPartsRefused(problem=f"line {number} is no part of a BBQr file")
        heads.add(head)
        if len(heads) > 1:
            raise QrPartsRefused(problem="the parts are of different files")
        place = _number(line[6:8], number)
        if found.setdefault(place, line[_HEAD:]) != line[_HEAD:]:
            raise QrPartsRefused(problem=f"part {place + 1} was scanned in two versions")
    if not heads:
        raise QrPartsRefused(problem="there is no part")
    (head,) = heads
    total = _number(head[4:6], 1)
    missing = [str(place + 1) for place in range(total) if place not in found]
    if missing:
        raise QrPartsRefused(problem=f"of {total} parts, missing: {', '.join(missing)}")
    if max(found) >= total:
        raise QrPartsRefused(problem=f"there is a part {max(found) + 1} of {total}")
    return head[3], _decoded(head[2], "".join(found[place] for place in range(total)))


def _decoded(encoding: str, text: str) -> bytes:
    try:
        if encoding == "H":
            return bytes.fromhex(text)
        data = base64.b32decode(text + "=" * (-len(text) % 8))
        if encoding == "2":
            return data
        unpacker = zlib.decompressobj(wbits=_WINDOW)
        raw = unpacker.decompress(data, _MOST_BYTES)
    except (binascii.Error, ValueError, zlib.error):
        raise QrPartsRefused(problem="a character was read wrongly") from None
    if not unpacker.eof or unpacker.unconsumed_tail or unpacker.unused_data:
        raise QrPartsRefused(problem="what they hold ends too early, too late or is too large")
    return raw


def _base36(number: int) -> str:
    return _DIGITS[number // 36] + _DIGITS[number % 36]


def _number(text: str, line: int) -> int:
    if len(text) != 2 or any(digit not in _DIGITS for digit in text):
        raise QrPartsRefused(problem=f"line {line} does not say which part it is")
    return _DIGITS.index(text[0]) * 36 + _DIGITS.index(text[1])
