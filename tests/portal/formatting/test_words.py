"""Words are read back by a reader that knows their values but not how they were put together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.portal.formatting.languages import LANGUAGES
from khazana.portal.formatting.words import (
    CURRENCIES_IN_WORDS,
    btc_words,
    fiat_words,
    number_words,
)
from khazana.portal.formatting.words_arabic import CountedNoun, arabic, counted
from khazana.portal.formatting.words_english import english
from khazana.portal.formatting.words_spanish import spanish
from khazana.portal.formatting.words_urdu import urdu
from khazana.units import MAX_MONEY

NUMBERS = st.one_of(st.integers(0, 1000), st.integers(0, 10**15 - 1))
URDU_SCALES = {"سو": 100, "ہزار": 10**3, "لاکھ": 10**5, "کروڑ": 10**7, "ارب": 10**9}
URDU_SCALES |= {"کھرب": 10**11}
ENGLISH_SCALES = {"hundred": 100, "thousand": 10**3, "lakh": 10**5, "crore": 10**7}
ENGLISH_SCALES |= {"arab": 10**9, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SPANISH_SCALES = {"mil": 10**3, "millón": 10**6, "millones": 10**6, "billón": 10**12}
SPANISH_SCALES |= {"billones": 10**12}


def read_words(tokens, small, scales):
    """Each scale multiplies what stands before it since the last larger one."""
    done = []
    for token in tokens:
        if token in scales:
            value = scales[token]
            before = 0
            while done and done[-1] < value:
                before += done.pop()
            done.append((before or 1) * value)
        else:
            done.append(small[token])
    return sum(done)


@given(NUMBERS)
def test_urdu_words_read_back(number):
    small = {urdu(n): n for n in range(100)}
    assert len(small) == 100
    assert read_words(urdu(number).split(), small, URDU_SCALES) == number


@given(NUMBERS, st.sampled_from(["thousands", "lakh"]))
def test_english_words_read_back(number, grouping):
    small = {english(n): n for n in range(100)}
    tokens = [token for token in english(number, grouping=grouping).split() if token != "and"]
    assert read_words(tokens, small, ENGLISH_SCALES) == number


@given(NUMBERS, st.sampled_from(["masculine", "feminine"]), st.booleans())
def test_spanish_words_read_back(number, gender, before_noun):
    small = {}
    for how in ("masculine", "feminine"):
        for noun in (True, False):
            for n in [*range(30), *range(30, 100, 10), *range(100, 1000, 100)]:
                small[spanish(n, gender=how, before_noun=noun)] = n
    small["ciento"] = 100
    tokens = [
        token
        for token in spanish(number, gender=gender, before_noun=before_noun).split()
        if token != "y"
    ]
    assert read_words(tokens, small, SPANISH_SCALES) == number


@given(NUMBERS, st.sampled_from(["masculine", "feminine"]))
def test_arabic_words_read_back(number, gender):
    small = {}
    for how in ("masculine", "feminine"):
        for n in [*range(11), *range(20, 100, 10), *range(100, 1000, 100)]:
            small[arabic(n, gender=how)] = n
    small |= {"إحدى": 1, "أحد": 1, "اثنا": 2, "اثنتا": 2, "عشر": 10, "عشرة": 10, "مئتا": 200}
    scales, duals = {}, {}
    for value, forms in {
        10**3: "ألف ألفًا آلاف",
        10**6: "مليون مليونًا ملايين",
        10**9: "مليار مليارًا مليارات",
        10**12: "تريليون تريليونًا تريليونات",
    }.items():
        scales |= dict.fromkeys(forms.split(), value)
    for value, dual in {
        10**3: "ألفان",
        10**6: "مليونان",
        10**9: "ملياران",
        10**12: "تريليونان",
    }.items():
        duals |= {dual: value, dual.removesuffix("ن"): value}
    # The words of one multiplier are joined by و as well, so the text is read group by group.
    tokens = []
    for token in arabic(number, gender=gender).split():
        bare = (
            token
            if token in small or token == "واحد" or token == "واحدة"
            else token.removeprefix("و")
        )
        if bare in duals:
            tokens += ["اثنان", next(s for s, v in scales.items() if v == duals[bare])]
        else:
            tokens.append(bare)
    assert read_words(tokens, small, scales) == number


@pytest.mark.parametrize(
    ("number", "en", "ur", "ar", "es"),
    [
        (0, "zero", "صفر", "صفر", "cero"),
        (1, "one", "ایک", "واحد", "uno"),
        (16, "sixteen", "سولہ", "ستة عشر", "dieciséis"),
        (21, "twenty-one", "اکیس", "واحد وعشرون", "veintiuno"),
        (100, "one hundred", "ایک سو", "مئة", "cien"),
        (101, "one hundred and one", "ایک سو ایک", "مئة وواحد", "ciento uno"),
        (137, "one hundred and thirty-seven", "ایک سو سینتیس", "مئة وسبعة وثلاثون",
         "ciento treinta y siete"),
        (1100, "one thousand one hundred", "ایک ہزار ایک سو", "ألف ومئة", "mil cien"),
        (21_000, "twenty-one thousand", "اکیس ہزار", "واحد وعشرون ألفًا", "veintiún mil"),
        (300_000, "three hundred thousand", "تین لاکھ", "ثلاثمئة ألف", "trescientos mil"),
        (2_000_000, "two million", "بیس لاکھ", "مليونان", "dos millones"),
        (5_000_000_000, "five billion", "پانچ ارب", "خمسة مليارات", "cinco mil millones"),
        (10**12, "one trillion", "دس کھرب", "تريليون", "un billón"),
        (-7, "minus seven", "منفی سات", "سالب سبعة", "menos siete"),
    ],
)  # fmt: skip
def test_known_numbers_in_four_languages(number, en, ur, ar, es):
    said = [number_words(number, language=language) for language in LANGUAGES]
    assert said == [en, ur, ar, es]


def test_english_counts_rupees_in_lakh_and_crore():
    assert number_words(86_429_753, language="en", grouping="lakh") == (
        "eight crore sixty-four lakh twenty-nine thousand seven hundred and fifty-three"
    )


DOLLAR = CountedNoun("masculine", "دولار واحد", "دولاران", "دولارات", "دولارًا", "دولار")
RUPEE = CountedNoun("feminine", "روبية واحدة", "روبيتان", "روبيات", "روبية", "روبية")


@pytest.mark.parametrize(
    ("number", "masculine", "feminine"),
    [
        (0, "صفر دولار", "صفر روبية"),
        (1, "دولار واحد", "روبية واحدة"),
        (2, "دولاران", "روبيتان"),
        (3, "ثلاثة دولارات", "ثلاث روبيات"),
        (8, "ثمانية دولارات", "ثماني روبيات"),
        (10, "عشرة دولارات", "عشر روبيات"),
        (11, "أحد عشر دولارًا", "إحدى عشرة روبية"),
        (12, "اثنا عشر دولارًا", "اثنتا عشرة روبية"),
        (13, "ثلاثة عشر دولارًا", "ثلاث عشرة روبية"),
        (20, "عشرون دولارًا", "عشرون روبية"),
        (21, "واحد وعشرون دولارًا", "إحدى وعشرون روبية"),
        (99, "تسعة وتسعون دولارًا", "تسع وتسعون روبية"),
        (100, "مئة دولار", "مئة روبية"),
        (101, "مئة دولار ودولار واحد", "مئة روبية وروبية واحدة"),
        (102, "مئة دولار ودولاران", "مئة روبية وروبيتان"),
        (103, "مئة وثلاثة دولارات", "مئة وثلاث روبيات"),
        (200, "مئتا دولار", "مئتا روبية"),
        (2000, "ألفا دولار", "ألفا روبية"),
        (2_000_000, "مليونا دولار", "مليونا روبية"),
        (11_000, "أحد عشر ألف دولار", "أحد عشر ألف روبية"),
        (50_000_000, "خمسون مليون دولار", "خمسون مليون روبية"),
        (200_000, "مئتا ألف دولار", "مئتا ألف روبية"),
        (1_000_000, "مليون دولار", "مليون روبية"),
    ],
)
def test_arabic_nouns_agree_with_their_numbers(number, masculine, feminine):
    assert counted(number, DOLLAR) == masculine
    assert counted(number, RUPEE) == feminine


def test_an_amount_of_bitcoin_in_four_languages():
    assert [btc_words(2_100_000_003, language=language) for language in LANGUAGES] == [
        "twenty-one bitcoin and three satoshis",
        "اکیس بٹ کوائن اور تین ساتوشی",
        "إحدى وعشرون وحدة بيتكوين وثلاث وحدات ساتوشي",
        "veintiún bitcoins y tres satoshis",
    ]


def test_an_amount_of_rupees_in_four_languages():
    assert [fiat_words(-21_000_001_50, "PKR", language=language) for language in LANGUAGES] == [
        "minus two crore ten lakh and one Pakistani rupees and fifty paisas",
        "منفی دو کروڑ دس لاکھ ایک پاکستانی روپے اور پچاس پیسے",
        "سالب واحد وعشرون مليون روبية باكستانية وروبية باكستانية واحدة وخمسون بيسة",
        "menos veintiún millones una rupias pakistaníes y cincuenta paisas",
    ]


def test_a_spanish_million_takes_de():
    assert fiat_words(7_000_000_000_00, "USD", language="es") == (
        "siete mil millones de dólares estadounidenses"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_unit_of_which_there_is_none_is_left_out(language):
    whole, nothing = btc_words(10**8, language=language), btc_words(0, language=language)
    part = btc_words(1, language=language)
    assert btc_words(10**8 + 1, language=language).startswith(whole)
    assert btc_words(10**8 + 1, language=language).endswith(part)
    assert nothing.startswith(number_words(0, language=language))


@pytest.mark.parametrize("language", LANGUAGES)
@given(sats=st.integers(-MAX_MONEY, MAX_MONEY))
def test_words_hold_no_digit_and_no_empty_word(language, sats):
    text = btc_words(sats, language=language)
    assert not any(char.isdigit() for char in text)
    assert "  " not in text
    assert text == text.strip()


@pytest.mark.parametrize("language", LANGUAGES)
@given(amounts=st.lists(st.integers(0, 10**6), min_size=2, max_size=2, unique=True))
def test_different_amounts_have_different_words(language, amounts):
    for currency in CURRENCIES_IN_WORDS:
        one, other = (fiat_words(amount, currency, language=language) for amount in amounts)
        assert one != other


def test_a_currency_without_words_is_refused():
    with pytest.raises(ValueError, match="no words for JPY: one of PKR, USD"):
        fiat_words(1, "JPY", language="en")
