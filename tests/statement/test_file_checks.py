"""Forgeries by outsiders and by the office itself: the one check that must fail, fails."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from khazana.bitcoin.network import MAINNET
from khazana.ledger.canonical import canonical_bytes
from khazana.statement.checks import CheckResult, Profile, Report, Verdict, run_checks
from khazana.statement.dsse import joined, sign
from khazana.statement.envelope import (
    Evidence,
    NetworkName,
    Statement,
    disclose,
    with_evidence,
    write_statement,
)
from khazana.statement.errors import SignatureRefused
from khazana.statement.evidence import EvidenceResult, evidence_of, identity_evidence
from khazana.statement.file_checks import (
    check_evidence,
    check_identity,
    check_root,
    check_schema,
    check_signatures,
    subject_of,
)
from khazana.statement.identity import Office, new_office, succeeded
from khazana.statement.office_file import (
    Pin,
    office_document,
    pin_by_file,
    pin_by_fingerprint,
    write_office,
)
from khazana.statement.parts import Part, Withheld, part_leaf_hash
from khazana.statement.signatures import (
    ROOT_PAYLOAD_TYPE,
    claim_bytes,
    sign_statement,
    signature_evidence,
)
from khazana.statement.tree import node_hash
from tests.statement.drill import (
    END,
    KINDS,
    NOW,
    ROOT_KEYS,
    SIGNED_AT,
    STATEMENT_KEYS,
    STRANGERS,
    drill_office,
    figures,
    first_version,
    id_of,
    listed,
    next_version,
    role,
    signed,
    strangers_office,
)

PASSED, FAILED, NOT_CHECKABLE = Verdict.PASSED, Verdict.FAILED, Verdict.NOT_CHECKABLE
PINNED = pin_by_fingerprint(drill_office().fingerprint)
PINNED_FILE = pin_by_file(write_office(drill_office()))


@dataclass(frozen=True)
class FileCase:
    """What the checks of the file are made on."""

    raw: bytes
    pin: Pin | None

    @property
    def statement(self) -> Statement:
        statement = check_schema(self.raw, kinds=KINDS)[1]
        assert statement is not None
        return statement


@dataclass(frozen=True)
class FileCheck:
    name: str
    run: Callable[[FileCase], CheckResult]
    needs: tuple[str, ...] = ()
    title: str = "A check of the file"
    level: Profile | None = Profile.TOTALS


def signatures(case: FileCase) -> CheckResult:
    office = check_identity(case.statement, case.pin)[1]
    return check_signatures(case.statement, office, pinned=case.pin is not None, now=NOW)


CHECKS = [
    FileCheck("schema", lambda case: check_schema(case.raw, kinds=KINDS)[0]),
    FileCheck("root", lambda case: check_root(case.statement), ("schema",)),
    FileCheck("identity", lambda case: check_identity(case.statement, case.pin)[0], ("schema",)),
    FileCheck("signatures", signatures, ("identity",)),
    FileCheck("evidence", lambda case: check_evidence(case.statement, [])[0], ("schema",)),
]


def verified(statement: Statement | bytes, pin: Pin | None = PINNED) -> Report:
    raw = statement if isinstance(statement, bytes) else write_statement(statement)
    return run_checks(CHECKS, FileCase(raw, pin), profile=Profile.TOTALS, subject=None)


def verdicts(report: Report) -> dict[str, str]:
    return {line.result.name: line.result.verdict.value for line in report.lines}


def assert_only_fails(report: Report, name: str, says: str) -> None:
    """The one check fails and says why; the others pass, or rest on it."""
    assert report.failed == (name,), verdicts(report)
    assert says in report.result(name).summary
    for line in report.lines:
        if line.result.name != name and line.result.verdict is not PASSED:
            assert line.result.summary == f"not made because {name} failed"
    assert report.exit_status == 1


@pytest.mark.parametrize("pin", [PINNED, PINNED_FILE])
@pytest.mark.parametrize("keep", [lambda name: True, lambda name: name == "wallet/mining"])
def test_an_honest_statement_and_its_disclosures_pass_every_check(pin, keep):
    report = verified(disclose(signed(figures()), keep), pin)
    assert set(verdicts(report).values()) == {"passed"}
    assert report.exit_status == 0
    assert "2 of the 2 signatures needed (version 1)" in report.result("signatures").summary
    assert any("withheld" in limit for limit in report.limits) == (keep("entry/0") is False)


# Without a pin nobody knows who signed.


def test_without_a_pin_the_signer_is_not_checkable():
    report = verified(signed(figures()), None)
    assert verdicts(report) == {
        "schema": "passed",
        "root": "passed",
        "identity": "not checkable",
        "signatures": "not checkable",
        "evidence": "passed",
    }
    assert "unknown signer" in report.result("identity").summary
    assert "drill-office" in report.result("identity").summary
    assert "nobody vouches for this office" in report.result("signatures").summary
    assert any("Anyone can make a correct statement" in limit for limit in report.limits)
    assert report.exit_status == 2


def test_without_pin_and_signatures_nothing_fails_and_nothing_is_known():
    report = verified(figures(), None)
    assert report.failed == ()
    assert report.exit_status == 2
    assert "0 signature(s)" in report.result("signatures").summary


def test_without_a_pin_missing_signatures_of_a_named_office_are_not_checkable():
    statement = signed(figures())
    report = verified(replace(statement, evidence=statement.evidence[:1]), None)
    assert report.failed == ()
    assert report.result("signatures").verdict is NOT_CHECKABLE
    assert "no signature" in report.result("signatures").summary


def test_a_false_signature_fails_even_without_a_pin():
    statement = signed(figures())
    other = signed(figures(total=701))
    report = verified(replace(statement, root=other.root, leaves=other.leaves), None)
    assert "signatures" in report.failed


def test_a_pinned_fingerprint_alone_needs_the_identity_in_the_file():
    statement = signed(figures())
    report = verified(replace(statement, evidence=statement.evidence[1:]))
    assert report.result("identity").verdict is NOT_CHECKABLE
    assert report.result("signatures").verdict is NOT_CHECKABLE
    assert report.exit_status == 2
    report = verified(replace(statement, evidence=statement.evidence[1:]), PINNED_FILE)
    assert report.exit_status == 0


# Other keys and stripped signatures.


def test_another_office_of_the_same_name_fails_the_identity():
    forged = signed(figures(), strangers_office(), STRANGERS[:2])
    for pin in (PINNED, PINNED_FILE):
        assert_only_fails(verified(forged, pin), "identity", "its fingerprint is")
    assert verified(forged, pin_by_fingerprint(strangers_office().fingerprint)).exit_status == 0


def signed_by(
    statement: Statement, keys: list, kind: str = ROOT_PAYLOAD_TYPE, **changes
) -> Statement:
    """Signed by any keys whatever, over the claim with some fields changed."""
    office = drill_office()
    claim = json.loads(
        claim_bytes(statement, office.newest, fingerprint=office.fingerprint, at=SIGNED_AT)
    )
    payload = canonical_bytes({**claim, **changes})
    envelope = joined([sign(kind, payload, key) for key in keys])
    return with_evidence(
        statement, identity_evidence(statement, office), signature_evidence(statement, envelope)
    )


@pytest.mark.parametrize("keys", [STRANGERS[:2], ROOT_KEYS[:2], STATEMENT_KEYS[:1]])
def test_strangers_other_roles_and_too_few_keys_do_not_reach_the_threshold(keys):
    report = verified(signed_by(figures(), keys))
    assert_only_fails(report, "signatures", "of the 2 signatures needed (version 1)")


def test_signatures_by_strangers_beside_good_ones_do_no_harm():
    report = verified(signed_by(figures(), [*STATEMENT_KEYS[:2], STRANGERS[0]]))
    assert report.exit_status == 0


def test_stripped_signatures_are_missed():
    statement = signed(figures())
    report = verified(replace(statement, evidence=statement.evidence[:1]))
    assert_only_fails(report, "signatures", "no signature of the statement role is good")
    report = verified(replace(statement, evidence=()), PINNED_FILE)
    assert_only_fails(report, "signatures", "no signature")


def test_signatures_in_separate_evidence_count_together_but_each_key_once():
    statement, office = figures(), drill_office()
    one, two = (
        signature_evidence(statement, sign_statement(statement, office, key, at=SIGNED_AT))
        for key in STATEMENT_KEYS[:2]
    )
    identity = identity_evidence(statement, office)
    assert verified(with_evidence(statement, identity, one, two)).exit_status == 0
    later = sign_statement(
        statement, office, STATEMENT_KEYS[0], at=SIGNED_AT + timedelta(seconds=1)
    )
    again = with_evidence(statement, identity, one, signature_evidence(statement, later))
    assert_only_fails(verified(again), "signatures", "1 of the 2 signatures needed")


# Replays: what was signed is not this statement.


def test_a_signature_from_another_statement_is_a_replay():
    statement, other = figures(), signed(figures(total=701))
    replayed = replace(
        statement, evidence=(identity_evidence(statement, drill_office()), other.evidence[1])
    )
    assert_only_fails(verified(replayed), "signatures", f"about another root, {other.root}")


def test_a_replay_that_is_relabelled_with_this_root_is_one_too():
    statement, other = figures(), signed(figures(total=701))
    relabelled = evidence_of(
        "khazana.signature/1", statement, envelope=other.evidence[1].fields["envelope"]
    )
    report = verified(
        with_evidence(statement, identity_evidence(statement, drill_office()), relabelled)
    )
    assert_only_fails(report, "signatures", f"it signs another root, {other.root}")


def test_identity_evidence_about_another_root_fails():
    statement = signed(figures())
    moved = replace(statement.evidence[0], subject_root="00" * 32)
    moved = replace(moved, fields={**moved.fields, "subject_root": "00" * 32})
    report = verified(with_evidence(statement, moved))
    assert_only_fails(report, "evidence", "about another root")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"root": "00" * 32}, "it signs another root"),
        ({"tree_size": 5}, "it signs a tree of 5 parts, and there are 6"),
        ({"office": "00" * 32}, "in the name of the office 0000 0000"),
        ({"network": {"name": "mainnet", "genesis": MAINNET.genesis}}, "for the network mainnet"),
        ({"test": False}, "test flag"),
        ({"period": {"after": 100, "until": 201}}, "another period"),
        ({"period": {}}, "another period"),
        ({"signed_at": "2026-08-01T00:00:01Z"}, "in the future"),
        ({"signed_at": "2025-12-31T23:59:59Z"}, "was not in force"),
        ({"signed_at": "2026-02-30T00:00:00Z"}, "day"),
        ({"identity_version": 2}, "get the office's newest file"),
        ({"identity_version": 0}, ">= 1"),
        ({"type": "khazana.checkpoint/1"}, "Invalid enum value"),
        ({"surprise": 1}, "unknown field `surprise`"),
    ],
)
def test_what_the_office_signed_about_something_else_does_not_count(changes, says):
    report = verified(signed_by(figures(), STATEMENT_KEYS[:2], **changes))
    assert_only_fails(report, "signatures", says)


def test_a_signature_over_another_type_of_document_does_not_count():
    report = verified(
        signed_by(figures(), STATEMENT_KEYS[:2], "application/vnd.khazana.office+json")
    )
    assert_only_fails(report, "signatures", "not a root")


def with_envelope(change: Callable[[dict], object]) -> Statement:
    statement = signed(figures())
    envelope = json.loads(json.dumps(statement.evidence[1].fields["envelope"]))
    change(envelope)
    return with_evidence(
        figures(),
        statement.evidence[0],
        evidence_of("khazana.signature/1", figures(), envelope=envelope),
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda e: e.update(payloadType="application/other"), "not a root"),
        (
            lambda e: e["signatures"][0].update(keyid=id_of(STATEMENT_KEYS[2])),
            "not made by that key",
        ),
        (
            lambda e: e["signatures"].reverse() or e["signatures"][0].update(sig="AA=="),
            "not made by",
        ),
        (lambda e: e["signatures"].append(e["signatures"][0]), "signs an envelope twice"),
        (lambda e: e.update(payload="e30K"), "not in canonical form"),
        (lambda e: e.update(payload="e30="), "missing required field"),
        (lambda e: e.update(payload="eyI="), "JSON refused"),
        (lambda e: e.pop("payload"), "missing required field"),
    ],
)
def test_an_envelope_that_was_touched_fails(change, says):
    assert_only_fails(verified(with_envelope(change)), "signatures", says)


def test_an_unknown_field_beside_the_envelope_is_refused():
    statement = signed(figures())
    extra = Evidence(
        "khazana.signature/1", statement.root, {**statement.evidence[1].fields, "a": 1}
    )
    assert_only_fails(verified(with_evidence(statement, extra)), "signatures", "unknown field a")


# Parts moved, changed or hidden.


def swapped(statement: Statement, index: int, leaf: Part | Withheld) -> Statement:
    leaves = list(statement.leaves)
    leaves[index] = leaf
    return replace(statement, leaves=tuple(leaves))


def test_a_part_of_another_statement_fails_the_root():
    other = figures(total=701)
    report = verified(swapped(signed(figures()), 1, other.leaves[1]))
    assert_only_fails(report, "root", "the file says")
    assert report.result("signatures").verdict is PASSED


def test_a_withheld_digest_of_another_statement_fails_the_root():
    other = figures(total=701)
    disclosure = disclose(signed(figures()), lambda name: False)
    digest = other.leaves[1].digest
    assert_only_fails(
        verified(swapped(disclosure, 1, Withheld(1, digest))), "root", "the file says"
    )


def test_parts_may_move_between_disclosures_of_one_statement_and_the_root_stays():
    statement = signed(figures())
    public = disclose(statement, lambda name: name == "wallet/mining")
    lender = disclose(statement, lambda name: name == "wallet/treasury")
    both = swapped(public, 1, lender.leaves[1])
    assert verified(both).exit_status == 0
    # But not to another place, where they would stand for another leaf.
    misplaced = swapped(public, 3, replace(lender.leaves[1], index=3))
    assert_only_fails(verified(misplaced), "root", "the file says")


@pytest.mark.parametrize(
    "changed",
    [
        lambda part: replace(part, salt=bytes(16)),
        lambda part: replace(part, name="wallet/reserve"),
        lambda part: replace(part, body={"closing": 701}),
        lambda part: replace(part, body={**part.body, "more": 0}),
        lambda part: replace(part, body={"closing": "700"}),
        lambda part: Withheld(1, bytes(32)),
    ],
)
def test_a_part_with_anything_changed_fails_the_root(changed):
    statement = signed(figures())
    assert_only_fails(verified(swapped(statement, 1, changed(statement.leaves[1]))), "root", "says")


def test_two_parts_that_changed_places_fail_the_root():
    statement = signed(figures())
    one, two = statement.leaves[1:3]
    leaves = [*statement.leaves]
    leaves[1:3] = [replace(two, index=1), replace(one, index=2)]
    crossed = replace(statement, leaves=tuple(leaves))
    assert_only_fails(verified(crossed), "root", "says")


def test_a_part_dropped_or_added_at_the_end_fails_the_root():
    statement = signed(figures())
    for leaves in (statement.leaves[:-1], (*statement.leaves, Part(6, "entry/2", bytes(16), {}))):
        report = verified(replace(statement, leaves=leaves))
        assert report.failed == ("root", "signatures")  # the signed number of parts differs too


def test_an_inner_node_cannot_stand_for_its_leaves():
    statement = signed(figures(parts=[("entry/0", {}), ("entry/1", {}), ("entry/2", {})]))
    node = node_hash(part_leaf_hash(statement.leaves[2]), part_leaf_hash(statement.leaves[3]))
    pruned = replace(statement, leaves=(*statement.leaves[:2], Withheld(2, node)))
    assert "root" in verified(pruned).failed


def test_a_re_rooted_statement_fails_only_the_signatures_of_outsiders():
    statement, changed = signed(figures()), figures(total=701)
    rerooted = replace(changed, evidence=statement.evidence)
    report = verified(rerooted, PINNED_FILE)
    assert "signatures" in report.failed
    assert report.result("root").verdict is PASSED


def test_a_duplicate_part_a_changed_network_and_a_changed_flag_fail_the_schema():
    document = json.loads(write_statement(signed(figures())))
    double = json.loads(json.dumps(document))
    double["parts"].append({**double["parts"][1], "index": 6})
    real = {**document, "test": False}
    other = {**document, "network": {"name": "our-signet", "genesis": "11" * 32}}
    for forged, says in (
        (double, "wallet/treasury occurs twice"),
        (real, "header part says otherwise"),
        (other, "header part names another network"),
    ):
        assert_only_fails(verified(canonical_bytes(forged) + b"\n"), "schema", says)


# The identity in time.


def rotated(**changes: object) -> Office:
    """Version 2, from 1 June, has statement keys 1 and 2 and a new one."""
    keys = [*STATEMENT_KEYS[1:], STRANGERS[0]]
    version = next_version(
        first_version(),
        keys=listed(*ROOT_KEYS, *keys),
        roles={"root": role(ROOT_KEYS, 2), "statement": role(keys, 2)},
        **changes,
    )
    return succeeded(drill_office(), version, ROOT_KEYS[:2])


MAY = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_signature_made_before_the_keys_changed_stays_good_and_says_what_it_rests_on():
    statement = figures()
    envelope = joined(
        [sign_statement(statement, drill_office(), key, at=MAY) for key in STATEMENT_KEYS[:2]]
    )
    report = verified(
        with_evidence(
            statement,
            identity_evidence(statement, rotated()),
            signature_evidence(statement, envelope),
        )
    )
    assert report.exit_status == 0
    assert any("left the statement role" in limit for limit in report.limits)


def test_an_old_version_of_the_office_cannot_sign_once_the_next_is_in_force():
    stale = signed(figures(), drill_office(), at=SIGNED_AT)
    pin = pin_by_file(write_office(rotated()))
    assert_only_fails(
        verified(stale, pin), "signatures", "version 1 of the office was not in force"
    )


def test_a_removed_key_cannot_sign_in_the_new_version():
    with pytest.raises(SignatureRefused, match="may not sign statements in version 2"):
        sign_statement(figures(), rotated(), STATEMENT_KEYS[0], at=SIGNED_AT)
    assert verified(signed(figures(), rotated(), STATEMENT_KEYS[1:])).exit_status == 0


def test_signatures_of_different_versions_do_not_add_up():
    statement = figures()
    old = sign_statement(statement, drill_office(), STATEMENT_KEYS[0], at=MAY)
    new = sign_statement(statement, rotated(), STATEMENT_KEYS[1], at=SIGNED_AT)
    mixed = with_evidence(
        statement,
        identity_evidence(statement, rotated()),
        signature_evidence(statement, old),
        signature_evidence(statement, new),
    )
    assert_only_fails(verified(mixed), "signatures", "1 of the 2 signatures needed")


def test_a_revoked_key_counts_for_nothing_whenever_it_says_it_signed():
    revoking = rotated(revoked=frozenset({id_of(STATEMENT_KEYS[0])}))
    backdated = signed(figures(), drill_office(), STATEMENT_KEYS[:2], at=MAY)
    pin = pin_by_file(write_office(revoking))
    report = verified(backdated, pin)
    assert_only_fails(report, "signatures", "1 of the 2 signatures needed (version 1)")
    # The office signs the same statement again, and it is good.
    again = [sign_statement(figures(), revoking, key, at=SIGNED_AT) for key in STATEMENT_KEYS[1:]]
    healed = with_evidence(backdated, signature_evidence(figures(), joined(again)))
    assert verified(healed, pin).exit_status == 0


def test_an_expired_office_signs_nothing():
    with pytest.raises(SignatureRefused, match="no version of drill-office is in force"):
        sign_statement(figures(), drill_office(), STATEMENT_KEYS[0], at=END)


def test_a_statement_on_another_network_is_not_this_office_s():
    main = NetworkName(MAINNET.name, MAINNET.genesis)
    statement = figures(network=main)
    report = verified(with_evidence(statement, identity_evidence(statement, drill_office())))
    assert_only_fails(report, "identity", "publishes on regtest, the statement is on mainnet")
    real = new_office(first_version(network=main, test=False), ROOT_KEYS[:2])
    statement = with_evidence(statement, identity_evidence(statement, real))
    pin = pin_by_fingerprint(real.fingerprint)
    assert_only_fails(verified(statement, pin), "identity", "the test flag is not the office's")


def test_a_header_that_names_another_office_fails_the_identity():
    header = {"office": {"id": "drill-office", "fingerprint": "00" * 32}}
    assert_only_fails(verified(signed(figures(header=header))), "identity", "names the office 0000")
    header = {"office": {"id": "drill-office", "fingerprint": drill_office().fingerprint}}
    assert verified(signed(figures(header=header))).exit_status == 0


def test_a_fork_of_the_pinned_office_fails_the_identity():
    pin = pin_by_file(write_office(rotated()))
    fork = rotated(names={"en": "Fork"})
    assert_only_fails(
        verified(signed(figures(), fork, STATEMENT_KEYS[1:]), pin),
        "identity",
        "two different versions 2",
    )


def test_a_broken_identity_in_the_file_fails():
    statement = figures()
    document = office_document(drill_office())
    document["versions"][0]["body"]["names"]["en"] = "Renamed"
    broken = with_evidence(statement, evidence_of("khazana.identity/1", statement, office=document))
    for pin in (None, PINNED):
        report = verified(broken, pin)
        assert report.result("identity").verdict is FAILED
        assert "does not fit" in report.result("identity").summary


def test_a_statement_whose_parts_do_not_give_its_root_is_not_signed():
    with pytest.raises(SignatureRefused, match="do not give its root"):
        sign_statement(
            replace(figures(), root="00" * 32), drill_office(), STATEMENT_KEYS[0], at=SIGNED_AT
        )


# Other evidence.


def test_identity_evidence_with_an_unknown_field_fails():
    statement = signed(figures())
    first = statement.evidence[0]
    extra = replace(first, fields={**first.fields, "note": "x"})
    report = verified(replace(statement, evidence=(extra, statement.evidence[1])))
    assert_only_fails(report, "evidence", "unknown field note")


def test_unknown_evidence_is_not_checkable_and_listed():
    statement = signed(figures())
    unknown = evidence_of("partner.stamp/2", statement, stamp="x")
    report = verified(with_evidence(statement, unknown))
    assert report.result("evidence").verdict is NOT_CHECKABLE
    assert "$.evidence[2]: evidence of type partner.stamp/2 is not known" in (
        report.result("evidence").summary
    )
    assert report.exit_status == 2
    replayed = evidence_of("partner.stamp/2", figures(total=701))
    assert_only_fails(verified(with_evidence(statement, replayed)), "evidence", "another root")


@dataclass(frozen=True)
class StampVerifier:
    """A type of evidence that another room might add."""

    verdict: Verdict
    type: str = "partner.stamp/2"

    def verify(self, item: Evidence, statement: Statement, *, where: str) -> EvidenceResult:
        if self.verdict is NOT_CHECKABLE:
            raise SignatureRefused(problem="the stamp's server is silent")
        return EvidenceResult(
            where=where, type=item.type, verdict=self.verdict, summary="stamped", limits=("late",)
        )


def test_another_room_adds_a_type_of_evidence():
    statement = figures()
    stamped = with_evidence(statement, evidence_of("partner.stamp/2", statement))
    result, items = check_evidence(stamped, [StampVerifier(PASSED)])
    assert (result.verdict, result.limits) == (PASSED, ("late",))
    assert items[0].summary == "stamped"
    result, _ = check_evidence(stamped, [StampVerifier(NOT_CHECKABLE)])
    assert result.verdict is NOT_CHECKABLE
    assert "server is silent" in result.summary
    with pytest.raises(ValueError, match="two verifiers judge"):
        check_evidence(stamped, [StampVerifier(PASSED), StampVerifier(PASSED)])


def test_a_failed_verdict_of_another_room_fails_the_check():
    statement = figures()
    stamped = with_evidence(statement, evidence_of("partner.stamp/2", statement))
    result, _ = check_evidence(stamped, [StampVerifier(FAILED)])
    assert result.verdict is FAILED


def test_the_subject_of_a_report_is_the_statement_s_network():
    subject = subject_of(figures(), "statement.json")
    assert (subject.network, subject.test) == ("regtest", True)
