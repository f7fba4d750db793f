import html
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.portal.formatting.bidi import (
    isolate,
    isolate_name,
    isolate_rtl,
    ltr_html,
    name_html,
    visible,
    without_isolates,
)
from khazana.portal.formatting.figures import (
    btc_html,
    code_html,
    count_html,
    fiat_html,
    height_html,
    person_html,
    sat_html,
    short_fiat_html,
)

OPENING = "\u2066\u2067\u2068\u202a\u202b\u202d\u202e"
CLOSING = "\u2069\u202c"
HOSTILE = st.text(st.sampled_from(OPENING + CLOSING + "ab1<>&\"'\u0627\n\x00\u200c\u200f"))


@pytest.mark.parametrize("wrap", [isolate, isolate_rtl, isolate_name])
@given(text=HOSTILE)
def test_whatever_is_isolated_the_isolates_balance(wrap, text):
    wrapped = wrap(text)
    assert wrapped[0] in OPENING
    assert wrapped[-1] == "\u2069"
    assert not set(wrapped[1:-1]) & set(OPENING + CLOSING)


@given(st.text())
def test_what_is_made_visible_hides_nothing(text):
    shown = visible(text)
    hidden = {c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp", "Co", "Cn")}
    assert not hidden
    assert not set(shown) & set(OPENING + CLOSING)


def test_the_joiners_of_urdu_and_marks_without_a_range_stay():
    assert visible("می\u200cخواهم\u200f") == "می\u200cخواهم\u200f"


def test_machines_get_the_text_without_isolates():
    assert without_isolates(isolate("-1.5 BTC")) == "-1.5 BTC"


@pytest.mark.parametrize("wrap", [ltr_html, name_html])
@given(text=HOSTILE)
def test_html_is_escaped_and_cannot_be_left(wrap, text):
    markup = wrap(text)
    inside = markup[markup.index(">") + 1 : -len("</bdi>")]
    assert html.unescape(inside) == visible(text)
    assert not set("<>\"'") & set(inside)
    assert markup.__html__() == markup


def test_classes_that_are_none_are_refused():
    with pytest.raises(ValueError, match="is not a list of CSS classes"):
        ltr_html("1", css='x" onclick="alert(1)')


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (btc_html(-1), "-0.00000001 BTC"),
        (sat_html(7, signed=True), "+7 sat"),
        (fiat_html(1250, "USD", language="ar"), "USD 12.50"),
        (height_html(925_000), "925,000"),
        (count_html(1_000), "1,000"),
        (code_html("bc1q<"), "bc1q&lt;"),
    ],
)
def test_figures_are_left_to_right_pieces(markup, text):
    assert markup.startswith('<bdi dir="ltr" class="')
    assert markup.endswith(f">{text}</bdi>")


def test_a_scale_word_of_another_script_stands_outside_the_number():
    assert short_fiat_html(700_000_000_00, "USD", language="ar") == (
        '<bdi dir="ltr" class="amount fiat">USD 700.00</bdi> مليون'
    )
    assert short_fiat_html(100, "USD", language="ur").endswith("USD 1.00</bdi>")
    assert short_fiat_html(700_000_000_00, "USD", language="es").endswith("millones</bdi>")


def test_a_person_s_words_keep_their_own_direction():
    assert person_html("دفتر") == '<bdi class="name">دفتر</bdi>'
