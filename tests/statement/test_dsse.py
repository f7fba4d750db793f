"""Signed envelopes: the published example, and what is refused."""

import base64

import pytest

from khazana.statement.dsse import (
    Envelope,
    joined,
    pre_authentication_encoding,
    read_envelope,
    sign,
    valid_signers,
)
from khazana.statement.errors import SignatureRefused
from khazana.statement.keys import signature_fits
from tests.statement.drill import id_of, listed, private_key

TYPE = "application/vnd.khazana.test+json"
ONE, TWO = private_key("one"), private_key("two")


def test_the_length_is_counted_in_bytes_and_the_type_is_bound():
    # The DSSE protocol's own example (protocol.md, "Test Vectors").
    assert pre_authentication_encoding("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pre_authentication_encoding("ü", "ü".encode()) == b"DSSEv1 2 \xc3\xbc 2 \xc3\xbc"
    assert pre_authentication_encoding("a 1 b", b"") != pre_authentication_encoding("a", b"b")


def test_an_envelope_reads_back_and_its_signers_are_found():
    envelope = joined([sign(TYPE, b"payload", ONE), sign(TYPE, b"payload", TWO)])
    again = read_envelope(envelope.to_json())
    assert again == envelope
    assert again.payload == b"payload"
    assert valid_signers(again, listed(ONE, TWO)) == {id_of(ONE), id_of(TWO)}
    assert valid_signers(again, listed(TWO)) == {id_of(TWO)}
    assert valid_signers(again, {}) == frozenset()


def test_joining_the_same_signer_twice_counts_once_and_other_payloads_are_not_joined():
    assert joined([sign(TYPE, b"x", ONE), sign(TYPE, b"x", ONE)]) == sign(TYPE, b"x", ONE)
    with pytest.raises(ValueError, match="same payload"):
        joined([sign(TYPE, b"x", ONE), sign(TYPE, b"y", TWO)])


@pytest.mark.parametrize(
    "forge",
    [
        lambda e: Envelope(TYPE, b"other", e.signatures),
        lambda e: Envelope("application/other", e.payload, e.signatures),
        lambda e: Envelope(TYPE, e.payload, sign(TYPE, b"other", ONE).signatures),
    ],
)
def test_a_signature_over_anything_else_is_refused(forge):
    with pytest.raises(SignatureRefused, match="not made by that key"):
        valid_signers(forge(sign(TYPE, b"payload", ONE)), listed(ONE))


def test_a_signature_in_anothers_name_is_refused():
    document = sign(TYPE, b"payload", ONE).to_json()
    document["signatures"][0]["keyid"] = id_of(TWO)
    with pytest.raises(SignatureRefused, match=id_of(TWO)):
        valid_signers(read_envelope(document), listed(ONE, TWO))


def broken(path: list, value: object) -> dict:
    document = place = sign(TYPE, b"payload!", ONE).to_json()
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (None, "malformed"),
        ([], "malformed"),
        (broken(["extra"], 1), "unknown field `extra`"),
        (broken(["signatures"], []), "length >= 1"),
        (broken(["signatures", 0, "keyid"], "abc"), "regex"),
        (broken(["signatures", 0, "sig"], "%%%"), "not standard base64"),
        (broken(["signatures", 0, "sig"], "ab\ncd"), "not standard base64"),
        (broken(["payload"], "_-8="), "not standard base64"),
        (broken(["payload"], "cGF5bG9hZCE"), "not standard base64"),
        (broken(["payload"], "cGF5bG9hZCF="), "not in canonical form"),
        (broken(["payload"], "é"), "not standard base64"),
        (broken(["payloadType"], ""), "length >= 1"),
    ],
)
def test_a_malformed_envelope_is_refused(document, says):
    with pytest.raises(SignatureRefused, match=says):
        read_envelope(document)


def test_one_key_may_not_sign_an_envelope_twice():
    document = sign(TYPE, b"payload", ONE).to_json()
    document["signatures"] *= 2
    with pytest.raises(SignatureRefused, match="twice"):
        read_envelope(document)


def test_signing_is_deterministic_and_plain_ed25519_over_the_encoding():
    envelope = sign(TYPE, b"payload", ONE)
    assert envelope == sign(TYPE, b"payload", ONE)
    assert base64.b64decode(envelope.to_json()["payload"]) == b"payload"
    assert signature_fits(
        public=listed(ONE)[id_of(ONE)],
        signature=envelope.signatures[0].value,
        message=b"DSSEv1 33 application/vnd.khazana.test+json 7 payload",
    )
