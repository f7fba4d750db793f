"""Where the files of a feed lie.

office.json                      the office's identity, all versions
checkpoint, tile/…               its log (khazana.statement.log)
documents/<2 digits>/<digest>    what the entries name by SHA-256, byte for byte
witness/<fingerprint>            another office's checkpoint, cosigned by this one
"""

import hashlib

OFFICE = "office.json"

MOST_DOCUMENT_BYTES = 64 << 20
"""A document larger than this is not copied unless the reader says so."""


def digest_of(raw: bytes) -> str:
    """The SHA-256 of a document's bytes, in hex: its name in a feed."""
    return hashlib.sha256(raw).hexdigest()


def document_path(digest: str) -> str:
    """Where a document lies.

    >>> document_path("00ff")
    'documents/00ff'
    """
    return f"documents/{digest}"


def witness_path(fingerprint: str) -> str:
    """Where an office publishes another office's checkpoint with its own cosignature."""
    return f"witness/{fingerprint}"
