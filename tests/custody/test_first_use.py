"""The test before first use, signed by a wallet program (BDK) that knows one private key each."""

import base64
from datetime import date

import pytest

from khazana.bitcoin.address import address_of
from khazana.bitcoin.bip322.encoding import write_simple
from khazana.bitcoin.bip322.psbt import read_psbt
from khazana.bitcoin.bip322.transactions import to_sign, to_spend
from khazana.bitcoin.descriptor_wally import WallyEngine
from khazana.bitcoin.hashes import sha256
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.script import p2wsh
from khazana.custody.first_use import (
    ShownAddress,
    every_key_signed,
    first_use_message,
    shown_addresses_agree,
    signed_by_message,
    signed_by_quorum,
)
from khazana.custody.first_use_psbt import first_use_psbt, signed_in_psbt
from khazana.custody.psbt_files import maps_of, psbt_of_file, psbt_text, written_psbt
from khazana.custody.signing_scripts import signing_scripts
from tests.bitcoin.descriptor_keys_for_tests import account
from tests.custody.quorums import NAMES, NUMS, RECOVERY, TAPROOT, TWO_OF_THREE, A, B, C, D, parsed

bdk = pytest.importorskip("bdkpython", reason="the office profile brings BDK")

ENGINE = WallyEngine()
INDEX = 3
MESSAGE = first_use_message(parsed(TWO_OF_THREE), day=date(2026, 6, 1), nonce="5b1cf00d99")
OPTIONS = {
    "trust_witness_utxo": True,
    "assume_height": None,
    "allow_all_sighashes": False,
    "try_finalize": False,
    "sign_with_tap_internal_key": True,
    "allow_grinding": True,
}
KINDS = {
    "wpkh": (f"wpkh({A})", ["anna"]),
    "pkh": (f"pkh({A})", ["anna"]),
    "sh(wpkh)": (f"sh(wpkh({A}))", ["anna"]),
    "sh(multi)": (f"sh(sortedmulti(2,{A},{B}))", ["anna", "bo"]),
    "wsh": (TWO_OF_THREE, ["anna", "bo", "cia"]),
    "sh(wsh)": (f"sh(wsh(sortedmulti(2,{A},{B},{C})))", ["anna", "bo", "cia"]),
    "miniscript": (RECOVERY, ["anna", "bo", "cia"]),
    "tr key": (f"tr({A})", ["anna"]),
    "tr tree": (f"tr({NUMS},multi_a(2,{A},{B},{C}))", ["anna", "bo", "cia"]),
    "tr key and tree": (f"tr({D},multi_a(2,{A},{B}))", ["dara", "anna", "bo"]),
}


def challenge(text, **changes):
    asked = {"branch": 0, "index": INDEX, "message": MESSAGE} | changes
    return first_use_psbt(parsed(text), ENGINE, **asked)


def signed(text, names, psbt, *, finish=False):
    """The PSBT after the devices of these people had it."""
    passed = base64.b64encode(psbt).decode()
    for name in names:
        held = account(name)
        descriptor = bdk.Descriptor(
            text.replace(held.public, held.private).replace("<0;1>", "0"), bdk.NetworkKind.TEST
        )
        wallet = bdk.Wallet.create_single(
            descriptor, bdk.Network.REGTEST, bdk.Persister.new_in_memory()
        )
        wallet.reveal_addresses_to(bdk.KeychainKind.EXTERNAL, INDEX)
        part = bdk.Psbt(passed)
        wallet.sign(part, bdk.SignOptions(**OPTIONS | {"try_finalize": finish}))
        passed = part.serialize()
    return base64.b64decode(passed)


def judged(text, psbt, **changes):
    asked = {"branch": 0, "index": INDEX, "message": MESSAGE} | changes
    return signed_in_psbt(parsed(text), ENGINE, psbt, **asked)


def who(test):
    return sorted(NAMES[key].lower() for key in test.signed)


@pytest.mark.parametrize("kind", KINDS)
def test_devices_sign_the_test_of_every_kind_of_wallet(kind):
    text, names = KINDS[kind]
    test = judged(text, signed(text, names, challenge(text)))
    assert (who(test), test.problems) == (sorted(names), ())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "miniscript"])
def test_a_test_that_a_device_finished_counts_for_those_who_signed_it(kind):
    text, names = KINDS[kind]
    needed = names[:2] if "key" not in kind else names[:1]
    psbt = signed(text, needed, challenge(text), finish=True)
    assert read_psbt(psbt).inputs[0].is_final
    assert (who(judged(text, psbt)), judged(text, psbt).problems) == (sorted(needed), ())
    other = judged(text, psbt, message="another")
    assert not other.signed


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_signed_an_unsigned_test(kind):
    text, _ = KINDS[kind]
    assert judged(text, challenge(text)) == type(judged(text, challenge(text)))(frozenset())


def test_each_missing_cosigner_is_named_the_recovery_key_too():
    test = judged(RECOVERY, signed(RECOVERY, ["anna", "cia"], challenge(RECOVERY)))
    findings = list(every_key_signed("cold", parsed(RECOVERY), [test], NAMES))
    assert [f.text for f in findings] == [
        "Bo has not signed the test",
        "Dara has not signed the test",
    ]
    assert {f.rule for f in findings} == {"K8"}


def test_the_key_that_nobody_has_need_not_sign():
    text = f"tr({NUMS},multi_a(2,{A},{B}))"
    test = judged(text, signed(text, ["anna", "bo"], challenge(text)))
    assert list(every_key_signed("cold", parsed(text), [test], NAMES)) == []


@pytest.mark.parametrize(
    "changes", [{"message": MESSAGE + "x"}, {"index": INDEX + 1}, {"branch": 1}]
)
def test_a_test_of_another_message_or_address_proves_nothing(changes):
    psbt = signed(TWO_OF_THREE, ["anna"], challenge(TWO_OF_THREE))
    test = judged(TWO_OF_THREE, psbt, **changes)
    assert not test.signed
    assert test.problems == ("the PSBT is not the test of this wallet and message",)


def rewritten(psbt, change):
    unsigned, maps = maps_of(psbt)
    change(maps[0])
    globals_ = {b"\x00": unsigned.serialize(witness=False), b"\x09": MESSAGE.encode()}
    return written_psbt([globals_, *maps, {}])


def test_a_bent_signature_is_found():
    def bend(source):
        (key,) = [key for key in source if key[0] == 2]
        value = bytearray(source[key])
        value[40] ^= 1
        source[key] = bytes(value)

    psbt = rewritten(signed(TWO_OF_THREE, ["bo"], challenge(TWO_OF_THREE)), bend)
    test = judged(TWO_OF_THREE, psbt)
    assert not test.signed
    (problem,) = test.problems
    assert "does not fit this test" in problem


def test_signatures_that_leave_something_open_are_refused():
    def leave_open(source):
        (key,) = [key for key in source if key[0] == 2]
        source[key] = source[key][:-1] + b"\x82"

    psbt = rewritten(signed(TWO_OF_THREE, ["bo"], challenge(TWO_OF_THREE)), leave_open)
    test = judged(TWO_OF_THREE, psbt)
    assert not test.signed
    assert "SIGHASH_NONE with ANYONECANPAY" in test.problems[0]


def test_a_signature_moved_to_another_key_is_found():
    def move(source):
        (key,) = [key for key in source if key[0] == 2]
        source[b"\x02" + parsed(TWO_OF_THREE).keys[0].public_key(0, INDEX)] = source.pop(key)

    psbt = rewritten(signed(TWO_OF_THREE, ["bo"], challenge(TWO_OF_THREE)), move)
    assert not judged(TWO_OF_THREE, psbt).signed


def test_a_stranger_does_not_count():
    def foreign(source):
        (key,) = [key for key in source if key[0] == 2]
        source[b"\x02\x02" + bytes.fromhex(NUMS)] = source.pop(key)

    psbt = rewritten(signed(TWO_OF_THREE, ["bo"], challenge(TWO_OF_THREE)), foreign)
    test = judged(TWO_OF_THREE, psbt)
    assert not test.signed
    assert "no key of this wallet here" in test.problems[0]


def test_a_leaf_of_another_tree_does_not_count():
    text = f"tr({NUMS},multi_a(2,{A},{B},{C}))"

    def foreign(source):
        (key,) = [key for key in source if key[0] == 0x14]
        source[key[:33] + bytes(32)] = source.pop(key)

    test = judged(text, rewritten(signed(text, ["bo"], challenge(text)), foreign))
    assert not test.signed
    assert "a script not of this wallet" in test.problems[0]


def test_the_test_can_never_spend_a_coin():
    psbt = read_psbt(challenge(TWO_OF_THREE))
    assert psbt.message == MESSAGE.encode()
    script = signing_scripts(parsed(TWO_OF_THREE), ENGINE, branch=0, index=INDEX).output
    assert psbt.unsigned == to_sign(to_spend(MESSAGE.encode(), script))


def test_a_psbt_comes_as_bytes_or_as_base64():
    psbt = challenge(TWO_OF_THREE)
    assert psbt_of_file(psbt) == psbt
    assert psbt_of_file(psbt_text(psbt).encode()) == psbt
    for wrong in (b"", b"cHNidA==", b"not a psbt", b"\xff\xfe"):
        with pytest.raises(MalformedBytes, match="neither a PSBT nor one in base64"):
            psbt_of_file(wrong)


@pytest.mark.parametrize("size", range(0, 400, 37))
def test_a_cut_psbt_is_refused(size):
    with pytest.raises(MalformedBytes):
        judged(TWO_OF_THREE, challenge(TWO_OF_THREE)[:size])


def test_every_script_is_the_one_its_output_holds():
    scripts = signing_scripts(parsed(RECOVERY), ENGINE, branch=1, index=9)
    assert p2wsh(sha256(scripts.witness)) == scripts.output


# Messages


def test_a_cosigner_signs_with_its_own_key_alone():
    text = f"wpkh({B})"
    psbt = signed(text, ["bo"], challenge(text))
    _, (source,) = maps_of(psbt)
    ((public, signature),) = [(k[1:], v) for k, v in source.items() if k[0] == 2]
    proof = write_simple([signature, public])
    key = account("bo").xpub
    asked = {"branch": 0, "index": INDEX, "message": MESSAGE}
    test = signed_by_message(parsed(TWO_OF_THREE), key, proof, **asked)
    assert test.signed == {key}
    other = signed_by_message(parsed(TWO_OF_THREE), account("anna").xpub, proof, **asked)
    assert not other.signed
    assert other.problems
    assert signed_by_quorum(parsed(text), ENGINE, proof, **asked).signed == {key}
    wrong = signed_by_quorum(parsed(text), ENGINE, proof, **asked | {"message": "other"})
    assert not wrong.signed


def test_a_finished_proof_names_the_cosigners_who_made_it():
    psbt = signed(TWO_OF_THREE, ["anna", "cia"], challenge(TWO_OF_THREE))
    _, (source,) = maps_of(psbt)
    scripts = signing_scripts(parsed(TWO_OF_THREE), ENGINE, branch=0, index=INDEX)
    held = {key[1:]: value for key, value in source.items() if key[0] == 2}
    ordered = [held[public] for public in sorted(held)]
    proof = write_simple([b"", *ordered, scripts.witness])
    asked = {"branch": 0, "index": INDEX, "message": MESSAGE}
    assert who(signed_by_quorum(parsed(TWO_OF_THREE), ENGINE, proof, **asked)) == ["anna", "cia"]


@pytest.mark.parametrize("nonce", ["", "short", "with blank 123", "é" * 10, "a" * 65])
def test_a_nonce_is_letters_and_digits(nonce):
    with pytest.raises(ValueError, match="8 to 64"):
        first_use_message(parsed(TWO_OF_THREE), day=date(2026, 6, 1), nonce=nonce)


def test_the_message_fits_every_device():
    assert MESSAGE.isascii()
    assert MESSAGE.isprintable()
    assert 2 <= len(MESSAGE) <= 330


# Addresses


def address(text, branch, index):
    script = ENGINE.derive(parsed(text), branch=branch, start=index, stop=index + 1)[0]
    return address_of(script, REGTEST)


def compared(*shown, devices=("anna",)):
    found = shown_addresses_agree("cold", parsed(TWO_OF_THREE), ENGINE, shown, devices=devices)
    return [(finding.text, finding.where) for finding in found]


def test_addresses_that_agree_raise_nothing():
    right = [ShownAddress("anna", 0, i, address(TWO_OF_THREE, 0, i)) for i in range(3)]
    assert compared(*right) == []
    # A QR code holds bech32 in capitals: the same address.
    assert compared(ShownAddress("anna", 0, 1, address(TWO_OF_THREE, 0, 1).upper())) == []


def test_the_index_that_differs_is_named_and_where_its_address_belongs():
    shown = ShownAddress("anna", 0, 7, address(TWO_OF_THREE, 1, 5))
    ((text, where),) = compared(ShownAddress("anna", 0, 6, address(TWO_OF_THREE, 0, 6)), shown)
    assert where == "wallet cold, anna, branch 0, index 7"
    assert text.endswith("; that is branch 1, index 5")


def test_a_foreign_address_is_said_to_be_foreign():
    foreign = address(TAPROOT, 0, 0)
    ((text, _),) = compared(ShownAddress("anna", 0, 0, foreign))
    assert text == (
        f"it shows {foreign}, not {address(TWO_OF_THREE, 0, 0)}; "
        "it is none of this wallet's near it"
    )


def test_one_wrong_character_is_found_by_the_checksum():
    right = address(TWO_OF_THREE, 0, 0)
    wrong = right[:-1] + ("q" if right[-1] != "q" else "p")
    ((text, _),) = compared(ShownAddress("anna", 0, 0, wrong))
    assert "checksum" in text


def test_a_device_that_showed_no_receive_address_is_named():
    shown = ShownAddress("anna", 1, 0, address(TWO_OF_THREE, 1, 0))
    assert compared(shown, devices=("anna", "bo")) == [
        ("it has shown no receive address", "wallet cold, anna"),
        ("it has shown no receive address", "wallet cold, bo"),
    ]
