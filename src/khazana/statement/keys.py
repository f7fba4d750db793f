"""Ed25519 keys of offices: strict public keys, their ids, and key files.

These keys sign documents. They can never spend a coin, and a key that can is never handled here.
"""

import hashlib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from khazana.statement.errors import SignatureRefused

ED25519 = "ed25519"
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
"""The y of the eight points whose order divides 8 (RFC 8032 section 5.1, cofactor 8).

Those of order 8 double to y = 0, so that d·y⁴ + 2y² = 1.
"""


def require_public_key(public: bytes) -> None:
    """Refuse bytes that are not one sound public key in its one encoding.

    Under a key of small order one signature fits many messages, and a second encoding of the same
    key would let it be counted twice. OpenSSL, which verifies for us, looks at neither.
    """
    if len(public) != PUBLIC_KEY_BYTES:
        raise SignatureRefused(problem=f"an Ed25519 key has 32 bytes, not {len(public)}")
    # The top bit is the sign of x; the rest is y (RFC 8032 section 5.1.2).
    y = int.from_bytes(public, "little") & (2**255 - 1)
    if y >= _P:
        raise SignatureRefused(problem=f"the key {public.hex()} is not canonically encoded")
    if y in _SMALL_ORDER_Y:
        raise SignatureRefused(problem=f"the key {public.hex()} is a point of small order")
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if pow(x_squared, (_P - 1) // 2, _P) != 1:
        raise SignatureRefused(problem=f"the key {public.hex()} is not a point of the curve")


def key_id(public: bytes) -> str:
    """The name of a key wherever one is named: the SHA-256 of its 32 bytes, in hex."""
    return hashlib.sha256(public).hexdigest()


def public_bytes(private: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public key that belongs to a private one."""
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def signature_fits(*, public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the Ed25519 signature fits, for a key that `require_public_key` accepts.

    OpenSSL refuses s >= the group order and compares the encoding of R byte for byte, so that a
    signature cannot be rewritten into another valid one.
    """
    require_public_key(public)
    if len(signature) != SIGNATURE_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def private_key_to_pem(private: Ed25519PrivateKey, passphrase: bytes | None = None) -> bytes:
    """The bytes of a key file (PKCS#8, PEM), encrypted when there is a passphrase.

    The caller writes it readable by its owner only (mode 0600).
    """
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def private_key_from_pem(raw: bytes, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """The key in a key file; the refusal never repeats what the file holds."""
    try:
        private = load_pem_private_key(raw, passphrase)
    except TypeError as error:
        wanted = "needs a passphrase" if passphrase is None else "is not encrypted"
        raise SignatureRefused(problem=f"the key file {wanted}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureRefused(
            problem="the key file is not a PEM PKCS#8 key, or the passphrase is wrong"
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise SignatureRefused(problem="the key file holds another kind of key than Ed25519")
    return private
