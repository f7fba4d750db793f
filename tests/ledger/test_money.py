import hashlib
import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.ledger.money import major_units, minor_digits, minor_units, sats_of_text
from khazana.units import Sats, btc_from_sats


@given(st.integers(-(2**53) + 1, 2**53 - 1), st.sampled_from(["USD", "PKR", "JPY", "KWD"]))
def test_minor_units_survive_being_written_and_read(amount, currency):
    text = major_units(amount, currency)
    if len(text.lstrip("-").split(".")[0]) <= 15:
        assert minor_units(text, currency) == amount


@given(st.integers(-21 * 10**14, 21 * 10**14))
def test_both_ways_to_write_an_amount_agree(amount):
    written = btc_from_sats(Sats(amount))
    assert sats_of_text(btc=written, sat=str(amount)) == amount


@pytest.mark.parametrize("text", ["", "1,000", "1e3", " 1", "1.", ".5", "--1", "٣", "1_0", "NaN"])
def test_what_is_no_plain_decimal_is_no_money(text):
    with pytest.raises(ValueError, match="plain decimal"):
        minor_units(text, "USD")


def test_amounts_that_disagree_are_refused():
    with pytest.raises(ValueError, match="disagree"):
        sats_of_text(btc="1", sat="1")


def test_the_table_of_currencies_is_the_one_its_source_describes():
    data = resources.files("khazana.ledger").joinpath("data")
    source = tomllib.loads(data.joinpath("iso4217.source.toml").read_text("utf-8"))
    table = data.joinpath("iso4217.csv").read_bytes()
    assert hashlib.sha256(table).hexdigest() == source["sha256"]
    digits = minor_digits()
    assert (digits["PKR"], digits["USD"], digits["JPY"], digits["KWD"]) == (2, 2, 0, 3)
    assert list(digits) == sorted(digits)


def test_the_claimed_addresses_are_the_file_their_source_describes():
    data = resources.files("khazana.ledger").joinpath("data", "el_salvador_claimed")
    source = tomllib.loads(data.joinpath("office.source.toml").read_text("utf-8"))
    office = data.joinpath("office.toml").read_bytes()
    assert hashlib.sha256(office).hexdigest() == source["sha256"]
