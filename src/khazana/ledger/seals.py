"""Seals: a wallet's scripts promised by a hash before they are disclosed."""

import hashlib
from collections.abc import Iterable

from khazana.ledger.canonical import canonical_bytes

SEAL_DOMAIN = b"khazana.seal/1\n"
SALT_BYTES = 16


def seal_commitment(scripts: Iterable[bytes], salt: bytes) -> str:
    """The hash an office logs before it discloses a wallet, as hex.

    SHA-256("khazana.seal/1\\n" || salt || RFC 8785 bytes of the sorted scripts in hex)

    salt: 16 secret random bytes, disclosed together with the scripts; they open the seal.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    listed = canonical_bytes(sorted({script.hex() for script in scripts}))
    return hashlib.sha256(SEAL_DOMAIN + salt + listed).hexdigest()
