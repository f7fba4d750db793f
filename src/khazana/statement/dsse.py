"""Signed envelopes after DSSE (Dead Simple Signing Envelope, protocol v1), with Ed25519.

What is signed is the type and the payload together, each with its length, so that a signature
over one type of document is worthless for another.
Source: github.com/secure-systems-lab/dsse, protocol.md and envelope.md, version 1.0.2.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.statement.errors import SignatureRefused
from khazana.statement.keys import key_id, public_bytes, signature_fits
from khazana.statement.wire import Hash256


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope. key: the id of the key that claims to have made it."""

    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload, its type, and signatures over both."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def to_json(self) -> dict[str, Any]:
        """The envelope as the DSSE specification writes it."""
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [
                {"keyid": each.key, "sig": base64.b64encode(each.value).decode()}
                for each in self.signatures
            ],
        }


class _SignatureFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: Hash256
    sig: str


class EnvelopeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The envelope in a file."""

    payload: str
    payloadType: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    signatures: Annotated[Sequence[_SignatureFile], msgspec.Meta(min_length=1, max_length=100)]


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed.

    >>> pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload_type: str, payload: bytes, private: Ed25519PrivateKey) -> Envelope:
    """An envelope with one signature; the same key and payload always give the same bytes."""
    message = pre_authentication_encoding(payload_type, payload)
    signature = Signature(key_id(public_bytes(private)), private.sign(message))
    return Envelope(payload_type, payload, (signature,))


def joined(envelopes: Sequence[Envelope]) -> Envelope:
    """One envelope with everybody's signatures over the same payload, ordered by key.

    For k of n: each signer signs alone, offline, and the results are put together.
    """
    first, *others = envelopes
    if any((e.payload_type, e.payload) != (first.payload_type, first.payload) for e in others):
        raise ValueError("only envelopes over the same payload can be joined")
    by_key = {each.key: each for envelope in envelopes for each in envelope.signatures}
    return Envelope(first.payload_type, first.payload, tuple(by_key[key] for key in sorted(by_key)))


def read_envelope(document: object) -> Envelope:
    """The envelope in parsed JSON; one key may sign once."""
    try:
        file = msgspec.convert(document, EnvelopeFile)
    except msgspec.ValidationError as error:
        raise SignatureRefused(problem=f"the envelope is malformed: {error}") from error
    keys = [each.keyid for each in file.signatures]
    if len(set(keys)) != len(keys):
        raise SignatureRefused(problem="one key signs an envelope twice")
    return Envelope(
        file.payloadType,
        from_base64(file.payload),
        tuple(Signature(each.keyid, from_base64(each.sig)) for each in file.signatures),
    )


def valid_signers(envelope: Envelope, keys: Mapping[str, bytes]) -> frozenset[str]:
    """The ids of those `keys` (id: public key) whose signature fits.

    Raises when a signature that claims one of these keys does not fit. Signatures by other keys
    are passed over: nothing can be said about them.
    """
    message = pre_authentication_encoding(envelope.payload_type, envelope.payload)
    return frozenset(_valid_keys(message, envelope.signatures, keys))


def _valid_keys(
    message: bytes, signatures: Iterable[Signature], keys: Mapping[str, bytes]
) -> Iterable[str]:
    for each in signatures:
        public = keys.get(each.key)
        if public is None:
            continue
        if not signature_fits(public=public, signature=each.value, message=message):
            raise SignatureRefused(
                problem=f"the signature in the name of key {each.key} was not made by that key "
                f"over these bytes"
            )
        yield each.key


def from_base64(text: str) -> bytes:
    """The bytes of standard base64 with padding, in its one spelling."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureRefused(problem="it is not standard base64") from error
    # Unused bits at the end would be a second spelling of the same bytes.
    if base64.b64encode(raw).decode() != text:
        raise SignatureRefused(problem="its base64 is not in canonical form")
    return raw
