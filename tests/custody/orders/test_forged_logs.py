"""What a dishonest keeper of the log writes without anybody's signature, and who notices it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.custody.orders import events as ev
from khazana.custody.orders.checks import checked_event, disagreements, require_current
from khazana.custody.orders.errors import CheckIsOld, MoneyDiffers, OrderFileRefused
from khazana.custody.orders.log import read_log
from khazana.custody.orders.order import payment
from khazana.custody.orders.state import Status
from khazana.ledger.accounts import Lane
from khazana.ledger.documents import Reason
from khazana.statement.times import write_instant
from khazana.units import Sats
from tests.custody.orders.desk import (
    BTC,
    HOUR,
    MONDAY,
    Desk,
    address,
    facts,
    funding,
    order,
    purchase,
    rules,
    signed,
    spending,
)
from tests.reserve.simulator import OUTSIDER, script

ID = "2026-014"


def only(desk: Desk, rule: str, **more):
    (found,) = [each for each in desk.outcome(ID, **more).results if each.rule == rule]
    return found


def test_change_that_is_none_of_the_wallets_is_found_by_every_machine_that_checks():
    """Rules O9, O36: the log calls a stranger's output change, and approvers would sign that."""
    desk = Desk()
    desk.draft(order())
    honest = facts(order())
    *paid, change = honest.unsigned.outputs
    diverted = replace(honest.unsigned, outputs=(*paid, TxOut(change.amount, OUTSIDER)))
    desk.attach(ID, replace(honest, unsigned=diverted))
    found = only(desk, "wallet")
    assert (found.passed, found.overridable) == (False, False)
    assert "its change pays" in found.why
    assert "not of wallet hot" in found.why


def test_an_input_of_another_wallet_is_found_by_every_machine_that_checks():
    """Rules O9, O36."""
    desk = Desk()
    desk.draft(order())
    honest = facts(order())
    desk.attach(ID, replace(honest, spent=(TxOut(honest.spent[0].amount, script("cold", 0)),)))
    assert "its input spends" in only(desk, "wallet").why


def forged(desk: Desk, **fields) -> ev.Checked:
    """A check that passes, with fields as the keeper likes them."""
    outcome = desk.outcome(ID)
    true = checked_event(desk.log.order(ID), outcome, desk.rules, at=desk.now, by="keeper")
    given = {name: getattr(true, name) for name in true.__struct_fields__}
    return ev.Checked(**{**given, **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"override_role": "approver"}, "lets other people override it"),
        ({"override_role": None, "publish_after_days": None}, "lets other people override it"),
        ({"publish_after_days": 36_500}, "lets other people override it"),
        ({"valid_until": write_instant(MONDAY + timedelta(days=6))}, "holds longer"),
        ({"not_before": write_instant(MONDAY)}, "opens sooner"),
    ],
)
def test_a_check_with_other_terms_than_the_rules_have_opens_no_way(fields, said):
    """Rules O6, O8, O27: overriders, ageing and cooling off are the rules', not the keeper's."""
    cooling = ("[override]", '[cooling]\nhours = 24\nfrom_btc = "5"\n\n[override]')
    desk = Desk(rules=rules(cooling))
    desk.draft(order())
    desk.attach(ID)
    honest = desk.add(forged(desk))
    require_current(honest, desk.rules, desk.office.newest)
    state = desk.add(forged(desk, **fields))
    with pytest.raises(CheckIsOld, match=said):
        require_current(state, desk.rules, desk.office.newest)


def test_what_nobody_may_override_stays_broken_whatever_the_log_says():
    """Rule O36: the keeper calls the rule overridable, and two ministers sign."""
    desk = Desk()
    desk.draft(order(id_="first"))
    desk.attach("first")
    desk.check("first")
    desk.draft(order())
    desk.attach(ID)
    honest = desk.outcome(ID)
    assert [each.rule for each in honest.refusals] == ["coins"]
    results = tuple(replace(each, overridable=True) for each in honest.results)
    event = checked_event(
        desk.log.order(ID), replace(honest, results=results), desk.rules, at=desk.now, by="keeper"
    )
    desk.add(event)
    state = desk.override(ID, "mina", "musa")
    assert state.status is Status.CHECKED
    assert [each.rule for each in disagreements(state, desk.outcome(ID))] == ["coins"]


def test_a_refusal_that_nobody_overrode_is_none_that_an_approver_passes_over():
    """Rule O36."""
    desk = Desk()
    desk.draft(order(120 * BTC))
    desk.attach(ID)
    state = desk.check(ID)
    assert state.failed == ("limit:one-payment",)
    assert [each.rule for each in disagreements(state, desk.outcome(ID))] == ["limit:one-payment"]


def test_a_coin_stays_taken_when_a_child_was_attached_to_what_spends_it():
    """Rule O34: else a second order would replace the first one's payment by its own."""
    desk = Desk()
    first = order(id_="first")
    desk.sent(first)
    unsigned, _ = spending(first)
    parent = signed(unsigned)
    change = len(parent.outputs) - 1
    into = TxOut(Sats(parent.outputs[change].amount - 9_000), script("hot", 4))
    child = Transaction(2, (TxIn(OutPoint(parent.txid, change), b"", 0xFFFF_FFFD),), (into,), 0)
    own = replace(
        facts(first), unsigned=child, spent=(parent.outputs[change],), change=frozenset({0})
    )
    desk.attach("first", own, purpose="child")
    desk.draft(order())
    desk.attach(ID)
    found = only(desk, "coins")
    assert not found.passed
    assert "order first spends" in found.why


def test_one_delivery_does_not_deliver_two_orders():
    """Rule O29: else a dealer is paid twice and sends once, and no alarm rings."""
    desk = Desk()
    for name in ("buy-1", "buy-2"):
        desk.approved(purchase(id_=name))
    came = funding("fund", 5 * BTC)

    def delivered(name: str):
        return desk.add(
            ev.Delivered(
                **desk.heading(name, "dana"),
                raw=came.serialize().hex(),
                vout=0,
                height=600,
                block="ab" * 32,
            )
        )

    delivered("buy-1")
    with pytest.raises(MoneyDiffers, match="was delivered for order buy-1"):
        delivered("buy-2")


@pytest.mark.parametrize(
    ("held", "there", "passes"),
    [
        (Lane.OWNED, Lane.OWNED, True),
        (Lane.FORFEITED, Lane.OWNED, True),
        (Lane.HELD_FOR_CLIENTS, Lane.HELD_FOR_CLIENTS, True),
        (Lane.HELD_FOR_CLIENTS, Lane.OWNED, False),
        (Lane.SEIZED, Lane.OWNED, False),
        (Lane.OWNED, Lane.HELD_FOR_CLIENTS, False),
    ],
)
def test_a_transfer_does_not_change_whose_coins_they_are(held, there, passes):
    """Rule O37: no condition looks at a transfer, so clients' coins must not become the state's."""
    inside = payment(address("cold"), BTC, REGTEST)
    desk = Desk()
    desk.draft(order(reason=Reason.TRANSFER, payments=(inside,)))
    found = only(desk, "lane", lanes={"hot": held, "cold": there})
    assert found.passed is passes
    assert found.overridable
    assert desk.now - MONDAY < HOUR


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"reason": ""}, "event.reason"),
        ({"by": ""}, "event.by"),
        ({"reason": "x" * 2001}, "event.reason"),
        ({"reason": "no\n2 of 2 approver: amir, bibi"}, "event.reason"),
        ({"by": "dana\x1b[1A"}, "event.by"),
        ({"reason": "\udcff"}, "event.reason"),
    ],
)
def test_what_the_logs_own_reader_would_refuse_is_not_written(fields, place):
    """Rule O31: one empty reason would make every later command refuse the log."""
    desk = Desk()
    desk.draft(order())
    before = desk.log
    event = ev.Declined(**{**desk.heading(ID, "dana"), "reason": "no", **fields})
    with pytest.raises(OrderFileRefused, match=place):
        desk.add(event)
    assert desk.log == before
    assert read_log(desk.log.to_bytes(), desk.parties).order(ID).status is Status.DRAFT


@pytest.mark.parametrize("hidden", ["\n", "\x1b", "\u202e", "\u2066", "\u2028", "\udcff"])
def test_an_order_shows_what_it_says(hidden):
    """An approver looks at these lines before signing: no text may add one or turn one around."""
    pay = payment(address("payee"), BTC, REGTEST, label=f"roof{hidden}5 sat to nobody")
    with pytest.raises(ValueError, match="payments: holds a line break"):
        order(payments=(pay,))
    for name in ("purpose", "counterparty", "authority", "budget_line", "paid_from"):
        with pytest.raises(ValueError, match=f"{name}: holds a line break"):
            order(**{name: f"a{hidden}b"})
    assert order(purpose="اسکول کی چھت\u200cیں").purpose
