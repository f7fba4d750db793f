"""Documents that a body of the office signed reach grade B, and every way to fake that is named."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.cli.main import main
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.ledger.documents import Reason
from khazana.reserve.levels import keep_at
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.checks import Profile, Report
from khazana.statement.dsse import Envelope, joined, sign
from khazana.statement.endorsements import (
    PAYLOAD_TYPE,
    EndorsementVerifier,
    endorse,
    endorsed_documents,
    endorsement_evidence,
)
from khazana.statement.envelope import Statement, disclose, with_evidence, write_statement
from khazana.statement.errors import SignatureRefused
from khazana.statement.evidence import identity_evidence
from khazana.statement.identity import Office as Identity
from khazana.statement.identity import Role, new_office, succeeded
from khazana.statement.keys import key_id, private_key_to_pem, public_bytes
from khazana.statement.office_file import write_office
from khazana.statement.times import read_instant, write_instant
from tests.reserve.simulator import BTC, NOW, World, identity, keys, script

MINISTRY = keys("finance ministry")
BODY = "finance-ministry"


class Bodied(World):
    """An office whose identity names another body, with two of three keys of its own."""

    body_keys: Sequence[Ed25519PrivateKey] = MINISTRY

    @property
    def identity(self) -> Identity:
        plain = identity(self.name, self.keys).newest
        public = {key_id(public_bytes(k)): public_bytes(k) for k in self.body_keys}
        roles = {**plain.roles, BODY: Role(frozenset(public), 2)}
        version = replace(plain, keys={**plain.keys, **public}, roles=roles)
        return new_office(version, self.keys[:2])


def made(world: World) -> Statement:
    world.wallet("fund", entity="office")
    world.perimeter("all", "fund")
    start = world.mine(2)
    for number, amount in enumerate((5, 3)):
        paid = world.fund(script("fund", number), amount * BTC)
        world.document(f"invoice-{number}", Reason.ACQUISITION, "fund", amount * BTC, paid)
    world.mine()
    end = world.mine(2)
    world.mine(8)
    return world.made(start, end).statement


@cache
def told() -> tuple[Bodied, Statement]:
    world = Bodied()
    return world, made(world)


def envelope(
    *documents: str, signers: Sequence[Ed25519PrivateKey] = MINISTRY[:2], **changes: Any
) -> Envelope:
    """The body's envelope; changes: fields of what it signs, put in before it signs."""
    world, statement = told()
    made_by = [
        endorse(statement, world.identity, key, role=BODY, documents=documents, at=NOW)
        for key in MINISTRY[:2]
    ]
    claim = {**parse_strict(made_by[0].payload), **changes}
    return joined([sign(PAYLOAD_TYPE, canonical_bytes(claim), key) for key in signers])


def checked(*envelopes: Envelope, world: World | None = None, level: str = "full") -> Report:
    own, statement = told()
    evidence = [endorsement_evidence(statement, each) for each in envelopes]
    raw = (world or own).signed(with_evidence(statement, *evidence))
    shown = disclose(read_reserve_statement(raw).envelope, keep_at(level))
    return own.check(
        write_statement(shown),
        profile=Profile.FULL if level == "full" else Profile.TOTALS,
        verifiers=[EndorsementVerifier(now=NOW + timedelta(days=1))],
    )


def summary(report: Report, name: str) -> str:
    found = report.result(name)
    return "; ".join([found.summary, *(f.text for f in found.findings)])


def test_documents_that_enough_keys_of_a_body_signed_count_as_b():
    report = checked(envelope("invoice-0"))
    assert report.exit_status == 0
    said = summary(report, "explanations")
    assert f"{5 * BTC} sat rest on 1 documents signed since by the body responsible (B)" in said
    assert any("not that the document is true" in limit for limit in report.limits)
    both = checked(envelope("invoice-0", "invoice-1"))
    assert f"{8 * BTC} sat rest on 2 documents" in summary(both, "explanations")


def test_without_endorsements_nothing_is_said_of_b():
    assert "(B)" not in summary(checked(), "explanations")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"root": "cd" * 32}, "another root"),
        ({"role": "statement"}, "the office's own role"),
        ({"role": "nobody"}, "knows no body"),
        ({"office": "cd" * 32}, "another office"),
        ({"identity_version": 2}, "not in force"),
        ({"signed_at": "2030-01-01T00:00:00Z"}, "in the future"),
        ({"signed_at": "2019-01-01T00:00:00Z"}, "not in force"),
        ({"signed_at": "2026-13-01T00:00:00Z"}, "is no time"),
        ({"documents": [{"id": "invoice-0", "commitment": "ab" * 32}]}, "another document"),
        ({"extra": 1}, "malformed"),
        ({"documents": []}, "malformed"),
    ],
)
def test_a_lie_in_what_is_signed_fails_although_the_keys_are_right(changes, why):
    report = checked(envelope("invoice-0", **changes))
    assert report.failed == ("evidence",)
    assert why in summary(report, "evidence")
    assert "(B)" not in summary(report, "explanations")


def test_nobody_endorsed_a_statement_before_its_closing_block():
    """Rule R16: else keys of a body that has left would sign for it in the past."""
    closed = read_instant(told()[1].header.body["period"]["until_mtp"])
    early = write_instant(closed - timedelta(seconds=1))
    report = checked(envelope("invoice-0", signed_at=early))
    assert report.failed == ("evidence",)
    assert "before the closing block" in summary(report, "evidence")
    assert "(B)" not in summary(report, "explanations")


def test_one_document_named_twice_fails():
    claim = parse_strict(envelope("invoice-0").payload)
    report = checked(envelope("invoice-0", documents=claim["documents"] * 2))
    assert report.failed == ("evidence",)
    assert "one document twice" in summary(report, "evidence")


def test_one_key_of_two_and_strangers_are_not_enough():
    for signers in (MINISTRY[:1], keys("mallory")[:2], [*MINISTRY[:1], *keys("mallory")[:1]]):
        report = checked(envelope("invoice-0", signers=signers))
        assert report.failed == ("evidence",)
        assert "of the 2 signatures" in summary(report, "evidence")


def test_the_offices_own_keys_under_another_bodys_name_make_no_b():
    class Selfmade(Bodied):
        body_keys = keys("office")

    world = Selfmade()
    statement = made(world)
    own = [
        endorse(statement, world.identity, key, role=BODY, documents=["invoice-0"], at=NOW)
        for key in world.keys[:2]
    ]
    item = endorsement_evidence(statement, joined(own))
    raw = world.signed(with_evidence(statement, item))
    report = world.check(raw, verifiers=[EndorsementVerifier()])
    assert report.failed == ("evidence",)
    assert "keys that are the office's own" in summary(report, "evidence")
    assert endorsed_documents(read_reserve_statement(raw).envelope) == {}


def revoked() -> Identity:
    """The office as it is since it took the body's keys away."""
    world, _ = told()
    public = [key_id(public_bytes(key)) for key in MINISTRY]
    last = world.identity.newest
    roles = {**last.roles, BODY: Role(frozenset(map(key_id, map(public_bytes, OTHERS))), 2)}
    listed = {each: key for each, key in last.keys.items() if each not in public}
    listed |= {key_id(public_bytes(key)): public_bytes(key) for key in OTHERS}
    version = replace(
        last,
        version=2,
        previous=last.digest,
        valid_from=NOW + timedelta(hours=1),
        keys=listed,
        roles=roles,
        revoked=frozenset(public),
    )
    return succeeded(world.identity, version, world.keys[:2])


OTHERS = keys("new finance ministry")


def test_keys_taken_away_endorse_nothing_whichever_identity_the_file_shows_first():
    """The file carries the old account of the office, alone or before the new one."""
    world, statement = told()
    item = endorsement_evidence(statement, envelope("invoice-0"))
    old = with_evidence(statement, identity_evidence(statement, world.identity), item)
    assert endorsed_documents(old) == {"invoice-0": BODY}
    assert endorsed_documents(old, known=revoked()) == {}
    both = with_evidence(old, identity_evidence(statement, revoked()))
    assert endorsed_documents(both) == {}
    raw = write_statement(both)
    read = read_reserve_statement(raw).envelope
    found = EndorsementVerifier(now=NOW).verify(item, read, where="$.evidence[1]")
    assert found.verdict.value == "failed"
    assert "0 of the 2 signatures" in found.summary


def test_a_changed_signature_fails():
    good = envelope("invoice-0")
    bent = replace(good.signatures[0], value=good.signatures[1].value)
    report = checked(replace(good, signatures=(bent, good.signatures[1])))
    assert report.failed == ("evidence",)


def test_where_the_documents_are_not_shown_it_is_not_checkable():
    report = checked(envelope("invoice-0"), level="addresses")
    assert report.result("evidence").verdict.value == "not checkable"
    assert report.failed == ()


def test_who_may_not_endorse_is_told_so():
    world, statement = told()
    for key, role, document, why in (
        (world.keys[0], BODY, "invoice-0", "does not sign for"),
        (MINISTRY[0], "statement", "invoice-0", "office's own role"),
        (MINISTRY[0], BODY, "invoice-9", "shows no document"),
    ):
        with pytest.raises(SignatureRefused, match=why):
            endorse(statement, world.identity, key, role=role, documents=[document], at=NOW)


def test_two_signers_endorse_by_command(tmp_path, capsys):
    world, statement = told()
    (tmp_path / "office.json").write_bytes(write_office(world.identity))
    (tmp_path / "0.json").write_bytes(world.signed(statement))
    for number, key in enumerate(MINISTRY[:2]):
        (tmp_path / "key.pem").write_bytes(private_key_to_pem(key))
        (tmp_path / "key.pem").chmod(0o600)
        words = [f"{number}.json", "--identity", "office.json", "--key", "key.pem"]
        paths = [str(tmp_path / w) if "." in w else w for w in words]
        out = ["--out", str(tmp_path / f"{number + 1}.json"), "--at", "2026-11-22T12:00:00Z"]
        what = ["--role", BODY, "--document", "invoice-1"]
        assert main(["statement", "endorse", *paths, *what, *out]) == 0
    assert "test network, invented figures" in capsys.readouterr().out
    found = read_reserve_statement((tmp_path / "2.json").read_bytes()).envelope
    assert endorsed_documents(found) == {"invoice-1": BODY}
    half = read_reserve_statement((tmp_path / "1.json").read_bytes()).envelope
    assert endorsed_documents(half) == {}
    assert main(["statement", "endorse", *paths, *what, *out[:2], "--at", "soon"]) == 2
