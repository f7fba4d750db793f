import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.network import MAINNET, REGTEST
from khazana.bitcoin.secrets import SecretRefused
from khazana.custody.labels import Label, LabelKind, merge
from khazana.custody.labels_file import read_labels, write_labels
from khazana.ledger.problems import OfficeFileRefused

# The test vectors of BIP-329 (bitcoin/bips at 0297db50, BSD-2-Clause).
VECTORS = """\
{ "type": "tx", "ref": "f91d0a8a78462bc59398f2c5d7a84fcff491c26ba54c4833478b202796c8aafd", "label": "Transaction", "origin": "wpkh([d34db33f/84'/0'/0'])" }
{ "type": "addr", "ref": "bc1q34aq5drpuwy3wgl9lhup9892qp6svr8ldzyy7c", "label": "Address" }
{ "type": "pubkey", "ref": "0283409659355b6d1cc3c32decd5d561abaac86c37a353b52895a5e6c196d6f448", "label": "Public Key" }
{ "type": "input", "ref": "f91d0a8a78462bc59398f2c5d7a84fcff491c26ba54c4833478b202796c8aafd:0", "label": "Input" }
{ "type": "output", "ref": "f91d0a8a78462bc59398f2c5d7a84fcff491c26ba54c4833478b202796c8aafd:1", "label": "Output", "spendable": false }
{ "type": "xpub", "ref": "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8", "label": "Extended Public Key" }
{ "type": "tx", "ref": "f546156d9044844e02b181026a1a407abfca62e7ea1159f87bbeaa77b4286c74", "label": "Account #1 Transaction", "origin": "wpkh([d34db33f/84'/0'/1'])" }
"""  # noqa: E501
TXID = "ab" * 32


def read(text):
    return read_labels("labels.jsonl", text.encode(), MAINNET)


def test_the_vectors_of_the_specification_are_read():
    labels = read(VECTORS).labels
    assert [label.kind.value for label in labels] == [
        "tx", "addr", "pubkey", "input", "output", "xpub", "tx",
    ]  # fmt: skip
    assert labels[4].spendable is False
    assert labels[0].origin == "wpkh([d34db33f/84'/0'/0'])"


def test_what_is_read_is_written_again():
    labels = read(VECTORS).labels
    again = read(write_labels(labels)).labels
    assert sorted(again, key=lambda x: x.key) == sorted(labels, key=lambda x: x.key)
    assert write_labels(again) == write_labels(labels)


def test_additional_fields_come_out_digit_for_digit():
    line = f'{{"type": "tx", "ref": "{TXID}", "fee": 210, "rate": {{"USD": 105620.00}}}}\n'
    (label,) = read(line).labels
    assert label.more == {"fee": 210, "rate": {"USD": Decimal("105620.00")}}
    assert write_labels([label]) == line


def test_the_origin_of_a_quorum_is_read():
    origin = "wsh(sortedmulti(2,[d34db33f/48h/0h/0h/2h],[0f056943/48h/0h/0h/2h]))"
    (label,) = read(f'{{"type": "tx", "ref": "{TXID}", "origin": "{origin}"}}').labels
    assert label.origin == origin


def test_types_nobody_defined_are_passed_over_and_said():
    found = read(f'{{"type": "spscan", "ref": "x"}}\n\n{{"type": "tx", "ref": "{TXID}"}}\n')
    assert found.ignored == (1,)
    assert [label.ref for label in found.labels] == [TXID]


WRONG = [
    ("[]", "(line)", "not one JSON object"),
    ("{", "(line)", "not one JSON object"),
    ("3", "(line)", "not one JSON object"),
    ('{"type": "tx", "type": "addr"}', "(line)", "stands twice"),
    ('{"type": "tx", "x": NaN}', "(line)", "no JSON"),
    ("[" * 100_000, "(line)", "not one JSON object"),
    ('{"ref": "x"}', "type", "is missing"),
    ('{"type": 3, "ref": "x"}', "type", "should be text"),
    ('{"type": "tx"}', "ref", "is missing"),
    ('{"type": "tx", "ref": 3}', "ref", "should be text"),
    ('{"type": "tx", "ref": "abc"}', "ref", "64 hex digits"),
    (f'{{"type": "output", "ref": "{TXID}"}}', "ref", "a colon and a position"),
    (f'{{"type": "output", "ref": "{TXID}:01"}}', "ref", "a colon and a position"),
    (f'{{"type": "input", "ref": "{TXID}:4294967296"}}', "ref", "a colon and a position"),
    ('{"type": "addr", "ref": "bc1q34aq5drpuwy3wgl9lhup9892qp6svr8ldzyy7d"}', "ref", "checksum"),
    ('{"type": "addr", "ref": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"}', "ref", "regtest"),
    ('{"type": "pubkey", "ref": "0283"}', "ref", "32, 33 or 65 bytes"),
    (f'{{"type": "pubkey", "ref": "{"ff" * 33}"}}', "ref", "no such point"),
    ('{"type": "xpub", "ref": "xpub661"}', "ref", "damaged"),
    (f'{{"type": "tx", "ref": "{TXID}", "label": 3}}', "label", "should be text"),
    (f'{{"type": "tx", "ref": "{TXID}", "label": "a\\nb"}}', "label", "line break"),
    (f'{{"type": "tx", "ref": "{TXID}", "label": "{"a" * 2001}"}}', "label", "longer than 2000"),
    (f'{{"type": "tx", "ref": "{TXID}", "origin": "wpkh(xpub)x"}}', "origin", "without any key"),
    (f'{{"type": "tx", "ref": "{TXID}", "origin": "wpkh(02{"ab" * 32})"}}', "origin", "any key"),
    (f'{{"type": "tx", "ref": "{TXID}", "spendable": true}}', "spendable", "outputs only"),
    (f'{{"type": "output", "ref": "{TXID}:0", "spendable": "no"}}', "spendable", "true or false"),
]


@pytest.mark.parametrize(("line", "field", "said"), WRONG)
def test_a_wrong_line_is_named_with_its_number_and_field(line, field, said):
    good = f'{{"type": "tx", "ref": "{TXID}"}}\n'
    with pytest.raises(OfficeFileRefused) as refused:
        read(good + line + "\n")
    (problem,) = refused.value.problems
    assert (problem.place.file, problem.place.line, problem.place.field) == (
        "labels.jsonl",
        2,
        field,
    )
    assert said in problem.text


def test_every_wrong_line_is_listed():
    with pytest.raises(OfficeFileRefused) as refused:
        read("\n".join(line for line, _, _ in WRONG))
    assert len({p.place.line for p in refused.value.problems}) == len(WRONG)


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(OfficeFileRefused, match=r"line 2.*UTF-8"):
        read_labels("labels.jsonl", b"\n\xff", MAINNET)


def test_two_records_that_contradict_each_other_are_refused():
    lines = [f'{{"type": "tx", "ref": "{TXID}", "label": "{word}"}}' for word in "aab"]
    with pytest.raises(OfficeFileRefused) as refused:
        read("\n".join(lines))
    (problem,) = refused.value.problems
    assert (problem.place.line, problem.text) == (3, "line 1 says something else about it")


def test_seed_words_hidden_by_json_escapes_are_found():
    words = "\\u0061bandon " * 11 + "about"
    with pytest.raises(SecretRefused) as refused:
        read(f'{{"type": "tx", "ref": "{TXID}", "label": "{words}"}}')
    assert "bandon" not in str(refused.value)


# Merging (rule K13)

kinds = st.sampled_from([LabelKind.TX, LabelKind.OUTPUT])
texts = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8)


@st.composite
def labels(draw):
    kind = draw(kinds)
    txid = draw(st.sampled_from(["aa", "bb", "cc"])) * 32
    return Label(
        kind=kind,
        ref=txid if kind is LabelKind.TX else f"{txid}:{draw(st.integers(0, 1))}",
        label=draw(st.none() | texts),
        spendable=draw(st.none() | st.booleans()) if kind is LabelKind.OUTPUT else None,
    )


files = st.lists(labels(), max_size=6, unique_by=lambda label: label.key)


@given(files)
def test_labels_survive_writing_and_reading(ours):
    again = read_labels("x", write_labels(ours).encode(), REGTEST).labels
    assert sorted(again, key=lambda x: x.key) == sorted(ours, key=lambda x: x.key)


@given(files, files)
def test_merging_loses_nothing_that_is_not_named_in_a_finding(ours, theirs):
    merged, findings = merge(ours, theirs)
    by_key = {label.key: label for label in merged}
    assert list(by_key) == sorted(by_key)
    named = {finding.where for finding in findings}
    for label in [*ours, *theirs]:
        kept = by_key[label.key]
        if f"{label.kind.value} {label.ref}" not in named:
            assert label.label in (None, kept.label)
            assert label.spendable in (None, kept.spendable)
        if label.spendable is False:
            assert kept.spendable is False
    for label in ours:
        assert label.label in (None, by_key[label.key].label)


@given(files, files)
def test_merging_again_changes_nothing(ours, theirs):
    merged, _ = merge(ours, theirs)
    assert merge(merged, ours)[0] == merged
    assert merge(merged, merged) == (merged, [])


def test_a_conflict_says_both_texts():
    ours, theirs = (Label(kind=LabelKind.TX, ref=TXID, label=text) for text in ("rent", "gift"))
    merged, (finding,) = merge([ours], [theirs])
    assert merged == (ours,)
    assert finding.rule == "K13"
    assert "ours says 'rent', theirs 'gift'" in finding.text


def test_only_an_output_is_spendable():
    with pytest.raises(ValueError, match="only an output"):
        Label(kind=LabelKind.TX, ref=TXID, spendable=True)


def test_the_file_is_lines_of_json():
    for line in write_labels(read(VECTORS).labels).splitlines():
        assert isinstance(json.loads(line), dict)
