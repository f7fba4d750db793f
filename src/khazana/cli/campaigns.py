"""From a statement and a chain to the campaign that proves its closing coins."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.control import closing_of
from khazana.custody.campaign import Campaign, CampaignWallet, plan_campaign
from khazana.custody.collect import Collected, collect
from khazana.custody.message import control_message
from khazana.errors import KhazanaError
from khazana.reserve.bodies import block_ref
from khazana.reserve.case import Case
from khazana.reserve.reading import ReserveStatement


@dataclass(eq=False, kw_only=True)
class NoDescriptorOf(KhazanaError):
    """A wallet is named whose descriptor the file does not show."""

    wallet: str
    code = "no_descriptor_of"
    words = (
        "the statement shows no descriptor of wallet {wallet}; give the full file, as it was made"
    )


def campaign_of(
    statement: ReserveStatement,
    chain: ChainView,
    *,
    wallets: Sequence[str] = (),
    batch: Collection[str] = (),
) -> Campaign:
    """The campaign at the closing block. wallets: all with a descriptor unless some are named.

    batch: those whose devices can sign proofs of funds.
    """
    for name in (*wallets, *batch):
        if name not in statement.descriptors:
            raise NoDescriptorOf(wallet=name)
    case = Case(statement=statement, chain=chain, engine=best_engine())
    header, closing = statement.header, closing_of(case)
    network = case.network
    chosen = [
        CampaignWallet(
            name,
            parse_descriptor(body.descriptor, network),
            tuple((branch.branch, branch.stop) for branch in body.branches),
            name in batch,
        )
        for name, body in statement.descriptors.items()
        if name in wallets or not wallets
    ]
    spent_from = {
        output.script
        for confirmed in case.facts.history
        for vout, output in enumerate(confirmed.transaction.outputs)
        if confirmed.transaction.outpoint(vout) in closing.spent
    }
    message = control_message(
        office=header.office.id,
        network=network,
        test=header.test,
        root=statement.root,
        block=block_ref(header.period.until),
    )
    return plan_campaign(
        chosen, closing, message=message, engine=best_engine(), spent_from=spent_from
    )


def collected(
    statement: ReserveStatement,
    chain: ChainView,
    files: Sequence[tuple[str, bytes]],
    *,
    wallets: Sequence[str] = (),
) -> Collected:
    """Put together what came back; which wallets were batched shows from the files."""
    every = wallets or tuple(statement.descriptors)
    batched = campaign_of(statement, chain, wallets=wallets, batch=every)
    single = campaign_of(statement, chain, wallets=wallets)
    both = {r.unsigned.txid for r in single.rounds}
    asked = {r.unsigned.txid: r.wallet.id for r in batched.rounds}
    seen = {
        asked[state.round.unsigned.txid]
        for state in collect(batched, files).rounds
        if state.round.unsigned.txid not in both and (state.signed or state.bad or state.proof)
    }
    chosen = campaign_of(statement, chain, wallets=wallets, batch=seen) if seen else single
    return collect(chosen, files)
