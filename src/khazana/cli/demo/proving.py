"""A quarter signed by the coins' own quorums: the campaign, its devices, and the proofs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.network import REGTEST
from khazana.cli.campaigns import campaign_of
from khazana.cli.demo.books import Books, DeclaredWallet
from khazana.cli.demo.cosigners import Cosigner
from khazana.cli.demo.signers import CHANGE, RECEIVE
from khazana.cli.files import write_whole
from khazana.custody.campaign import Campaign, CampaignWallet
from khazana.custody.collect import collect
from khazana.custody.control_evidence import control_evidence
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.statement.envelope import with_evidence, write_statement

BATCHED = ("fund", "client-deposits")
"""Wallets of many coins, whose devices sign them all in one proof of funds."""


@dataclass(frozen=True)
class Proved:
    """A statement with proofs of control, and the campaign that made them.

    files: how many signed PSBTs came back.
    """

    statement: ReserveStatement
    campaign: Campaign
    files: int


def prove(statement: ReserveStatement, books: Books, chain: ChainView, folder: Path) -> Proved:
    """Ask every quorum to sign, as `khazana custody prove` does, and attach what comes back.

    folder: where the files for the devices are written. The devices are the demo's signers.
    """
    campaign = campaign_of(
        statement,
        chain,
        batch=[name for name in BATCHED if name in statement.descriptors],
        undisclosed=[
            _known(wallet) for wallet in books.wallets if wallet.id not in statement.descriptors
        ],
    )
    for each in campaign.rounds:
        write_whole(folder / f"{each.name}.psbt", each.psbt)
    files = list(signed_by_devices(campaign, books))
    done = collect(campaign, files)
    if not done.complete or campaign.unplanned:
        said = [state.words for state in done.rounds if state.proof is None]
        said += [unplanned.why for unplanned in campaign.unplanned]
        raise ValueError(f"the quorums of {books.id} did not sign: {'; '.join(said)}")
    item = control_evidence(done, statement.envelope, REGTEST)
    raw = write_statement(with_evidence(statement.envelope, item))
    return Proved(read_reserve_statement(raw), campaign, len(files))


def _known(wallet: DeclaredWallet) -> CampaignWallet:
    """A wallet that the statement lists by address: its office knows the descriptor."""
    purse = wallet.purse
    used = ((branch, purse.used(branch)) for branch in (RECEIVE, CHANGE))
    branches = tuple((branch, stop) for branch, stop in used if stop)
    return CampaignWallet(wallet.id, parse_descriptor(purse.signer.descriptor, REGTEST), branches)


def signed_by_devices(campaign: Campaign, books: Books) -> Iterator[tuple[str, bytes]]:
    """What the devices send back: as many of each quorum as must sign."""
    wallets = {wallet.id: wallet for wallet in books.wallets}
    for each in campaign.rounds:
        signer = wallets[each.wallet.id].purse.signer
        for place, account in enumerate(signer.accounts[: signer.required]):
            cosigner = Cosigner(f"{each.wallet.id}/{place}", account)
            yield f"{each.name}-{place}.psbt", cosigner.sign(each.psbt)
