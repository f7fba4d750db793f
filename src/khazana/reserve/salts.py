"""Salts of documents: derived from the statement's secret seed, one for each document."""

import hmac

_DOMAIN = b"khazana.document-salt/1\x00"


def document_salt(seed: bytes, document: str) -> bytes:
    """The 16-byte salt of a document's commitment: HMAC-SHA-256(seed, domain || id), cut."""
    return hmac.digest(seed, _DOMAIN + document.encode(), "sha256")[:16]
