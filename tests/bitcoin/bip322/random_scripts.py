"""Scripts nobody would write: random words after one honest signature."""

import random
from dataclasses import replace

from khazana.bitcoin.bip322.encoding import write_full
from khazana.bitcoin.bip322.verify import verify
from tests.bitcoin.bip322 import signer
from tests.bitcoin.bip322.signer import Spender, answered, carried, code, leaf, public, secret

_KEY = secret("random scripts")
_WORDS = [
    0x4F, 0x51, 0x52, 0x53, 0x60, 0x61, 0x69, 0x6B, 0x6C, 0x6D, 0x73, 0x75, 0x76, 0x7C, 0x82,
    0x87, 0x88, 0x91, 0x92, 0x93, 0x9A, 0x9B, 0x9C, 0x9D, 0xA6, 0xA8, 0xA9, 0xAA, 0xB1, 0xB2,
]  # fmt: skip
_PUSHES = [b"", b"\x00", b"\x80", b"\x01", b"\x02", b"\x81", b"\x00\x01", b"\x01\x00", bytes(5)]
_SHAPES = [
    [0x63, None, 0x68],
    [0x63, None, 0x67, None, 0x68],
    [0x64, None, 0x67, None, 0x68],
    [0x76, 0x63, None, 0x68],
]


def _words(dice: random.Random, length: int) -> bytes:
    script = b""
    for _ in range(length):
        roll = dice.random()
        if roll < 0.15:
            script += b"".join(
                _words(dice, dice.randrange(3)) if part is None else bytes([part])
                for part in dice.choice(_SHAPES)
            )
        elif roll < 0.5:
            script += signer.num(dice.randrange(0, 20))
        elif roll < 0.6:
            script += code(dice.choice(_PUSHES))
        else:
            script += bytes([dice.choice(_WORDS)])
    return script


def random_spender(dice: random.Random, number: int) -> Spender:
    """A random script behind <key> CHECKSIGVERIFY, on a small random stack.

    Nearly all would end with a full or an empty stack, so two in three get the ending, of a few
    that tidy up, with which they hold, if there is one.
    """
    stack = [dice.choice(_PUSHES) for _ in range(dice.randrange(4))]
    words = _words(dice, dice.randrange(1, 9))
    carrier = ["v0", "p2sh", "p2sh-v0", "tapscript"][number % 4]
    version = dice.choice([0, 2])
    sequence = dice.choice([0, 5, 17, 0xFFFF_FFFE])
    lock_time = dice.choice([0, 5, 500_000_001])
    endings = [b""]
    if dice.random() < 0.67:
        endings = [b"\x75" * drops + last for drops in range(6) for last in (b"", b"\x51")]
    for ending in endings:
        spender = replace(
            _spender(carrier, words + ending, stack),
            version=version,
            sequence=sequence,
            lock_time=lock_time,
        )
        text = write_full(answered(spender, b"random").serialize())
        if verify(text, script=spender.script, message=b"random").holds:
            break
    return spender


def _spender(carrier: str, words: bytes, stack: list[bytes]) -> Spender:
    if carrier == "tapscript":
        run = code(public(_KEY)[1:], 0xAD) + words
        return leaf("random", run, lambda s: [*stack, s(_KEY)])
    run = code(public(_KEY), 0xAD) + words
    return carried("random", carrier, run, lambda s: [*stack, s(_KEY)])
