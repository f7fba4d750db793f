"""Exports of other programs, made by hand in their documented forms.

Coldcard: the file format of its documentation, as coldcard.com/docs/multisig shows it and as
specter-desktop (devices/coldcard.py) and Keeper write it, with a path per key or one for all.
Sparrow: the text that sparrow's io/Descriptor.java writes (comments, one BIP-389 descriptor, one
for receiving, one for change). Specter: the wallet file of specter-desktop's wallet_importer tests.
Nunchuk and BSMS: BIP-129 with its own test vectors (bitcoin/bips at 0e9aef5d, BSD-2-Clause).
"""

import json

import pytest

from khazana.bitcoin.descriptor import DescriptorRefused, parse_descriptor
from khazana.bitcoin.descriptor_wally import WallyEngine
from khazana.bitcoin.network import MAINNET, REGTEST
from khazana.custody.imports.branches import joined, one_path
from khazana.custody.imports.read import read_export
from khazana.custody.imports.wallet import ExportRefused
from khazana.ledger.office import BranchRange
from tests.bitcoin.descriptor_keys_for_tests import account
from tests.custody.quorums import RECOVERY, TWO_OF_THREE, A, B, C

ENGINE = WallyEngine()
PEOPLE = [account(name) for name in ("anna", "bo", "cia")]


def with_checksum(text):
    return parse_descriptor(text, REGTEST).text


def branch(text, number):
    return with_checksum(text.replace("<0;1>", str(number)))


COLDCARD = f"""\
# Coldcard Multisig setup file (created on 0F056943)
#
Name: Cold
Policy: 2 of 3
Derivation: m/48'/1'/0'
Format: P2WSH

{PEOPLE[0].fingerprint.upper()}: {PEOPLE[0].xpub}
{PEOPLE[1].fingerprint.upper()}: {PEOPLE[1].xpub}
{PEOPLE[2].fingerprint.upper()}: {PEOPLE[2].xpub}
"""
COLDCARD_PATHS = "\n".join(
    ["Name: Cold", "Policy: 2 of 3", "Format: P2SH-P2WSH", ""]
    + [f"Derivation: m/48h/1h/0h\n{one.fingerprint}: {one.xpub}\n" for one in PEOPLE]
)
SPARROW = f"""\
# Receive and change descriptor (BIP389):
{with_checksum(TWO_OF_THREE)}


# Receive descriptor (Bitcoin Core):
{branch(TWO_OF_THREE, 0)}

# Change descriptor (Bitcoin Core):
{branch(TWO_OF_THREE, 1)}

"""
SPECTER = json.dumps(
    {
        "label": "Cold",
        "blockheight": 0,
        "descriptor": branch(TWO_OF_THREE, 0),
        "devices": [{"type": "coldcard", "label": name} for name in ("Anna", "Bo", "Cia")],
    }
)
TEMPLATE = TWO_OF_THREE.replace("/<0;1>/*", "/**")


def first_address(text=TWO_OF_THREE):
    return imported(SPARROW if text == TWO_OF_THREE else with_checksum(text)).first_address


def imported(text, network=REGTEST):
    return read_export("export", text.encode(), network, ENGINE)


NUNCHUK = f"BSMS 1.0\n{TEMPLATE}\n/0/*,/1/*\n{first_address()}\n"


@pytest.mark.parametrize(
    ("text", "format", "name"),
    [
        (COLDCARD, "Coldcard multisig file", "Cold"),
        (SPARROW, "descriptor text", None),
        (SPECTER, "Specter wallet file", "Cold"),
        (NUNCHUK, "BSMS descriptor record", None),
    ],
)
def test_every_program_exports_the_same_wallet(text, format, name):
    wallet = imported(text)
    assert wallet.descriptor.text == with_checksum(TWO_OF_THREE)
    assert (wallet.format, wallet.name) == (format, name)
    assert wallet.ranges == (BranchRange(0, 1000), BranchRange(1, 1000))
    assert wallet.first_address == first_address()


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(newline):
    for text in (COLDCARD, SPARROW, SPECTER, NUNCHUK):
        raw = b"\xef\xbb\xbf" + text.replace("\n", newline).encode()
        wallet = read_export("export", raw, REGTEST, ENGINE)
        assert wallet.descriptor.body == TWO_OF_THREE


def test_a_path_for_each_key_and_nested_scripts_are_read():
    wallet = imported(COLDCARD_PATHS)
    assert wallet.descriptor.body == f"sh(wsh(sortedmulti(2,{A},{B},{C})))"


def test_specters_devices_name_the_keys():
    wallet = imported(SPECTER)
    assert list(wallet.key_names.values()) == ["Anna", "Bo", "Cia"]
    assert list(wallet.key_names) == [one.xpub for one in PEOPLE]
    assert wallet.notes == ("the file names /0/* only; change at /1/* is its program's",)


def test_specter_without_branches_gets_those_of_the_program():
    bare = json.dumps({"label": "x", "descriptor": f"wpkh({PEOPLE[0].public})"})
    assert imported(bare).descriptor.body == f"wpkh({A})"


def test_specters_two_descriptors_become_one():
    two = {"recv_descriptor": branch(RECOVERY, 0), "change_descriptor": branch(RECOVERY, 1)}
    assert imported(json.dumps(two)).descriptor.body == RECOVERY


def test_names_that_do_not_fit_the_keys_are_left_out_and_said():
    wallet = imported(json.dumps(json.loads(SPECTER) | {"devices": [{"label": "Anna"}]}))
    assert wallet.key_names == {}
    assert "1 names for 3 keys" in wallet.notes[-1]


def test_receiving_and_change_alone_are_joined():
    lines = f"{branch(RECOVERY, 0)}\n{branch(RECOVERY, 1)}\n"
    assert imported(lines).descriptor.body == RECOVERY


def test_one_branch_alone_is_taken_with_a_note():
    wallet = imported(branch(RECOVERY, 0))
    assert wallet.ranges == (BranchRange(0, 1000),)
    assert "one branch only" in wallet.notes[0]


BSMS_KEYS = """\
BSMS 1.0
wsh(sortedmulti(1,[59865f44/48'/0'/0'/2']026d15412460ba0d881c21837bb999233896085a9ed4e5445bd637c10e579768ba,[b7044ca6/48'/0'/0'/2']030baf0497ab406ff50cb48b4013abac8a0338758d2fd54cd934927afa57cc2062))#rzx9dffd
No path restrictions
bc1quqy523xu3l8che3s8vja8n33qtg0uyugr9l5z092s3wa50p8t7rqy6zumf"""
BSMS_XPUBS = """\
BSMS 1.0
wsh(sortedmulti(2,[1cf0bf7e/48'/0'/0'/2']xpub6FL8FhxNNUVnG64YurPd16AfGyvFLhh7S2uSsDqR3Qfcm6o9jtcMYwh6DvmcBF9qozxNQmTCVvWtxLpKTnhVLN3Pgnu2D3pAoXYFgVyd8Yz/**,[4fc1dd4a/48'/0'/0'/2']xpub6EebMbEps7ZcV3FYEnddRsvrFWDrt2tiPmCeM7pPXQEmphvq9ZfJ1LWFUDjf3vxCeBuPrfyGrMazWUsYsetrnHatQZVLJH7LsgCjtMqdzgj/**))
/0/*,/1/*
bc1qrgc6p3kylfztu06ysl752gwwuekhvtfh9vr7zg43jvu60mutamcsv948ej"""
BSMS_ENCRYPTED_MODE = """\
BSMS 1.0
wsh(sortedmulti(2,[b7868815/48'/0'/0'/2']xpub6FA5rfxJc94K1kNtxRby1hoHwi7YDyTWwx1KUR3FwskaF6HzCbZMz3zQwGnCqdiFeMTPV3YneTGS2YQPiuNYsSvtggWWMQpEJD4jXU7ZzEh/**,[eedff89a/48'/0'/0'/2']xpub6EhJvMneoLWAf8cuyLBLQiKiwh89RAmqXEqYeFuaCEHdHwxSRfzLrUxKXEBap7nZSHAYP7Jfq6gZmucotNzpMQ9Sb1nTqerqW8hrtmx6Y6o/**))
/0/*,/1/*
bc1qhs4u273g4azq7kqqpe6vh5wfhasfmrq7nheyzsnq77humd7rwtkqagvakf"""


@pytest.mark.parametrize(
    ("text", "branches"), [(BSMS_KEYS, 1), (BSMS_XPUBS, 2), (BSMS_ENCRYPTED_MODE, 2)]
)
def test_the_vectors_of_bip_129_are_read_and_their_addresses_derived(text, branches):
    wallet = imported(text, MAINNET)
    assert wallet.descriptor.branches == branches
    assert wallet.first_address == text.splitlines()[3]


def test_another_first_address_refuses_the_record():
    # The first address of another vector: valid, and not this wallet's.
    swapped = BSMS_XPUBS.rsplit("\n", 1)[0] + "\n" + BSMS_ENCRYPTED_MODE.rsplit("\n", 1)[1]
    with pytest.raises(ExportRefused, match="not the one it states"):
        imported(swapped, MAINNET)


KEY_RECORD = "\n".join(["BSMS 1.0", "00", PEOPLE[0].public, "Signer 1 key", "H6DXgqkCb353BDPkz="])


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "holds no descriptor"),
        ("# only a comment", 1, "holds no descriptor"),
        (TWO_OF_THREE, 1, "no checksum"),
        (with_checksum(RECOVERY) + "\n" + with_checksum(TWO_OF_THREE), 2, "several wallets"),
        (f"{branch(RECOVERY, 0)}\n{branch(TWO_OF_THREE, 1)}", 2, "do not belong together"),
        (SPARROW.replace(branch(TWO_OF_THREE, 1), branch(TWO_OF_THREE, 2)), 9, "belong together"),
        (SPARROW + with_checksum(RECOVERY), 11, "several wallets"),
        ("BSMS 2.0\n", 1, "this program reads BSMS 1.0"),
        (KEY_RECORD, 1, "one signer's key record"),
        ("BSMS 1.0\nx", 1, "has 4 lines"),
        (NUNCHUK.replace("/0/*,/1/*", "/0/*,/1/0/*"), 3, "must differ in one step"),
        (NUNCHUK.replace("/0/*,/1/*", "No path restrictions"), 3, "must differ in one step"),
        (NUNCHUK.replace("/**", "/<0;1>/*"), 3, "goes with the line"),
        ("ab" * 200, 1, "encrypted BSMS"),
        ("{", 1, "is not JSON"),
        ("{}", 1, 'has no "descriptor"'),
        (COLDCARD.replace("Policy: 2 of 3", ""), 10, "Policy: 2 of 3"),
        (COLDCARD.replace("2 of 3", "2 of 4"), 4, "4 keys, the file 3"),
        (COLDCARD.replace("Format: P2WSH", ""), 10, "needs a line 'Format:'"),
        (COLDCARD.replace("P2WSH", "P2WHS"), 6, "needs a line 'Format:'"),
        (COLDCARD.replace("Derivation: m/48'/1'/0'", ""), 8, "Derivation"),
        (COLDCARD.replace("m/48'/1'/0'", "48'/1'"), 5, "is written m/"),
        (COLDCARD.replace("m/48'/1'/0'", "m/48'/1'"), 4, "3 steps below its master key"),
        (COLDCARD.replace("m/48'/1'/0'", "m/48'/1'/7'"), 4, "the last step of the path"),
        (COLDCARD + "Name: Again\n", 11, "stands here twice"),
        (COLDCARD + "Sorted: 0\n", 11, "before a colon"),
        (COLDCARD + "nonsense\n", 11, "no line"),
    ],
)
def test_a_wrong_export_is_refused_with_its_line(text, line, said):
    with pytest.raises(ExportRefused) as refused:
        imported(text)
    assert said in refused.value.problem
    assert refused.value.line == line


@pytest.mark.parametrize(
    "text", [SPARROW.replace("2,[", "3,["), SPECTER.replace("2,[", "3,["), "not a descriptor#abc"]
)
def test_a_descriptor_that_was_changed_is_refused_by_its_checksum(text):
    with pytest.raises(DescriptorRefused):
        imported(text)


def test_keys_of_another_network_are_refused():
    with pytest.raises(DescriptorRefused, match="test network"):
        imported(COLDCARD, MAINNET)


def test_a_file_beyond_all_measure_is_not_read():
    with pytest.raises(ExportRefused, match="larger than"):
        imported("#" * (1 << 21))


def test_what_the_office_states_can_be_pasted():
    import tomllib

    stated = tomllib.loads(imported(COLDCARD).office_lines())
    assert stated["descriptor"] == with_checksum(TWO_OF_THREE)
    assert stated["range"] == [{"branch": 0, "stop": 1000}, {"branch": 1, "stop": 1000}]
    assert stated["gap"] == 20


@pytest.mark.parametrize(
    ("paths", "one"),
    [
        (["/0/*", "/1/*"], "/<0;1>/*"),
        (["/7/0/*", "/7/1/*", "/7/2/*"], "/7/<0;1;2>/*"),
        (["/0/*"], "/0/*"),
        (["/*"], "/*"),
        (["/0/*", "/0/*"], None),
        (["/0/1/*", "/1/0/*"], None),
        (["/0'/*"], None),
        ([], None),
    ],
)
def test_paths_become_one_when_one_step_differs(paths, one):
    assert one_path(paths) == one


def test_wallets_that_differ_elsewhere_are_not_joined():
    assert joined(f"wpkh({A})".replace("<0;1>", "0"), f"wpkh({B})".replace("<0;1>", "1")) is None
