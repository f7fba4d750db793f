"""The spending desks: a stuck batch that is replaced and booked, purchases that are refused."""

import hashlib

import pytest

from khazana.bitcoin.network import REGTEST
from khazana.cli.demo import drill, orders, purchases
from khazana.cli.main import main
from khazana.custody.orders.log import read_log
from khazana.custody.orders.rules_file import read_spending
from khazana.custody.orders.signing import Parties
from khazana.custody.orders.state import Status
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.office_file import read_office
from khazana.units import SATS_PER_BTC
from tests.cli.played import STATES, TIMELINE

LAST = TIMELINE.periods


def log_of(played, state):
    folder = played.directory / state
    office = read_office((folder / "office.json").read_bytes())
    rules = read_spending("spending.toml", (folder / "spending.toml").read_bytes(), network=REGTEST)
    return read_log((folder / "orders.jsonl").read_bytes(), Parties(office, rules.holders))


def rules_that_refused(log):
    state = log.order(purchases.REFUSED_ID)
    return {result.rule: result for result in state.check.results if not result.passed}


@pytest.mark.parametrize("state", STATES)
def test_a_purchase_of_50_btc_is_refused_and_nobody_approved_it(played, state):
    order = log_of(played, state).order(purchases.REFUSED_ID)
    assert order.status is Status.REFUSED
    assert order.order.sats == 50 * SATS_PER_BTC
    assert order.approvers == ()
    assert f"{narrated(state)} drafts a purchase of 50.00000000 BTC: refused." in played.output


def narrated(state: str) -> str:
    return {"el-salvador": "El Salvador", "pakistan": "Pakistan"}[state]


def test_in_pakistan_the_ceilings_headroom_is_the_largest_order(played):
    log = log_of(played, "pakistan")
    found = rules_that_refused(log)["condition:pakistan-example/purchase-ceiling"]
    (body,) = played.conditions("pakistan", LAST)
    last = [one for one in body.evaluated if one.condition == "purchase-ceiling"][-1]
    room = int(last.headroom * SATS_PER_BTC)
    assert found.largest_sat == log.order(purchases.REFUSED_ID).check.largest_sat == room
    over = 50 - last.headroom
    assert f"over by {over.normalize():f} BTC" in found.why


def test_in_el_salvador_nothing_may_be_bought_and_two_conditions_say_so(played):
    log = log_of(played, "el-salvador")
    assert set(rules_that_refused(log)) == {
        "condition:el-salvador-example/no-accumulation",
        "condition:el-salvador-example/no-purchase-or-mining",
    }
    assert log.order(purchases.REFUSED_ID).check.largest_sat == 0


def test_a_batch_got_stuck_was_replaced_and_is_booked(played):
    order = log_of(played, "pakistan").order(orders.BATCH_ID)
    assert order.status is Status.BOOKED
    stuck, final = order.attempts
    assert stuck.facts.unsigned.outputs != final.facts.unsigned.outputs
    assert stuck.facts.fee < final.facts.fee
    assert set(stuck.facts.unsigned.inputs) == set(final.facts.unsigned.inputs)
    assert order.confirmed_txid == final.final.txid
    told = played.statement("pakistan/statement.json")
    txids = {entry.txid: entry for entry in told.entries}
    assert stuck.final.txid not in txids
    entry = txids[final.final.txid]
    assert entry.block.height == TIMELINE.within(LAST, 50) + 2
    paid = sum(orders.BATCH) * SATS_PER_BTC // 100
    assert order.order.sats == paid
    amounts = {r.reason: r.amount for r in told.perimeters["public-sector"].figures.reasons}
    assert amounts["disbursement"] <= -paid


def test_both_approvals_of_each_transaction_are_by_people_who_did_not_draft_it(played):
    log = log_of(played, "pakistan")
    people = [
        event.by
        for event in log.events()
        if event.order == orders.BATCH_ID and type(event).__name__ == "Approved"
    ]
    assert people == ["approver-1", "approver-2"] * 2


def test_the_batchs_paper_is_the_order_that_was_approved(played):
    folder = played.directory / "pakistan" / "documents"
    order = (folder / f"order-{orders.BATCH_ID}.json").read_text("utf-8")
    assert TEST_NOTICE in order
    for quote in ("quote-1.txt", "quote-2.txt"):
        assert TEST_NOTICE in (folder / quote).read_text("utf-8")


@pytest.mark.parametrize("state", STATES)
def test_the_commands_read_the_desk_that_the_demo_left(played, state, capsys):
    office = str(played.directory / state / "office.toml")
    assert main(["orders", "show", "--office", office]) == 0
    assert TEST_NOTICE in capsys.readouterr().out
    assert main(["orders", "log", "--office", office]) == 0
    assert "every line and signature judged" in capsys.readouterr().out


def test_a_purchase_beneath_the_ceiling_goes_from_two_quotes_to_the_books(played):
    state = log_of(played, "pakistan").order(purchases.BOUGHT_ID)
    assert state.status is Status.BOOKED
    assert state.check.passed
    assert state.overrides == ()
    assert [quote.price.minor for quote in state.order.purchase.quotes] == sorted(
        quote.price.minor for quote in state.order.purchase.quotes
    )
    assert state.approvers == ("approver-1", "approver-2")
    assert (state.paid.currency, state.paid.minor) == ("PKR", state.order.cost.minor)
    (delivery,) = state.deliveries
    told = played.statement("pakistan/statement.json")
    (entry,) = [entry for entry in told.entries if entry.txid == delivery.txid]
    assert entry.block.hash == delivery.block
    assert delivery.sats == state.order.sats == purchases.BOUGHT
    folder = played.directory / "pakistan"
    receipt = (folder / "documents" / f"receipt-{purchases.BOUGHT_ID}.txt").read_bytes()
    assert hashlib.sha256(receipt).hexdigest() == state.receipt.file_sha256
    assert TEST_NOTICE.encode() in receipt
    assert f"order-{purchases.BOUGHT_ID}," in (folder / "documents.csv").read_text("utf-8")
    for quote in state.order.purchase.quotes:
        paper = (folder / "documents" / f"{quote.id}.txt").read_bytes()
        assert hashlib.sha256(paper).hexdigest() == quote.file_sha256


def test_only_the_drill_office_lets_a_refused_order_pass_and_it_tells_the_public(played):
    for state in STATES:
        log = log_of(played, state)
        assert all(not each.overrides for each in log.orders.values())
    order = log_of(played, "drill-office").order(purchases.OVERRIDDEN_ID)
    assert order.status is Status.BOOKED
    (override,) = order.overrides
    assert override.signed.rules == ("condition:drill-example/no-accumulation",)
    assert override.signed.reason == purchases.OVERRIDE_REASON
    assert override.signed.holders == ("minister-1", "minister-2")
    assert override.published == purchases.GAZETTE
    assert all(each.overridden == override.signed.rules for each in order.approvals)
    assert order.delivered_sats == drill.BOUGHT
    said = " ".join(played.output.split())
    assert "refused by condition:drill-example/no-accumulation." in said


def test_nothing_is_paid_for_and_not_delivered_and_no_override_is_silent(played, capsys):
    for state in (*STATES, "drill-office"):
        office = str(played.directory / state / "office.toml")
        assert main(["orders", "due", "--office", office]) == 0
    capsys.readouterr()


def test_the_late_letter_turns_not_assessable_into_shown_and_both_are_told(played):
    assert "With it the same test says today: shown." in " ".join(played.output.split())
