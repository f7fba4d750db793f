"""Statement keys on disk: made, written for their owner only, and read."""

import getpass
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.cli.files import read_bytes, write_whole
from khazana.statement.keys import private_key_from_pem, private_key_to_pem

MOST_KEY_BYTES = 1 << 16
PASSPHRASE_VARIABLE = "KHAZANA_KEY_PASSPHRASE"
OWNER_ONLY = 0o600


def read_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file; asks for its passphrase when it has one."""
    raw = read_bytes(path, most=MOST_KEY_BYTES)
    if b"ENCRYPTED" not in raw:
        return private_key_from_pem(raw)
    given = os.environ.get(PASSPHRASE_VARIABLE)
    passphrase = given if given is not None else getpass.getpass(f"passphrase of {path}: ")
    return private_key_from_pem(raw, passphrase.encode())


def write_new_key(path: Path, *, passphrase: bytes | None) -> Ed25519PrivateKey:
    """A new key in a new file that only its owner may read; a file that exists is left alone."""
    private = Ed25519PrivateKey.generate()
    write_whole(path, private_key_to_pem(private, passphrase), mode=OWNER_ONLY, replace=False)
    return private
