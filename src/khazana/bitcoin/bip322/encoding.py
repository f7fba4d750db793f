"""How a signature is written: a prefix of three letters, then strict base64."""

import base64
import binascii
from collections.abc import Sequence

from khazana.bitcoin.bip322.verdict import Reason, Refusal, Variant
from khazana.bitcoin.reader import MalformedBytes, Reader, compact_size


def read_text(signature: str, *, allow_unprefixed: bool) -> tuple[Variant, bytes]:
    """The form and the bytes of a signature.

    allow_unprefixed: read text without a prefix as *simple*, as programs wrote it before
    BIP-322 1.0.0 (2026-04-15) asked for one.
    """
    if not signature:
        raise Refusal(Reason.MALFORMED, "the signature is empty")
    for variant in Variant:
        if signature.startswith(variant.value):
            return variant, _bytes_of(signature[len(variant.value) :])
    if not allow_unprefixed:
        raise Refusal(
            Reason.NO_PREFIX,
            "the signature begins with none of smp, ful and pof; one without a prefix is read "
            "only where old wallets are allowed",
        )
    return Variant.SIMPLE, _bytes_of(signature)


def read_stack(raw: bytes) -> tuple[bytes, ...]:
    """A witness stack: how many items, then each with its length before it."""
    reader = Reader(raw, "witness stack")
    try:
        stack = tuple(reader.sized() for _ in range(reader.count(1)))
        reader.finish()
    except MalformedBytes as problem:
        raise malformed(problem) from None
    return stack


def write_simple(stack: Sequence[bytes]) -> str:
    """A witness stack as a *simple* signature."""
    pieces = [compact_size(len(stack))]
    for item in stack:
        pieces += [compact_size(len(item)), item]
    return _text(Variant.SIMPLE, b"".join(pieces))


def write_full(raw: bytes) -> str:
    """A signed `to_sign`, serialised, as a *full* signature."""
    return _text(Variant.FULL, raw)


def write_proof_of_funds(psbt: bytes) -> str:
    """A finalized PSBT as a *proof of funds*."""
    return _text(Variant.PROOF_OF_FUNDS, psbt)


def malformed(problem: MalformedBytes) -> Refusal:
    words = f"not a valid {problem.what}: {problem.problem} at byte {problem.offset}"
    return Refusal(Reason.MALFORMED, words)


def _bytes_of(text: str) -> bytes:
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Refusal(Reason.MALFORMED, "the signature is not base64") from None
    # One text for one signature: the decoder would also take stray bits in the last letter.
    if base64.b64encode(data).decode("ascii") != text:
        raise Refusal(Reason.MALFORMED, "the signature's base64 does not end as an encoder ends it")
    if not data:
        raise Refusal(Reason.MALFORMED, "the signature is empty")
    return data


def _text(variant: Variant, data: bytes) -> str:
    return variant.value + base64.b64encode(data).decode("ascii")
