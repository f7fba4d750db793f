"""Output scripts are sorted as Bitcoin Core sorts them."""

import json

import pytest
import wallycore
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin import script as scripts
from khazana.bitcoin.block import Block
from khazana.bitcoin.script import OutputScript, ScriptKind, classify
from tests.shared import shared_file

KEY = bytes.fromhex("025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee6357")
WHOLE_KEY = b"\x04" + bytes(64)
HASH_20 = bytes(range(20))
HASH_32 = bytes(range(32))


def kind_of(hexed: str) -> ScriptKind:
    return classify(bytes.fromhex(hexed)).kind


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (scripts.p2pk(KEY), OutputScript(ScriptKind.P2PK, keys=(KEY,), required=1)),
        (scripts.p2pk(WHOLE_KEY), OutputScript(ScriptKind.P2PK, keys=(WHOLE_KEY,), required=1)),
        (scripts.p2pkh(HASH_20), OutputScript(ScriptKind.P2PKH, HASH_20)),
        (scripts.p2sh(HASH_20), OutputScript(ScriptKind.P2SH, HASH_20)),
        (scripts.p2wpkh(HASH_20), OutputScript(ScriptKind.P2WPKH, HASH_20, witness_version=0)),
        (scripts.p2wsh(HASH_32), OutputScript(ScriptKind.P2WSH, HASH_32, witness_version=0)),
        (scripts.p2tr(HASH_32), OutputScript(ScriptKind.P2TR, HASH_32, witness_version=1)),
        (
            scripts.witness_script(1, HASH_20),
            OutputScript(ScriptKind.WITNESS_UNKNOWN, HASH_20, witness_version=1),
        ),
        (
            scripts.witness_script(16, HASH_32),
            OutputScript(ScriptKind.WITNESS_UNKNOWN, HASH_32, witness_version=16),
        ),
        (
            bytes.fromhex("51024e73"),
            OutputScript(ScriptKind.ANCHOR, b"\x4e\x73", witness_version=1),
        ),
        (scripts.null_data(b"Khazana"), OutputScript(ScriptKind.NULL_DATA)),
        (
            scripts.multisig([KEY, WHOLE_KEY, KEY], required=2),
            OutputScript(ScriptKind.MULTISIG, keys=(KEY, WHOLE_KEY, KEY), required=2),
        ),
    ],
)
def test_each_standard_script_is_built_and_recognised(
    script: bytes, expected: OutputScript
) -> None:
    assert classify(script) == expected


@pytest.mark.parametrize(
    ("hexed", "why"),
    [
        ("", "empty"),
        ("51", "OP_1 alone"),
        ("0013" + "00" * 19, "no version 0 program of 19 bytes"),
        ("0028" + "00" * 40, "no version 0 program of 40 bytes"),
        ("5129" + "00" * 41, "a program has at most 40 bytes"),
        ("5101" + "00", "a program has at least 2 bytes"),
        ("4f20" + "00" * 32, "OP_1NEGATE is no version"),
        ("6120" + "00" * 32, "OP_NOP is no version"),
        ("514c20" + "00" * 32, "a program is pushed in the shortest way"),
        ("a914" + "00" * 20 + "88", "OP_EQUALVERIFY instead of OP_EQUAL"),
        ("a94c14" + "00" * 20 + "87", "P2SH with another push is none"),
        ("76a914" + "00" * 20 + "88ac61", "one byte more than P2PKH"),
        ("76a915" + "00" * 21 + "88ac", "a hash of 21 bytes"),
        ("21" + "05" + "00" * 32 + "ac", "a key cannot start with 05"),
        ("41" + "02" + "00" * 64 + "ac", "a 65-byte key cannot start with 02"),
        ("6a4c", "OP_RETURN and a push cut off"),
        ("6a05aabb", "OP_RETURN and a push that runs past the end"),
        ("6aac", "OP_RETURN and an opcode that pushes nothing"),
        ("ae", "OP_CHECKMULTISIG alone"),
        ("5151ae", "multisig without keys"),
        ("0021" + KEY.hex() + "51ae", "none of one"),
        ("5221" + KEY.hex() + "51ae", "two of one"),
        ("5121" + KEY.hex() + "52ae", "one key announced as two"),
        ("5120" + "00" * 32 + "51ae", "no key of 32 bytes"),
        ("5121" + KEY.hex() + "0101ae", "a number not pushed in the shortest way"),
        ("5121" + KEY.hex() + "51" + "01ae", "the last byte belongs to a push"),
    ],
)
def test_nearly_standard_scripts_are_not_standard(hexed: str, why: str) -> None:
    assert kind_of(hexed) is ScriptKind.NONSTANDARD, why


def test_op_return_alone_and_with_several_pushes_carries_data() -> None:
    assert kind_of("6a") is ScriptKind.NULL_DATA
    assert kind_of("6a5160" + "02abcd" + "4c01ff") is ScriptKind.NULL_DATA


@pytest.mark.parametrize("total", [1, 3, 16, 17, 20])
def test_multisig_of_up_to_20_keys(total: int) -> None:
    keys = [KEY] * total
    output = classify(scripts.multisig(keys, required=total))
    assert (output.kind, output.required, len(output.keys)) == (ScriptKind.MULTISIG, total, total)


def test_builders_refuse_what_no_standard_script_holds() -> None:
    for build in (scripts.p2pkh, scripts.p2sh, scripts.p2wpkh):
        with pytest.raises(ValueError, match="has 20 bytes, not 32"):
            build(HASH_32)
    for build_32 in (scripts.p2wsh, scripts.p2tr):
        with pytest.raises(ValueError, match="has 32 bytes, not 20"):
            build_32(HASH_20)
    for key in (b"", KEY[1:], b"\x05" + KEY[1:]):
        with pytest.raises(ValueError, match="not a serialised public key"):
            scripts.p2pk(key)
    for required, total in ((0, 1), (2, 1), (1, 0), (1, 21)):
        with pytest.raises(ValueError, match="no multisig"):
            scripts.multisig([KEY] * total, required=required)
    for version, size in ((17, 32), (-1, 32), (1, 1), (1, 41), (0, 21)):
        with pytest.raises(ValueError, match="witness program"):
            scripts.witness_script(version, bytes(size))


@given(st.binary(max_size=600))
def test_pushes_are_the_shortest_and_read_back(data: bytes) -> None:
    script = scripts.null_data(data)
    steps = list(scripts.instructions(script))
    assert [step.pushed for step in steps] == [None, data]
    overhead = 1 if len(data) < 76 else 2 if len(data) < 256 else 3
    assert len(script) == 1 + overhead + len(data)


@given(st.binary(max_size=80))
def test_instructions_cover_a_script_without_a_gap_or_refuse_it(script: bytes) -> None:
    try:
        steps = list(scripts.instructions(script))
    except ValueError:
        return
    assert b"".join(script[step.start : step.end] for step in steps) == script


@given(st.binary(max_size=80))
def test_any_bytes_have_a_kind(script: bytes) -> None:
    classify(script)


def test_what_can_never_be_spent() -> None:
    assert scripts.is_unspendable(b"\x6a")
    assert scripts.is_unspendable(bytes(10_001))
    assert not scripts.is_unspendable(bytes(10_000))
    assert not scripts.is_unspendable(b"")


def test_kinds_in_block_413567_agree_with_libwally() -> None:
    names = {
        wallycore.WALLY_SCRIPT_TYPE_P2PKH: ScriptKind.P2PKH,
        wallycore.WALLY_SCRIPT_TYPE_P2SH: ScriptKind.P2SH,
        wallycore.WALLY_SCRIPT_TYPE_OP_RETURN: ScriptKind.NULL_DATA,
    }
    block = Block.parse(shared_file("vectors/block413567.raw").read_bytes())
    found = [o.script for t in block.transactions for o in t.outputs]
    assert len(found) == 3581
    for script in found:
        assert classify(script).kind is names[wallycore.scriptpubkey_get_type(script)]


def test_kinds_that_core_reports_for_its_chain() -> None:
    answer = json.loads(shared_file("vectors/core-rpc/getblock-verbosity-3.json").read_text())
    names = {
        "pubkeyhash": ScriptKind.P2PKH,
        "scripthash": ScriptKind.P2SH,
        "witness_v0_keyhash": ScriptKind.P2WPKH,
        "witness_v1_taproot": ScriptKind.P2TR,
        "nulldata": ScriptKind.NULL_DATA,
    }
    seen = 0
    for transaction in json.loads(answer["response_text"])["result"]["tx"]:
        for output in transaction["vout"]:
            reported = output["scriptPubKey"]
            assert kind_of(reported["hex"]) is names[reported["type"]]
            seen += 1
    assert seen >= 2
