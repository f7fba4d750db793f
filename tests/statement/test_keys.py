"""Keys: one encoding each, none of small order, and key files that say why they are refused."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from khazana.statement.errors import SignatureRefused
from khazana.statement.keys import (
    key_id,
    private_key_from_pem,
    private_key_to_pem,
    public_bytes,
    require_public_key,
    signature_fits,
)
from tests.statement.drill import private_key

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
# RFC 8032 section 7.1, tests 1 to 3: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_are_verified(secret, public, message, signature):
    public, message = bytes.fromhex(public), bytes.fromhex(message)
    fits = bytes.fromhex(signature)
    assert signature_fits(public=public, signature=fits, message=message)
    assert not signature_fits(public=public, signature=fits, message=message + b"!")
    for bit in range(0, 512, 37):
        wrong = bytearray(fits)
        wrong[bit // 8] ^= 1 << bit % 8
        assert not signature_fits(public=public, signature=bytes(wrong), message=message)


def test_a_signature_cannot_be_rewritten_into_another():
    _, public, message, signature = RFC_8032[1]
    raw = bytes.fromhex(signature)
    s = int.from_bytes(raw[32:], "little") + GROUP_ORDER
    rewritten = raw[:32] + s.to_bytes(32, "little")
    assert not signature_fits(
        public=bytes.fromhex(public), signature=rewritten, message=bytes.fromhex(message)
    )


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_of_another_length_does_not_fit(length):
    assert not signature_fits(
        public=bytes.fromhex(RFC_8032[0][1]), signature=bytes(length), message=b""
    )


def recover_x(y: int) -> int:
    """RFC 8032 section 5.1.3: an x for this y."""
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert v * x * x % P == u
    return x


def doubled(point: tuple[int, int]) -> tuple[int, int]:
    x, y = point
    common = D * x * x * y * y
    return (
        2 * x * y * pow(1 + common, -1, P) % P,
        (y * y + x * x) * pow(1 - common, -1, P) % P,
    )


def order_of(y: int) -> int:
    point, order = (recover_x(y), y), 1
    while point != (0, 1):
        point, order = doubled(point), order * 2
        assert order <= 8
    return order


# Edwards y of the points of order 1, 2, 4 and 8.
ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022
SMALL_ORDER = [(1, 1), (P - 1, 2), (0, 4), (ORDER_8_Y, 8), (P - ORDER_8_Y, 8)]


@pytest.mark.parametrize(("y", "order"), SMALL_ORDER)
@pytest.mark.parametrize("sign", [0, 1])
def test_keys_of_small_order_are_refused(y, order, sign):
    assert order_of(y) == order
    public = (y | sign << 255).to_bytes(32, "little")
    with pytest.raises(SignatureRefused, match="small order"):
        require_public_key(public)


def test_the_library_alone_would_let_one_signature_stand_for_any_message():
    public = (1).to_bytes(32, "little")
    # With the neutral point as key, R = s*B holds for every message: here s = 0, R = neutral.
    signature = public + bytes(32)
    key = Ed25519PublicKey.from_public_bytes(public)
    key.verify(signature, b"pay one")
    key.verify(signature, b"pay all")
    with pytest.raises(SignatureRefused):
        signature_fits(public=public, signature=signature, message=b"pay one")


@pytest.mark.parametrize("y", [P, P + 1, P + 5, 2**255 - 1])
def test_a_second_encoding_of_a_key_is_refused(y):
    with pytest.raises(SignatureRefused, match="not canonically encoded"):
        require_public_key(y.to_bytes(32, "little"))


def test_bytes_that_are_no_point_and_no_key_are_refused():
    with pytest.raises(SignatureRefused, match="not a point of the curve"):
        require_public_key((2).to_bytes(32, "little"))
    with pytest.raises(SignatureRefused, match="32 bytes, not 31"):
        require_public_key(bytes(31))


def test_every_key_that_is_made_is_accepted():
    for number in range(50):
        require_public_key(public_bytes(private_key(str(number))))


def test_a_key_id_is_the_hash_of_the_raw_key():
    assert key_id(bytes.fromhex(RFC_8032[0][1])) == (
        "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9"
    )


def test_a_key_file_opens_with_its_passphrase_only():
    private = private_key("holder")
    plain, locked = private_key_to_pem(private), private_key_to_pem(private, b"word")
    assert plain.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert b"ENCRYPTED" in locked
    for opened in (private_key_from_pem(plain), private_key_from_pem(locked, b"word")):
        assert public_bytes(opened) == public_bytes(private)
    with pytest.raises(SignatureRefused, match="needs a passphrase"):
        private_key_from_pem(locked)
    with pytest.raises(SignatureRefused, match="passphrase is wrong"):
        private_key_from_pem(locked, b"guess")
    with pytest.raises(SignatureRefused, match="is not encrypted"):
        private_key_from_pem(plain, b"word")


def test_a_key_file_of_another_kind_is_refused():
    other = ec.generate_private_key(ec.SECP256K1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(SignatureRefused, match="another kind of key"):
        private_key_from_pem(other)
    with pytest.raises(SignatureRefused, match="not a PEM PKCS#8 key"):
        private_key_from_pem(b"nonsense")
