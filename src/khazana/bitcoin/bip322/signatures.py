"""Signatures in a script: how they must be written, and whether a key made them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import wallycore

from khazana.bitcoin.bip322.verdict import Reason, Refusal
from khazana.bitcoin.sighash import SIGHASH_ALL, SIGHASH_DEFAULT

_HALF_ORDER = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0
"""Half the order of secp256k1's group: an s above it is *high* and has a low twin (BIP-146)."""
_HASH_TYPES = {
    0x02: "SIGHASH_NONE",
    0x03: "SIGHASH_SINGLE",
    0x81: "SIGHASH_ALL with ANYONECANPAY",
    0x82: "SIGHASH_NONE with ANYONECANPAY",
    0x83: "SIGHASH_SINGLE with ANYONECANPAY",
}


@dataclass(slots=True)
class SignatureChecker:
    """Verifies signatures over one input's digest and remembers which keys' signatures held.

    digest: of the input for a hash type, computed when the first signature asks.
    """

    digest: Callable[[int], bytes]
    signers: list[bytes] = field(default_factory=list)
    _digests: dict[int, bytes] = field(default_factory=dict)

    def ecdsa(self, compact: bytes, key: bytes) -> bool:
        """compact: r and s, 32 bytes each, as `strict_ecdsa` gives them. key: 33 or 65 bytes."""
        short = key if len(key) == 33 else _compressed(key)
        return self._verified(compact, short, SIGHASH_ALL, wallycore.EC_FLAG_ECDSA)

    def schnorr(self, signature: bytes, key: bytes) -> bool:
        """signature: 64 bytes, or 65 with its hash type. key: the x coordinate, 32 bytes."""
        return self._verified(
            signature[:64], key, schnorr_hash_type(signature), wallycore.EC_FLAG_SCHNORR
        )

    def _verified(self, signature: bytes, key: bytes, hash_type: int, scheme: int) -> bool:
        digest = self._digests.get(hash_type)
        if digest is None:
            digest = self._digests[hash_type] = self.digest(hash_type)
        try:
            wallycore.ec_sig_verify(key, digest, scheme, signature)
        except ValueError:  # a key that is no point of the curve, or a signature it did not make
            return False
        return True


def strict_ecdsa(signature: bytes) -> bytes:
    """r and s of a signature written as BIP-66, BIP-146 and BIP-322 want it, 64 bytes.

    30 size | 02 size r | 02 size s | hash type: numbers positive and as short as possible, s in
    the lower half, hash type SIGHASH_ALL.
    """
    r_s = _der_numbers(signature[:-1])
    if r_s is None:
        raise Refusal(Reason.NOT_STRICT_DER, "a signature is not strictly DER-encoded")
    r, s = r_s
    if s > _HALF_ORDER:
        raise Refusal(Reason.HIGH_S, "a signature has a high S value")
    _check_hash_type(signature[-1], allowed=(SIGHASH_ALL,))
    # A number too large for the group can only fail; libsecp256k1 reads it as zero.
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") if r >> 256 == 0 else bytes(64)


def schnorr_hash_type(signature: bytes) -> int:
    """The hash type of a taproot signature; refuses other lengths and types (BIP-341)."""
    if len(signature) == 64:
        return SIGHASH_DEFAULT
    if len(signature) != 65:
        words = f"a taproot signature has 64 or 65 bytes, not {len(signature)}"
        raise Refusal(Reason.SCRIPT_FAILED, words)
    _check_hash_type(signature[64], allowed=(SIGHASH_ALL,))
    return SIGHASH_ALL


def check_ecdsa_key(key: bytes, *, compressed: bool) -> None:
    """Refuse a key that is not written as SEC 1 says; compressed is a must in segwit."""
    if len(key) == 33 and key[0] in (2, 3):
        return
    if len(key) == 65 and key[0] == 4 and not compressed:
        return
    wanted = "compressed" if compressed else "compressed or uncompressed"
    raise Refusal(Reason.KEY_ENCODING, f"a public key is not in {wanted} form")


def _compressed(key: bytes) -> bytes:
    """The short form of an uncompressed key; wallycore verifies with that form only.

    The short form leaves y out, so it is computed again and compared: a key that is no point of
    the curve must verify nothing.
    """
    short = bytes([2 + (key[64] & 1)]) + key[1:33]
    try:
        return short if bytes(wallycore.ec_public_key_decompress(short)) == key else b""
    except ValueError:
        return b""


def _check_hash_type(hash_type: int, *, allowed: tuple[int, ...]) -> None:
    if hash_type not in allowed:
        name = _HASH_TYPES.get(hash_type, f"hash type {hash_type:#04x}")
        raise Refusal(
            Reason.SIGHASH, f"a signature is made with {name}; only SIGHASH_ALL signs everything"
        )


def _der_numbers(der: bytes) -> tuple[int, int] | None:
    """The two numbers of a strict DER signature (BIP-66), None for anything else."""
    size = len(der)
    if not 8 <= size <= 72 or der[0] != 0x30 or der[1] != size - 2:
        return None
    r_end = 4 + der[3]
    if r_end + 2 >= size or r_end + 2 + der[r_end + 1] != size:
        return None
    r, s = der[4:r_end], der[r_end + 2 :]
    if der[2] != 0x02 or der[r_end] != 0x02:
        return None
    for number in (r, s):
        if not number or number[0] & 0x80:
            return None
        if len(number) > 1 and number[0] == 0 and not number[1] & 0x80:
            return None
    return int.from_bytes(r, "big"), int.from_bytes(s, "big")
