"""Orders, requests and spending rules as files: read strictly, refused with the place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.network import MAINNET, REGTEST
from khazana.custody.orders.errors import OrderFileRefused
from khazana.custody.orders.order import Money, Order, Payment, payment, record
from khazana.custody.orders.order_file import order_from_record, read_order, write_order
from khazana.custody.orders.request_file import Drafter, read_request
from khazana.custody.orders.rules_file import read_spending
from khazana.ledger.canonical import JsonRefused, canonical_bytes
from khazana.ledger.documents import Reason
from khazana.ledger.problems import OfficeFileRefused
from khazana.units import MAX_MONEY, Sats
from tests.custody.orders.desk import (
    BTC,
    IDS,
    MONDAY,
    OFFICE,
    address,
    order,
    purchase,
    rules,
    rules_text,
)

DRAFTER = Drafter(OFFICE.fingerprint, REGTEST, IDS["dana"], MONDAY)
MAINNET_ADDRESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


# Orders


@pytest.mark.parametrize("made", [order(), order(1, 2, 3), purchase()], ids=["one", "three", "buy"])
def test_what_is_written_is_read_back(made):
    """Rule O1."""
    assert read_order(write_order(made)) == made
    assert read_order(write_order(made)).digest == made.digest


def changed(**fields):
    return record(order()) | fields


@pytest.mark.parametrize(
    ("fields", "place", "words"),
    [
        ({"payments": []}, "payments", "payments or a purchase"),
        ({"id": "a b"}, "id", "letters"),
        ({"id": ""}, "id", "length"),
        ({"expires_at": "2026-05-18T09:00:00Z"}, "expires_at", "before it begins"),
        ({"expires_at": "2026-13-18T09:00:00Z"}, "expires_at", "no time"),
        ({"expires_at": "tomorrow"}, "expires_at", "regex"),
        ({"reason": "acquisition"}, "reason", "pays nothing out"),
        ({"reason": "gift"}, "reason", "no reason"),
        ({"reason": "to_custodian"}, "counter_account", "needed"),
        ({"counter_account": "x"}, "counter_account", "only there"),
        ({"purpose": " "}, "purpose", "what it is for"),
        ({"money": {"currency": "XXQ", "minor": 1}}, "money", "ISO 4217"),
        ({"office": "short"}, "office", "regex"),
        ({"format": "khazana.order/2"}, "format", "khazana.order"),
        ({"extra": 1}, "the top", "extra"),
        ({"network": {"name": "mainnet", "genesis": REGTEST.genesis}}, "network", "no network"),
    ],
)
def test_a_wrong_field_is_refused_with_its_place(fields, place, words):
    """Rule O1."""
    with pytest.raises(OrderFileRefused) as refused:
        order_from_record(changed(**fields))
    assert refused.value.place == place
    assert words in refused.value.problem


@pytest.mark.parametrize(
    ("sats", "words"),
    [(0, ">= 1"), (-5, ">= 1"), (MAX_MONEY + 1, "<="), ("1", "int"), (True, "int")],
)
def test_an_amount_of_nothing_less_or_too_much_is_refused(sats, words):
    """Rule O1."""
    paid = [{"address": address("payee"), "sats": sats, "label": ""}]
    with pytest.raises(OrderFileRefused) as refused:
        order_from_record(changed(payments=paid))
    assert refused.value.place == "payments[0].sats"
    assert words in refused.value.problem


def test_an_amount_with_a_fraction_is_no_json_of_ours():
    text = write_order(order()).replace(b'"sats":1000000000', b'"sats":0.5')
    with pytest.raises(JsonRefused) as refused:
        read_order(text)
    assert refused.value.path == "payments[0].sats"


@pytest.mark.parametrize("sats", [0, -1, MAX_MONEY + 1])
def test_a_payment_cannot_be_built_wrong(sats):
    with pytest.raises(ValueError, match="is between 1 and"):
        Payment(address("payee"), b"", Sats(sats))
    with pytest.raises(ValueError, match="above zero"):
        Money("USD", min(sats, 0))


def test_payments_that_exceed_all_money_together_are_refused():
    """Rule O1."""
    with pytest.raises(ValueError, match="ever exist"):
        order(MAX_MONEY, 1)


def test_an_address_of_another_network_is_refused_with_its_place():
    """Rule O1."""
    paid = [{"address": MAINNET_ADDRESS, "sats": 1, "label": ""}]
    with pytest.raises(OrderFileRefused) as refused:
        order_from_record(changed(payments=paid))
    assert refused.value.place == "payments[0].address"
    assert "belongs to mainnet" in refused.value.problem


def test_one_address_paid_twice_is_refused():
    """Rule O1: more often a slip than a wish."""
    twice = (payment(address("payee"), 1, REGTEST), payment(address("payee"), 2, REGTEST))
    with pytest.raises(ValueError, match="paid twice"):
        order(payments=twice)
    upper = payment(address("payee").upper(), 2, REGTEST)
    with pytest.raises(ValueError, match="paid twice"):
        order(payments=(twice[0], upper))


def test_a_reformatted_order_is_refused():
    """Rule O1: its hash is what is signed."""
    pretty = json.dumps(record(order()), indent=1).encode()
    with pytest.raises(OrderFileRefused, match="canonical"):
        read_order(pretty)


@given(st.sampled_from(sorted(record(order()))), st.sampled_from([None, 0, "", [], {}, "x"]))
def test_whatever_is_put_into_a_field_is_read_or_refused(field, value):
    content = changed(**{field: value})
    try:
        made = order_from_record(content)
    except OrderFileRefused:
        return
    assert canonical_bytes(record(made)) == canonical_bytes(content)


@pytest.mark.parametrize("field", sorted(record(order())))
def test_every_field_is_under_the_hash(field):
    """Rule O3: the hash changes with everything."""
    base = order()
    others: dict[str, object] = {
        "id": "x",
        "office": "11" * 32,
        "account": "cold",
        "purpose": "y",
        "paid_from": "z",
        "counterparty": "z",
        "authority": "z",
        "budget_line": "z",
        "drafter": "amir",
        "drafted_at": MONDAY.replace(hour=1),
        "expires_at": MONDAY.replace(day=30),
        "reason": Reason.DISPOSAL,
        "payments": (payment(address("payee"), BTC, REGTEST),),
        "money": Money("USD", 1),
        "network": MAINNET,
    }
    if field in others:
        assert order(**{field: others[field]}).digest != base.digest
    elif field == "counter_account":
        one, two = (order(reason=Reason.TO_CUSTODIAN, counter_account=name).digest for name in "ab")
        assert one != two
    else:
        assert field in ("format", "purchase")


# Requests


REQUEST = f"""\
format = "khazana.order-request/1"
id = "2026-020"
wallet = "hot"
reason = "disbursement"
purpose = "School roofs"
expires_in_days = 7
authority = "Act 12"

[[pay]]
address = "{address("payee", 0)}"
btc = "0.5"
label = "north"

[[pay]]
address = "{address("payee", 1)}"
sat = 1_000
"""
BUY = f"""\
format = "khazana.order-request/1"
id = "buy-7"
wallet = "fund"
purpose = "Reserve"
expires_in_days = 2
paid_from = "budget"

[purchase]
address = "{address("fund")}"
btc = "5"
chosen = "a"
deliver_by = 2026-05-20

[[purchase.quote]]
id = "a"
dealer = "Alfa"
at = 2026-05-18T13:00:00+05:00
valid_until = 2026-05-18T20:00:00+05:00
currency = "USD"
price = "500000"
fees = "5.00"

[[purchase.quote]]
id = "b"
dealer = "Beta"
at = 2026-05-18T13:00:00+05:00
valid_until = 2026-05-18T20:00:00+05:00
currency = "USD"
price = "505000"
"""


def read(text: str) -> Order:
    return read_request("request.toml", text.encode(), DRAFTER)


def test_a_request_becomes_an_order():
    made = read(REQUEST)
    assert [p.sats for p in made.payments] == [50_000_000, 1_000]
    assert (made.drafter, made.office, made.authority) == (
        IDS["dana"],
        OFFICE.fingerprint,
        "Act 12",
    )
    bought = read(BUY)
    assert bought.purchase is not None
    assert bought.cost == Money("USD", 50_000_500)
    assert read_order(write_order(bought)) == bought


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('btc = "0.5"', 'btc = "-0.5"', 11, "between 1 and"),
        ('btc = "0.5"', 'btc = "0"', 11, "between 1 and"),
        ('btc = "0.5"', 'btc = "21000001"', 11, "ever exist"),
        ('btc = "0.5"', "btc = 0.5", 11, "should be text"),
        ('btc = "0.5"', 'btc = "0,5"', 11, "decimal"),
        ("sat = 1_000", "", 14, "amount"),
        ('reason = "disbursement"', 'reason = "disbursment"', 4, "did you mean"),
        ('reason = "disbursement"', 'reason = "mined"', 4, "no reason to pay"),
        ('label = "north"', 'lable = "north"', 12, "not a known key"),
        (address("payee", 0), MAINNET_ADDRESS, 10, "belongs to mainnet"),
        (address("payee", 1), address("payee", 0), 9, "paid twice"),
        ("expires_in_days = 7", "expires_in_days = 0", 6, "between 1 and 366"),
        ('wallet = "hot"', "", 1, "is missing"),
    ],
)
def test_a_wrong_request_is_refused_with_its_line(old, new, line, words):
    assert old in REQUEST
    with pytest.raises(OfficeFileRefused) as refused:
        read(REQUEST.replace(old, new, 1))
    problems = [p for p in refused.value.problems if words in p.text]
    assert problems, str(refused.value)
    assert problems[0].place.line == line


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('chosen = "a"', 'chosen = "c"', "not listed"),
        ('id = "b"', 'id = "a"', "same id"),
        ("deliver_by = 2026-05-20", 'deliver_by = "soon"', "should be a day"),
        ('price = "500000"', 'price = "500000.001"', "more than the 2 decimals"),
        ('price = "500000"', 'price = "-5"', "is negative"),
        ('currency = "USD"', 'currency = "DOLLAR"', "ISO 4217"),
        ("at = 2026-05-18T13:00:00+05:00", "at = 2026-05-18T13:00:00", "zone"),
        ("valid_until = 2026-05-18T20:00:00+05:00", "valid_until = 2026-05-18T07:00:00Z", "ends"),
        ('purpose = "Reserve"', 'purpose = "Reserve"\nreason = "donation"', "is an acquisition"),
    ],
)
def test_a_wrong_purchase_is_refused(old, new, words):
    assert old in BUY
    with pytest.raises(OfficeFileRefused, match=words):
        read(BUY.replace(old, new, 1))


# Spending rules


def test_the_rules_are_read():
    read_ = rules()
    assert [limit.id for limit in read_.limits] == ["one-payment", "a-day", "a-month"]
    assert read_.per_address == 500 * BTC
    assert read_.holders[IDS["dana-2"]] == "dana"
    assert len(read_.sha256) == 64


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('conditions = "none"', 'conditions = "maybe"', "known are none, required"),
        ('most_btc = "100"', "most_btc = 100", "should be text"),
        ('most_btc = "100"', 'most_btc = "lots"', "decimal"),
        ('most_btc = "100"', 'most_btc = "1e999999999"', "not a plain decimal"),
        ('most_btc = "100"', 'most_btc = "-1"', "less than 0 sat"),
        ('id = "a-day"', 'id = "one-payment"', "stands here twice"),
        ('from_btc = "0"', 'from_btc = "1"', "no approval is needed"),
        ("approvals = 2", "approvals = 0", "between 1 and 100"),
        ('per = "day"', 'per = "week"', "no choice here"),
        ('on = "payment"', 'on = "gift"', "no choice here"),
        ("most_fee_sat = 20_000", "most_fee = 20_000", "not a known key"),
        ('role = "drafter"', 'roles = "drafter"', "is missing"),
        (f'"{address("payee", 0)}"', f'"{MAINNET_ADDRESS}"', "belongs to mainnet"),
        (f'"{address("payee", 0)}"', f'"{address("payee", 1)}"', "already"),
    ],
)
def test_wrong_rules_are_refused(old, new, words):
    with pytest.raises(OfficeFileRefused, match=words):
        rules((old, new))


def test_a_key_of_two_people_is_refused():
    """Rule O4: it could hide that one of them acts twice."""
    text = rules_text() + f'\n[[holder]]\nid = "eve"\nkeys = ["{IDS["bibi"]}"]\n'
    with pytest.raises(OfficeFileRefused, match="is bibi's already"):
        read_spending("spending.toml", text.encode(), network=REGTEST)
