"""Arabic number words: numbers agree with what is counted, and what is counted with the number.

3 to 10 take the opposite gender and a plural, 11 to 99 a singular in the accusative, hundreds and
more a singular in the genitive; 1 and 2 are said by the noun itself. The nominative is used.
"""

from dataclasses import dataclass
from typing import Final, Literal

Gender = Literal["masculine", "feminine"]

# Before a masculine noun 3 to 10 have the ending ة; before a feminine one they lose it.
_MASCULINE: Final = str.split("صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة")
_FEMININE: Final = str.split("صفر واحدة اثنتان ثلاث أربع خمس ست سبع ثماني تسع عشر")
_TENS: Final = str.split("عشرون ثلاثون أربعون خمسون ستون سبعون ثمانون تسعون")
_HUNDREDS: Final = str.split("مئة مئتان ثلاثمئة أربعمئة خمسمئة ستمئة سبعمئة ثمانمئة تسعمئة")


@dataclass(frozen=True)
class CountedNoun:
    """A noun in the forms that numbers ask for.

    one: with its واحد. two: the dual. few: after 3 to 10. many: after 11 to 99. other: after 100.
    """

    gender: Gender
    one: str
    two: str
    few: str
    many: str
    other: str


_SCALES: Final = (
    (
        10**12,
        CountedNoun("masculine", "تريليون", "تريليونان", "تريليونات", "تريليونًا", "تريليون"),
    ),
    (10**9, CountedNoun("masculine", "مليار", "ملياران", "مليارات", "مليارًا", "مليار")),
    (10**6, CountedNoun("masculine", "مليون", "مليونان", "ملايين", "مليونًا", "مليون")),
    (1000, CountedNoun("masculine", "ألف", "ألفان", "آلاف", "ألفًا", "ألف")),
)
# Before the noun it counts a dual loses its ن and an accusative its ending: مئتا دولار, عشرون ألف
# دولار.
_BEFORE_NOUN: Final = {noun.two: noun.two.removesuffix("ن") for _, noun in _SCALES} | {
    noun.many: noun.other for _, noun in _SCALES
}
_BEFORE_NOUN["مئتان"] = "مئتا"


def arabic(number: int, *, gender: Gender = "masculine") -> str:
    """A whole number in words, for a counted noun of the given gender.

    >>> arabic(3), arabic(3, gender="feminine"), arabic(21, gender="feminine")
    ('ثلاثة', 'ثلاث', 'إحدى وعشرون')
    >>> arabic(2_011_000)
    'مليونان وأحد عشر ألفًا'
    """
    if number < 0:
        return f"سالب {arabic(-number, gender=gender)}"
    words = []
    for value, noun in _SCALES:
        if number >= value:
            words.append(counted(number // value, noun))
            number %= value
    if number >= 100:
        words.append(_HUNDREDS[number // 100 - 1])
        number %= 100
    if number or not words:
        words.append(_below_hundred(number, gender))
    return " و".join(words)


def counted(number: int, noun: CountedNoun) -> str:
    """A number of things, in words.

    >>> pound = CountedNoun("masculine", "دولار واحد", "دولاران", "دولارات", "دولارًا", "دولار")
    >>> counted(2, pound), counted(4, pound), counted(15, pound), counted(200, pound)
    ('دولاران', 'أربعة دولارات', 'خمسة عشر دولارًا', 'مئتا دولار')
    """
    if number < 0:
        return f"سالب {counted(-number, noun)}"
    if number == 1:
        return noun.one
    if number == 2:
        return noun.two
    last = number % 100
    if last in (1, 2):
        # A hundred dollars and a dollar: after larger numbers too, 1 and 2 are said by the noun.
        return f"{counted(number - last, noun)} و{counted(last, noun)}"
    words = arabic(number, gender=noun.gender)
    if 3 <= last <= 10:
        return f"{words} {noun.few}"
    if last >= 11:
        return f"{words} {noun.many}"
    for alone, joined in _BEFORE_NOUN.items():
        if words.endswith(alone):
            words = words.removesuffix(alone) + joined
    return f"{words} {noun.other}"


def _below_hundred(number: int, gender: Gender) -> str:
    feminine = gender == "feminine"
    units = _FEMININE if feminine else _MASCULINE
    if number <= 10:
        return units[number]
    if number == 11:
        return "إحدى عشرة" if feminine else "أحد عشر"
    if number == 12:
        return "اثنتا عشرة" if feminine else "اثنا عشر"
    if number < 20:
        return f"{units[number - 10]} {'عشرة' if feminine else 'عشر'}"
    tens = _TENS[number // 10 - 2]
    if number % 10 == 0:
        return tens
    unit = "إحدى" if feminine and number % 10 == 1 else units[number % 10]
    return f"{unit} و{tens}"
