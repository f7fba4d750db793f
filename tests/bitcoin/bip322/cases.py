"""Generated proofs: a spender of every kind, honest or wrong in one named way."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from khazana.bitcoin.bip322.encoding import write_full, write_simple
from khazana.bitcoin.bip322.verdict import State
from khazana.bitcoin.transaction import Transaction
from tests.bitcoin.bip322 import signer
from tests.bitcoin.bip322.signer import Manner, Spender, answered, secret


@dataclass(frozen=True)
class Case:
    """A proof, what is wrong with it ("" for nothing), and what must be said about it."""

    spender: Spender
    message: bytes
    signature: str
    transaction: Transaction
    tampering: str
    expected: frozenset[State]

    def __str__(self) -> str:
        return f"{self.spender.name}: {self.tampering or 'honest'}"


HOLDS = frozenset({State.VALID, State.VALID_AT})
INVALID = frozenset({State.INVALID})
INCONCLUSIVE = frozenset({State.INCONCLUSIVE})


def spender_of(dice: random.Random, number: int) -> Spender:
    """Kinds take turns; keys, thresholds, ages and carriers are drawn."""
    keys = [secret(number, place) for place in range(dice.randint(2, 5))]
    signing = sorted(dice.sample(range(len(keys)), dice.randint(1, len(keys))))
    carrier = dice.choice(["v0", "p2sh", "p2sh-v0"])
    age = dice.choice([1, 16, 17, 144, 2016, 52560, 65535])
    height = dice.choice([1, 17, 840_000, 499_999_999, 500_000_000, 1_893_456_000])
    sibling = [signer.leaf_hash(bytes([dice.randrange(256)])) for _ in range(dice.randrange(3))]
    makers: list[Callable[[], Spender]] = [
        lambda: signer.p2wpkh(keys[0]),
        lambda: signer.wrapped_p2wpkh(keys[0]),
        lambda: signer.p2pkh(keys[0], compressed=dice.random() < 0.7),
        lambda: signer.multi(keys, signing, carrier=carrier),
        lambda: signer.multi(keys[:3], [0, 1], carrier=carrier, ordered=True),
        lambda: signer.multi_or_older(keys, secret("heir"), age, recover=False, carrier=carrier),
        lambda: signer.multi_or_older(keys, secret("heir"), age, recover=True, carrier=carrier),
        lambda: signer.thresh_with_after(keys, height, wait=True),
        lambda: signer.thresh_with_after(keys, height, wait=False),
        lambda: signer.key_and_preimage(keys[0], secret("preimage", number), carrier=carrier),
        lambda: signer.either(keys[0], keys[1], first=dice.random() < 0.5),
        lambda: signer.p2tr(keys[0], dice.choice([b"", secret("root")])),
        lambda: signer.multi_a(keys, signing, sibling),
        lambda: signer.leaf_older(keys[0], age, sibling),
    ]
    return makers[number % len(makers)]()


def honest(dice: random.Random, number: int) -> Case:
    spender = spender_of(dice, number)
    message = b"message %d %d" % (number, dice.getrandbits(32))
    return _case(spender, message, answered(spender, message), "", HOLDS)


def tampered(dice: random.Random, number: int) -> Iterator[Case]:
    """The same proof, wrong in every way that its kind allows."""
    spender = spender_of(dice, number)
    message = b"message %d" % number
    other = spender_of(dice, number + 14 * 1_000)

    def case(name: str, transaction: Transaction, expected: frozenset[State] = INVALID) -> Case:
        return _case(spender, message, transaction, name, expected)

    def made(**wrong: object) -> Transaction:
        return answered(spender, message, **wrong)  # type: ignore[arg-type]

    honest_one = made()
    yield case("wrong message", answered(spender, message + b"!"))
    stolen = answered(other, message)
    yield case("other address", replace_input(stolen, honest_one))
    for hash_type in (0x02, 0x03, 0x81, 0x82, 0x83):
        yield case(f"hash type {hash_type:#04x}", made(manner=Manner(hash_type=hash_type)))
    place = dice.randrange(60)

    def flipped(signature: bytes) -> bytes:
        at = 4 + place % (len(signature) - 5)
        return signature[:at] + bytes([signature[at] ^ 1 << place % 8]) + signature[at + 1 :]

    yield case("flipped bit", made(manner=Manner(bend=flipped)))
    yield case("missing signature", made(manner=Manner(bend=lambda s: b"")))
    if not spender.schnorr:
        yield case("high S", made(manner=Manner(high_s=True)))
        yield case("hash type 0x00", made(manner=Manner(hash_type=0x00)))
        yield case("hash type 0x41", made(manner=Manner(hash_type=0x41)))
        yield case("padded DER", made(manner=Manner(bend=padded)))
    else:
        yield case("hash type written 0", made(manner=Manner(bend=lambda s: s[:64] + b"\x00")))
        yield case("long signature", made(manner=Manner(bend=lambda s: s + b"\x01\x01")))
    if spender.carrier != "tapkey":
        yield case("extra item", made(rearranged=lambda stack: [b"\x01", *stack]))
    signatures = [item for item in _stack_of(spender) if item]
    if "multi" in spender.name and len(signatures) > 1:
        yield case("swapped signatures", made(rearranged=lambda s: swapped(s, dice)))
        yield case("duplicated signature", made(rearranged=duplicated))
    if "multi" in spender.name and not spender.schnorr:
        yield case("non-empty dummy", made(rearranged=lambda s: [b"\x01", *s[1:]]))
    if spender.name == "v0 or_i":
        yield case("IF given 2", made(rearranged=lambda s: [s[0], b"\x02"]))
    if spender.version == 2:
        yield case("age too low", made(sequence=spender.sequence - 1))
        yield case("age in version 0", made(version=0))
        yield case("age switched off", made(sequence=1 << 31 | spender.sequence))
    if spender.lock_time:
        yield case("lock time too low", made(lock_time=spender.lock_time - 1))
        yield case("lock time switched off", made(sequence=0xFFFF_FFFF))
    if spender.version == 0:
        yield case("version 1", made(version=1), INCONCLUSIVE)
    yield case("version 3", made(version=3), INCONCLUSIVE)


def replace_input(transaction: Transaction, source: Transaction) -> Transaction:
    """The answer of one transaction put under the question of another."""
    moved = replace(transaction.inputs[0], outpoint=source.inputs[0].outpoint)
    return Transaction(transaction.version, (moved,), transaction.outputs, transaction.lock_time)


def padded(signature: bytes) -> bytes:
    """A zero byte too many before r: read by lax decoders, refused by strict ones."""
    if not signature:
        return signature
    body = signature[4 : 4 + signature[3]]
    rest = signature[4 + signature[3] : -1]
    head = bytes([0x30, signature[1] + 1, 0x02, signature[3] + 1, 0])
    return head + body + rest + signature[-1:]


def swapped(stack: list[bytes], dice: random.Random) -> list[bytes]:
    places = [place for place, item in enumerate(stack) if len(item) >= 64]
    a, b = dice.sample(places, 2)
    changed = list(stack)
    changed[a], changed[b] = changed[b], changed[a]
    return changed


def duplicated(stack: list[bytes]) -> list[bytes]:
    places = [place for place, item in enumerate(stack) if len(item) >= 64]
    changed = list(stack)
    changed[places[0]] = changed[places[1]]
    return changed


def _stack_of(spender: Spender) -> list[bytes]:
    return [item for item in spender.stack(lambda key: bytes(64)) if len(item) == 64]


def _case(
    spender: Spender,
    message: bytes,
    transaction: Transaction,
    tampering: str,
    expected: frozenset[State],
) -> Case:
    fits = (transaction.version, transaction.lock_time, transaction.inputs[0].sequence)
    simple = spender.simple and fits == (0, 0, 0) and tampering != "other address"
    signature = (
        write_simple(transaction.inputs[0].witness)
        if simple
        else write_full(transaction.serialize())
    )
    return Case(spender, message, signature, transaction, tampering, expected)
