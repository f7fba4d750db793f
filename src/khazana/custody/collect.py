"""Signed PSBTs come back in any order: whose signature is there, bad or missing, and the proofs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from khazana.bitcoin.bip322.encoding import write_full, write_proof_of_funds, write_simple
from khazana.bitcoin.bip322.psbt import read_psbt
from khazana.bitcoin.bip322.verdict import State, Variant, Verdict
from khazana.bitcoin.bip322.verify import Consensus, verify
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import Transaction, TxIn
from khazana.custody.campaign import Campaign, Round
from khazana.custody.campaign_psbt import RoundInput, utxo_map
from khazana.custody.finalize import Final, finalized
from khazana.custody.policy import key_id
from khazana.custody.psbt_files import maps_of, psbt_of_file, written_psbt
from khazana.custody.returned import BadSignature, Returned, altered, good_signatures


@dataclass(frozen=True, slots=True)
class Stray:
    """A file that is of no use, and why."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class RoundState:
    """How far a round has come.

    signed: cosigners whose signatures hold on every input, as the descriptor names them.
    missing: the others that are asked; `needed` must sign at the least.
    proof: the BIP-322 signature, once it is complete and holds. verdict: the judgement on it.
    """

    round: Round
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    needed: int
    bad: tuple[BadSignature, ...]
    proof: str | None
    verdict: Verdict | None

    @property
    def words(self) -> str:
        name = self.round.name
        if self.proof is not None:
            said = f"{name}: proved, signed by {', '.join(self.signed) or 'a finished file'}"
            waits = self.verdict is not None and self.verdict.state is State.VALID_AT
            return f"{said}; {self.verdict.waits}" if waits and self.verdict else said
        said = f"{name}: signed by {', '.join(self.signed) or 'nobody'}, {self.needed} must sign"
        if self.missing:
            said += f"; missing: {', '.join(self.missing)}"
        return "; ".join([said, *(str(each) for each in self.bad)])


@dataclass(frozen=True, slots=True)
class Collected:
    campaign: Campaign
    rounds: tuple[RoundState, ...]
    stray: tuple[Stray, ...]

    @property
    def complete(self) -> bool:
        return all(state.proof is not None for state in self.rounds)


@dataclass(slots=True)
class _Gathered:
    signatures: list[dict[bytes, bytes]] = field(default_factory=list)
    bad: list[BadSignature] = field(default_factory=list)
    finished: list[list[Final]] = field(default_factory=list)


def collect(
    campaign: Campaign,
    files: Iterable[tuple[str, bytes]],
    *,
    consensus: Consensus | None = None,
) -> Collected:
    """Put together what came back; nothing in a file raises, each problem has a name.

    files: (name, content), as bytes or base64. Of a file only signatures are taken; all else is
    the plan's own, so a file cannot change what was signed.
    """
    gathered = {r.name: _Gathered([{} for _ in r.inputs]) for r in campaign.rounds}
    stray: list[Stray] = []
    for name, raw in files:
        try:
            psbt = psbt_of_file(raw)
            parsed = read_psbt(psbt)
            unsigned, maps = maps_of(psbt)
        except MalformedBytes as wrong:
            stray.append(Stray(name, f"not a PSBT that can be read: {wrong}"))
            continue
        round_ = next((r for r in campaign.rounds if r.unsigned.txid == unsigned.txid), None)
        if round_ is None:
            stray.append(Stray(name, _unknown(campaign, unsigned, parsed.message)))
            continue
        problem = altered(round_, parsed.message, maps)
        if problem is not None:
            stray.append(Stray(name, f"altered PSBT: {problem}"))
            continue
        _add(gathered[round_.name], round_, Returned(name, tuple(maps)))
    states = tuple(_state(campaign, r, gathered[r.name], consensus) for r in campaign.rounds)
    return Collected(campaign, states, tuple(stray))


def _unknown(campaign: Campaign, unsigned: Transaction, message: bytes | None) -> str:
    firsts = {r.unsigned.inputs[0].outpoint: r.name for r in campaign.rounds}
    if unsigned.inputs and unsigned.inputs[0].outpoint in firsts:
        name = firsts[unsigned.inputs[0].outpoint]
        return f"altered PSBT: its transaction is no longer that of round {name}"
    if message is not None and message != campaign.message.text.encode("ascii"):
        return "it is about another message, such as another statement's root"
    return "it belongs to no round of this campaign"


def _add(gathered: _Gathered, round_: Round, returned: Returned) -> None:
    for position in range(len(round_.inputs)):
        good, bad = good_signatures(round_, position, returned)
        gathered.signatures[position].update(good)
        gathered.bad += bad
    if all(b"\x07" in pairs or b"\x08" in pairs for pairs in returned.maps):
        gathered.finished.append([Final.of_map(pairs) for pairs in returned.maps])


def _state(
    campaign: Campaign, round_: Round, gathered: _Gathered, consensus: Consensus | None
) -> RoundState:
    names = cosigners(round_)
    signed = [
        name
        for position, name in names.items()
        if all(
            _has_signed(each, position, found)
            for each, found in zip(round_.inputs, gathered.signatures, strict=True)
        )
    ]
    finals: list[Final] = []
    for each, found in zip(round_.inputs, gathered.signatures, strict=True):
        final = finalized(each.scripts, found, round_.wallet.waits)
        if final is not None:
            finals.append(final)
    candidates = [finals] if len(finals) == len(round_.inputs) else []
    proof = verdict = None
    bad = list(gathered.bad)
    text = campaign.message.text.encode("ascii")
    for candidate in [*candidates, *gathered.finished]:
        written = _written(round_, text, candidate)
        verdict = verify(
            written,
            script=round_.script,
            message=text,
            coins=campaign.closing.known,
            consensus=consensus,
        )
        if verdict.holds:
            proof = written
            break
        bad += [
            BadSignature("a finished file", "", problem.reason.value, str(problem))
            for problem in verdict.problems
        ]
    missing = [] if proof is not None else [n for n in names.values() if n not in signed]
    return RoundState(
        round_,
        tuple(dict.fromkeys(signed)),
        tuple(dict.fromkeys(missing)),
        round_.wallet.needed,
        tuple(bad),
        proof,
        verdict,
    )


def _has_signed(each: RoundInput, position: int, found: Mapping[bytes, bytes]) -> bool:
    """Whether a cosigner's signature is there: in taproot for the output key or for a leaf."""
    public = each.scripts.keys[position][1]
    if each.scripts.code is not None:
        return public in found
    if position == 0 and each.scripts.output[2:] in found:
        return True
    return any(len(signer) == 64 and signer[:32] == public[-32:] for signer in found)


def cosigners(round_: Round) -> dict[int, str]:
    """The keys that are asked, by their place in the descriptor: fingerprint, or the key itself."""
    return {
        position: key.fingerprint or f"{key.key[:16]}…"
        for position, key in enumerate(round_.wallet.descriptor.keys)
        if key_id(key) in round_.wallet.asked
    }


def _written(round_: Round, message: bytes, finals: Sequence[Final]) -> str:
    if round_.variant is Variant.SIMPLE:
        return write_simple(finals[0].witness)
    if round_.variant is Variant.FULL:
        unsigned = round_.unsigned
        inputs = tuple(
            TxIn(i.outpoint, f.script_sig, i.sequence, f.witness)
            for i, f in zip(unsigned.inputs, finals, strict=True)
        )
        answer = Transaction(unsigned.version, inputs, unsigned.outputs, unsigned.lock_time)
        return write_full(answer.serialize())
    globals_ = {b"\x00": round_.unsigned.serialize(witness=False), b"\x09": message}
    maps = [
        {**utxo_map(each), **final.to_map()}
        for each, final in zip(round_.inputs, finals, strict=True)
    ]
    return write_proof_of_funds(written_psbt([globals_, *maps, {}]))
