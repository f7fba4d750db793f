"""Judging proofs of control: the work of `verify` over an office with thousands of addresses."""

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from functools import cache

from bench.measure import CannotMeasure, Case, measurement
from khazana.bitcoin.address import address_of
from khazana.bitcoin.bip322.encoding import write_simple
from khazana.bitcoin.bip322.kernel_judge import kernel_consensus
from khazana.bitcoin.bip322.verify import Consensus, verify
from khazana.bitcoin.network import MAINNET

PROOFS = 500
_Proof = tuple[bytes, bytes, str]
"""Output script, message, signature."""


@cache
def _proofs() -> tuple[_Proof, ...]:
    """Two of three keys, each pair in its turn, in P2WSH."""
    from tests.bitcoin.bip322.signer import answered, multi, secret

    proofs = []
    for number in range(PROOFS):
        keys = [secret("bench", number, place) for place in range(3)]
        quorum = multi(keys, [(0, 1), (0, 2), (1, 2)][number % 3])
        message = b"root %d" % number
        witness = answered(quorum, message).inputs[0].witness
        proofs.append((quorum.script, message, write_simple(witness)))
    return tuple(proofs)


def _run(consensus: Consensus | None) -> Callable[[], None]:
    def run() -> None:
        for script, message, signature in _proofs():
            verdict = verify(signature, script=script, message=message, consensus=consensus)
            if not verdict.holds:
                raise RuntimeError(f"an honest proof does not hold: {verdict}")

    return run


def _btclib() -> tuple[Callable[[], None] | None, str | None]:
    if importlib.util.find_spec("btclib") is None:
        return None, None
    assert_as_valid = importlib.import_module("btclib.bip322").assert_as_valid

    asked = [
        (message, address_of(script, MAINNET), signature)
        for script, message, signature in _proofs()
    ]

    def run() -> None:
        for message, address, signature in asked:
            assert_as_valid(message, address, signature)

    return run, "btclib"


@measurement("proofs_2_of_3")
def own_judge() -> Iterator[Case]:
    """2-of-3 P2WSH proofs by our own judge: the base profile."""
    peer, name = _bip322_core()
    if peer is None:
        peer, name = _btclib()
    yield Case(run=_run(None), amount=PROOFS, unit="proofs/s", peer=peer, peer_name=name)


@measurement("proofs_2_of_3_two_judges")
def with_kernel() -> Iterator[Case]:
    """The same, each proof judged by Bitcoin Core's code as well."""
    kernel = kernel_consensus()
    if kernel is None:
        raise CannotMeasure("py-bitcoinkernel is not installed")
    yield Case(run=_run(kernel), amount=PROOFS, unit="proofs/s")


def _bip322_core() -> tuple[Callable[[], None] | None, str | None]:
    if importlib.util.find_spec("bip322core") is None:
        return None, None
    verify_message = importlib.import_module("bip322core.verify").verify_message

    asked = [
        (address_of(script, MAINNET), signature, message)
        for script, message, signature in _proofs()
    ]

    def run() -> None:
        for address, signature, message in asked:
            result = verify_message(address, signature, message)
            if result.state.value != "valid":
                raise RuntimeError(f"the peer refuses an honest proof: {result.reason}")

    return run, "bip322-core"
