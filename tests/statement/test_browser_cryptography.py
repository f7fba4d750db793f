"""The hashes and signatures that the page computes by itself, against the program's."""

import hashlib
import random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from khazana.errors import KhazanaError
from khazana.statement.keys import public_bytes, signature_fits


def test_hashes_are_those_of_the_standard(tab):
    messages = bytes(range(256)) * 5
    texts = [messages[:length].hex() for length in [*range(260), 1000, 1279]]
    found = tab.evaluate(
        """(texts) => texts.map((text) => {
          const bytes = Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
          const hex = (raw) => [...raw].map((byte) => byte.toString(16).padStart(2, "0")).join("");
          return [hex(khazana.sha256(bytes)), hex(khazana.sha512(bytes))];
        })""",
        texts,
    )
    expected = [
        [hashlib.sha256(raw).hexdigest(), hashlib.sha512(raw).hexdigest()]
        for raw in map(bytes.fromhex, texts)
    ]
    assert found == expected


RFC_8032 = [  # section 7.1: secret key, message, signature
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b4"
        "6bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d"
        "8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6"
        "594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493


def little(number: int) -> bytes:
    return number.to_bytes(32, "little")


def signature_corpus() -> list[tuple[bytes, bytes, bytes]]:
    """Key, signature, message: good ones, and everything near them that must not be."""
    chance = random.Random(8032)
    found = []
    for secret, message, signature in RFC_8032:
        public = public_bytes(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)))
        found.append((public, bytes.fromhex(signature), bytes.fromhex(message)))
    for n in range(12):
        private = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        message = chance.randbytes(n * 37)
        public, signature = public_bytes(private), private.sign(message)
        s = int.from_bytes(signature[32:], "little")
        r = signature[:32]
        found += [
            (public, signature, message),
            (public, signature, message + b"\x00"),
            (public, r + little(s + L), message),  # the same s again, not reduced
            (public, r + little((s + 1) % L), message),
            (public, r + little(0), message),
            (public, little(1) + signature[32:], message),
            (public, signature[:63], message),
            (public, signature + b"\x00", message),
            (public, b"", message),
            (public, bytes([r[0] ^ 1]) + signature[1:], message),
            (public, signature[:31] + bytes([r[31] ^ 0x80]) + signature[32:], message),
            (public[:31] + bytes([public[31] ^ 0x80]), signature, message),
        ]
        # A signer who knows the key can make R the neutral point: s = k·a with r = 0.
        digest = bytearray(hashlib.sha512(private.private_bytes_raw()).digest()[:32])
        digest[0] &= 248
        digest[31] = digest[31] & 127 | 64
        a = int.from_bytes(digest, "little")
        for neutral in (little(1), little(P + 1), little(1 | 1 << 255)):
            k = int.from_bytes(hashlib.sha512(neutral + public + message).digest(), "little")
            found.append((public, neutral + little(k * a % L), message))
    order_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
    message = b"any"
    for y in (0, 1, 2, 3, P - 1, P, P + 1, order_8, P - order_8, 2**255 - 1):
        for sign in (0, 1 << 255):
            key = little(y | sign)
            found += [
                (key, little(1) + little(0), message),
                (key, little(y | sign) + little(0), message),
            ]
    for length in (0, 31, 33):
        found.append((b"\x05" * length, b"\x00" * 64, message))
    found += [(chance.randbytes(32), chance.randbytes(64), message) for _ in range(30)]
    return found


def program_says(key: bytes, signature: bytes, message: bytes) -> bool | None:
    """None: the key itself is refused."""
    try:
        return signature_fits(public=key, signature=signature, message=message)
    except KhazanaError:
        return None


ASK_OWN = """(cases) => cases.map((each) => {
  const [key, signature, message] = each.map((text) =>
    Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
  try { return khazana.ownSignatureFits(key, signature, message); }
  catch (error) { return error.constructor.name === "Refused" ? null : String(error); }
})"""


def test_signatures_fit_exactly_where_the_program_says_so(tab):
    corpus = signature_corpus()
    found = tab.evaluate(ASK_OWN, [[raw.hex() for raw in case] for case in corpus])
    expected = [program_says(*case) for case in corpus]
    assert found == expected
    assert {True, False, None} == set(expected)
    for public, signature, message in corpus[: len(RFC_8032)]:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    public, signature, message = corpus[0]
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message + b"x")


def test_the_browsers_own_cryptography_never_contradicts_on_ordinary_signatures(tab):
    """Where it does (R of small order) the page sides with the refusal."""
    corpus = [case for case in signature_corpus() if program_says(*case) is not None]
    hexed = [[raw.hex() for raw in case] for case in corpus]
    found = tab.evaluate(
        """async (cases) => {
          const found = [];
          for (const each of cases) {
            const [key, signature, message] = each.map((text) =>
              Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
            found.push([await khazana.browserSignatureFits(key, signature, message),
                        await khazana.signatureFits(key, signature, message)]);
          }
          return found;
        }""",
        hexed,
    )
    if all(browser is None for browser, _ in found):
        pytest.skip("this Chromium has no Ed25519 in WebCrypto")
    for case, (theirs, both) in zip(corpus, found, strict=True):
        mine = program_says(*case)
        assert not (theirs and not mine)
        assert both == (mine and theirs)
        if case[1][:32] not in (little(1), little(P + 1), little(1 | 1 << 255)):
            assert theirs == mine
