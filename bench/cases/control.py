"""The check of control as `verify` makes it: a statement's proofs by thousands of quorums."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from bench.measure import CannotMeasure, Case, measurement
from khazana.bitcoin.bip322.encoding import write_simple
from khazana.bitcoin.bip322.kernel_judge import kernel_consensus
from khazana.bitcoin.bip322.transactions import to_sign, to_spend
from khazana.bitcoin.bip322.verify import Consensus
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint, Transaction, TxOut
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.control import judge_control
from khazana.custody.control_evidence import CONTROL_TYPE
from khazana.custody.judging import About
from khazana.custody.message import ControlMessage, control_message
from khazana.units import Height, Sats, Txid

PROOFS = 3_000
ROOT = "ab" * 32


@cache
def _told() -> tuple[SimulatedChain, ControlMessage, tuple[tuple[bytes, str, Transaction], ...]]:
    """A chain, the message, and of each closing coin: script, proof, and its `to_sign`."""
    from tests.bitcoin.bip322.signer import answered, multi, secret

    chain = SimulatedChain()
    block = chain.add_blocks(10)
    message = control_message(office="bench", network=REGTEST, test=True, root=ROOT, block=block)
    text = message.text.encode()
    proofs = []
    for number in range(PROOFS):
        keys = [secret("control", number, place) for place in range(3)]
        quorum = multi(keys, [(0, 1), (0, 2), (1, 2)][number % 3])
        witness = answered(quorum, text).inputs[0].witness
        answer = to_sign(to_spend(text, quorum.script), witness)
        proofs.append((quorum.script, write_simple(witness), answer))
    return chain, message, tuple(proofs)


def _run(consensus: Consensus | None) -> Callable[[], None]:
    chain, message, proofs = _told()
    block: BlockRef = message.block
    fields: Mapping[str, Any] = {
        "type": CONTROL_TYPE,
        "subject_root": ROOT,
        "message": message.text,
        "block": {"height": block.height, "hash": block.hash},
        "proofs": [{"script": script.hex(), "proof": proof} for script, proof, _ in proofs],
    }
    coins = [
        ClosingCoin("vault", OutPoint(Txid(f"{number:064x}"), 0), Sats(1_000), script)
        for number, (script, _, _) in enumerate(proofs, 1)
    ]

    def run() -> None:
        about = About(
            root=ROOT,
            office="bench",
            network=REGTEST,
            test=True,
            closing=Closing(block, coins),
            made_at=Height(block.height),
        )
        found = judge_control([("$", fields)], about, chain=chain, consensus=consensus)
        if not found.complete() or found.findings:
            raise RuntimeError(f"honest proofs do not hold: {found.words}")

    return run


def _kernel_alone(kernel: Consensus) -> Callable[[], None]:
    """Scripts only, framed beforehand: no form, no rules beyond consensus, no coins."""
    _, _, proofs = _told()
    asked = [(answer, [TxOut(Sats(0), script)]) for script, _, answer in proofs]

    def run() -> None:
        for answer, spent in asked:
            if kernel(answer, spent) is not None:
                raise RuntimeError("the peer refuses an honest proof")

    return run


@measurement("control_2_of_3")
def control() -> Iterator[Case]:
    """The whole judgement of a statement's 2-of-3 proofs in the base profile."""
    kernel = kernel_consensus()
    peer = None if kernel is None else _kernel_alone(kernel)
    name = None if kernel is None else "Bitcoin Core's script code alone (py-bitcoinkernel)"
    yield Case(run=_run(None), amount=PROOFS, unit="proofs/s", peer=peer, peer_name=name)


@measurement("control_2_of_3_two_judges")
def control_two_judges() -> Iterator[Case]:
    """The same, each script judged by Bitcoin Core's code as well."""
    kernel = kernel_consensus()
    if kernel is None:
        raise CannotMeasure("py-bitcoinkernel is not installed")
    yield Case(
        run=_run(kernel),
        amount=PROOFS,
        unit="proofs/s",
        peer=_kernel_alone(kernel),
        peer_name="Bitcoin Core's script code alone (py-bitcoinkernel)",
    )
