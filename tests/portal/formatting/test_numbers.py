from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.portal.formatting.numbers import (
    decimal_text,
    grouped,
    percent_text,
    read_number,
    size_text,
)

NUMBERS = st.integers(-(10**24), 10**24)
GROUPINGS = st.sampled_from(["thousands", "lakh"])


@given(NUMBERS, st.integers(0, 12), GROUPINGS, st.booleans())
def test_a_written_number_reads_back_as_itself(number, places, grouping, signed):
    text = decimal_text(number, places=places, grouping=grouping, signed=signed)
    assert read_number(text) == Decimal(number).scaleb(-places)


@given(NUMBERS)
def test_groups_of_thousands_are_those_of_python(number):
    assert grouped(number) == f"{number:,}"


@pytest.mark.parametrize("locale", ["en_PK", "ur", "ar", "es_SV"])
@given(number=NUMBERS)
def test_groups_of_thousands_are_those_of_every_language_we_speak(locale, number):
    numbers = pytest.importorskip("babel.numbers", reason="Babel is in the portal extra")
    written = numbers.format_decimal(number, locale=locale)
    assert written.replace("\u200e", "").replace("\u200f", "") == grouped(number)


@given(NUMBERS)
def test_groups_of_lakh_are_those_of_babel(number):
    numbers = pytest.importorskip("babel.numbers", reason="Babel is in the portal extra")
    written = numbers.format_decimal(number, format="#,##,##0", locale="en")
    assert written == grouped(number, grouping="lakh")


@pytest.mark.parametrize(
    "text",
    ["", "-", "1,2", "12,34", "1,23,456,7", "01", "1.", ".5", "1 000", "1,000,00", "\u0661", "1e5",
     "--1", "1,,000", "\u22121", "\u200f1", " 1", "1\n"],
)  # fmt: skip
def test_other_spellings_of_a_number_are_refused(text):
    with pytest.raises(ValueError, match="is not a number in groups"):
        read_number(text)


@given(NUMBERS.filter(bool), st.integers(0, 8))
def test_the_sign_is_ascii_and_stands_first(number, places):
    text = decimal_text(number, places=places, signed=True)
    assert text[0] == ("-" if number < 0 else "+")
    assert text.isascii()
    assert not set(text[1:]) & set("+-")


def test_nothing_has_no_sign():
    assert decimal_text(0, places=2, signed=True) == "0.00"


@given(st.fractions(0, 1), st.integers(0, 4))
def test_what_is_not_nothing_and_not_all_never_reads_so(share, places):
    shown = Decimal(percent_text(share, language="en", places=places).removesuffix("%"))
    assert (shown == 0) == (share == 0)
    assert (shown == 100) == (share == 1)


def test_percentages_round_half_to_even_and_keep_their_decimals():
    shown = [
        percent_text(Fraction(n, 2000), language="en", signed=n < 0) for n in (-1, 1, 3, 1000, 4000)
    ]
    assert shown == ["-0.05%", "0.05%", "0.2%", "50.0%", "200.0%"]


def test_spanish_keeps_a_space_before_the_sign_of_percent():
    assert percent_text(Fraction(1, 4), language="es") == "25.0\u00a0%"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"), (10**12, "1,000.0 GB")],
)
def test_sizes_are_powers_of_ten(size, text):
    assert size_text(size) == text


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="-1 decimals"):
        decimal_text(1, places=-1)
    with pytest.raises(ValueError, match="-1 bytes"):
        size_text(-1)
    with pytest.raises(ValueError, match="no language 'fr'"):
        percent_text(Fraction(1), language="fr")
