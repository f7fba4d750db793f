"""Signed PSBTs come back in any order: checked, combined, and finished to a transaction (D11)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from khazana.bitcoin.bip322.psbt import (
    IN_FINAL_SCRIPTSIG,
    IN_FINAL_WITNESS,
    MAGIC,
    PsbtMap,
    read_map,
)
from khazana.bitcoin.bip322.signatures import SignatureChecker, strict_ecdsa
from khazana.bitcoin.bip322.spends import judge_input
from khazana.bitcoin.bip322.verdict import Refusal
from khazana.bitcoin.consensus import virtual_size_of
from khazana.bitcoin.descriptor import Descriptor, DescriptorEngine
from khazana.bitcoin.reader import Reader
from khazana.bitcoin.sighash import legacy_sighash, segwit_v0_sighash, taproot_sighash
from khazana.bitcoin.transaction import Transaction
from khazana.custody.campaign_psbt import IN_PARTIAL_SIG, IN_TAP_KEY_SIG, IN_TAP_SCRIPT_SIG
from khazana.custody.drafting.differences import differences
from khazana.custody.drafting.draft import Draft
from khazana.custody.drafting.errors import Findings, ReturnedPsbtRefused, SignaturesMissing
from khazana.custody.drafting.rules import LOWEST_FEERATE, fee_for, feerate_words
from khazana.custody.drafting.spending import InputSignatures, Spend, final_of, spend_of
from khazana.custody.drafting.wallet import SpendingWallet
from khazana.custody.finalize import Final
from khazana.custody.policy import is_nobodys, key_id, keys_in, policy_of
from khazana.custody.psbt_files import maps_of, psbt_of_file, written_psbt
from khazana.custody.ways import fewest_keys, ways_of
from khazana.ledger.findings import Finding


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that is not the order that went out; nothing was taken from it."""

    file: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Signing:
    """How far an order has come.

    signed: cosigners whose signatures hold on every input, by fingerprint. missing: the others.
    needed: fewest keys of the shortest way. bad: signatures that do not hold, in words.
    psbt: the order with every good signature. transaction: complete and judged, or None.
    vsize: of the finished transaction; signers who take another way than was sized make it larger.
    """

    signed: tuple[str, ...]
    missing: tuple[str, ...]
    needed: int
    refused: tuple[RefusedFile, ...]
    bad: tuple[str, ...]
    psbt: bytes
    transaction: Transaction | None
    vsize: int | None = None


@dataclass(slots=True)
class _Taken:
    """The good signatures of one input, and witnesses that a wallet program finished."""

    ecdsa: dict[bytes, bytes] = field(default_factory=dict)
    key_path: bytes | None = None
    leaves: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)
    finished: list[Final] = field(default_factory=list)

    def signatures(self) -> InputSignatures:
        return InputSignatures(self.ecdsa, self.key_path, self.leaves)


def collect(
    draft: Draft,
    wallet: SpendingWallet,
    files: Iterable[tuple[str, bytes]],
    *,
    engine: DescriptorEngine,
    preimages: Mapping[bytes, bytes] | None = None,
) -> Signing:
    """Put together what came back; nothing in a file raises, each problem has a name.

    files: (name, PSBT as bytes or base64). Of a file only signatures are taken; all else is the
    draft's own.
    """
    descriptor = wallet.descriptor
    spends = [spend_of(descriptor, engine, each.place) for each in draft.inputs]
    taken = [_Taken() for _ in spends]
    refused: list[RefusedFile] = []
    bad: list[str] = []
    for name, raw in files:
        found = differences(draft, raw)
        if found:
            refused.append(RefusedFile(name, found))
            continue
        _, maps = maps_of(psbt_of_file(raw))
        for position, pairs in enumerate(maps):
            problems = _take(draft, position, spends[position], pairs, taken[position])
            bad += [f"{name}: input {position}: {problem}" for problem in problems]
    transaction, problems = _finished(draft, descriptor, spends, taken, preimages)
    vsize = None if transaction is None else virtual_size_of(transaction)
    if vsize is None:
        bad += problems
    elif draft.fee_sats < fee_for(vsize, LOWEST_FEERATE):
        rate = feerate_words(Fraction(draft.fee_sats, vsize))
        bad.append(
            f"signed like this it pays {rate} sat/vB, below what nodes relay: draft it again"
        )
    signed = _signed_by(descriptor, spends, taken)
    names = _names(descriptor)
    everyone = [key_id(key) for key in descriptor.keys if not is_nobodys(key)]
    ways = ways_of(policy_of(descriptor))
    way = draft.way if draft.way is not None else next(w for w in ways if w.open_at_once)
    asked = {key_id(key) for key in keys_in(way.who)}
    return Signing(
        signed=tuple(dict.fromkeys(names[key] for key in everyone if key in signed)),
        missing=()
        if transaction is not None
        else tuple(
            dict.fromkeys(names[key] for key in everyone if key in asked and key not in signed)
        ),
        needed=fewest_keys(way),
        refused=tuple(refused),
        bad=tuple(bad),
        psbt=_combined(draft, taken),
        transaction=transaction,
        vsize=vsize,
    )


def finalize(
    draft: Draft,
    wallet: SpendingWallet,
    files: Iterable[tuple[str, bytes]],
    *,
    engine: DescriptorEngine,
    preimages: Mapping[bytes, bytes] | None = None,
) -> Transaction:
    """The transaction for the network. Raises ReturnedPsbtRefused, SignaturesMissing."""
    signing = collect(draft, wallet, files, engine=engine, preimages=preimages)
    for each in signing.refused:
        raise ReturnedPsbtRefused(file=each.file, findings=Findings(each.findings))
    if signing.transaction is None:
        raise SignaturesMissing(
            signed=", ".join(signing.signed) or "nobody",
            missing=", ".join(signing.missing) or "nobody",
            needed=f"{signing.needed} of {len(signing.signed) + len(signing.missing)}",
            problems="".join(f"\n  {problem}" for problem in signing.bad),
        )
    return signing.transaction


def _take(draft: Draft, position: int, spend: Spend, pairs: PsbtMap, taken: _Taken) -> list[str]:
    """Take the signatures of one input that hold; what does not, in words."""
    problems = []
    for key, signature in sorted(pairs.items()):
        try:
            problem = _take_one(draft, position, spend, key, signature, taken)
        except Refusal as refusal:
            problem = refusal.words
        if problem:
            problems.append(problem)
    if bytes([IN_FINAL_WITNESS]) in pairs or bytes([IN_FINAL_SCRIPTSIG]) in pairs:
        taken.finished.append(Final.of_map(pairs))
    return problems


def _take_one(
    draft: Draft, position: int, spend: Spend, key: bytes, signature: bytes, taken: _Taken
) -> str:
    publics = {public for _, public in spend.scripts.keys}
    code = spend.scripts.code
    if key[0] == IN_PARTIAL_SIG and code is not None:
        public = key[1:]
        if public not in publics:
            return f"{public.hex()[:16]}… is no key of this wallet"
        checker = SignatureChecker(lambda kind: _ecdsa_digest(draft, position, spend, kind))
        if not signature or not checker.ecdsa(strict_ecdsa(signature), public):
            return f"the signature of {public.hex()[:16]}… is not for this order"
        taken.ecdsa[public] = signature
    elif key == bytes([IN_TAP_KEY_SIG]) and code is None:
        checker = SignatureChecker(lambda kind: _taproot_digest(draft, position, kind, None))
        if not checker.schnorr(signature, spend.scripts.output[2:]):
            return "the signature of the key path is not for this order"
        taken.key_path = signature
    elif key[0] == IN_TAP_SCRIPT_SIG and code is None:
        public, leaf = key[1:33], key[33:]
        if public not in {each[-32:] for each in publics} or leaf not in spend.scripts.leaves:
            return f"{public.hex()[:16]}… signed for a key or leaf that is not of this wallet"
        checker = SignatureChecker(lambda kind: _taproot_digest(draft, position, kind, leaf))
        if not checker.schnorr(signature, public):
            return f"the signature of {public.hex()[:16]}… is not for this order"
        taken.leaves[public, leaf] = signature
    return ""


def _ecdsa_digest(draft: Draft, position: int, spend: Spend, hash_type: int) -> bytes:
    unsigned, code = draft.unsigned, spend.scripts.code or b""
    if spend.scripts.segwit:
        amount = draft.inputs[position].amount
        return segwit_v0_sighash(
            unsigned, position, script_code=code, amount=amount, hash_type=hash_type
        )
    return legacy_sighash(unsigned, position, script_code=code, hash_type=hash_type)


def _taproot_digest(draft: Draft, position: int, hash_type: int, leaf: bytes | None) -> bytes:
    spent = draft.spent_outputs
    return taproot_sighash(
        draft.unsigned, position, spent=spent, hash_type=hash_type, leaf_hash=leaf
    )


def _finished(
    draft: Draft,
    descriptor: Descriptor,
    spends: Sequence[Spend],
    taken: Sequence[_Taken],
    preimages: Mapping[bytes, bytes] | None,
) -> tuple[Transaction | None, list[str]]:
    """The transaction once every input is complete and our own judge finds that it may spend."""
    unsigned = draft.unsigned
    choices: list[list[Final]] = []
    for position, (spend, each) in enumerate(zip(spends, taken, strict=True)):
        final = final_of(
            descriptor,
            spend,
            each.signatures(),
            sequence=unsigned.inputs[position].sequence,
            lock_time=unsigned.lock_time,
            preimages=preimages,
        )
        choices.append([*([] if final is None else [final]), *each.finished])
    inputs = list(unsigned.inputs)
    problems: list[str] = []
    for position, finals in enumerate(choices):
        refusals = []
        for final in finals:
            trial = replace(
                unsigned.inputs[position], script_sig=final.script_sig, witness=final.witness
            )
            candidate = replace(
                unsigned,
                inputs=(*unsigned.inputs[:position], trial, *unsigned.inputs[position + 1 :]),
            )
            try:
                judge_input(candidate, position, draft.spent_outputs)
            except Refusal as refusal:
                refusals.append(f"input {position}: {refusal.words}")
                continue
            inputs[position] = trial
            break
        else:
            problems += refusals
    complete = all(i.script_sig or i.witness for i in inputs)
    return (replace(unsigned, inputs=tuple(inputs)) if complete else None), problems


def _combined(draft: Draft, taken: Sequence[_Taken]) -> bytes:
    """The draft's own PSBT with every good signature: for the next signer, or for another program.

    Finished witnesses are left out: whoever finishes last does so from signatures.
    """
    maps = _all_maps(draft.psbt, len(draft.inputs), len(draft.unsigned.outputs))
    for pairs, each in zip(maps[1:], taken, strict=False):
        for public, signature in each.ecdsa.items():
            pairs[bytes([IN_PARTIAL_SIG]) + public] = signature
        if each.key_path is not None:
            pairs[bytes([IN_TAP_KEY_SIG])] = each.key_path
        for (public, leaf), signature in each.leaves.items():
            pairs[bytes([IN_TAP_SCRIPT_SIG]) + public + leaf] = signature
    return written_psbt(maps)


def _signed_by(
    descriptor: Descriptor, spends: Sequence[Spend], taken: Sequence[_Taken]
) -> frozenset[str]:
    """Keys, by `key_id`, whose signature holds on every input."""
    signed: set[str] | None = None
    for spend, each in zip(spends, taken, strict=True):
        here = set()
        for position, (key, public) in enumerate(spend.scripts.keys):
            on_leaf = any(owner == public[-32:] for owner, _ in each.leaves)
            by_path = position == 0 and spend.scripts.code is None and each.key_path is not None
            if public in each.ecdsa or on_leaf or by_path:
                here.add(key)
        signed = here if signed is None else signed & here
    return frozenset(signed or ())


def _names(descriptor: Descriptor) -> Mapping[str, str]:
    """What cosigners are called: the fingerprint, or the key where there is none."""
    return {key_id(key): key.fingerprint or f"{key.key[:16]}…" for key in descriptor.keys}


def _all_maps(psbt: bytes, inputs: int, outputs: int) -> list[PsbtMap]:
    reader = Reader(psbt, "PSBT", len(MAGIC))
    return [read_map(reader) for _ in range(1 + inputs + outputs)]
