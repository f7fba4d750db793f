"""Cosigners who each sign the message alone: a proof for devices that sign no quorum's PSBT.

One key of a descriptor speaks for its cosigner in the whole wallet: its paths are not hardened, so
whoever has the private key of one address, and the extended public key that the descriptor shows,
computes all the others (BIP-32).
"""

from collections.abc import Mapping
from typing import Any

from khazana.bitcoin.bip137 import is_bip137, signer_of
from khazana.bitcoin.bip322.verify import verify
from khazana.bitcoin.descriptor import Descriptor, KeyExpression
from khazana.bitcoin.descriptor_keys import HARDENED
from khazana.bitcoin.hashes import hash160
from khazana.bitcoin.script import p2wpkh
from khazana.custody.control_evidence import CosignedFile, SignedByFile, read_cosigned
from khazana.custody.coverage import ControlGrade
from khazana.custody.judging import Judging
from khazana.custody.policy import is_met, is_nobodys, key_id, policy_of
from khazana.statement.errors import StatementMalformed


def judge_cosigned(judging: Judging, fields: Mapping[str, Any], where: str) -> None:
    """One piece of evidence: who of each wallet's cosigners signed, and whether they suffice."""
    try:
        file = read_cosigned(fields, where)
    except StatementMalformed as wrong:
        judging.wrong("C1", wrong.problem, wrong.path)
        return
    stated = (file.block.height, file.block.hash)
    said = judging.message(file.message, subject_root=file.subject_root, stated=stated, where=where)
    if said is None:
        return
    met: set[str] = set()
    for row, wallet in enumerate(file.wallets):
        place = f"{where}.wallets[{row}]"
        coins = judging.about.coins_of(wallet.wallet)
        if wallet.wallet in met:
            judging.wrong("C4", f"wallet {wallet.wallet} stands twice", place)
            continue
        met.add(wallet.wallet)
        if not coins:
            judging.wrong("C5", f"wallet {wallet.wallet} held no closing coin", place)
            continue
        descriptor = judging.about.descriptors.get(wallet.wallet)
        if descriptor is None:
            judging.doubt(f"the descriptor of {wallet.wallet} is not shown to you", place)
            continue
        signed = _signed(judging, file, wallet.signatures, descriptor, place)
        keys = {key_id(key) for key in descriptor.keys if not is_nobodys(key)}
        seen = f"wallet {wallet.wallet}: {len(signed)} of {len(keys)} keys signed alone"
        if can_spend_at_once(descriptor, frozenset(signed)):
            judging.notes.append(f"{seen}, enough to spend at once; its script was not spent")
            judging.count(coins, ControlGrade.COSIGNERS, said.block)
        else:
            judging.doubt(f"{seen}, too few to spend at once", place)


def can_spend_at_once(descriptor: Descriptor, signed: frozenset[str]) -> bool:
    """Whether these keys suffice by themselves: without a wait, and without a preimage."""
    return is_met(policy_of(descriptor), by=signed, locks_open=False, preimages_known=False)


def _signed(
    judging: Judging,
    file: CosignedFile,
    signatures: list[SignedByFile],
    descriptor: Descriptor,
    place: str,
) -> set[str]:
    """The keys, by `key_id`, whose signatures hold; each key counts once."""
    signed: set[str] = set()
    known = {key_id(key): key for key in descriptor.keys}
    for row, each in enumerate(signatures):
        where = f"{place}.signatures[{row}]"
        key = known.get(each.key)
        if key is None:
            judging.wrong("C7", "it is by no key of the wallet", where)
        elif each.key in signed:
            judging.wrong("C4", "one cosigner is counted twice", where)
        elif not 0 <= each.branch < descriptor.branches or not each.index < HARDENED:
            judging.wrong("C1", "the key has no such branch or index", where)
        elif message_holds(
            each.signature, file.message, key=key, branch=each.branch, index=each.index
        ):
            signed.add(each.key)
        else:
            judging.wrong("C7", "the signature was not made by that key for this message", where)
    return signed


def message_holds(
    signature: str, message: str, *, key: KeyExpression, branch: int, index: int
) -> bool:
    """Whether a key of a descriptor signed the message: BIP-137, or BIP-322 by its P2WPKH."""
    public = key.public_key(branch, index)
    if len(public) == 32:
        public = b"\x02" + public
    if len(public) != 33:
        return False
    if is_bip137(signature):
        return signer_of(signature, message.encode()) == public
    return verify(signature, script=p2wpkh(hash160(public)), message=message.encode()).holds
