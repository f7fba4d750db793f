"""An order's way from draft to booked, and every step out of place."""

from datetime import timedelta

import pytest

from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.custody.orders import events as ev
from khazana.custody.orders.errors import (
    ApprovalForAnotherOrder,
    ApprovalRefused,
    ApprovedAlready,
    CheckIsOld,
    CoolingOff,
    DrafterMayNotApprove,
    MoneyDiffers,
    NotInTheRole,
    OrderAltered,
    OrderHasExpired,
    OrderIdTaken,
    OrderUnknown,
    OverrideRefused,
    TransactionDiffers,
    TransitionImpossible,
)
from khazana.custody.orders.log import delivery_alarms, overrides_due
from khazana.custody.orders.machine import AFTER
from khazana.custody.orders.signing import approve
from khazana.custody.orders.state import Status
from khazana.custody.orders.transaction import facts_of
from khazana.statement.dsse import Envelope, EnvelopeFile, joined
from khazana.units import Sats, Txid
from tests.custody.orders.desk import (
    BTC,
    HOUR,
    KEYS,
    MONDAY,
    OFFICE,
    Desk,
    facts,
    funding,
    order,
    psbt_of,
    purchase,
    rules,
    signed,
    spending,
    version,
    wallet_scripts,
)
from tests.reserve.simulator import OUTSIDER, script

ID = "2026-014"


def test_an_order_goes_its_whole_way():
    """Rule O1."""
    desk = Desk()
    assert desk.draft(order()).status is Status.DRAFT
    assert desk.attach(ID).status is Status.DRAFT
    assert desk.check(ID).status is Status.CHECKED
    assert desk.approve(ID, "amir").status is Status.CHECKED
    assert desk.approve(ID, "bibi").status is Status.APPROVED
    assert desk.sign(ID).status is Status.SIGNED
    sent = desk.broadcast(ID)
    assert sent.status is Status.BROADCAST
    final = sent.attempts[0].final
    assert final is not None
    done = desk.confirm(ID, final)
    assert done.status is Status.CONFIRMED
    assert done.approvers == ("amir", "bibi")


def event(name: str, desk: Desk) -> ev.Event:
    """One event of each kind, as it would come out of place."""
    heading = desk.heading(ID, "dana")
    envelope = EnvelopeFile("e30=", "x", [])
    txid = "00" * 32
    raw = signed(spending(order())[0]).serialize().hex()
    made: dict[str, ev.Event] = {
        "attached": ev.Attached(
            **heading, purpose="original", unsigned="", spent=[], change=[], psbt_sha256=txid
        ),
        "checked": ev.Checked(
            **heading,
            passed=True,
            results=[],
            largest_sat=None,
            transaction=None,
            rules_sha256=txid,
            valid_until=heading["at"],
            not_before=heading["at"],
            needed=[],
            override_role=None,
            publish_after_days=None,
        ),
        "overridden": ev.Overridden(**heading, envelope=envelope, publish_on="2026-01-01"),
        "approved": ev.Approved(**heading, envelope=envelope),
        "declined": ev.Declined(**heading, reason="no"),
        "signed": ev.Signed(**heading, raw=raw),
        "broadcast": ev.Broadcast(**heading, txid=txid, where="node"),
        "confirmed": ev.Confirmed(**heading, raw=raw, height=1, block=txid),
        "paid": ev.Paid(**heading, currency="USD", minor=1, reference="x"),
        "delivered": ev.Delivered(**heading, raw=raw, vout=0, height=1, block=txid),
        "receipted": ev.Receipted(**heading, file_sha256=txid),
        "expired": ev.Expired(**heading),
        "booked": ev.Booked(**heading, documents=[], rows_sha256=txid),
    }
    return made[name]


REACHED = {
    Status.DRAFT: lambda desk: desk.draft(order()),
    Status.CHECKED: lambda desk: (desk.draft(order()), desk.attach(ID), desk.check(ID)),
    Status.APPROVED: lambda desk: desk.approved(order()),
    Status.SIGNED: lambda desk: (desk.approved(order()), desk.sign(ID)),
    Status.BROADCAST: lambda desk: desk.sent(order()),
}


@pytest.mark.parametrize("status", REACHED, ids=lambda s: s.value)
@pytest.mark.parametrize("name", [*AFTER, "confirmed"])
def test_what_cannot_follow_is_refused_by_name_and_changes_nothing(status, name):
    """Rule O2."""
    desk = Desk()
    REACHED[status](desk)
    assert desk.log.order(ID).status is status
    allowed = AFTER.get(name, (Status.BROADCAST,))
    if status in allowed and name not in ("paid", "delivered", "receipted"):
        return
    before = desk.log
    with pytest.raises(TransitionImpossible) as refused:
        desk.add(event(name, desk))
    assert refused.value.event.endswith(name)
    assert desk.log is before


def test_a_second_order_of_the_same_id_and_an_unknown_one_are_refused():
    """Rule O2."""
    desk = Desk()
    desk.draft(order())
    with pytest.raises(OrderIdTaken):
        desk.draft(order(1 * BTC))
    with pytest.raises(OrderUnknown):
        desk.approve("other", "amir", desk_envelope())


def desk_envelope() -> Envelope:
    desk = Desk()
    desk.draft(order())
    desk.attach(ID)
    desk.check(ID)
    return desk.envelope(ID, "amir")


# Approvals


def checked(*, rules_=None, **how) -> Desk:
    desk = Desk(rules=rules_ or rules())
    desk.draft(order())
    desk.attach(ID, facts(order(), **how) if how else None)
    desk.check(ID)
    return desk


def test_the_drafter_cannot_approve_not_even_with_another_key():
    """Rule O5."""
    desk = checked()
    with pytest.raises(DrafterMayNotApprove) as refused:
        desk.approve(ID, "dana-2")
    assert refused.value.holder == "dana"


def test_one_person_counts_once_whatever_their_keys():
    """Rule O4."""
    desk = checked()
    desk.approve(ID, "amir")
    for again in ("amir", "amir-2"):
        with pytest.raises(ApprovedAlready):
            desk.approve(ID, again)
    assert desk.log.order(ID).status is Status.CHECKED


def test_an_envelope_with_two_signatures_is_not_two_approvals():
    """Rule O4."""
    desk = checked()
    both = joined([desk.envelope(ID, "amir"), desk.envelope(ID, "bibi")])
    with pytest.raises(ApprovalRefused, match="file of its own"):
        desk.approve(ID, "amir", both)


@pytest.mark.parametrize("signer", ["stranger", "mina"])
def test_a_key_outside_the_role_counts_for_nothing(signer):
    """Rule O4."""
    desk = checked()
    with pytest.raises(NotInTheRole):
        desk.approve(ID, signer)


def test_a_revoked_key_counts_for_nothing():
    """Rule O4."""
    from khazana.statement.identity import succeeded
    from tests.custody.orders.desk import IDS

    first = version()
    gone = IDS["bibi"]
    office = succeeded(
        OFFICE,
        version(
            version=2,
            previous=first.digest,
            valid_from=MONDAY - timedelta(days=1),
            keys={k: v for k, v in first.keys.items() if k != gone},
            roles={
                name: type(role)(role.keys - {gone}, role.threshold)
                for name, role in first.roles.items()
            },
            revoked=frozenset({gone}),
        ),
        [KEYS["mina"]],
    )
    desk = Desk(office=office)
    desk.draft(order())
    desk.attach(ID)
    desk.check(ID)
    with pytest.raises(NotInTheRole):
        desk.approve(ID, "bibi")


def test_an_approval_of_another_order_is_refused():
    """Rule O3."""
    desk = checked()
    desk.draft(order(id_="other"))
    desk.attach("other")
    desk.check("other")
    with pytest.raises(ApprovalForAnotherOrder) as refused:
        desk.approve(ID, "amir", desk.envelope("other", "amir"))
    assert (refused.value.what, refused.value.signed) == ("order", "other")


def test_an_order_altered_after_its_approval_is_refused():
    """Rule O3: the same id, transaction and time, another purpose."""
    desk, altered = checked(), Desk()
    altered.draft(order(purpose="School roofs and a car"))
    altered.attach(ID)
    altered.check(ID)
    with pytest.raises(OrderAltered):
        altered.approve(ID, "amir", desk.envelope(ID, "amir"))


def test_an_approval_of_another_transaction_is_refused():
    """Rule O3: one satoshi more to the miners."""
    desk, other = checked(), checked(fee=1_001)
    with pytest.raises(TransactionDiffers, match="the approval is for"):
        other.approve(ID, "amir", desk.envelope(ID, "amir"))


def test_an_approval_from_the_future_or_before_the_draft_is_refused():
    """Rule O3."""
    desk = checked()
    state = desk.log.order(ID)
    for at in (desk.now + HOUR, MONDAY - HOUR):
        early = approve(state.order, state.facts, KEYS["amir"], desk.parties, at=at)
        with pytest.raises(ApprovalRefused, match="between the draft and now"):
            desk.approve(ID, "amir", early)


def test_without_a_transaction_nothing_is_approved():
    """Rule O3."""
    desk = Desk()
    desk.draft(order())
    desk.check(ID)
    with pytest.raises(CheckIsOld, match="no transaction is attached"):
        desk.approve(ID, "amir", desk_envelope())


def test_a_transaction_attached_later_needs_a_new_check_and_new_approvals():
    """Rule O3."""
    desk = checked()
    desk.approve(ID, "amir")
    desk.attach(ID, facts(order(), fee=2_000))
    with pytest.raises(TransitionImpossible):
        desk.approve(ID, "bibi", desk_envelope())
    desk.check(ID)
    assert desk.log.order(ID).counting == ()


def test_an_old_check_has_to_be_made_again():
    """Rule O6."""
    desk = checked()
    desk.now += timedelta(hours=49)
    with pytest.raises(CheckIsOld, match="ended at"):
        desk.approve(ID, "amir")
    desk.check(ID)
    assert desk.approve(ID, "amir").counting[0].holder == "amir"


def test_checking_again_keeps_approvals_and_signatures_where_nothing_changed():
    """Rule O6."""
    desk = Desk()
    desk.approved(order())
    desk.sign(ID)
    desk.now += timedelta(hours=49)
    with pytest.raises(CheckIsOld):
        desk.broadcast(ID)
    assert desk.check(ID).status is Status.SIGNED
    assert desk.broadcast(ID).status is Status.BROADCAST


def test_an_expired_order_is_neither_approved_nor_sent_and_expires_once():
    """Rule O7."""
    desk = Desk()
    desk.approved(order())
    desk.sign(ID)
    with pytest.raises(MoneyDiffers, match="does not expire before"):
        desk.add(event("expired", desk))
    desk.now += timedelta(days=8)
    with pytest.raises(OrderHasExpired):
        desk.broadcast(ID)
    assert desk.add(event("expired", desk)).status is Status.EXPIRED
    with pytest.raises(TransitionImpossible):
        desk.check(ID)


def test_large_orders_cool_off_before_they_are_released():
    """Rule O8."""
    cooling = ("[[approval]]", '[cooling]\nhours = 24\nfrom_btc = "10"\n\n[[approval]]')
    desk = Desk(rules=rules(cooling))
    desk.approved(order())
    desk.sign(ID)
    with pytest.raises(CoolingOff) as refused:
        desk.broadcast(ID)
    assert refused.value.not_before == "2026-05-19T09:00:00Z"
    desk.now = MONDAY + 24 * HOUR
    assert desk.broadcast(ID).status is Status.BROADCAST


def test_whoever_declines_ends_the_order():
    """Rule O2."""
    desk = checked()
    state = desk.add(ev.Declined(**desk.heading(ID, "chen"), reason="wrong school"))
    assert (state.status, state.declined.reason) == (Status.REFUSED, "wrong school")
    with pytest.raises(TransitionImpossible, match="is declined"):
        desk.check(ID)


# Transactions


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("amount", lambda t: (TxOut(Sats(t.outputs[0].amount + 1), t.outputs[0].script),)),
        ("output", lambda t: (TxOut(t.outputs[0].amount, OUTSIDER),)),
    ],
)
def test_a_signed_transaction_that_differs_by_one_output_is_refused(name, change):
    """Rule O9."""
    desk = Desk()
    state = desk.approved(order())
    unsigned = state.facts.unsigned
    other = Transaction(
        2, unsigned.inputs, (*change(unsigned), *unsigned.outputs[1:]), unsigned.lock_time
    )
    with pytest.raises(TransactionDiffers) as refused:
        desk.sign(ID, signed(other))
    assert refused.value.name == name


def test_a_signed_transaction_with_another_input_output_or_lock_time_is_refused():
    """Rule O9."""
    desk = Desk()
    unsigned = desk.approved(order()).facts.unsigned
    stray = TxIn(OutPoint(Txid("cc" * 32), 0), b"", 0xFFFF_FFFD)
    same = unsigned.inputs[0]
    for inputs, outputs, lock_time, name in (
        ((stray,), unsigned.outputs, 0, "input"),
        ((*unsigned.inputs, stray), unsigned.outputs, 0, "input"),
        ((TxIn(same.outpoint, b"", 0),), unsigned.outputs, 0, "sequence"),
        (unsigned.inputs, unsigned.outputs[:1], 0, "output"),
        (unsigned.inputs, unsigned.outputs, 5, "version or lock time"),
    ):
        with pytest.raises(TransactionDiffers) as refused:
            desk.sign(ID, signed(Transaction(2, inputs, outputs, lock_time)))
        assert refused.value.name == name
    with pytest.raises(TransactionDiffers, match="carries no signature"):
        desk.sign(ID, unsigned)


def test_a_replacement_needs_a_common_coin_a_higher_fee_and_new_approvals():
    """Rule O25."""
    desk = Desk()
    first = desk.sent(order()).attempts[0].final
    with pytest.raises(TransactionDiffers, match="does not exceed"):
        desk.attach(ID, facts(order(), fee=1_000), purpose="replacement")
    with pytest.raises(TransactionDiffers, match="shares no coin"):
        desk.attach(ID, facts(order(), fee=5_000, coin=150 * BTC), purpose="replacement")
    state = desk.attach(ID, facts(order(), fee=5_000), purpose="replacement")
    assert state.status is Status.REPLACED
    with pytest.raises(TransitionImpossible):
        desk.sign(ID)
    desk.check(ID)
    desk.approve(ID, "bibi")
    assert desk.approve(ID, "chen").status is Status.APPROVED
    desk.sign(ID)
    second = desk.broadcast(ID)
    assert [a.facts.fee for a in second.sent] == [1_000, 5_000]
    done = desk.confirm(ID, second.attempts[1].final)
    assert done.approvers == ("bibi", "chen")
    # After a reorganisation the first may stand in the chain after all.
    again = desk.confirm(ID, first, height=501)
    assert (again.confirmed_txid, again.approvers) == (first.txid, ("amir", "bibi"))


def test_a_second_replacement_must_share_a_coin_with_every_transaction_sent():
    """Rule O25: else the first and the last could both confirm, and the payee be paid twice."""
    ordered = order()
    one, two = funding("hot", 200 * BTC), funding("hot", 150 * BTC, index=1)
    paid = TxOut(ordered.payments[0].sats, ordered.payments[0].script)

    def with_(fee: int, *came: Transaction):
        total = sum(c.outputs[0].amount for c in came)
        change = TxOut(Sats(total - paid.amount - fee), script("hot", 5))
        inputs = tuple(TxIn(c.outpoint(0), b"", 0xFFFF_FFFD) for c in came)
        unsigned = Transaction(2, inputs, (paid, change), 0)
        return facts_of(ordered, psbt_of(unsigned, one, two), wallet_scripts=wallet_scripts("hot"))

    desk = Desk()
    desk.sent(ordered)
    desk.attach(ID, with_(2_000, one, two), purpose="replacement")
    desk.check(ID)
    desk.approve(ID, "amir")
    desk.approve(ID, "bibi")
    desk.sign(ID)
    desk.broadcast(ID)
    with pytest.raises(TransactionDiffers) as refused:
        desk.attach(ID, with_(3_000, two), purpose="replacement")
    assert refused.value.name == "no_common_input"


def test_a_declined_replacement_leaves_what_was_sent():
    """Rule O25."""
    desk = Desk()
    desk.sent(order())
    desk.attach(ID, facts(order(), fee=5_000), purpose="replacement")
    state = desk.add(ev.Declined(**desk.heading(ID, "chen"), reason="it will confirm"))
    assert (state.status, len(state.attempts)) == (Status.BROADCAST, 1)


def child_of(state, *, fee: int = 3_000, to: bytes | None = None):
    parent = state.attempts[0].final
    change = parent.outputs[-1]
    unsigned = Transaction(
        2,
        (TxIn(parent.outpoint(len(parent.outputs) - 1), b"", 0xFFFF_FFFD),),
        (TxOut(Sats(change.amount - fee), to or script("hot", 4)),),
        0,
    )
    return facts_of(
        state.order,
        psbt_of(unsigned, parent),
        wallet_scripts=wallet_scripts("hot"),
        child_of=state.attempts[0].facts,
    )


def test_a_child_pays_for_its_parent_and_both_fees_count():
    """Rule O26."""
    desk = Desk()
    state = desk.sent(order())
    assert desk.attach(ID, child_of(state), purpose="child").status is Status.BUMPED
    checked_ = desk.check(ID)
    fee = next(each for each in checked_.check.results if each.rule == "fee")
    assert "fees of 4000 sat" in fee.why
    desk.approve(ID, "amir")
    desk.approve(ID, "chen")
    desk.sign(ID)
    desk.broadcast(ID)
    assert desk.confirm(ID, state.attempts[0].final).approvers == ("amir", "bibi")


def test_a_child_that_pays_somebody_else_or_has_no_parent_is_refused():
    """Rule O26."""
    desk = Desk()
    state = desk.sent(order())
    with pytest.raises(TransactionDiffers) as refused:
        child_of(state, to=OUTSIDER)
    assert refused.value.name == "foreign_output"
    own = Transaction(
        2,
        (TxIn(funding("hot", BTC).outpoint(0), b"", 0),),
        (TxOut(Sats(BTC - 500), script("hot", 4)),),
        0,
    )
    orphan = facts_of(
        state.order,
        psbt_of(own, funding("hot", BTC)),
        wallet_scripts=wallet_scripts("hot"),
        child_of=state.attempts[0].facts,
    )
    with pytest.raises(TransactionDiffers, match="no output of a transaction under way"):
        desk.attach(ID, orphan, purpose="child")


def test_a_foreign_transaction_cannot_confirm_an_order():
    """Rule O9."""
    desk = Desk()
    desk.sent(order())
    with pytest.raises(TransactionDiffers, match="none of the transactions"):
        desk.confirm(ID, signed(spending(order(), fee=7_000)[0]))


# Overrides


def refused_order() -> Desk:
    desk = Desk()
    desk.draft(order(120 * BTC))
    desk.attach(ID)
    state = desk.check(ID)
    assert (state.status, state.failed) == (Status.REFUSED, ("limit:one-payment",))
    return desk


def test_two_ministers_override_a_refusal_and_approvers_have_to_name_it():
    """Rule O27."""
    desk = refused_order()
    state = desk.override(ID, "mina", "musa")
    assert state.status is Status.CHECKED
    assert state.overrides[0].signed.reason == "the roof fell in"
    assert state.relied_on == ("limit:one-payment",)
    blind = approve(state.order, state.facts, KEYS["amir"], desk.parties, at=desk.now)
    with pytest.raises(ApprovalRefused, match="does not name the rules"):
        desk.approve(ID, "amir", blind)
    desk.approve(ID, "amir")
    assert desk.approve(ID, "bibi").status is Status.APPROVED
    assert desk.check(ID).status is Status.APPROVED


@pytest.mark.parametrize("signers", [("mina",), ("musa", "musa")])
def test_an_override_with_one_signature_is_refused(signers):
    """Rule O27."""
    desk = refused_order()
    with pytest.raises(OverrideRefused, match="1 of the 2 people"):
        desk.override(ID, *signers)
    assert desk.log.order(ID).status is Status.REFUSED


def test_the_drafter_overrides_nothing_and_an_approver_is_no_minister():
    """Rule O27."""
    desk = refused_order()
    with pytest.raises(DrafterMayNotApprove):
        desk.override(ID, "mina", "dana-2")
    with pytest.raises(NotInTheRole):
        desk.override(ID, "mina", "amir")


def test_an_override_without_a_reason_is_refused():
    """Rule O27."""
    with pytest.raises(OverrideRefused, match="no reason"):
        refused_order().override(ID, "mina", "musa", reason=" ")


def test_some_rules_nobody_may_override():
    """Rule O27: that a transfer stays inside is what conditions rest on."""
    desk = Desk(rules=rules())
    from khazana.ledger.documents import Reason

    desk.draft(order(reason=Reason.TRANSFER))
    desk.attach(ID)
    assert desk.check(ID).failed == ("destination",)
    with pytest.raises(OverrideRefused, match="nobody may override destination"):
        desk.override(ID, "mina", "musa")


def test_an_override_is_due_for_publication_after_its_days_and_until_it_is_published():
    """Rule O28."""
    desk = refused_order()
    desk.override(ID, "mina", "musa")
    day = (MONDAY + timedelta(days=30)).date()
    assert overrides_due(desk.log, day - timedelta(days=1)) == ()
    (due,) = overrides_due(desk.log, day + timedelta(days=3))
    assert (due.order, due.late_days) == (ID, 3)
    desk.add(ev.Published(**desk.heading(ID, "press"), where="Gazette 12"))
    assert overrides_due(desk.log, day) == ()
    with pytest.raises(OverrideRefused, match="none left"):
        desk.add(ev.Published(**desk.heading(ID, "press"), where="Gazette 13"))


def test_a_rule_broken_later_is_not_covered_by_the_override():
    """Rule O27."""
    desk = refused_order()
    desk.override(ID, "mina", "musa")
    desk.rules = rules(('id = "a-day"', 'id = "daily"'), ('most_btc = "150"', 'most_btc = "110"'))
    state = desk.check(ID)
    assert state.status is Status.REFUSED
    assert state.failed == ("limit:daily", "limit:one-payment")


# Purchases


def paid(desk: Desk, **changes):
    given = {"currency": "USD", "minor": 50_000_500, "reference": "SWIFT 1"}
    return desk.add(ev.Paid(**desk.heading("buy-1", "dana"), **(given | changes)))


def delivered(desk: Desk, sats: int, *, index: int = 0, serial: int = 0, height: int = 600):
    came = funding("elsewhere", 900 * BTC, index=serial)
    final = Transaction(
        2,
        (TxIn(came.outpoint(0), b"\x01", 0),),
        (TxOut(Sats(sats), script("fund", index)),),
        0,
    )
    return desk.add(
        ev.Delivered(
            **desk.heading("buy-1", "dana"),
            raw=final.serialize().hex(),
            vout=0,
            height=height,
            block="ab" * 32,
        )
    )


def test_a_purchase_is_paid_delivered_in_parts_receipted_and_booked():
    """Rule O29."""
    desk = Desk()
    assert desk.approved(purchase()).status is Status.APPROVED
    assert paid(desk).status is Status.PAID
    assert delivered(desk, 2 * BTC).status is Status.PAID
    assert delivered(desk, 3 * BTC, serial=1).status is Status.DELIVERED
    book = ev.Booked(**desk.heading("buy-1", "dana"), documents=["x"], rows_sha256="00" * 32)
    with pytest.raises(MoneyDiffers, match="receipt is missing"):
        desk.add(book)
    desk.add(ev.Receipted(**desk.heading("buy-1", "dana"), file_sha256="11" * 32))
    book = ev.Booked(**desk.heading("buy-1", "dana"), documents=["x"], rows_sha256="00" * 32)
    assert desk.add(book).status is Status.BOOKED


def test_coins_that_come_before_the_money_count_once_it_is_paid():
    """Rule O29."""
    desk = Desk()
    desk.approved(purchase())
    assert delivered(desk, 5 * BTC).status is Status.APPROVED
    assert paid(desk).status is Status.DELIVERED


def test_an_order_whose_coins_came_cannot_expire_or_be_declined():
    """Rule O29."""
    desk = Desk()
    desk.approved(purchase())
    delivered(desk, 2 * BTC)
    with pytest.raises(TransitionImpossible):
        desk.add(ev.Declined(**desk.heading("buy-1", "chen"), reason="no"))
    desk.now += timedelta(days=8)
    with pytest.raises(TransitionImpossible):
        desk.add(ev.Expired(**desk.heading("buy-1", "chen")))
    assert desk.log.order("buy-1").committed


@pytest.mark.parametrize("wrong", [{"minor": 50_000_000}, {"currency": "EUR"}])
def test_paying_anything_but_what_was_decided_is_refused(wrong):
    """Rule O29."""
    desk = Desk()
    desk.approved(purchase())
    with pytest.raises(MoneyDiffers, match="was decided"):
        paid(desk, **wrong)


def test_a_delivery_elsewhere_or_twice_is_refused():
    """Rule O29."""
    desk = Desk()
    desk.approved(purchase())
    paid(desk)
    with pytest.raises(TransactionDiffers, match="does not pay the address"):
        delivered(desk, 5 * BTC, index=1)
    delivered(desk, 2 * BTC)
    with pytest.raises(MoneyDiffers, match="already"):
        delivered(desk, 2 * BTC)


def test_paid_and_not_delivered_by_its_day_raises_an_alarm():
    """Rule O30."""
    desk = Desk()
    desk.approved(purchase())
    day = purchase().purchase.deliver_by
    late = day + timedelta(days=4)
    assert delivery_alarms(desk.log, late) == ()
    paid(desk)
    assert delivery_alarms(desk.log, day) == ()
    delivered(desk, 2 * BTC)
    (alarm,) = delivery_alarms(desk.log, late)
    assert (alarm.missing_sats, alarm.late_days, alarm.reference) == (3 * BTC, 4, "SWIFT 1")
    assert "300000000 sat were not delivered" in str(alarm)
    delivered(desk, 3 * BTC, serial=1)
    assert delivery_alarms(desk.log, late) == ()


def test_a_purchase_knows_no_broadcast_and_a_payment_no_delivery():
    """Rule O2."""
    desk = Desk()
    desk.approved(purchase())
    with pytest.raises(TransitionImpossible, match="no order of payments"):
        desk.add(
            ev.Signed(
                **desk.heading("buy-1", "dana"), raw=signed(spending(order())[0]).serialize().hex()
            )
        )
