from datetime import date

import pytest

from khazana.bitcoin.secrets import SecretRefused
from khazana.custody.advisories import read_version, shipped_advisories
from khazana.custody.key_findings import key_findings
from khazana.custody.register_file import read_register
from khazana.custody.words import describe
from khazana.ledger.problems import OfficeFileRefused
from tests.bitcoin.descriptor_keys_for_tests import account
from tests.custody.quorums import (
    NUMS,
    RECOVERY,
    TAPROOT,
    TWO_OF_THREE,
    A,
    B,
    E,
    parsed,
    register_text,
)

TODAY = date(2026, 6, 1)


def register(**changes):
    return read_register("keys.toml", register_text(**changes).encode())


def found(text=TWO_OF_THREE, *, today=TODAY, **changes):
    return key_findings(
        "cold", parsed(text), register(**changes), shipped_advisories(), today=today
    )


def test_names_come_from_the_register():
    said = describe(parsed(RECOVERY), register().names)
    assert said == "any 2 of Anna, Bo, Cia; or Dara after about 1 year (52,560 blocks)"


@pytest.mark.parametrize("text", [TWO_OF_THREE, RECOVERY, TAPROOT])
def test_a_sound_quorum_raises_no_finding(text):
    assert found(text) == ()


# K4: registered


def test_a_key_that_is_not_registered_is_found():
    (finding,) = found(f"wsh(multi(2,{A},{B},{E}))")
    assert finding.rule == "K4"
    assert "no key of keys.toml has this public key" in finding.text
    assert finding.where == "wallet cold, key 3"


def test_a_key_with_somebody_elses_fingerprint_is_not_taken_for_theirs():
    stranger = f"[{account('anna').fingerprint}/48h/1h/0h]{account('esa').xpub}/<0;1>/*"
    (finding,) = found(f"wsh(multi(2,{stranger},{B}))")
    assert finding.rule == "K4"
    assert "anna has its fingerprint, but other public keys" in finding.text


def test_an_origin_that_differs_from_the_register_is_found():
    (finding,) = found(f"wsh(multi(2,{A.replace('48h/1h', '48h/9h')},{B}))")
    assert (finding.rule, finding.text) == ("K4", "its origin is not the one registered for anna")


def test_a_retired_key_in_use_is_found_from_that_day_on():
    changes = {"anna": {"retired": "2026-06-01"}}
    assert found(today=date(2026, 5, 31), **changes) == ()
    (finding,) = found(**changes)
    assert (finding.rule, finding.text) == ("K4", "anna was retired on 2026-06-01")


# K5: diversity


@pytest.mark.parametrize("kind", ["vendor", "site", "agency", "holder"])
def test_a_quorum_under_one_group_is_found(kind):
    same = {"anna": {kind: '"one"'}, "bo": {kind: '"one"'}}
    (finding,) = found(**same)
    assert finding.rule == "K5"
    assert finding.text.startswith(f"the keys under one {kind}, one, suffice to spend: ")


@pytest.mark.parametrize("kind", ["vendor", "site", "agency", "holder"])
def test_one_key_less_than_the_quorum_may_share_a_group(kind):
    same = {"anna": {kind: '"one"'}, "bo": {kind: '"one"'}}
    keys = TWO_OF_THREE.replace("sortedmulti(2,", "sortedmulti(3,")
    assert found(keys, **same) == ()


def test_a_group_is_one_however_it_is_typed():
    (finding,) = found(anna={"site": '"Vault A"'}, bo={"site": '" vault  a"'})
    assert "under one site, Vault A, suffice" in finding.text


def test_an_advisory_is_a_group_too():
    old = {"vendor": '"coldcard"', "model": '"Mk4"', "firmware_at_creation": '"5.4.0"'}
    rules = [finding.rule for finding in found(anna=old, bo=old)]
    assert rules.count("K6") == 2
    texts = [f.text for f in found(anna=old, bo=old) if f.rule == "K5"]
    assert any("one advisory, coldcard-2026-07, suffice" in text for text in texts)


def test_a_recovery_way_of_several_keys_is_judged_with_its_wait():
    text = f"wsh(or_d(pk({A}),and_v(v:multi(2,{B},{E}),older(144))))"
    findings = [f for f in found(text) if f.rule == "K5"]
    assert [f.text for f in findings] == ["one key alone can spend at once"]
    other = TAPROOT.replace("v:pk(", "v:multi_a(2," + A + ",")
    same = {"anna": {"site": '"one"'}, "dara": {"site": '"one"'}}
    (finding,) = found(other, **same)
    assert "one site, one, suffice to spend after about 1 year (52,560 blocks)" in finding.text


# K6: advisories

COLDCARDS = [
    ("Mk3", "4.0.0", False),
    ("Mk3", "4.0.1", True),
    ("Mk2", "4.1.9", True),
    ("Mk3", "4.2.0", False),
    ("Mk3", "5.0.3", False),
    ("Mk4", "5.0.0", True),
    ("Mk4", "5.5.1", True),
    ("Mk4", "5.6.0", False),
    ("Mk5", "5.5.9", True),
    ("Mk4", "6.5.0X", True),
    ("Mk4", "6.6.0X", False),
    ("Q", "1.4.0Q", True),
    ("Q", "1.5.0Q", False),
    ("Q", "6.5.9QX", True),
    ("Q", "6.6.0QX", False),
    ("mk4", "v5.4.0", True),
    ("Mk4", "the one it came with", True),
]


@pytest.mark.parametrize(("model", "firmware", "touched"), COLDCARDS)
def test_the_coldcard_advisory_touches_seeds_by_firmware_at_creation(model, firmware, touched):
    anna = {"model": f'"{model}"', "firmware_at_creation": f'"{firmware}"'}
    findings = found(anna=anna)
    assert [f.rule for f in findings] == (["K6"] if touched else [])
    if touched:
        assert "make a new seed on fixed firmware and move the coins" in findings[0].text


def test_new_firmware_does_not_mend_an_old_seed():
    assert [f.rule for f in found(anna={"firmware_at_creation": '"5.4.0"'})] == ["K6"]


def test_seeds_from_dice_are_spared():
    assert found(anna={"firmware_at_creation": '"5.4.0"', "seed": '"dice"'}) == ()


def test_versions_of_two_numbers_compare_with_versions_of_three():
    assert read_version("4.2") == read_version("4.2.0")


# K7: health


def test_a_key_that_was_silent_for_too_long_is_found():
    anna = {"last_proven": "2025-12-03"}
    anna["created"] = "2025-01-01"
    assert found(anna=anna, today=date(2026, 6, 1)) == ()
    (finding,) = found(anna=anna, today=date(2026, 6, 2))
    assert finding.rule == "K7"
    assert "last proved that it signs on 2025-12-03, 181 days ago" in finding.text


def test_a_key_that_never_signed_is_found():
    (finding,) = found(anna={"last_proven": ""})
    assert finding.text == "it has never proved that it signs, 142 days old"


def test_a_proof_from_the_future_is_found():
    (finding,) = found(anna={"last_proven": "2026-06-02"})
    assert "which is to come" in finding.text


# The file


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"holder": ""}, "key[1].holder", "is missing"),
        ({"holder": '" "'}, "key[1].holder", "is empty"),
        ({"created": '"2026-01-10"'}, "key[1].created", "a day without quotes"),
        ({"created": "2026-01-10T00:00:00Z"}, "key[1].created", "a day without quotes"),
        ({"created": "2026-05-21"}, "key[1].last_proven", "before the key was created"),
        ({"fingerprint": '"ABCDEF01"'}, "key[1].fingerprint", "8 lower-case hex digits"),
        ({"seed": '"thin air"'}, "key[1].seed", "no choice here"),
        ({"accounts": "[]"}, "key[1].accounts", "lists no extended public key"),
        ({"accounts": f'["{A}"]'}, "key[1].accounts[1]", "nothing after it"),
        ({"accounts": f'["{account("anna").xpub}"]'}, "key[1].accounts[1]", "write [fingerprint"),
        ({"accounts": f'["{account("bo").public}"]'}, "key[1].accounts[1]", "origin says"),
        ({"accounts": f'["{NUMS}"]'}, "key[1].accounts[1]", "32 bytes"),
        ({"holdr": '"x"'}, "key[1].holdr", 'did you mean "holder"?'),
        (
            {"accounts": f'["{account("anna", mainnet=True).public}"]'},
            "key[1].accounts[1]",
            "belongs to mainnet",
        ),
    ],
)
def test_each_mistake_is_named_with_its_line_and_field(change, field, said):
    with pytest.raises(OfficeFileRefused) as refused:
        register(anna=change)
    problems = {p.place.field: str(p) for p in refused.value.problems}
    assert said in problems[field]
    assert "keys.toml, line " in problems[field]


def test_all_mistakes_are_listed_at_once():
    with pytest.raises(OfficeFileRefused) as refused:
        register(anna={"holder": ""}, bo={"site": ""}, cia={"id": '"anna"'})
    fields = [p.place.field for p in refused.value.problems]
    assert fields == ["key[1].holder", "key[2].site", "key[3].id"]


def test_a_key_that_stands_twice_is_refused():
    twice = register_text() + register_text().split("[[key]]")[1].join(["[[key]]", ""])
    with pytest.raises(OfficeFileRefused) as refused:
        read_register("keys.toml", twice.encode())
    assert {p.place.field for p in refused.value.problems} == {
        "key[5].id",
        "key[5].fingerprint",
        "key[5].accounts",
    }


@pytest.mark.parametrize("text", ["", "format = 1", "[[key]]", "x = [", "\xff"])
def test_a_file_that_is_no_register_is_refused(text):
    with pytest.raises(OfficeFileRefused):
        read_register("keys.toml", text.encode("latin-1"))


def test_a_private_key_in_the_register_is_refused_and_not_repeated():
    private = account("anna").private
    with pytest.raises(SecretRefused) as refused:
        register(anna={"accounts": f'["{private}"]'})
    assert private[-40:] not in str(refused.value)
