"""Urdu number words: every number below a hundred has its own, then سو ہزار لاکھ کروڑ ارب کھرب."""

from typing import Final

# Several spellings are in use for some of these; ours are the commoner ones in newspapers.
_BELOW_HUNDRED: Final = str.split(
    "صفر ایک دو تین چار پانچ چھ سات آٹھ نو "
    "دس گیارہ بارہ تیرہ چودہ پندرہ سولہ سترہ اٹھارہ انیس "
    "بیس اکیس بائیس تئیس چوبیس پچیس چھبیس ستائیس اٹھائیس انتیس "
    "تیس اکتیس بتیس تینتیس چونتیس پینتیس چھتیس سینتیس اڑتیس انتالیس "
    "چالیس اکتالیس بیالیس تینتالیس چوالیس پینتالیس چھیالیس سینتالیس اڑتالیس انچاس "
    "پچاس اکاون باون ترپن چون پچپن چھپن ستاون اٹھاون انسٹھ "
    "ساٹھ اکسٹھ باسٹھ تریسٹھ چونسٹھ پینسٹھ چھیاسٹھ سڑسٹھ اڑسٹھ انہتر "
    "ستر اکہتر بہتر تہتر چوہتر پچھتر چھہتر ستتر اٹھہتر اناسی "
    "اسی اکیاسی بیاسی تراسی چوراسی پچاسی چھیاسی ستاسی اٹھاسی نواسی "
    "نوے اکانوے بانوے ترانوے چورانوے پچانوے چھیانوے ستانوے اٹھانوے ننانوے"
)
_SCALES: Final = (
    (10**11, "کھرب"),
    (10**9, "ارب"),
    (10**7, "کروڑ"),
    (10**5, "لاکھ"),
    (1000, "ہزار"),
    (100, "سو"),
)


def urdu(number: int) -> str:
    """A whole number in words.

    >>> urdu(792_581)
    'سات لاکھ بانوے ہزار پانچ سو اکیاسی'
    """
    if number < 0:
        return f"منفی {urdu(-number)}"
    words = []
    for value, name in _SCALES:
        if number >= value:
            words.append(f"{urdu(number // value)} {name}")
            number %= value
    if number or not words:
        words.append(_BELOW_HUNDRED[number])
    return " ".join(words)
