"""Signed messages of a single key as signing devices write them (BIP-137)."""

import base64
import binascii

import wallycore

from khazana.bitcoin.hashes import sha256d
from khazana.bitcoin.reader import compact_size

_MAGIC = b"\x18Bitcoin Signed Message:\n"
_HALF_ORDER = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0
_FIRST_HEADER, _LAST_HEADER, _FIRST_COMPRESSED = 27, 42, 31
SIGNATURE_BYTES = 65


def signed_hash(message: bytes) -> bytes:
    """What is signed: SHA-256 twice over "Bitcoin Signed Message:" and the message, 32 bytes."""
    return sha256d(_MAGIC + compact_size(len(message)) + message)


def is_bip137(signature: str) -> bool:
    """Whether a text has the form: base64 of 65 bytes.

    >>> is_bip137("smpAA==")
    False
    """
    return _bytes_of(signature) is not None


def signer_of(signature: str, message: bytes) -> bytes | None:
    """The compressed public key that signed `message`; None if no key did.

    header | r | s, 1 + 32 + 32 bytes. header: 27 + which of four keys fits, + 4 for compressed,
    + 8 in P2SH-wrapped segwit, + 12 in segwit. Only compressed keys are read: no wallet of a quorum
    uses others. A high s is refused, or one signature could be written in two ways.
    """
    raw = _bytes_of(signature)
    if raw is None or not _FIRST_COMPRESSED <= raw[0] <= _LAST_HEADER:
        return None
    if int.from_bytes(raw[33:], "big") > _HALF_ORDER:
        return None
    which = (raw[0] - _FIRST_HEADER) & 3
    try:
        # libwally knows the first two groups of headers only; which key fits is in the last bits.
        compact = bytes([_FIRST_COMPRESSED + which]) + raw[1:]
        return bytes(wallycore.ec_sig_to_public_key(signed_hash(message), compact))
    except ValueError:
        return None


def _bytes_of(signature: str) -> bytes | None:
    try:
        raw = base64.b64decode(signature.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    if len(raw) != SIGNATURE_BYTES or base64.b64encode(raw).decode("ascii") != signature:
        return None
    return raw
