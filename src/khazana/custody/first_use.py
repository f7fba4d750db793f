"""Before a wallet is used: every cosigner signed a test, and all devices show its addresses."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress, address_of, script_of
from khazana.bitcoin.bip322.verify import verify
from khazana.bitcoin.descriptor import Descriptor, DescriptorEngine
from khazana.bitcoin.descriptor_checksum import descriptor_checksum
from khazana.bitcoin.hashes import hash160
from khazana.bitcoin.script import p2wpkh
from khazana.custody.policy import is_nobodys, key_id
from khazana.ledger.findings import Finding

LOOKED_AROUND = 20
"""Indexes before and after the asked one where a wrong address is looked for."""


@dataclass(frozen=True, slots=True)
class ShownAddress:
    """An address as a device showed it, typed or scanned in. shown_by: the device."""

    shown_by: str
    branch: int
    index: int
    address: str


@dataclass(frozen=True, slots=True)
class SignedTest:
    """Which keys signed the test, by `key_id`, and what was wrong with signatures that did not."""

    signed: frozenset[str]
    problems: tuple[str, ...] = ()


def first_use_message(descriptor: Descriptor, *, day: date, nonce: str) -> str:
    """What every cosigner signs: which wallet, when, and a number nobody could foresee.

    Printable ASCII below 330 characters: more than that some devices refuse.
    """
    if not (nonce.isascii() and nonce.isalnum() and 8 <= len(nonce) <= 64):
        raise ValueError("a nonce has 8 to 64 letters and digits")
    return f"Test before first use: wallet #{descriptor_checksum(descriptor.body)}, {day}, {nonce}"


def signed_by_message(
    descriptor: Descriptor,
    key: str,
    signature: str,
    *,
    branch: int,
    index: int,
    message: str,
) -> SignedTest:
    """One cosigner's BIP-322 signature with its own key alone, as the P2WPKH address of that key.

    key: by `key_id`. For devices that sign messages but no quorum's PSBT.
    """
    mine = next((one for one in descriptor.keys if key_id(one) == key), None)
    if mine is None:
        raise ValueError("the descriptor has no such key")
    public = mine.public_key(branch, index)
    if len(public) != 33:
        return SignedTest(frozenset(), ("this key stands in a form that has no P2WPKH address",))
    verdict = verify(signature, script=p2wpkh(hash160(public)), message=message.encode())
    if verdict.holds:
        return SignedTest(frozenset({key}))
    return SignedTest(frozenset(), (str(verdict),))


def signed_by_quorum(
    descriptor: Descriptor,
    engine: DescriptorEngine,
    signature: str,
    *,
    branch: int,
    index: int,
    message: str,
) -> SignedTest:
    """A finished BIP-322 signature of the wallet's own address: who of the cosigners made it."""
    script = engine.derive(descriptor, branch=branch, start=index, stop=index + 1)[0]
    verdict = verify(signature, script=script, message=message.encode())
    if not verdict.holds:
        return SignedTest(frozenset(), (str(verdict),))
    # Taproot names keys by 32 bytes, other scripts by 33; the last 32 are the same.
    signers = {signer[-32:] for signer in verdict.signers}
    here = [(key_id(key), key.public_key(branch, index)[-32:]) for key in descriptor.keys]
    if descriptor.functions[0] == "tr":
        # The output key is the internal key's, tweaked: who signs for it holds that key.
        here.append((here[0][0], script[2:]))
    return SignedTest(frozenset(key for key, public in here if public in signers))


def every_key_signed(
    wallet: str, descriptor: Descriptor, tests: Iterable[SignedTest], names: dict[str, str]
) -> Iterator[Finding]:
    """Rule K8: each key of the wallet signed the test, recovery keys included."""
    tests = list(tests)
    signed = frozenset().union(*(test.signed for test in tests))
    for test in tests:
        for problem in test.problems:
            yield Finding("K8", f"a signature of the test is wrong: {problem}", f"wallet {wallet}")
    for position, key in enumerate(descriptor.keys, 1):
        if key_id(key) not in signed and not is_nobodys(key):
            name = names.get(key_id(key), f"key {position}")
            yield Finding("K8", f"{name} has not signed the test", f"wallet {wallet}")


def shown_addresses_agree(
    wallet: str,
    descriptor: Descriptor,
    engine: DescriptorEngine,
    shown: Sequence[ShownAddress],
    *,
    devices: Sequence[str],
) -> Iterator[Finding]:
    """Rule K9: each device shows exactly the wallet's addresses. devices: who has to show some."""
    for one in shown:
        where = f"wallet {wallet}, {one.shown_by}, branch {one.branch}, index {one.index}"
        expected = engine.derive(
            descriptor, branch=one.branch, start=one.index, stop=one.index + 1
        )[0]
        try:
            script = script_of(one.address.strip(), descriptor.network)
        except (BadAddress, SecretInsteadOfAddress) as wrong:
            yield Finding("K9", str(wrong), where)
            continue
        if script == expected:
            continue
        ours = address_of(expected, descriptor.network)
        elsewhere = _place_of(script, descriptor, engine, one)
        yield Finding("K9", f"it shows {one.address.strip()}, not {ours}{elsewhere}", where)
    receiving = {one.shown_by for one in shown if one.branch == 0}
    for device in devices:
        if device not in receiving:
            text = "it has shown no receive address"
            yield Finding("K9", text, f"wallet {wallet}, {device}")


def _place_of(
    script: bytes, descriptor: Descriptor, engine: DescriptorEngine, asked: ShownAddress
) -> str:
    """Where else in the wallet a script stands: a slip of the index is not an attack."""
    if not descriptor.ranged:
        return ""
    first = max(asked.index - LOOKED_AROUND, 0)
    for branch in range(descriptor.branches):
        around = engine.derive(
            descriptor, branch=branch, start=first, stop=asked.index + LOOKED_AROUND + 1
        )
        if script in around:
            return f"; that is branch {branch}, index {first + around.index(script)}"
    return "; it is none of this wallet's near it"
