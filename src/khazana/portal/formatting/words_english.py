"""English number words, in millions or in lakh and crore."""

from typing import Final

from khazana.portal.formatting.numbers import Grouping

_UNITS: Final = str.split(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS: Final = str.split("twenty thirty forty fifty sixty seventy eighty ninety")
_MILLIONS: Final = (
    (10**12, "trillion"),
    (10**9, "billion"),
    (10**6, "million"),
    (1000, "thousand"),
)
_LAKHS: Final = (
    (10**9, "arab"),
    (10**7, "crore"),
    (10**5, "lakh"),
    (1000, "thousand"),
)


def english(number: int, *, grouping: Grouping = "thousands") -> str:
    """A whole number in words.

    >>> english(1_234_567)
    'one million two hundred and thirty-four thousand five hundred and sixty-seven'
    >>> english(1_234_567, grouping="lakh")
    'twelve lakh thirty-four thousand five hundred and sixty-seven'
    """
    if number < 0:
        return f"minus {english(-number, grouping=grouping)}"
    words = []
    for value, name in _LAKHS if grouping == "lakh" else _MILLIONS:
        if number >= value:
            words.append(f"{english(number // value, grouping=grouping)} {name}")
            number %= value
    # "one thousand and five", "two hundred and thirty-four".
    if number >= 100:
        words.append(f"{_UNITS[number // 100]} hundred")
        number %= 100
    if number or not words:
        words += ["and", _below_hundred(number)] if words else [_below_hundred(number)]
    return " ".join(words)


def _below_hundred(number: int) -> str:
    if number < 20:
        return _UNITS[number]
    tens = _TENS[number // 10 - 2]
    return f"{tens}-{_UNITS[number % 10]}" if number % 10 else tens
