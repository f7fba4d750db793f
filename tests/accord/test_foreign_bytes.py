"""Every parser of a feed's bytes, with good input changed at random: refused, or read whole.

The same judgement that `fuzz/accord.py` makes for hours, for a moment and always alike.
"""

import random

import pytest

from fuzz.accord_judge import PARSERS, judge
from fuzz.accord_seeds import seeds
from khazana.errors import KhazanaError

SEEDS = seeds()
ROUNDS = 120
BITS = [b"", b"\x00", b"\xff", b'"', b"{", b"[" * 40, b"\n\n", b"99999999999999999999", b"null"]


def changed(seed: bytes, chance: random.Random) -> bytes:
    raw = bytearray(seed)
    for _ in range(chance.choice([1, 1, 2, 5])):
        at = chance.randrange(1, len(raw) + 1)
        end = min(len(raw), at + chance.choice([0, 1, 4, 60]))
        what = chance.choice([*BITS, bytes([chance.randrange(256)]), bytes(raw[at - 1 : end])])
        raw[at:end] = what
    return bytes(raw)


def test_every_parser_has_a_good_input_and_reads_it():
    assert {seed[0] for seed in SEEDS} == set(range(len(PARSERS)))
    for seed in SEEDS:
        PARSERS[seed[0]](seed[1:])


@pytest.mark.parametrize("number", range(len(SEEDS)), ids=lambda n: PARSERS[SEEDS[n][0]].__name__)
def test_changed_input_is_refused_in_words_or_read_whole(number):
    chance = random.Random(number)
    for _ in range(ROUNDS):
        judge(changed(SEEDS[number], chance))


def test_a_refusal_is_told_from_a_finding():
    with pytest.raises(KhazanaError):
        PARSERS[0](b"nothing")
    judge(b"\x00nothing")
    judge(b"")
