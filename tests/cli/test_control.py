"""What `verify --require control` says of honest proofs, and the name of every wrong."""

from dataclasses import replace
from typing import Any

import pytest

from khazana.bitcoin.bip322.encoding import write_full, write_simple
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.transaction import OutPoint
from khazana.custody.closing import ClosingCoin
from khazana.custody.control_evidence import (
    COMMITMENT_TYPE,
    commitment_to,
)
from khazana.ledger.canonical import canonical_bytes
from khazana.reserve.verify import ORDER
from khazana.statement.checks import Report, Verdict
from khazana.statement.envelope import Evidence
from khazana.statement.evidence import evidence_of
from khazana.units import Height, Sats, Txid
from tests.cli.proved import told
from tests.custody.signing import maps, signed
from tests.reserve.simulator import BTC


def changed(item: Evidence, **fields: Any) -> Evidence:
    return Evidence(item.type, item.subject_root, {**item.fields, **fields})


def rows(item: Evidence) -> list[dict[str, Any]]:
    return [dict(row) for row in item.fields["proofs"]]


def control(report: Report) -> tuple[Verdict, set[str], str]:
    """The verdict, the rules of the findings, and the summary with all findings' words."""
    result = report.result("control")
    words = "; ".join([result.summary, *(f.text for f in result.findings)])
    return result.verdict, {f.rule for f in result.findings}, words


@pytest.mark.parametrize("batch", [False, True])
def test_proofs_of_every_closing_coin_satisfy_a_reader_who_requires_control(batch):
    report = told().check(told().proofs(told().campaign(batch=batch)))
    assert report.failed == ()
    assert report.exit_status == 0, report.to_json()
    verdict, _, words = control(report)
    assert verdict is Verdict.PASSED
    total = sum(coin.amount for coin in told().coins)
    assert f"{total} of {total} sat (100.0 %), 4 of 4 addresses" in words
    assert f"not before block {told().end.height} (the closing block" in words


def test_the_check_stands_where_the_list_of_checks_has_it():
    report = told().check(told().proofs(told().campaign()))
    assert tuple(line.result.name for line in report.lines) == ORDER


def test_without_proofs_control_is_not_checkable():
    report = told().check()
    assert control(report)[0] is Verdict.NOT_CHECKABLE
    assert report.exit_status == 2


def test_proofs_of_some_coins_are_not_enough_and_the_figures_say_how_many():
    item = told().proofs(told().campaign())
    vault = {script.hex() for script in told().scripts["vault"]}
    some = changed(item, proofs=[row for row in rows(item) if row["script"] in vault])
    report = told().check(some)
    verdict, _, words = control(report)
    assert verdict is Verdict.NOT_CHECKABLE
    assert f"{31 * BTC} of {42 * BTC - 500} sat (73.8 %), 2 of 4 addresses" in words
    assert report.exit_status == 2


def test_proofs_made_later_hold_and_are_dated_later():
    report = told().check(told().proofs(told().campaign(block=told().later)))
    assert report.exit_status == 0
    assert f"not before block {told().later.height}" in control(report)[2]


def test_proofs_for_a_block_that_never_was_fail():
    block = BlockRef(told().later.height, told().end.hash)
    verdict, rules, words = control(told().check(told().proofs(told().campaign(block=block))))
    assert (verdict, rules) == (Verdict.FAILED, {"C3"})
    assert "not in the best chain" in words


def test_proofs_before_the_closing_block_fail():
    block = told().world.chain.block_at(Height(told().end.height - 1))
    verdict, rules, words = control(told().check(told().proofs(told().campaign(block=block))))
    assert (verdict, rules) == (Verdict.FAILED, {"C3"})
    assert "before the closing block" in words


def test_proofs_of_another_root_fail():
    item = told().proofs(told().campaign(root="cd" * 32))
    verdict, rules, words = control(told().check(item))
    assert (verdict, rules) == (Verdict.FAILED, {"C2"})
    assert "wrong root" in words


def test_proofs_of_another_office_fail():
    item = told().proofs(told().campaign())
    message = item.fields["message"].replace("office: office", "office: ministry")
    verdict, rules, _ = control(told().check(changed(item, message=message)))
    assert (verdict, rules) == (Verdict.FAILED, {"C2"})


def test_a_root_put_into_the_message_afterwards_breaks_every_signature():
    item = told().proofs(told().campaign(root="cd" * 32))
    message = item.fields["message"].replace("cd" * 32, told().statement.root)
    verdict, rules, words = control(told().check(changed(item, message=message)))
    assert (verdict, rules) == (Verdict.FAILED, {"C6"})
    assert "nullfail" in words or "script_failed" in words


def test_one_proof_for_two_scripts_fails():
    item = told().proofs(told().campaign())
    proofs = rows(item)
    proofs[1]["proof"] = proofs[0]["proof"]
    verdict, rules, words = control(told().check(changed(item, proofs=proofs)))
    assert (verdict, rules) == (Verdict.FAILED, {"C4"})
    assert "reused" in words


def test_a_proof_by_a_script_without_a_closing_coin_fails():
    elsewhere = told().scripts["till"][2]
    coin = ClosingCoin("till", OutPoint(Txid("77" * 32), 0), Sats(1), elsewhere)
    verdict, rules, _ = control(told().check(told().proofs(told().campaign(coins=[coin]))))
    assert (verdict, rules) == (Verdict.FAILED, {"C5"})


@pytest.mark.parametrize(
    ("which", "reason"), [("foreign", "foreign_coin"), ("spent", "spent_coin")]
)
def test_foreign_and_spent_coins_in_a_proof_of_funds_fail(which, reason):
    outpoint = told().gone if which == "spent" else OutPoint(Txid("66" * 32), 1)
    script = told().scripts["till"][1]
    extra = ClosingCoin("till", outpoint, Sats(2 * BTC), script)
    item = told().proofs(told().campaign(batch=True, coins=[*told().coins, extra]))
    verdict, rules, words = control(told().check(item))
    assert (verdict, rules) == (Verdict.FAILED, {"C6"})
    assert reason in words


def test_a_false_amount_in_a_proof_of_funds_fails():
    coins = [*told().coins]
    coins[2] = replace(coins[2], amount=Sats(50 * BTC))
    item = told().proofs(told().campaign(batch=True, coins=coins))
    verdict, _, words = control(told().check(item))
    assert verdict is Verdict.FAILED
    assert "other_amount" in words


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"high_s": True}, "high_s"),
        ({"hash_type": 0x02}, "sighash"),
        ({"hash_type": 0x81}, "sighash"),
    ],
)
def test_forged_signatures_in_the_evidence_fail_by_name(how, reason):
    item = told().proofs(told().campaign())
    campaign = told().campaign()
    round_ = next(r for r in campaign.rounds if r.wallet.id == "till")
    pairs = maps(signed(round_, "dara", **how))[1]
    key = next(k for k in pairs if k[0] == 2)
    forged = write_simple((pairs[key], key[1:]))
    proofs = rows(item)
    for row in proofs:
        if row["script"] == round_.script.hex():
            row["proof"] = forged
    verdict, rules, words = control(told().check(changed(item, proofs=proofs)))
    assert (verdict, rules) == (Verdict.FAILED, {"C6"})
    assert reason in words


def test_a_proof_that_cannot_be_judged_counts_as_none_and_is_named():
    """A transaction version without known rules: nobody can say whether it proves anything."""
    item = told().proofs(told().campaign())
    round_ = next(r for r in told().campaign().rounds if r.wallet.id == "till")
    odd = replace(round_, unsigned=replace(round_.unsigned, version=5))
    pairs = maps(signed(odd, "dara"))[1]
    key = next(k for k in pairs if k[0] == 2)
    answer = odd.unsigned
    inputs = (replace(answer.inputs[0], witness=(pairs[key], key[1:])),)
    proofs = rows(item)
    for row in proofs:
        if row["script"] == round_.script.hex():
            row["proof"] = write_full(replace(answer, inputs=inputs).serialize())
    report = told().check(changed(item, proofs=proofs))
    verdict, _, words = control(report)
    assert verdict is Verdict.NOT_CHECKABLE
    assert "version 5" in words
    assert "3 of 4 addresses" in words


@pytest.mark.parametrize(
    "change",
    [
        lambda f: {**f, "proofs": []},
        lambda f: {**f, "extra": 1},
        lambda f: {k: v for k, v in f.items() if k != "block"},
        lambda f: {**f, "proofs": [{**f["proofs"][0], "script": "zz"}]},
    ],
)
def test_evidence_of_another_shape_fails_the_evidence_check(change):
    item = told().proofs(told().campaign())
    report = told().check(Evidence(item.type, item.subject_root, change(dict(item.fields))))
    assert "evidence" in report.failed
    assert control(report)[0] is Verdict.FAILED


def test_an_address_or_a_coin_list_that_does_not_fit_fails():
    item = told().proofs(told().campaign())
    proofs = rows(item)
    proofs[0]["address"] = proofs[1]["address"]
    assert control(told().check(changed(item, proofs=proofs)))[1] == {"C1"}
    batched = told().proofs(told().campaign(batch=True))
    proofs = rows(batched)
    proofs[0]["coins"] = proofs[0]["coins"][1:]
    assert control(told().check(changed(batched, proofs=proofs)))[1] == {"C1"}


def test_withheld_proofs_are_not_checkable_until_an_auditor_brings_them():
    item = told().proofs(told().campaign())
    public = commitment_to(item, told().statement)
    assert item.fields["proofs"][0]["proof"] not in str(public.fields)
    report = told().check(public)
    verdict, _, words = control(report)
    assert verdict is Verdict.NOT_CHECKABLE
    assert public.fields["sha256"] in words
    assert report.exit_status == 2
    raw = canonical_bytes(dict(item.fields)) + b"\n"
    assert told().check(public, disclosed=(("proofs.json", raw),)).exit_status == 0


def test_disclosed_proofs_that_the_statement_does_not_commit_to_are_refused():
    item = told().proofs(told().campaign())
    public = commitment_to(item, told().statement)
    other = canonical_bytes(dict(told().proofs(told().campaign(batch=True)).fields))
    verdict, _, words = control(told().check(public, disclosed=(("proofs.json", other),)))
    assert verdict is Verdict.NOT_CHECKABLE
    assert "its hash is none" in words


def test_a_commitment_of_another_shape_fails_the_evidence_check():
    odd = evidence_of(COMMITMENT_TYPE, told().statement, sha256="short")
    assert "evidence" in told().check(odd).failed


def test_evidence_copied_from_another_statement_fails_there_and_counts_for_nothing():
    item = told().proofs(told().campaign(root="cd" * 32))
    copied = Evidence(item.type, "cd" * 32, {**item.fields, "subject_root": "cd" * 32})
    report = told().check(copied)
    assert report.failed == ("evidence",)
    assert control(report)[0] is Verdict.NOT_CHECKABLE


def test_a_failed_check_still_shows_how_much_is_proved():
    item = told().proofs(told().campaign())
    proofs = rows(item)
    proofs[1]["proof"] = proofs[0]["proof"]
    summary = told().check(changed(item, proofs=proofs)).result("control").summary
    assert "reused" in summary
    assert "3 of 4 addresses" in summary


def test_the_base_profile_needs_no_kernel(monkeypatch):
    monkeypatch.setattr("khazana.cli.control.kernel_consensus", lambda: None)
    assert told().check(told().proofs(told().campaign(batch=True))).exit_status == 0
