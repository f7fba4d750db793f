"""Whether a signature proves that the holder of an address signed a message (BIP-322)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from khazana.bitcoin.address import script_of
from khazana.bitcoin.bip322.coins import KnownCoins, coin_problems
from khazana.bitcoin.bip322.proof import Proof, read_proof
from khazana.bitcoin.bip322.spends import judge_input
from khazana.bitcoin.bip322.timelocks import asks_for_age
from khazana.bitcoin.bip322.verdict import (
    Problem,
    ProvenInput,
    Reason,
    Refusal,
    State,
    Verdict,
)
from khazana.bitcoin.network import Network
from khazana.bitcoin.transaction import Transaction, TxOut

Consensus = Callable[[Transaction, Sequence[TxOut]], int | None]
"""A second judge: the first input whose script does not allow the spend, None when all do."""

MAX_INPUTS = 1_000
"""Inputs of a proof that are judged: the cost of old signatures grows with their square."""

_VERSIONS = (0, 2)


def verify(
    signature: str,
    *,
    script: bytes,
    message: bytes,
    coins: KnownCoins | None = None,
    consensus: Consensus | None = None,
    allow_unprefixed: bool = False,
    max_inputs: int = MAX_INPUTS,
) -> Verdict:
    """Judge a signature of `message` by whoever can satisfy the output script `script`.

    coins: what the chain shows; without it a proof of funds is inconclusive at best.
    consensus: a second judge, see `kernel_judge`; a proof is valid only if both say so.
    Nothing in `signature` raises: whatever is wrong with it is in the verdict.
    """
    try:
        proof = read_proof(
            signature, script=script, message=message, allow_unprefixed=allow_unprefixed
        )
    except Refusal as refusal:
        return _verdict(Verdict(State.VALID), [refusal.problem()])
    answer = proof.transaction
    verdict = Verdict(
        State.VALID,
        proof.variant,
        version=answer.version,
        lock_time=answer.lock_time,
        sequence=answer.inputs[0].sequence,
        inputs=_inputs(proof, coins),
    )
    if len(answer.inputs) > max_inputs:
        words = f"{len(answer.inputs)} inputs are more than the {max_inputs} that are judged"
        return _verdict(verdict, [Problem(Reason.TOO_LARGE, words, conclusive=False)])
    problems = _coin_problems(proof, coins)
    judged, found = _judged(answer, verdict.inputs, consensus)
    problems += found
    if answer.version not in _VERSIONS:
        words = f"to_sign has version {answer.version}; only 0 and 2 have known rules"
        problems.append(Problem(Reason.UNKNOWN_VERSION, words, conclusive=False))
    return _verdict(replace(verdict, inputs=judged), problems)


def verify_address(
    signature: str,
    *,
    address: str,
    network: Network,
    message: bytes,
    coins: KnownCoins | None = None,
    consensus: Consensus | None = None,
    allow_unprefixed: bool = False,
    max_inputs: int = MAX_INPUTS,
) -> Verdict:
    """The same for an address; raises BadAddress when it is none of `network`."""
    return verify(
        signature,
        script=script_of(address, network),
        message=message,
        coins=coins,
        consensus=consensus,
        allow_unprefixed=allow_unprefixed,
        max_inputs=max_inputs,
    )


def _verdict(verdict: Verdict, problems: Sequence[Problem]) -> Verdict:
    """The verdict with its state: one conclusive problem makes a proof invalid."""
    if any(problem.conclusive for problem in problems):
        state = State.INVALID
    elif problems:
        state = State.INCONCLUSIVE
    elif _waits(verdict):
        state = State.VALID_AT
    else:
        state = verdict.state
    return replace(verdict, state=state, problems=tuple(problems))


def _waits(verdict: Verdict) -> bool:
    coins = any(asks_for_age(verdict.version, coin.sequence) for coin in verdict.coins)
    return bool(verdict.lock_time or verdict.sequence) or coins


def _inputs(proof: Proof, coins: KnownCoins | None) -> tuple[ProvenInput, ...]:
    """The inputs as claimed; what a *full* signature cannot say is looked up in the chain."""
    inputs = []
    for i, spent in zip(proof.transaction.inputs, proof.spent, strict=True):
        if spent is None and coins is not None:
            spent = coins.unspent.get(i.outpoint)
        inputs.append(ProvenInput(i.outpoint, spent, i.sequence))
    return tuple(inputs)


def _coin_problems(proof: Proof, coins: KnownCoins | None) -> list[Problem]:
    inputs = _inputs(proof, None)
    if coins is None:
        if len(inputs) == 1:
            return []
        words = f"{len(inputs) - 1} coins are claimed; whether they exist unspent was not checked"
        return [Problem(Reason.COINS_NOT_CHECKED, words, conclusive=False)]
    return [
        problem
        for position, claimed in enumerate(inputs[1:], 1)
        for problem in coin_problems(position, claimed, coins)
    ]


def _judged(
    answer: Transaction, inputs: tuple[ProvenInput, ...], consensus: Consensus | None
) -> tuple[tuple[ProvenInput, ...], list[Problem]]:
    """Every input with its signers, and what is wrong with the scripts."""
    problems: list[Problem] = []
    spent = [i.spent for i in inputs if i.spent is not None]
    if len(spent) < len(inputs):
        # Taproot signs what all inputs spend: with one unknown, none can be judged for sure.
        problems += [
            Problem(
                Reason.UNKNOWN_PREVOUT,
                f"nothing says what {i.outpoint} holds",
                conclusive=False,
                position=position,
            )
            for position, i in enumerate(inputs)
            if i.spent is None
        ]
        return inputs, problems
    judged = []
    for position, i in enumerate(inputs):
        try:
            judged.append(replace(i, signers=judge_input(answer, position, spent)))
        except Refusal as refusal:
            problems.append(refusal.problem(position))
            judged.append(i)
    if consensus is not None and not any(problem.conclusive for problem in problems):
        bad = consensus(answer, spent)
        if bad is not None:
            words = "Bitcoin Core's own code does not accept this input"
            problems.append(Problem(Reason.KERNEL_REFUSES, words, conclusive=True, position=bad))
    return tuple(judged), problems
