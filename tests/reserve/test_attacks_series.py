"""Lies between two statements, and lies in signatures: what vanished, changed or was hidden."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from khazana.bitcoin.simulated import SimulatedChain
from khazana.ledger.document_file import read_document_file, write_document_file
from khazana.ledger.documents import Reason
from khazana.reserve.case import Given
from khazana.reserve.levels import keep_at
from khazana.statement.dsse import sign
from khazana.statement.envelope import Statement, disclose, with_evidence, write_statement
from khazana.statement.evidence import identity_evidence
from khazana.statement.office_file import Pin
from khazana.statement.signatures import (
    ROOT_PAYLOAD_TYPE,
    claim_bytes,
    joined_evidence,
    sign_statement,
    signature_evidence,
)
from khazana.units import Height
from tests.reserve.simulator import BTC, NOW, Parts, World, identity, rerooted, script, verdicts
from tests.reserve.test_attacks import assert_only, second, shift
from tests.reserve.world import story

Change = Callable[[Parts], None]


@cache
def third() -> Statement:
    """A third period of the story, in which nothing happens and four bitcoin are attested."""
    told, world = story(), later()
    until = world.chain.block_at(Height(told.end.height + 6))
    return world.made(told.end, until, previous=second(told).root).statement


@cache
def later() -> World:
    """The story's world twelve blocks later, on a chain of its own."""
    world = story().world
    world = replace(world, chain=SimulatedChain(blocks=list(world.chain.blocks)))
    world.mine(12)
    return world


def judged_third(change: Change, before: Change = lambda parts: None) -> Any:
    """The third statement, changed, against the second, changed by `before`."""
    told = story()
    previous = rerooted(second(told), before)

    def follow(parts: Parts) -> None:
        parts["header"]["previous"] = previous.root
        change(parts)

    raw = told.world.signed(rerooted(third(), follow))
    return later().check(raw, previous=told.world.signed(previous))


def nothing(parts: Parts) -> None:
    pass


def test_the_honest_third_statement_follows_the_second():
    report = judged_third(nothing)
    assert report.failed == ()
    assert verdicts(report)["continuity"] == "passed"


def test_an_empty_custodial_account_vanishes():
    """Its figures would not show it: it was emptied first."""

    def emptied(parts: Parts) -> None:
        parts["account/empty"] = {
            **parts["account/exchange"],
            "id": "empty",
            "opening": None,
            "attested": [],
            "lines": [],
            "figures": {
                **{
                    k: 0
                    for k, v in parts["account/exchange"]["figures"].items()
                    if v.__class__ is int
                },
                "corrections": parts["account/exchange"]["figures"]["corrections"],
                "grades": dict.fromkeys("ABCD", 0),
                "reasons": [],
            },
        }

    report = judged_third(nothing, emptied)
    assert_only(report, "continuity")
    assert "gone" in report.result("continuity").summary


def test_a_clients_balance_becomes_the_states_own_without_a_word():
    def clients(parts: Parts) -> None:
        parts["account/exchange"]["lane"] = "held_for_clients"
        for lane in parts["perimeter/public-sector"]["lanes"]:
            if lane["lane"] == "owned":
                lane["closing"] -= 4 * BTC
            if lane["lane"] == "held_for_clients":
                lane["closing"] += 4 * BTC

    report = judged_third(nothing, clients)
    assert_only(report, "continuity")
    assert "lane was held_for_clients and is now owned" in report.result("continuity").summary


@pytest.mark.parametrize("field", ["custodian", "entity"])
def test_an_account_moves_to_another_custodian_or_entity(field: str):
    def change(parts: Parts) -> None:
        account = parts["account/exchange"]
        account[field] = "bitcoin-office"
        if field == "entity":
            for name, sign_ in (("entity/treasury", -1), ("entity/bitcoin-office", 1)):
                figures = parts[name]["figures"]
                shift(figures, opening=sign_ * 4 * BTC, closing=sign_ * 4 * BTC)
                figures["grades"]["C"] += sign_ * 4 * BTC

    assert_only(judged_third(change), "continuity")


def test_an_opening_balance_rests_on_a_better_letter_than_before():
    def entered(parts: Parts) -> None:
        attested = parts["account/exchange"]["attested"][0]
        attested.update(grade="D", attested_by=None)
        for name in ("account/exchange", "entity/treasury", "perimeter/public-sector"):
            grades = parts[name]["figures"]["grades"]
            grades["C"] -= 4 * BTC
            grades["D"] += 4 * BTC

    assert_only(judged_third(nothing, entered), "continuity")


def promised(height: int) -> Change:
    def change(parts: Parts) -> None:
        found = story().world.chain.block_at(height)
        sealed = {"height": found.height, "hash": found.hash}
        parts["sealed/1"] = {"commitment": "cd" * 32, "block": sealed}

    return change


def test_a_promise_to_disclose_a_wallet_vanishes():
    report = judged_third(nothing, promised(3))
    assert_only(report, "continuity")
    assert "promised at block 3" in report.result("continuity").summary


def test_a_promise_is_backdated():
    report = judged_third(promised(3))
    assert_only(report, "continuity")
    assert "no such promise" in report.result("continuity").summary


def test_a_promise_that_stays_and_one_that_is_new_are_no_lies():
    assert judged_third(promised(3), promised(3)).failed == ()
    assert judged_third(promised(story().end.height + 2)).failed == ()


def restated(*amounts: int, account: str = "fund") -> Change:
    """Restatements that cancel: no figure shows them."""

    def change(parts: Parts) -> None:
        found = story().middle
        for number, amount in enumerate(amounts, 1):
            parts[f"book/{number}"] = {
                "kind": "restatement",
                "block": {"height": found.height, "hash": found.hash},
                "account": account,
                "perimeter": None,
                "amount": amount,
                "document": None,
                "details": {},
            }

    return change


def test_restatements_that_cancel_vanish_or_are_backdated():
    both = restated(BTC, -BTC)
    assert_only(judged_third(nothing, both), "continuity")
    assert_only(judged_third(both), "continuity")
    assert judged_third(both, both).failed == ()


@pytest.mark.parametrize("kind", ["wallet", "account", "perimeter", "sealed"])
def test_nothing_can_vanish_behind_a_withheld_part(kind: str):
    """A previous statement that does not show everything is not one that was followed."""
    told = story()
    previous = rerooted(second(told), promised(3))

    def follow(parts: Parts) -> None:
        parts["header"]["previous"] = previous.root
        promised(3)(parts)

    raw = told.world.signed(rerooted(third(), follow))
    shown = write_statement(disclose(previous, lambda name: not name.startswith(f"{kind}/")))
    report = later().check(raw, previous=shown)
    assert verdicts(report)["continuity"] == "not checkable"
    assert report.exit_status == 2


def test_what_a_totals_disclosure_does_not_compare_is_said():
    told = story()
    shown = write_statement(disclose(second(told), keep_at("totals")))
    report = later().check(told.world.signed(third()), previous=shown)
    assert verdicts(report)["continuity"] == "passed"
    assert any(limit.startswith("Coins were not compared") for limit in report.limits)
    assert any(limit.startswith("Scripts were not compared") for limit in report.limits)


def test_opening_coins_that_are_accepted_rest_on_the_reader_and_the_report_says_so():
    told = story()
    report = told.world.check(told.second, previous=told.first, accept_opening=True)
    assert any("rests on your having verified" in limit for limit in report.limits)


def given(world: World, made: Any) -> Mapping[str, Given]:
    opened = read_document_file(write_document_file(made.documents))
    return {document.id: Given(document, salt) for document, salt in opened}


def test_one_document_explains_a_receipt_in_two_periods():
    """Each statement alone stays within the document's amount."""
    world = World()
    world.wallet("fund", entity="office")
    world.perimeter("all", "fund")
    start = world.mine(2)
    one = world.fund(script("fund"), BTC)
    middle = world.mine(2)
    other = world.fund(script("fund"), BTC)
    end = world.mine(2)
    world.mine(6)
    world.document("invoice", Reason.ACQUISITION, "fund", BTC, one)
    paper = world.documents[0]
    first = world.made(start, middle)
    # In the second period the same paper, which names no transaction now, is used again.
    world.documents[0] = replace(paper, txid=other)
    second_ = world.made(middle, end, previous=first.statement.root)
    previous, raw = world.signed(first.statement), world.signed(second_.statement)
    papers = given(world, second_)
    assert world.check(raw, documents=papers).failed == ()
    report = world.check(raw, previous=previous, documents=papers)
    assert report.failed == ("documents",)
    assert "in the previous one" in report.result("documents").summary


def test_no_document_given_is_no_document_checked():
    told = story()
    assert verdicts(told.world.check(told.second, documents={}))["documents"] == "not checkable"


def test_a_second_signature_does_not_hide_one_from_before_the_closing_block():
    """Two keys signed before the period closed; a later signature by a third hid that."""
    told = story()
    early = datetime.fromtimestamp(told.world.chain.blocks[3].header.time, tz=UTC)
    office = identity(told.world.name, told.world.keys, since=early - timedelta(days=1))

    def own(parts: Parts) -> None:
        parts["header"]["office"]["fingerprint"] = office.fingerprint

    statement = rerooted(second(told), own)
    for key in told.world.keys[:2]:
        statement = joined_evidence(statement, sign_statement(statement, office, key, at=early))
    late = sign_statement(statement, office, told.world.keys[2], at=NOW)
    statement = with_evidence(statement, signature_evidence(statement, late))
    raw = write_statement(with_evidence(statement, identity_evidence(statement, office)))
    report = told.world.check(raw, pin=Pin(office.fingerprint, office))
    assert report.failed == ("signatures",)
    assert "before the closing block" in report.result("signatures").summary


def test_a_signature_in_a_thirteenth_month_is_refused_and_stops_nothing():
    """Anybody can attach it: the file must still be judged to the end."""
    told = story()
    office = told.world.identity
    statement = second(told)
    claim = claim_bytes(statement, office.newest, fingerprint=office.fingerprint, at=NOW).replace(
        b"2026-11-22T", b"2026-13-22T"
    )
    strange = sign(ROOT_PAYLOAD_TYPE, claim, told.world.keys[0])
    signed = with_evidence(statement, signature_evidence(statement, strange))
    raw = write_statement(with_evidence(signed, identity_evidence(signed, office)))
    assert_only(told.world.check(raw, previous=told.first), "signatures")
