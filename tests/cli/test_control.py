"""What `verify --require control` says of honest proofs, and the name of every wrong."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from khazana.bitcoin.bip322.encoding import write_full, write_simple
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import OutPoint
from khazana.cli.control import CONTROL_VERIFIERS, ControlChecks
from khazana.custody.campaign import Campaign, CampaignWallet, plan_campaign
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.collect import collect
from khazana.custody.control_evidence import (
    COMMITMENT_TYPE,
    commitment_to,
    control_evidence,
)
from khazana.custody.message import control_message
from khazana.ledger.accounts import Lane, LaneSpan, Wallet
from khazana.ledger.canonical import canonical_bytes
from khazana.reserve.verify import ORDER, Request, verify
from khazana.statement.checks import Profile, Report, Verdict
from khazana.statement.envelope import Evidence, with_evidence
from khazana.statement.evidence import evidence_of
from khazana.statement.office_file import Pin
from khazana.units import Height, Sats, Txid
from tests.custody.signing import maps, signed, wallet
from tests.reserve.simulator import BTC, NOW, World

PEOPLE = ("anna", "bo", "cia")
DESCRIPTORS = {
    "vault": wallet("wsh(sortedmulti(2,{},{},{}))", *PEOPLE),
    "till": wallet("wpkh({})", "dara"),
    "modern": wallet("tr({})", "esa"),
}
SIGNERS = {"vault": ("anna", "cia"), "till": ("dara",), "modern": ("esa",)}


class Told:
    """Three wallets, five coins, one of them spent again before the closing block."""

    def __init__(self) -> None:
        engine = best_engine()
        self.world = world = World()
        self.scripts = {
            name: engine.derive(d, branch=0, start=0, stop=3) for name, d in DESCRIPTORS.items()
        }
        for name, scripts in self.scripts.items():
            span = (LaneSpan(Lane.OWNED, None),)
            genesis = world.chain.block_at(Height(0))
            world.wallets.append(
                Wallet(name, "office", {"en": name}, tuple(scripts), span, genesis)
            )
        world.perimeter("all", *self.scripts)
        start = world.mine(2)
        vault, till, modern = self.scripts["vault"], self.scripts["till"], self.scripts["modern"]
        paid = [(vault[0], 20), (vault[1], 10), (till[0], 5), (modern[2], 4), (vault[0], 1)]
        self.coins: list[ClosingCoin] = []
        for script, amount in paid:
            txid = world.fund(script, amount * BTC)
            name = next(n for n, s in self.scripts.items() if script in s)
            self.coins.append(ClosingCoin(name, OutPoint(txid, 0), Sats(amount * BTC), script))
        self.gone = OutPoint(world.fund(till[1], 2 * BTC), 0)
        world.mine()
        moved = world.spend(till[1], [(till[0], 2 * BTC - 500)])
        self.coins.append(ClosingCoin("till", OutPoint(moved, 0), Sats(2 * BTC - 500), till[0]))
        world.mine()
        self.end = world.mine(2)
        self.later = world.mine(8)
        self.statement = world.made(start, self.end).statement

    def campaign(
        self,
        *,
        batch: bool = False,
        block: BlockRef | None = None,
        root: str | None = None,
        coins: list[ClosingCoin] | None = None,
    ) -> Campaign:
        message = control_message(
            office="office",
            network=REGTEST,
            test=True,
            root=root or self.statement.root,
            block=block or self.end,
        )
        return plan_campaign(
            [CampaignWallet(name, d, ((0, 3),), batch) for name, d in DESCRIPTORS.items()],
            Closing(self.end, self.coins if coins is None else coins),
            message=message,
            engine=best_engine(),
        )

    def proofs(self, campaign: Campaign) -> Evidence:
        files = [
            (f"{name}-{r.name}", signed(r, name))
            for r in campaign.rounds
            for name in SIGNERS[r.wallet.id]
        ]
        done = collect(campaign, files)
        assert done.complete, [state.words for state in done.rounds]
        if campaign.message.root == self.statement.root:
            return control_evidence(done, self.statement, REGTEST)
        item = control_evidence(done, replace(self.statement, root=campaign.message.root), REGTEST)
        fields = {**item.fields, "subject_root": self.statement.root}
        return Evidence(item.type, self.statement.root, fields)

    def check(self, *evidence: Evidence, disclosed: tuple[tuple[str, bytes], ...] = ()) -> Report:
        raw = self.world.signed(with_evidence(self.statement, *evidence))
        return verify(
            Request(
                raw=raw,
                chain=self.world.chain,
                engine=best_engine(),
                profile=Profile.CONTROL,
                now=NOW,
                pin=Pin(self.world.identity.fingerprint),
                verifiers=CONTROL_VERIFIERS,
            ),
            more=[ControlChecks(disclosed)],
        )


@cache
def told() -> Told:
    return Told()


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
