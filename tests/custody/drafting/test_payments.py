"""Payments and tables of them: each thing that must not go out is refused, with its line."""

import pytest

pytest.importorskip("bdkpython", reason="the office profile brings BDK")

from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.address import address_of
from khazana.bitcoin.network import MAINNET, REGTEST
from khazana.bitcoin.script import p2pkh, p2tr, p2wpkh, witness_script
from khazana.custody.drafting.batch import read_batch
from khazana.custody.drafting.errors import BatchRefused, PaymentsRefused
from khazana.custody.drafting.lookalikes import NONE_KNOWN, KnownAddresses, lookalike
from khazana.custody.drafting.payments import Earlier, Payment, check_payments, payment
from khazana.units import Sats
from tests.custody.drafting.safes import address, to

GOOD = address("payee")


def batch(text, known=NONE_KNOWN):
    return read_batch("pay.csv", text.encode(), network=REGTEST, known=known)


def problems(text, known=NONE_KNOWN):
    with pytest.raises(BatchRefused) as caught:
        batch(text, known)
    return [(p.place.line, p.place.field, p.text) for p in caught.value.problems]


def test_a_table_is_read_in_bitcoin_or_satoshis():
    read = batch(
        f"address,amount_btc,amount_sat,label,reference\n{GOOD},0.5,,Salaries,A-1\n"
        f"{address('other')},,2500,,A-2\n"
    )
    assert [(p.address, p.amount, p.label, p.reference) for p in read] == [
        (GOOD, 50_000_000, "Salaries", "A-1"),
        (address("other"), 2_500, "", "A-2"),
    ]


def test_every_problem_of_every_row_is_listed_and_nothing_is_taken():
    foreign = address_of(p2wpkh(bytes(20)), MAINNET)
    found = problems(
        "address,amount_sat,reference\n"
        f"{GOOD},5000,r1\n"
        f"{GOOD[:-1]}q,5000,r2\n"
        f"{foreign},5000,r3\n"
        f"{GOOD},6000,r4\n"
        f"{address('other')},100,r5\n"
        f"{address('third')},abc,r6\n"
        f"{address('fourth')},0,r7\n"
        f"{address('fifth')},5000,r1\n"
        ",5000,r9\n"
    )
    lines = [line for line, _, _ in found]
    assert lines == [3, 4, 5, 6, 7, 8, 9, 10]
    words = dict(zip(lines, (text for _, _, text in found), strict=True))
    assert "checksum" in words[3]
    assert "mainnet" in words[4]
    assert "is paid by line 2 already" in words[5]
    assert "dust: 294 sat is the least" in words[6]
    assert "whole number" in words[7]
    assert "no payment" in words[8]
    assert "reference r1 stands in line 2 already" in words[9]
    assert "is empty" in words[10]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is missing"),
        ("address,amount_sat\n", "no payment"),
        ("address;amount_sat\n", "semicolons"),
        ("address,amount\nx,1\n", "no such column"),
        ("address,address\n", "twice"),
        (f"address,amount_btc,amount_sat\n{GOOD},1,5\n", "disagree"),
        (f"address,amount_btc\n{GOOD},0.000000001\n", "whole number of satoshis"),
        (f"address,amount_btc\n{GOOD},-1\n", "no payment"),
        (f"address,amount_sat\n{GOOD}\n", "cells"),
    ],
)
def test_a_table_that_is_none_is_refused(text, words):
    assert any(words in said for _, _, said in problems(text))


def test_an_address_with_the_same_ends_is_named_beside_the_one_it_imitates():
    real = "bcrt1qabcdefghjklmnpqrstuvwxyz0234567xyz"
    fake = "bcrt1qabcdefghjklmnpqrstuvwxyz0234560xyz"
    for group in ("own", "allowed", "paid"):
        found = lookalike(fake, KnownAddresses(**{group: {real: "Ministry of Water"}}))
        assert found.resembles == real
        assert real in str(found)
        assert fake in str(found)
        assert "Ministry of Water" in str(found)
    assert lookalike(real, KnownAddresses(own={real: "cold"})) is None
    assert lookalike(real.upper(), KnownAddresses(own={real: "cold"})) is None
    assert lookalike("bcrt1qabd" + real[9:], KnownAddresses(own={real: "cold"})) is None


def test_a_lookalike_of_an_earlier_payee_refuses_the_whole_order():
    real = address("payee")
    fake = address_of(p2wpkh(bytes(20)), REGTEST)
    # Known: what the fake one was ground to resemble.
    known = KnownAddresses(paid={fake[:9] + "x" * 20 + fake[-3:]: "Supplier"})
    with pytest.raises(PaymentsRefused, match="Supplier") as caught:
        check_payments([payment(fake, Sats(5_000), REGTEST)], network=REGTEST, known=known)
    assert caught.value.findings[0].rule == "D5"
    check_payments([payment(real, Sats(5_000), REGTEST)], network=REGTEST, known=known)


def test_an_address_that_anybody_can_spend_from_today_is_refused():
    future = address_of(witness_script(2, bytes(32)), REGTEST)
    with pytest.raises(PaymentsRefused, match="anybody could spend"):
        check_payments([payment(future, Sats(5_000), REGTEST)], network=REGTEST, known=NONE_KNOWN)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_two_addresses_of_different_ends_never_look_alike(one, other):
    scripts = [
        make(data[: 20 if make is not p2tr else 32])
        for make in (p2pkh, p2wpkh, p2tr)
        for data in (one, other)
    ]
    shown = [address_of(script, REGTEST) for script in scripts]
    for a in shown:
        for b in shown:
            same = a[:9] == b[:9] and a[-3:] == b[-3:]
            if not same and a[0] == "b" == b[0]:
                assert lookalike(a, KnownAddresses(own={b: "x"})) is None


def test_payments_of_one_order_may_not_repeat_an_address_or_a_reference():
    twice = [to("payee", 5_000), to("payee", 6_000)]
    with pytest.raises(PaymentsRefused, match="paid by payment 1 already"):
        check_payments(twice, network=REGTEST, known=NONE_KNOWN)
    same = [to("payee", 5_000, reference="r"), to("other", 6_000, reference="r")]
    with pytest.raises(PaymentsRefused, match="reference r stands in payment 1"):
        check_payments(same, network=REGTEST, known=NONE_KNOWN)


def test_payments_of_one_order_that_look_alike_are_named():
    earlier = Earlier()
    one = Payment("bcrt1qabcdefghjklmnpqrstuvwxyz0234567xyz", b"\x01", Sats(5_000))
    other = Payment("bcrt1qabcdefghjklmnpqrstuvwxyz0234560xyz", b"\x02", Sats(5_000))
    assert list(earlier.clashes(one, "line 2")) == []
    [(rule, text)] = earlier.clashes(other, "line 3")
    assert rule == "D5"
    assert f"{other.address} looks like {one.address} of line 2" in text


def test_a_long_table_and_many_known_addresses_are_read_at_once():
    known = KnownAddresses(
        paid={address_of(p2wpkh(n.to_bytes(20, "big")), REGTEST): str(n) for n in range(20_000)}
    )
    rows = [
        f"{address_of(p2wpkh(n.to_bytes(20, 'little')), REGTEST)},1000,r{n}\n"
        for n in range(1, 2_001)
    ]
    assert len(batch("address,amount_sat,reference\n" + "".join(rows), known)) == 2_000
