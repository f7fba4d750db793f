"""Who an office is: the chain of versions, what is in force when, and every way to fake it."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.network import MAINNET
from khazana.ledger.canonical import canonical_bytes
from khazana.statement.envelope import NetworkName
from khazana.statement.errors import OfficeConflict, OfficeRefused, PinMalformed
from khazana.statement.identity import (
    Office,
    OfficeVersion,
    Role,
    SignedVersion,
    grouped,
    latest_of,
    require_no_rollback,
    sign_version,
    succeeded,
)
from khazana.statement.keys import key_id
from khazana.statement.office_file import (
    Pin,
    office_document,
    office_from_document,
    pin_by_file,
    pin_by_fingerprint,
    read_office,
    write_office,
)
from khazana.statement.times import read_instant, write_instant
from tests.statement.drill import (
    BEGIN,
    END,
    ROOT_KEYS,
    STATEMENT_KEYS,
    STRANGERS,
    drill_office,
    first_version,
    id_of,
    listed,
    next_version,
    role,
    strangers_office,
)

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
NEW_KEYS = STRANGERS


def rotated_office() -> Office:
    """Version 2 replaces statement key 2 by a new one."""
    keys = [*STATEMENT_KEYS[:2], NEW_KEYS[0]]
    version = next_version(
        first_version(),
        keys=listed(*ROOT_KEYS, *keys),
        roles={"root": role(ROOT_KEYS, 2), "statement": role(keys, 2)},
    )
    return succeeded(drill_office(), version, ROOT_KEYS[1:])


def signed_version(version: OfficeVersion, *keys: object) -> SignedVersion:
    return SignedVersion(version, dict(sign_version(version, key) for key in keys))


def test_an_office_reads_back_identical():
    office = rotated_office()
    assert read_office(write_office(office)) == office
    assert office.newest.version == 2
    assert office.version(1) == first_version()
    assert office.version(0) is office.version(3) is None


def test_whitespace_and_key_order_of_the_file_are_free():
    document = office_document(drill_office())
    pretty = json.dumps(dict(reversed(document.items())), indent=2, ensure_ascii=False).encode()
    assert read_office(pretty) == drill_office()


def test_the_fingerprint_is_the_digest_of_the_first_version_and_stays():
    body = canonical_bytes(office_document(drill_office())["versions"][0]["body"])
    fingerprint = hashlib.sha256(b"khazana.office/1\x00" + body).hexdigest()
    assert drill_office().fingerprint == rotated_office().fingerprint == fingerprint
    assert grouped(fingerprint).replace(" ", "") == fingerprint
    assert {len(group) for group in grouped(fingerprint).split(" ")} == {4}


def test_the_version_in_force_is_the_newest_that_has_begun_and_not_ended():
    office, second = rotated_office(), timedelta(seconds=1)
    assert office.in_force(BEGIN - second) is None
    assert office.in_force(BEGIN).version == 1
    assert office.in_force(JUNE - second).version == 1
    assert office.in_force(JUNE).version == 2
    assert office.in_force(END - second).version == 2
    assert office.in_force(END) is None


def test_an_ended_successor_does_not_bring_its_predecessor_back():
    version = next_version(first_version(), valid_until=JUNE + timedelta(days=1))
    office = succeeded(drill_office(), version, ROOT_KEYS[:2])
    assert office.in_force(JUNE + timedelta(days=2)) is None


# Chains that are refused.


def refusal(*signed: SignedVersion) -> OfficeRefused:
    with pytest.raises(OfficeRefused) as refused:
        Office(signed)
    return refused.value


def first_signed() -> SignedVersion:
    return drill_office().signed[0]


def test_too_few_signatures_are_refused():
    refused = refusal(signed_version(first_version(), ROOT_KEYS[0]))
    assert "1 of its own version's root keys signed it, and 2 must" in str(refused)
    with pytest.raises(OfficeRefused, match="0 of its own"):
        Office((SignedVersion(first_version(), {}),))


def test_statement_keys_cannot_sign_an_identity():
    refused = refusal(signed_version(first_version(), *ROOT_KEYS[:2], STATEMENT_KEYS[0]))
    assert "without being a root key" in str(refused)


def test_the_new_keys_alone_cannot_take_over():
    taken = next_version(
        first_version(),
        keys=listed(*STRANGERS),
        roles={"root": role(STRANGERS, 2), "statement": role(STRANGERS, 1)},
    )
    refused = refusal(first_signed(), signed_version(taken, *STRANGERS[:2]))
    assert refused.version == 2
    assert "0 of the previous version's root keys signed it" in str(refused)


def test_the_old_keys_alone_cannot_name_keys_that_nobody_shows_to_exist():
    moved = next_version(
        first_version(),
        keys=listed(*STRANGERS),
        roles={"root": role(STRANGERS, 2), "statement": role(STRANGERS, 1)},
    )
    refused = refusal(first_signed(), signed_version(moved, *ROOT_KEYS))
    assert "0 of its own version's root keys" in str(refused)
    both = signed_version(moved, *ROOT_KEYS[:2], *STRANGERS[:2])
    assert Office((first_signed(), both)).newest == moved


def test_a_signature_over_another_version_does_not_fit():
    version = next_version(first_version())
    stolen = SignedVersion(version, first_signed().signatures)
    assert "does not fit" in str(refusal(first_signed(), stolen))


def test_a_gap_a_repetition_and_a_wrong_beginning_are_refused():
    third = next_version(next_version(first_version()))
    assert "version 3 stands in its place" in str(
        refusal(first_signed(), signed_version(third, *ROOT_KEYS))
    )
    assert "version 1 stands" in str(refusal(first_signed(), first_signed()))
    second = signed_version(next_version(first_version()), *ROOT_KEYS)
    assert "version 2 stands" in str(refusal(second))
    assert "it has no version" in str(refusal())


def test_a_version_of_another_office_is_refused():
    other = next_version(
        strangers_office().newest, keys=first_version().keys, roles=first_version().roles
    )
    refused = refusal(first_signed(), signed_version(other, *ROOT_KEYS))
    assert "names another version as the one before" in str(refused)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": "another"}, "its id changed from drill-office"),
        ({"valid_from": BEGIN}, "begins no later"),
    ],
)
def test_what_must_not_change_is_refused(changes, says):
    version = next_version(first_version(), **changes)
    assert says in str(refusal(first_signed(), signed_version(version, *ROOT_KEYS)))


def test_a_demo_on_the_main_network_cannot_turn_real():
    mainnet = NetworkName(MAINNET.name, MAINNET.genesis)
    first = first_version(network=mainnet)
    second = signed_version(next_version(first, test=False), *ROOT_KEYS)
    assert "its test flag changed" in str(refusal(signed_version(first, *ROOT_KEYS), second))


def test_an_office_cannot_move_to_another_network():
    network = replace(first_version().network, name="our-signet", genesis="11" * 32)
    version = next_version(first_version(), network=network)
    assert "its network changed" in str(
        refusal(first_signed(), signed_version(version, *ROOT_KEYS))
    )


def test_a_revoked_key_never_comes_back():
    lost = id_of(STATEMENT_KEYS[2])
    kept = STATEMENT_KEYS[:2]
    second = next_version(
        first_version(),
        keys=listed(*ROOT_KEYS, *kept),
        roles={"root": role(ROOT_KEYS, 2), "statement": role(kept, 2)},
        revoked=frozenset({lost}),
    )
    office = succeeded(drill_office(), second, ROOT_KEYS[:2])
    assert office.revoked == {lost}
    assert read_office(write_office(office)) == office
    july = datetime(2026, 7, 1, tzinfo=UTC)
    back = next_version(second, valid_from=july, keys=first_version().keys, revoked=frozenset())
    with pytest.raises(OfficeRefused, match="came back"):
        succeeded(office, back, ROOT_KEYS)
    forgotten = next_version(second, valid_from=july, revoked=frozenset())
    with pytest.raises(OfficeRefused, match="drops a key from the revoked"):
        succeeded(office, forgotten, ROOT_KEYS)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"valid_until": BEGIN}, "ends before it begins"),
        ({"id": "Drill Office"}, "'Drill Office' is not a short name"),
        ({"names": {"english": "Drill Office"}}, "'english' is not a language"),
        ({"previous": "00" * 32}, "version 1 has no previous"),
        ({"version": 2}, "version 1 has no previous"),
        ({"version": 0}, "version 1 has no previous"),
        ({"roles": {"root": role(ROOT_KEYS, 1)}}, "no role called statement"),
        ({"roles": {"statement": role(ROOT_KEYS, 1)}}, "no role called root"),
        ({"keys": listed(*ROOT_KEYS)}, "is not listed"),
        ({"revoked": frozenset({id_of(ROOT_KEYS[0])})}, "listed although it is revoked"),
        ({"keys": {"00" * 32: b"\x01" * 32}}, "is not the SHA-256"),
    ],
)
def test_a_version_cannot_be_built_wrong(changes, says):
    with pytest.raises(ValueError, match=says):
        first_version(**changes)


def test_a_test_network_cannot_be_passed_off_as_real():
    with pytest.raises(ValueError, match="regtest is a test network"):
        first_version(test=False)


@pytest.mark.parametrize("threshold", [0, -1, 4])
def test_a_threshold_that_nobody_or_everybody_reaches_is_refused(threshold):
    with pytest.raises(ValueError, match="cannot be reached"):
        role(ROOT_KEYS, threshold)
    with pytest.raises(ValueError, match="cannot be reached"):
        Role(frozenset(), 0)


# Files that are refused.


def change(path: list, value: object) -> dict:
    document = place = office_document(drill_office())
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document


BODY = ["versions", 0, "body"]
LOW_ORDER = "01" + "00" * 31


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (["format"], "khazana.office/2", "Invalid enum value"),
        (["extra"], 1, "unknown field `extra`"),
        (["versions"], [], "length >= 1"),
        ([*BODY, "extra"], 1, "unknown field `extra`"),
        ([*BODY, "id"], "Drill Office", "regex"),
        ([*BODY, "names"], {"english": "x"}, "names"),
        ([*BODY, "version"], "1", "Expected `int`"),
        ([*BODY, "valid_from"], "2026-01-01", "regex"),
        ([*BODY, "valid_from"], "2026-02-30T00:00:00Z", "day"),
        ([*BODY, "valid_from"], "2026-01-01T00:00:00+05:00", "regex"),
        ([*BODY, "keys", 0, "algorithm"], "rsa", "Invalid enum value"),
        ([*BODY, "keys", 0, "public"], "00" * 32, "is not the SHA-256"),
        (
            [*BODY, "keys", 0],
            {
                "id": key_id(bytes.fromhex(LOW_ORDER)),
                "algorithm": "ed25519",
                "public": LOW_ORDER,
            },
            "small order",
        ),
        ([*BODY, "roles", "root", "threshold"], 4, "cannot be reached"),
        ([*BODY, "roles", "root", "threshold"], 0, ">= 1"),
        ([*BODY, "roles", "root", "threshold"], 1, "does not fit"),
        ([*BODY, "roles", "root", "keys"], ["00" * 32] * 2, "listed twice"),
        (["versions", 0, "signatures", 0, "signature"], "00" * 64, "does not fit"),
        (["versions", 0, "signatures", 0, "signature"], "00", "regex"),
        (["versions", 0, "signatures"], [], "length >= 1"),
    ],
)
def test_a_malformed_or_altered_file_is_refused(path, value, says):
    with pytest.raises(OfficeRefused, match=says):
        office_from_document(change(path, value))


def test_the_same_key_cannot_count_twice_towards_a_threshold():
    document = office_document(drill_office())
    signatures = document["versions"][0]["signatures"]
    document["versions"][0]["signatures"] = [signatures[0], signatures[0]]
    with pytest.raises(OfficeRefused, match=r"signature by key .* is listed twice"):
        office_from_document(document)


def test_one_key_cannot_be_listed_under_two_ids():
    document = office_document(drill_office())
    keys = document["versions"][0]["body"]["keys"]
    keys.append({**keys[0], "id": "00" * 32})
    with pytest.raises(OfficeRefused, match="is not the SHA-256"):
        office_from_document(document)
    keys[-1] = keys[0]
    with pytest.raises(OfficeRefused, match="is listed twice"):
        office_from_document(document)


def test_keys_in_another_order_are_refused():
    document = office_document(drill_office())
    document["versions"][0]["body"]["keys"].reverse()
    with pytest.raises(OfficeRefused, match="not sorted"):
        office_from_document(document)


def test_a_file_without_end_is_refused():
    with pytest.raises(OfficeRefused, match="more than 1048576 bytes"):
        read_office(b" " * ((1 << 20) + 1))


# Pins.


def test_a_fingerprint_pins_whatever_its_spaces_and_case():
    fingerprint = drill_office().fingerprint
    for text in (fingerprint, grouped(fingerprint), f" {grouped(fingerprint).upper()}\n"):
        assert pin_by_fingerprint(text) == Pin(fingerprint)
    assert pin_by_fingerprint(fingerprint).admits(rotated_office()) == rotated_office()


@pytest.mark.parametrize("cut", [0, 8, 32, 63, 65, 128])
def test_a_shortened_or_lengthened_fingerprint_pins_nothing(cut):
    with pytest.raises(PinMalformed, match="all 64 hex digits"):
        pin_by_fingerprint((drill_office().fingerprint * 2)[:cut])
    with pytest.raises(PinMalformed):
        pin_by_fingerprint("g" * 64)


def test_a_pin_admits_no_other_office():
    for pin in (
        pin_by_fingerprint(drill_office().fingerprint),
        pin_by_file(write_office(drill_office())),
    ):
        with pytest.raises(OfficeConflict, match="its fingerprint is"):
            pin.admits(strangers_office())


def test_a_pinned_file_follows_the_office_forward_and_never_back():
    old, new = drill_office(), rotated_office()
    assert pin_by_file(write_office(old)).admits(new) == new
    assert pin_by_file(write_office(new)).admits(old) == new
    assert latest_of(old, new) == latest_of(new, old) == new
    assert require_no_rollback(old, new) == new
    with pytest.raises(OfficeConflict, match="ends at version 1, although version 2 is known"):
        require_no_rollback(new, old)


def test_two_different_second_versions_are_a_fork():
    other = succeeded(
        drill_office(), next_version(first_version(), names={"en": "Other"}), ROOT_KEYS[:2]
    )
    with pytest.raises(OfficeConflict, match="two different versions 2"):
        latest_of(rotated_office(), other)


# Instants.


@given(st.datetimes(min_value=datetime(1, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_instant_has_one_spelling(instant):
    instant = instant.replace(microsecond=0)
    assert read_instant(write_instant(instant)) == instant


def test_an_instant_in_another_zone_is_written_in_utc_and_a_vague_one_is_refused():
    karachi = timezone(timedelta(hours=5))
    assert write_instant(datetime(2026, 1, 1, 5, tzinfo=karachi)) == "2026-01-01T00:00:00Z"
    for vague in (datetime(2026, 1, 1), datetime(2026, 1, 1, microsecond=1, tzinfo=UTC)):  # noqa: DTZ001
        with pytest.raises(ValueError, match="whole seconds"):
            write_instant(vague)
    for text in ("2026-01-01T00:00:00", "2026-01-01T00:00:00Z\n", "2026-13-01T00:00:00Z", ""):
        with pytest.raises(ValueError, match=r"."):
            read_instant(text)
