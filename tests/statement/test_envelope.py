"""Statements are made, disclosed, written and read; whatever is not exactly one is refused."""

import hashlib
import hmac
import json
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.bitcoin.network import MAINNET, REGTEST
from khazana.ledger.canonical import JsonRefused, canonical_bytes
from khazana.statement.envelope import (
    Evidence,
    Limits,
    NetworkName,
    Statement,
    disclose,
    make_statement,
    read_statement,
    with_evidence,
    write_statement,
)
from khazana.statement.errors import (
    StatementError,
    StatementMalformed,
    StatementNotCanonical,
    StatementTooLarge,
    UnknownPart,
)
from khazana.statement.parts import Part, Withheld, part_salt
from tests.statement.drill import KINDS, NETWORK, figures, signed


def read(raw: bytes) -> Statement:
    return read_statement(raw, kinds=KINDS)


def document_of(statement: Statement) -> dict:
    return json.loads(write_statement(statement))


def file_of(document: object) -> bytes:
    return canonical_bytes(document) + b"\n"


def test_the_root_is_computed_as_the_specification_says():
    seed = b"seed of sixteen bytes or more"
    statement = figures(parts=[("wallet/a", {"closing": 5})], salt_seed=seed)
    leaves = []
    for name, body in (
        ("header", statement.header.body),
        ("wallet/a", {"closing": 5}),
    ):
        # Straight from docs/spec/statement.md, with the standard library only.
        salt = hmac.new(seed, name.encode(), hashlib.sha256).digest()[:16]
        content = json.dumps(
            {"name": name, "body": body}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
        digest = hashlib.sha256(b"khazana.statement.part/1\x00" + salt + content).digest()
        leaves.append(hashlib.sha256(b"\x00" + digest).digest())
    assert statement.root == hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).hexdigest()


def test_the_same_input_and_seed_give_the_same_bytes():
    assert write_statement(figures()) == write_statement(figures())
    assert figures(salt_seed=b"another seed of sixteen").root != figures().root


def test_a_full_statement_reads_back_identical():
    statement = signed(figures())
    assert read(write_statement(statement)) == statement
    assert statement.is_full
    assert statement.size == 6
    assert statement.part("entry/1").body == {"amount": 42}
    assert [part.id for part in statement.parts_of("wallet")] == ["treasury", "mining"]
    assert statement.part("entry/9") is None


@settings(deadline=None)
@given(st.sets(st.sampled_from([part.name for part in figures().parts])))
def test_every_disclosure_has_the_same_root_and_reads_back_identical(shown):
    statement = signed(figures())
    disclosure = disclose(statement, shown.__contains__)
    again = read(write_statement(disclosure))
    assert again == disclosure
    assert again.computed_root == again.root == statement.root
    assert {part.name for part in again.parts} == shown | {"header"}
    assert again.evidence == statement.evidence
    # A disclosure of a disclosure shows no more.
    assert disclose(disclosure, lambda name: True) == disclosure


texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=8).map(
    lambda text: unicodedata.normalize("NFC", text)
)
bodies = st.dictionaries(
    st.from_regex("[a-z]{1,4}", fullmatch=True),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)


@settings(deadline=None)
@given(st.lists(bodies, max_size=9), st.binary(min_size=16, max_size=40), st.data())
def test_any_bodies_survive_writing_disclosing_and_reading(some, seed, data):
    parts = [(f"entry/{number}", body) for number, body in enumerate(some)]
    statement = figures(parts=parts, salt_seed=seed)
    assert read(write_statement(statement)) == statement
    hidden = data.draw(st.sets(st.sampled_from([name for name, _ in parts]))) if parts else set()
    disclosure = disclose(statement, lambda name: name not in hidden)
    again = read(write_statement(disclosure))
    assert again == disclosure
    assert again.computed_root == statement.root
    for part in statement.parts[1:]:
        leaf = again.leaves[part.index]
        assert leaf == (Withheld(part.index, part.digest) if part.name in hidden else part)


def test_a_withheld_part_does_not_show_its_name_or_content():
    raw = write_statement(disclose(figures(), lambda name: False))
    assert b"treasury" not in raw
    assert b"700" not in raw
    assert part_salt(b"drill seed, sixteen or more", "wallet/treasury").hex().encode() not in raw


def test_salts_differ_by_part_and_a_short_seed_is_refused():
    salts = {part.salt for part in figures().parts}
    assert len(salts) == 6
    with pytest.raises(ValueError, match="at least 16 bytes, not 5"):
        figures(salt_seed=b"short")


def test_evidence_is_detached():
    statement = figures()
    item = Evidence("x.example/1", statement.root, {"type": "x.example/1", "subject_root": "0"})
    assert with_evidence(statement, item).computed_root == statement.root


# What is refused, and where it says so.


def change(path: list, value: object) -> bytes:
    document = document_of(figures())
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return file_of(document)


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        (["format"], "khazana.statement/2", "$.format", "Invalid enum value"),
        (["surprise"], 1, "$", "unknown field `surprise`"),
        (["network", "port"], 1, "$.network", "unknown field `port`"),
        (["parts", 1, "grade"], "A", "$.parts[1]", "unknown field `grade`"),
        (["root"], "00" * 31, "$.root", "matching regex"),
        (["root"], "zz" * 32, "$.root", "matching regex"),
        (["root"], "AA" * 32, "$.root", "matching regex"),
        (["root"], 5, "$.root", "Expected `str`, got `int`"),
        (["test"], 1, "$.test", "Expected `bool`, got `int`"),
        (["parts"], [], "$.parts", "length >= 1"),
        (["parts", 1, "salt"], "00" * 15, "$.parts[1].salt", "regex"),
        (["parts", 1, "salt"], "0" * 31 + "\n", "$.parts[1].salt", "matching regex"),
        (["parts", 1, "name"], "Wallet/a", "$.parts[1].name", "matching regex"),
        (["parts", 1, "name"], "wallet/", "$.parts[1].name", "matching regex"),
        (["parts", 1, "name"], "wallet/../a", "$.parts[1].name", "matching regex"),
        (["parts", 1, "name"], "wallet/a\n", "$.parts[1].name", "matching regex"),
        (["root"], "00" * 32 + "\n", "$.root", "matching regex"),
        (["network", "name"], "regtest\n", "$.network.name", "matching regex"),
        (["parts", 1, "index"], -1, "$.parts[1].index", ">= 0"),
        (["parts", 1, "index"], 5_000_000, "$.parts[1].index", "<= 4999999"),
        (["parts", 1, "index"], True, "$.parts[1].index", "Expected `int`"),
        (["parts", 1, "body"], [1], "$.parts[1].body", "Expected `object`"),
        (["parts", 1, "index"], 2, "$.parts[2]", "index 2 occurs twice"),
        (["parts", 1, "index"], 99, "$", "part 1 is neither disclosed nor withheld"),
        (["parts", 1, "name"], "wallet/mining", "$.parts[2]", "wallet/mining occurs twice"),
        (["parts", 1, "name"], "header", "$.parts[1]", "name header occurs twice"),
        (["parts", 0, "name"], "wallet/x", "$.parts[0]", "only it, has index 0"),
        (["withheld"], [{"index": 1, "digest": "00" * 32}], "$.withheld[0]", "occurs twice"),
        (["withheld"], [{"index": 7, "digest": "00" * 32}], "$", "part 6 is neither"),
        (["withheld"], [{"index": 6, "digest": "00"}], "$.withheld[0].digest", "regex"),
        (["evidence"], [{"type": "x/1"}], "$.evidence[0]", "missing required field"),
        (["evidence"], [{"type": "x", "subject_root": "00" * 32}], "$.evidence[0].type", "regex"),
        (["network", "name"], "mainnet", "$.network", "header part names another network"),
        (["test"], False, "$.test", "header part says otherwise"),
        (
            ["parts", 5, "body", "critical"],
            "no",
            "$.parts[5].body.critical",
            "must say true or false",
        ),
        (["parts", 5, "body", "critical"], True, "$.parts[0].body.critical", "critical extensions"),
    ],
)
def test_a_malformed_statement_is_refused_and_the_place_is_named(path, value, where, says):
    with pytest.raises(StatementMalformed) as refused:
        read(change(path, value))
    assert refused.value.path == where
    assert says in refused.value.problem
    assert where in str(refused.value)


@pytest.mark.parametrize(
    "field", ["format", "network", "test", "root", "parts", "withheld", "evidence"]
)
def test_a_statement_without_one_of_its_fields_is_refused(field):
    document = document_of(figures())
    del document[field]
    with pytest.raises(StatementMalformed, match=field):
        read(file_of(document))


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[1,2]", b"null", b'{"a":1,"a":2}', b'{"a":1.5}', b"\xff"]
)
def test_what_is_no_strict_json_object_is_refused(raw):
    with pytest.raises((JsonRefused, StatementError)):
        read(raw)


def test_text_that_only_looks_the_same_is_refused():
    raw = write_statement(figures(parts=[("wallet/a", {"note": "caf\u00e9"})]))
    with pytest.raises(JsonRefused, match="form C"):
        read(raw.replace("caf\u00e9".encode(), "cafe\u0301".encode()))


@pytest.mark.parametrize(
    "rewritten",
    [
        lambda raw: raw[:-1],
        lambda raw: raw + b"\n",
        lambda raw: b" " + raw,
        lambda raw: json.dumps(json.loads(raw), indent=1).encode(),
        lambda raw: raw.replace(b"invented", b"\\u0069nvented"),
        lambda raw: (
            json.dumps(dict(reversed(json.loads(raw).items())), separators=(",", ":")).encode()
            + b"\n"
        ),
    ],
)
def test_another_spelling_of_the_same_statement_is_refused(rewritten):
    raw = write_statement(figures())
    other = rewritten(raw)
    assert json.loads(other) == json.loads(raw)
    with pytest.raises(StatementNotCanonical) as refused:
        read(other)
    assert raw[: refused.value.offset] == other[: refused.value.offset]


def test_reordered_parts_are_refused():
    document = document_of(figures())
    document["parts"][1:3] = document["parts"][2:0:-1]
    with pytest.raises(StatementMalformed, match="do not ascend"):
        read(file_of(document))
    document = document_of(disclose(figures(), lambda name: False))
    document["withheld"].reverse()
    with pytest.raises(StatementMalformed, match=r"\$.withheld, the indexes do not ascend"):
        read(file_of(document))


def test_a_statement_without_its_header_is_refused():
    document = document_of(figures())
    header = document["parts"].pop(0)
    document["withheld"] = [{"index": 0, "digest": "00" * 32}]
    assert header["name"] == "header"
    with pytest.raises(StatementMalformed, match="no part called header"):
        read(file_of(document))


def test_a_file_beyond_the_limits_is_refused_before_it_is_parsed():
    raw = write_statement(figures())
    with pytest.raises(StatementTooLarge, match="at most 100 are read"):
        read_statement(b"x" * 101, kinds=KINDS, limits=Limits(max_bytes=100))
    with pytest.raises(StatementTooLarge, match="6 parts, and at most 5"):
        read_statement(raw, kinds=KINDS, limits=Limits(max_parts=5))


def test_nesting_without_end_is_refused():
    with pytest.raises(JsonRefused, match="nested deeper"):
        read(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


# Kinds and extensions.


def test_a_part_of_an_unknown_kind_is_refused_and_a_harmless_extension_is_kept():
    raw = write_statement(figures())
    with pytest.raises(UnknownPart, match=r"wallet/treasury at \$\.parts\[1\]"):
        read_statement(raw, kinds={"entry"})
    assert read(raw).part("x-note/en").body["text"] == "invented"


def critical_statement() -> Statement:
    return figures(parts=[("x-lien/1", {"critical": True}), ("entry/0", {})])


def test_an_unknown_critical_extension_is_refused_and_a_known_one_is_read():
    raw = write_statement(critical_statement())
    with pytest.raises(UnknownPart, match="x-lien/1"):
        read(raw)
    assert read_statement(raw, kinds={"x-lien", *KINDS}).header.body["critical"] == ["x-lien/1"]


def test_a_critical_extension_is_in_every_disclosure_and_cannot_be_hidden():
    statement = critical_statement()
    disclosure = disclose(statement, lambda name: False)
    assert [part.name for part in disclosure.parts] == ["header", "x-lien/1"]
    hidden = replace(
        statement, leaves=(statement.leaves[0], Withheld(1, statement.leaves[1].digest))
    )
    assert hidden.leaves[1].digest == statement.leaves[1].digest
    with pytest.raises(StatementMalformed, match="critical extensions"):
        read_statement(write_statement(hidden), kinds={"x-lien", *KINDS})


# Networks and the test flag.


@pytest.mark.parametrize(
    ("network", "test", "says"),
    [
        (NETWORK, False, "regtest is a test network"),
        (NetworkName("mainnet", REGTEST.genesis), True, "regtest is the network with genesis"),
        (NetworkName("mainnet", "00" * 32), True, "mainnet is the network with genesis"),
        (NetworkName("regtest", MAINNET.genesis), True, "mainnet is the network with genesis"),
    ],
)
def test_a_statement_cannot_pass_a_test_network_off_as_another(network, test, says):
    with pytest.raises(ValueError, match=says):
        figures(network=network, test=test)


def test_a_demo_on_the_main_network_and_a_network_of_ones_own_are_possible():
    main = NetworkName(MAINNET.name, MAINNET.genesis)
    for network, test in (
        (main, True),
        (main, False),
        (NetworkName("our-signet", "11" * 32), True),
    ):
        statement = figures(network=network, test=test)
        assert read(write_statement(statement)).header.body["test"] is test


def test_a_header_that_contradicts_the_statement_is_our_own_mistake():
    with pytest.raises(ValueError, match="the header says False for test"):
        figures(header={"test": False})


@pytest.mark.parametrize("parts", [[("wallet/a", {}), ("wallet/a", {})], [("header", {})]])
def test_names_that_occur_twice_are_our_own_mistake(parts):
    with pytest.raises(ValueError, match="differ from one another"):
        make_statement(
            network=NETWORK, test=True, header={}, parts=parts, salt_seed=b"0123456789abcdef"
        )


@pytest.mark.parametrize(
    "make",
    [
        lambda: Part(0, "wallet a", bytes(16), {}),
        lambda: Part(-1, "wallet/a", bytes(16), {}),
        lambda: Part(0, "wallet/a", bytes(15), {}),
        lambda: Withheld(-1, bytes(32)),
        lambda: Withheld(0, bytes(31)),
        lambda: Statement(NETWORK, True, "", ()),
        lambda: Statement(NETWORK, True, "", (Part(0, "wallet/a", bytes(16), {}),)),
        lambda: Statement(NETWORK, True, "", (Part(1, "header", bytes(16), {}),)),
    ],
)
def test_values_cannot_be_built_wrong(make):
    with pytest.raises(ValueError, match=r"."):
        make()


def test_ten_thousand_parts_are_made_disclosed_and_read():
    parts = [(f"entry/{number}", {"amount": number}) for number in range(10_000)]
    statement = figures(parts=parts)
    disclosure = disclose(statement, lambda name: name.endswith("0"))
    again = read(write_statement(disclosure))
    assert len(again.parts) == 1_001
    assert again.computed_root == statement.root
