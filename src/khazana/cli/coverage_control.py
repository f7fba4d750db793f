"""Puts custody's judgement of proofs into a coverage statement's checks, and plans campaigns."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from khazana.bitcoin.bip322.kernel_judge import kernel_consensus
from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import Network, network_of_genesis
from khazana.bitcoin.transaction import OutPoint
from khazana.cli.control import control_result, has_proofs, proofs_shown
from khazana.custody.campaign import Campaign, CampaignWallet, plan_campaign
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.collect import Collected, collect
from khazana.custody.control import judge_control
from khazana.custody.coverage import ENOUGH, ControlGrade
from khazana.custody.judging import About
from khazana.custody.message import control_message
from khazana.statement.checks import Check, CheckResult, Profile
from khazana.supervision.coverage.case import Case
from khazana.supervision.coverage.make import median_time_of
from khazana.supervision.coverage.reading import CoverageStatement
from khazana.units import Height, Sats, Txid


@dataclass(frozen=True)
class CoverageControl:
    """The check `control`, for `verify_coverage` (its `more`). See cli.control.ControlChecks."""

    disclosed: Sequence[tuple[str, bytes]] = ()
    lowest: ControlGrade = ENOUGH

    def __call__(self, case: Case) -> Iterable[Check[Case]]:
        if has_proofs(case.statement.envelope) or self.disclosed:
            yield _Control(self.disclosed, self.lowest)


@dataclass(frozen=True)
class _Control:
    """Whether every coin is proved to be under control, not before the block."""

    disclosed: Sequence[tuple[str, bytes]]
    lowest: ControlGrade
    name: str = "control"
    title: str = "Proof of control"
    needs: tuple[str, ...] = ("schema", "root", "coverage_snapshot", "coverage_coins")

    @property
    def level(self) -> Profile:
        """What the reader brought is required whatever the profile."""
        return Profile.TOTALS if self.disclosed else Profile.CONTROL

    def run(self, case: Case) -> CheckResult:
        evidence = proofs_shown(case.statement.envelope, self.disclosed)
        chain = case.required_chain()
        about = about_of(case.statement, network=case.network)
        coverage = judge_control(evidence, about, chain=chain, consensus=kernel_consensus())

        def date(block: BlockRef) -> str:
            return f"block {block.height} ({median_time_of(chain, block)})"

        return control_result(coverage, chain, lowest=self.lowest, date=date)


def about_of(statement: CoverageStatement, *, network: Network) -> About:
    """What a coverage statement's proofs must be about."""
    header = statement.header
    return About(
        root=statement.root,
        office=header.office.id,
        network=network,
        test=header.test,
        closing=closing_of(statement),
        made_at=Height(header.tip.height),
        descriptors={
            wallet: parse_descriptor(body.descriptor, network)
            for wallet, body in statement.descriptors.items()
        },
        declared=frozenset(
            bytes.fromhex(script)
            for wallet in statement.wallets.values()
            for script in wallet.scripts
        ),
    )


def closing_of(statement: CoverageStatement) -> Closing:
    """The stated coins. That the chain shows the same is the check `coverage_coins`."""
    coins = [
        ClosingCoin(
            wallet.id,
            _outpoint(coin.outpoint),
            Sats(coin.amount),
            bytes.fromhex(wallet.scripts[coin.script]),
        )
        for wallet in statement.wallets.values()
        for coin in wallet.coins
    ]
    return Closing(statement.block, coins)


def campaign_of_coverage(
    statement: CoverageStatement, chain: ChainView, *, batch: Collection[str] = ()
) -> Campaign:
    """The campaign that asks the keys of every wallet whose descriptor the file shows.

    batch: wallets whose devices can sign proofs of funds.
    """
    header = statement.header
    network = network_of_genesis(header.network.genesis) or chain.network
    closing = closing_of(statement)
    scripts = {coin.script for coin in closing.coins}
    history = chain.history(list(scripts), None, statement.block)
    made = {
        each.transaction.outpoint(vout): output.script
        for each in history
        for vout, output in enumerate(each.transaction.outputs)
    }
    spent_from = {
        made[spent.outpoint]
        for each in history
        for spent in each.transaction.inputs
        if spent.outpoint in made
    } & scripts
    return plan_campaign(
        [
            CampaignWallet(
                body.wallet,
                parse_descriptor(body.descriptor, network),
                tuple((branch.branch, branch.stop) for branch in body.branches),
                body.wallet in batch,
            )
            for body in statement.descriptors.values()
        ],
        closing,
        message=control_message(
            office=header.office.id,
            network=network,
            test=header.test,
            root=statement.root,
            block=statement.block,
        ),
        engine=best_engine(),
        spent_from=spent_from,
    )


def collected_for(
    statement: CoverageStatement,
    chain: ChainView,
    files: Sequence[tuple[str, bytes]],
    *,
    batch: Collection[str] = (),
) -> Collected:
    """Put together what came back."""
    return collect(campaign_of_coverage(statement, chain, batch=batch), files)


def _outpoint(text: str) -> OutPoint:
    txid, vout = text.split(":")
    return OutPoint(Txid(txid), int(vout))
