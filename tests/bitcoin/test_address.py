"""Addresses stand for exactly one script, and a bad one is refused with its exact fault."""

import json
from typing import Any

import pytest
import wallycore
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin import script as scripts
from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress, address_of, script_of
from khazana.bitcoin.base_encodings import (
    BECH32,
    BECH32M,
    BadEncoding,
    base58check_decode,
    base58check_encode,
    bech32_decode,
    bech32_encode,
    bytes_of_groups,
    groups_of_5,
)
from khazana.bitcoin.network import MAINNET, NETWORKS, REGTEST, SIGNET, TESTNET3, TESTNET4, Network
from tests.shared import shared_file

CORE_CHAINS = {
    "main": MAINNET,
    "test": TESTNET3,
    "testnet4": TESTNET4,
    "signet": SIGNET,
    "regtest": REGTEST,
}
MAINNET_ADDRESS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
WIF = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"
COMPRESSED_WIF = "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617"
TEST_WIF = "cMzLdeGd5vEqxB8B6VFQoRopQ3sLAAvEzDAoQgvX54xwofSWj1fx"
PHRASE = " ".join(["abandon"] * 11 + ["about"])
XPRV = (
    "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRN"
    "NU3TGtRBeJgk33yuGBxrMPHi"
)

networks = st.sampled_from(list(NETWORKS.values()))
programs = st.one_of(
    st.binary(min_size=20, max_size=20).map(scripts.p2pkh),
    st.binary(min_size=20, max_size=20).map(scripts.p2sh),
    st.binary(min_size=20, max_size=20).map(scripts.p2wpkh),
    st.binary(min_size=32, max_size=32).map(scripts.p2wsh),
    st.binary(min_size=32, max_size=32).map(scripts.p2tr),
    st.builds(scripts.witness_script, st.integers(1, 16), st.binary(min_size=2, max_size=40)),
)


def valid_vectors() -> list[tuple[str, str, dict[str, Any]]]:
    return [tuple(row) for row in json.loads(shared_file("vectors/key_io_valid.json").read_text())]


def test_cores_valid_addresses_stand_for_their_scripts() -> None:
    count = 0
    for address, script, facts in valid_vectors():
        if facts["isPrivkey"]:
            continue
        network = CORE_CHAINS[facts["chain"]]
        assert script_of(address, network).hex() == script
        assert address_of(bytes.fromhex(script), network) == address
        if facts.get("tryCaseFlip"):
            assert script_of(address.swapcase(), network).hex() == script
        count += 1
    assert count >= 40


def test_cores_private_keys_are_refused_and_never_repeated() -> None:
    count = 0
    for secret, _, facts in valid_vectors():
        if not facts["isPrivkey"]:
            continue
        for network in NETWORKS.values():
            with pytest.raises(SecretInsteadOfAddress) as caught:
                script_of(secret, network)
            said = f"{caught.value} {caught.value.facts()} {caught.value!r}"
            assert secret[1:9] not in said
        count += 1
    assert count >= 10


def test_cores_invalid_addresses_are_refused_on_every_network() -> None:
    rows = json.loads(shared_file("vectors/key_io_invalid.json").read_text())
    assert len(rows) >= 60
    for (text,) in rows:
        for network in NETWORKS.values():
            with pytest.raises((BadAddress, SecretInsteadOfAddress)):
                script_of(text, network)


def test_taproot_addresses_of_bip_341() -> None:
    cases = json.loads(shared_file("vectors/bip341_wallet_vectors.json").read_text())
    for case in cases["scriptPubKey"]:
        script = bytes.fromhex(case["expected"]["scriptPubKey"])
        address = case["expected"]["bip350Address"]
        assert script_of(address, MAINNET) == script
        assert address_of(script, MAINNET) == address


def test_addresses_of_el_salvador_as_claimed_by_a_third_party() -> None:
    lines = shared_file("data/sv_reserve_addresses_claimed.csv").read_text().splitlines()[1:]
    assert len(lines) == 20
    for line in lines:
        address, script = line.split(",")
        assert script_of(address, MAINNET).hex() == script


@given(programs, networks)
def test_script_to_address_and_back(script: bytes, network: Network) -> None:
    address = address_of(script, network)
    assert address is not None
    assert script_of(address, network) == script


@given(programs)
def test_libwally_reads_our_addresses_alike(script: bytes) -> None:
    address = address_of(script, MAINNET)
    assert address is not None
    if address.startswith("bc1"):
        theirs = wallycore.addr_segwit_to_bytes(address, "bc", 0)
    else:
        theirs = wallycore.address_to_scriptpubkey(address, wallycore.WALLY_NETWORK_BITCOIN_MAINNET)
    assert bytes(theirs) == script


@given(st.binary(max_size=60))
def test_scripts_without_an_address_have_none(script: bytes) -> None:
    address = address_of(script, REGTEST)
    if address is not None:
        assert script_of(address, REGTEST) == script


def test_public_keys_multisig_and_data_have_no_address() -> None:
    key = b"\x02" + bytes(32)
    for script in (
        scripts.p2pk(key),
        scripts.multisig([key], required=1),
        scripts.null_data(b"x"),
        b"",
    ):
        assert address_of(script, MAINNET) is None


@pytest.mark.parametrize(
    ("address", "network", "problem"),
    [
        # the wrong network, named
        (MAINNET_ADDRESS, REGTEST, "it belongs to mainnet"),
        (
            "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
            MAINNET,
            "it belongs to testnet3 or testnet4 or signet or regtest",
        ),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", SIGNET, "it belongs to mainnet"),
        ("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", REGTEST, "testnet3 or testnet4 or signet"),
        ("LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1", MAINNET, "version byte 48 belongs to no kind"),
        ("tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty", MAINNET, "'tc' belongs to no network"),
        # the wrong letters
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", MAINNET, "the Base58 checksum is wrong"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN0", MAINNET, "character 34 does not occur in Base58"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", MAINNET, "the Bech32 checksum is wrong"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3tb", MAINNET, "character 42 does not occur"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kV8f3t4", MAINNET, "upper and lower case are mixed"),
        ("bc1qw5", MAINNET, "cut off"),
        ("bc1", MAINNET, "cut off"),
        ("bc1gmk9yu", MAINNET, "it holds no witness program"),
        ("", MAINNET, "0 characters are too few"),
        (MAINNET_ADDRESS + " ", MAINNET, "blanks stand before or after it"),
        ("1" * 130, MAINNET, "130 characters are too many"),
        # BIP-350: the wrong checksum for the version
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
            MAINNET,
            "witness version 1 needs a Bech32m checksum",
        ),
        (
            "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
            SIGNET,
            "witness version 0 needs a Bech32 checksum, this is Bech32m",
        ),
        ("BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", MAINNET, "Bech32m"),
        # BIP-350: version, length, padding
        (
            "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
            MAINNET,
            "character 60 does not occur",
        ),
        (
            "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
            MAINNET,
            "witness version 17 does not exist",
        ),
        ("bc1pw5dgrnzv", MAINNET, "2 to 40 bytes, not 1"),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
            MAINNET,
            "2 to 40 bytes, not 41",
        ),
        ("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", MAINNET, "20 or 32 bytes, not 16"),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
            MAINNET,
            "a whole group of padding is too much",
        ),
        (
            "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",
            SIGNET,
            "the padding is not zero",
        ),
    ],
)
def test_each_fault_is_named(address: str, network: Network, problem: str) -> None:
    with pytest.raises(BadAddress) as caught:
        script_of(address, network)
    assert problem in caught.value.problem
    assert network.name in str(caught.value)


def test_a_hash_of_the_wrong_length_is_named() -> None:
    text = base58check_encode(b"\x00" + bytes(range(1, 20)))
    with pytest.raises(BadAddress, match="it holds 19 bytes where a hash of 20 belongs"):
        script_of(text, MAINNET)


@pytest.mark.parametrize(
    "secret",
    [
        WIF,
        COMPRESSED_WIF,
        TEST_WIF,
        f"  {WIF}\n",
        XPRV,
        PHRASE,
        PHRASE.upper(),
        "S6c56bnXQiBjk9mqSYE7ykVQ7NzrRy",
        "6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg",
        "e9873d79c6d87dc0fb6a5778633389f4453213303da61f20bd67fc233aa33262",
        WIF[:-1] + "K",
    ],
)
def test_secrets_are_refused_and_never_repeated(secret: str) -> None:
    with pytest.raises(SecretInsteadOfAddress) as caught:
        script_of(secret, MAINNET)
    said = f"{caught.value} {caught.value.facts()} {caught.value!r} {caught.value.__cause__}"
    assert secret.strip()[2:10] not in said
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("text", [WIF[:-2], WIF + "0", "hunter2 hunter2", XPRV[2:40], PHRASE[:30]])
def test_text_that_does_not_look_like_an_address_is_not_repeated(text: str) -> None:
    with pytest.raises(BadAddress) as caught:
        script_of(text, MAINNET)
    said = f"{caught.value} {caught.value.facts()} {caught.value!r}"
    assert text[:8] not in said
    assert f"{len(text)} characters" in said


def test_an_address_with_a_typing_mistake_is_repeated_so_that_it_can_be_found() -> None:
    with pytest.raises(BadAddress, match="1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"):
        script_of("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", MAINNET)


@given(programs, networks, st.data())
def test_one_mistyped_character_never_gives_another_script(
    script: bytes, network: Network, data: st.DataObject
) -> None:
    address = address_of(script, network)
    assert address is not None
    place = data.draw(st.integers(0, len(address) - 1))
    other = data.draw(st.sampled_from("023456789acdefghjklmnpqrstuvwxyzABCXYZ"))
    changed = address[:place] + other + address[place + 1 :]
    if changed == address:
        return
    with pytest.raises((BadAddress, SecretInsteadOfAddress)):
        script_of(changed, network)


@given(
    st.one_of(
        st.text(max_size=100),
        st.text(alphabet="1bcBCtTrRqpzQPl0ſK ", max_size=60).map("bc1".__add__),
        st.from_regex(r"[13mn2][1-9A-HJ-NP-Za-km-z]{20,40}", fullmatch=True),
    ),
    networks,
)
def test_any_text_is_refused_in_an_orderly_way(text: str, network: Network) -> None:
    try:
        script = script_of(text, network)
    except (BadAddress, SecretInsteadOfAddress):
        return  # any other error would be ours
    assert address_of(script, network) in (text, text.lower())


@given(st.binary(min_size=1, max_size=70))
def test_base58_is_read_back_and_agrees_with_libwally(payload: bytes) -> None:
    text = base58check_encode(payload)
    assert base58check_decode(text) == payload
    assert text == wallycore.base58check_from_bytes(payload)


@given(st.binary(max_size=40), st.sampled_from([BECH32, BECH32M]))
def test_bech32_is_read_back(data: bytes, constant: int) -> None:
    groups = groups_of_5(data)
    assert bytes_of_groups(groups) == data
    assert bech32_decode(bech32_encode("bc", groups, constant)) == ("bc", groups, constant)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a" * 91, "91 characters"),
        ("pzry9x0s0muk", "prefix"),
        ("1pzry9x0s0muk", "prefix"),
        ("x1b4n0q5v", "character 3 does not occur"),
        ("li1dgmt3", "cut off"),
        ("A1G7SGD8", "checksum"),
        ("\x20" + "1nwldj5", "blank"),
        ("\x7f" + "1axkwrx", "outside ASCII"),
    ],
)
def test_bip_173s_invalid_strings(text: str, problem: str) -> None:
    with pytest.raises(BadEncoding, match=problem):
        bech32_decode(text)
