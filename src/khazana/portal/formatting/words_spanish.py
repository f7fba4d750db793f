"""Spanish number words: the long scale, gender in hundreds and ones, `un` before a noun."""

from typing import Final, Literal

Gender = Literal["masculine", "feminine"]

_BELOW_THIRTY: Final = str.split(
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro "
    "veinticinco veintiséis veintisiete veintiocho veintinueve"
)
_TENS: Final = str.split("treinta cuarenta cincuenta sesenta setenta ochenta noventa")
_HUNDREDS: Final = str.split(
    "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos "
    "novecientos"
)


def spanish(number: int, *, gender: Gender = "masculine", before_noun: bool = False) -> str:
    """A whole number in words, agreeing with what is counted.

    >>> spanish(21), spanish(21, before_noun=True), spanish(201, gender="feminine")
    ('veintiuno', 'veintiún', 'doscientas una')
    >>> spanish(1_000_000_000), spanish(10**12)
    ('mil millones', 'un billón')
    """
    if number < 0:
        return f"menos {spanish(-number, gender=gender, before_noun=before_noun)}"
    words = []
    for value, one, several in ((10**12, "billón", "billones"), (10**6, "millón", "millones")):
        if number >= value:
            count = number // value
            # A million is a masculine noun itself: veintiún millones de rupias.
            words.append(f"{spanish(count, before_noun=True)} {one if count == 1 else several}")
            number %= value
    if number >= 1000:
        count = number // 1000
        if count > 1:
            words.append(_below_thousand(count, gender=gender, before_noun=True))
        words.append("mil")
        number %= 1000
    if number or not words:
        words.append(_below_thousand(number, gender=gender, before_noun=before_noun))
    return " ".join(words)


def needs_de(number: int) -> bool:
    """Whether `de` stands before the noun: un millón de dólares, but un millón un dólares."""
    return number != 0 and number % 1_000_000 == 0


def _below_thousand(number: int, *, gender: Gender, before_noun: bool) -> str:
    if number == 100:
        return "cien"
    words = []
    if number > 100:
        hundreds = _HUNDREDS[number // 100 - 1]
        if gender == "feminine" and number >= 200:
            hundreds = hundreds[:-2] + "as"
        words.append(hundreds)
        number %= 100
    if number or not words:
        words.append(_below_hundred(number, gender=gender, before_noun=before_noun))
    return " ".join(words)


def _below_hundred(number: int, *, gender: Gender, before_noun: bool) -> str:
    if number < 30:
        text = _BELOW_THIRTY[number]
    else:
        tens = _TENS[number // 10 - 3]
        text = f"{tens} y {_BELOW_THIRTY[number % 10]}" if number % 10 else tens
    if number % 10 == 1 and number != 11:
        if gender == "feminine":
            return text[:-1] + "a"
        if before_noun:
            return "veintiún" if number == 21 else text[:-1]
    return text
