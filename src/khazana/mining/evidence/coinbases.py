"""Blocks that sites found themselves: the reward is the coinbase's, taken from the real block."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from khazana.bitcoin.block import Header, merkle_proof_holds
from khazana.bitcoin.chain import BlockRef, ConfirmedTransaction
from khazana.bitcoin.network import Network
from khazana.bitcoin.work import block_subsidy
from khazana.ledger.findings import Finding
from khazana.mining.receipts.terms import site_tag
from khazana.units import Sats, Txid


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnBlock:
    """A block whose coinbase names a site. site: None where it names none.

    reward: everything the coinbase pays out, subsidy and fees. ours: what of it goes to the
    programme's scripts.
    """

    site: str | None
    block: BlockRef
    txid: Txid
    reward: Sats
    ours: Sats


def own_blocks(
    coinbases: Iterable[ConfirmedTransaction],
    *,
    sites: Iterable[str],
    scripts: frozenset[bytes],
) -> tuple[OwnBlock, ...]:
    """The coinbases among transactions, with the site that each names in its script.

    That a site made a block is its own word, written before anybody knew the block; that the
    programme was paid is the chain's.
    """
    tags = {site: site_tag(site) for site in sites}
    found = []
    for confirmed in coinbases:
        transaction = confirmed.transaction
        if not transaction.is_coinbase:
            continue
        script = transaction.inputs[0].script_sig
        named = [site for site, tag in tags.items() if tag in script]
        found.append(
            OwnBlock(
                site=named[0] if len(named) == 1 else None,
                block=confirmed.block,
                txid=confirmed.txid,
                reward=Sats(sum(output.amount for output in transaction.outputs)),
                ours=Sats(sum(o.amount for o in transaction.outputs if o.script in scripts)),
            )
        )
    return tuple(found)


def own_block_findings(
    coinbases: Iterable[ConfirmedTransaction],
    headers: Iterable[Header],
    *,
    sites: Iterable[str],
    scripts: frozenset[bytes],
    network: Network,
) -> Iterator[Finding]:
    """Rule E18: a coinbase stands first in its block, names one site, and pays only the programme.

    headers: of the blocks, in any order.
    """
    roots = {header.hash: header.merkle_root_le for header in headers}
    known = tuple(sites)
    for confirmed in coinbases:
        where = f"block {confirmed.block}, transaction {confirmed.txid}"
        root = roots.get(confirmed.block.hash)
        if root is None or not merkle_proof_holds(
            confirmed.transaction,
            position=confirmed.position,
            branch_le=confirmed.branch_le,
            root_le=root,
        ):
            yield Finding("E18", "nothing shows that it is in this block", where)
            continue
        rows = own_blocks([confirmed], sites=known, scripts=scripts)
        if not rows or confirmed.position:
            yield Finding("E18", "it is no coinbase", where)
            continue
        (row,) = rows
        subsidy = block_subsidy(row.block.height, network)
        if row.site is None:
            yield Finding("E18", "its coinbase names none of the sites, or several", where)
        if row.ours < row.reward:
            text = f"{row.reward - row.ours} of {row.reward} sat go to scripts not the programme's"
            yield Finding("E18", text, where)
        if row.reward < subsidy:
            text = f"it takes {row.reward} sat where the subsidy alone is {subsidy}"
            yield Finding("E18", text, where)
