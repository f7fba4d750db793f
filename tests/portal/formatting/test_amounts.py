import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.portal.formatting.amounts import (
    LAKH_CURRENCIES,
    btc_text,
    fiat_text,
    grouping_of,
    read_btc,
    read_fiat,
    sat_text,
    scales_of,
    short_btc_text,
    short_fiat,
)
from khazana.portal.formatting.languages import LANGUAGES
from khazana.units import MAX_MONEY, btc_from_sats

SATS = st.integers(-MAX_MONEY, MAX_MONEY)
MINOR = st.integers(-(2**53), 2**53)
LANGUAGE = st.sampled_from(LANGUAGES)
EASTERN = set("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫٬")


@given(SATS, st.booleans(), st.booleans())
def test_bitcoin_reads_back_as_itself(sats, signed, unit):
    text = btc_text(sats, signed=signed, unit=unit)
    assert read_btc(text) == sats
    assert text.isascii()


@given(SATS)
def test_bitcoin_is_written_as_the_command_line_writes_it_but_in_groups(sats):
    assert btc_text(sats, unit=False).replace(",", "") == btc_from_sats(sats)


@given(SATS, st.integers(0, 8))
def test_a_short_amount_is_within_half_of_its_last_place(sats, places):
    shown = read_btc(short_btc_text(sats, places=places))
    assert abs(shown - sats) * 2 <= 10 ** (8 - places)


def test_satoshis_are_whole():
    assert sat_text(123_456_789, signed=True) == "+123,456,789 sat"


@given(MINOR, st.sampled_from(["USD", "PKR", "JPY", "KWD"]), LANGUAGE, st.booleans())
def test_money_reads_back_as_itself_in_every_language(minor, currency, language, signed):
    text = fiat_text(minor, currency, language=language, signed=signed)
    assert read_fiat(text) == (minor, currency)
    assert text.isascii()


def test_rupees_are_grouped_by_lakh_where_people_count_so():
    written = {
        language: fiat_text(1_234_567_890, "PKR", language=language) for language in LANGUAGES
    }
    assert written == {
        "en": "PKR 1,23,45,678.90",
        "ur": "PKR 1,23,45,678.90",
        "ar": "PKR 12,345,678.90",
        "es": "PKR 12,345,678.90",
    }
    assert grouping_of("USD", "ur") == "thousands"


@pytest.mark.parametrize(
    ("minor", "currency", "language", "text"),
    [
        (99_999_99, "PKR", "en", "PKR 99,999.99"),
        (1_00_000_00, "PKR", "en", "PKR 1.00 lakh"),
        (3_42_00_000_00, "PKR", "en", "PKR 3.42 crore"),
        (28_000_000_000_00, "PKR", "en", "PKR 28.00 arab"),
        (-28_000_000_000_00, "PKR", "ur", "PKR -28.00 ارب"),
        (280_000_000_000_00, "PKR", "ur", "PKR 2.80 کھرب"),
        (70_000_000_000, "USD", "en", "USD 700.00 million"),
        (70_000_000_000, "USD", "ur", "USD 70.00 کروڑ"),
        (70_000_000_000, "USD", "ar", "USD 700.00 مليون"),
        (70_000_000_000, "USD", "es", "USD 700.00 millones"),
        (100_000_000, "USD", "es", "USD 1.00 millón"),
        (-100_000_000, "USD", "es", "USD -1.00 millón"),
        (700_000_000_000, "USD", "es", "USD 7.00 mil millones"),
        (99_999_999_999, "USD", "en", "USD 1.00 billion"),
        (-99_999_999_999, "USD", "en", "USD -1.00 billion"),
        (99_400_000_000, "USD", "en", "USD 994.00 million"),
        (99_999_999_999_999_900, "USD", "en", "USD 1,000.00 trillion"),
    ],
)
def test_headlines_use_the_scale_of_the_language(minor, currency, language, text):
    assert str(short_fiat(minor, currency, language=language)) == text


@given(MINOR, st.sampled_from(["USD", "PKR"]), LANGUAGE)
def test_a_headline_is_within_half_of_its_last_place(minor, currency, language):
    money = short_fiat(minor, currency, language=language)
    values = {s.several: s.value for s in scales_of(currency, language)}
    values |= {s.one: s.value for s in scales_of(currency, language)} | {"": 1}
    value = values[money.scale]
    shown = int(money.number.removeprefix(currency).strip().replace(",", "").replace(".", ""))
    assert abs(shown * value - minor) * 2 <= value
    assert not EASTERN & set(str(money))


def test_urdu_scales_are_those_of_babel():
    core = pytest.importorskip("babel", reason="Babel is in the portal extra")
    compact = core.Locale.parse("ur").compact_decimal_formats["long"]["other"]
    for scale in scales_of("PKR", "ur"):
        assert scale.several in str(compact[str(scale.value)].pattern)


@pytest.mark.parametrize("text", ["USD", "12.50", "USD 12.505", "usd 1", "XXY 1.00", "USD 1,2"])
def test_other_spellings_of_money_are_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  each says its own
        read_fiat(text)


def test_more_bitcoin_than_will_ever_exist_is_refused():
    with pytest.raises(ValueError, match="more than will ever exist"):
        read_btc("21,000,001.00000000 BTC")


def test_lakh_currencies_are_currencies():
    for currency in LAKH_CURRENCIES:
        assert fiat_text(0, currency, language="en") == f"{currency} 0.00"
