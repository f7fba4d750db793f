"""Which keys a statement's proofs of control show to be alive: a health check for free (K7)."""

from collections.abc import Iterable, Mapping
from typing import Any

from khazana.bitcoin.bip322.verify import verify
from khazana.bitcoin.chain import BlockRef
from khazana.custody.campaign import Campaign
from khazana.custody.control_evidence import read_control
from khazana.custody.message import read_message


def keys_proven(
    evidence: Iterable[tuple[str, Mapping[str, Any]]], campaign: Campaign
) -> Mapping[str, BlockRef]:
    """Each key (`key_id`) that signed a proof that holds, and the newest block its message names.

    evidence: (place, fields) of each `khazana.control/1` of the statement that the campaign is
    about. Whether the block is in the best chain is for the caller to ask. What does not hold, is
    about another statement, or is by a script without a closing coin, shows nothing.
    """
    owners = _owners(campaign)
    known = campaign.closing.known
    found: dict[str, BlockRef] = {}
    for where, fields in evidence:
        file = read_control(fields, where)
        said = read_message(file.message)
        if said is None or said.root != campaign.message.root:
            continue
        for proof in file.proofs:
            script = bytes.fromhex(proof.script)
            if script not in campaign.closing.scripts:
                continue
            verdict = verify(proof.proof, script=script, message=file.message.encode(), coins=known)
            if not verdict.holds:
                continue
            for signer in verdict.signers:
                key = owners.get(signer[-32:])
                before = None if key is None else found.get(key)
                if key is not None and (before is None or before.height < said.block.height):
                    found[key] = said.block
    return found


def _owners(campaign: Campaign) -> Mapping[bytes, str]:
    """Whose every public key of the closing scripts is, by its last 32 bytes."""
    owners: dict[bytes, str] = {}
    for round_ in campaign.rounds:
        for each in round_.inputs:
            owners.update((public[-32:], key) for key, public in each.scripts.keys)
            if each.scripts.code is None:
                # The output key is the internal key's, tweaked: who signs for it holds that key.
                owners[each.scripts.output[2:]] = each.scripts.keys[0][0]
    return owners
