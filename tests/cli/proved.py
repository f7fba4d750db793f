"""An office whose coins' keys sign its statement, for the tests of control."""

from dataclasses import replace
from functools import cache

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import OutPoint
from khazana.cli.control import CONTROL_VERIFIERS, ControlChecks
from khazana.custody.campaign import Campaign, CampaignWallet, plan_campaign
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.collect import collect
from khazana.custody.control_evidence import control_evidence
from khazana.custody.coverage import ENOUGH, ControlGrade
from khazana.custody.message import ControlMessage, control_message
from khazana.ledger.accounts import Lane, LaneSpan, Wallet
from khazana.ledger.office import BranchRange, DescriptorSource, Office
from khazana.reserve.levels import keep_at
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.verify import Request, verify
from khazana.statement.checks import Profile, Report
from khazana.statement.envelope import Evidence, disclose, with_evidence, write_statement
from khazana.statement.office_file import Pin
from khazana.units import Height, Sats
from tests.custody.signing import signed, wallet
from tests.reserve.simulator import BTC, NOW, World

PEOPLE = ("anna", "bo", "cia")
DESCRIPTORS = {
    "vault": wallet("wsh(sortedmulti(2,{},{},{}))", *PEOPLE),
    "till": wallet("wpkh({})", "dara"),
    "modern": wallet("tr({})", "esa"),
}
SIGNERS = {"vault": ("anna", "cia"), "till": ("dara",), "modern": ("esa",)}


class Books(World):
    """An office that states its wallets by descriptors."""

    def office(self) -> Office:
        sources = {
            name: DescriptorSource(d.text, (BranchRange(0, 3),), 0)
            for name, d in DESCRIPTORS.items()
        }
        return replace(super().office(), sources=sources)


class Told:
    """Three wallets, five coins, one of them spent again before the closing block."""

    def __init__(self) -> None:
        engine = best_engine()
        self.world = world = Books()
        self.scripts = {
            name: engine.derive(d, branch=0, start=0, stop=3) for name, d in DESCRIPTORS.items()
        }
        for name, scripts in self.scripts.items():
            span = (LaneSpan(Lane.OWNED, None),)
            genesis = world.chain.block_at(Height(0))
            world.wallets.append(
                Wallet(name, "office", {"en": name}, tuple(scripts), span, genesis)
            )
        world.perimeter("all", *self.scripts)
        start = world.mine(2)
        vault, till, modern = self.scripts["vault"], self.scripts["till"], self.scripts["modern"]
        paid = [(vault[0], 20), (vault[1], 10), (till[0], 5), (modern[2], 4), (vault[0], 1)]
        self.coins: list[ClosingCoin] = []
        for script, amount in paid:
            txid = world.fund(script, amount * BTC)
            name = next(n for n, s in self.scripts.items() if script in s)
            self.coins.append(ClosingCoin(name, OutPoint(txid, 0), Sats(amount * BTC), script))
        self.gone = OutPoint(world.fund(till[1], 2 * BTC), 0)
        world.mine()
        moved = world.spend(till[1], [(till[0], 2 * BTC - 500)])
        self.coins.append(ClosingCoin("till", OutPoint(moved, 0), Sats(2 * BTC - 500), till[0]))
        world.mine()
        self.end = world.mine(2)
        self.later = world.mine(8)
        self.statement = world.made(start, self.end).statement

    def campaign(
        self,
        *,
        batch: bool = False,
        block: BlockRef | None = None,
        root: str | None = None,
        coins: list[ClosingCoin] | None = None,
    ) -> Campaign:
        message = control_message(
            office="office",
            network=REGTEST,
            test=True,
            root=root or self.statement.root,
            block=block or self.end,
        )
        return plan_campaign(
            [CampaignWallet(name, d, ((0, 3),), batch) for name, d in DESCRIPTORS.items()],
            Closing(self.end, self.coins if coins is None else coins),
            message=message,
            engine=best_engine(),
        )

    def proofs(self, campaign: Campaign) -> Evidence:
        files = [
            (f"{name}-{r.name}", signed(r, name))
            for r in campaign.rounds
            for name in SIGNERS[r.wallet.id]
        ]
        done = collect(campaign, files)
        assert done.complete, [state.words for state in done.rounds]
        if campaign.message.root == self.statement.root:
            return control_evidence(done, self.statement, REGTEST)
        item = control_evidence(done, replace(self.statement, root=campaign.message.root), REGTEST)
        fields = {**item.fields, "subject_root": self.statement.root}
        return Evidence(item.type, self.statement.root, fields)

    def message(self, *, root: str | None = None, block: BlockRef | None = None) -> ControlMessage:
        return self.campaign(root=root, block=block, coins=[]).message

    def check(
        self,
        *evidence: Evidence,
        disclosed: tuple[tuple[str, bytes], ...] = (),
        lowest: ControlGrade = ENOUGH,
        level: str | None = None,
    ) -> Report:
        """level: show only what this level of disclosure shows."""
        raw = self.world.signed(with_evidence(self.statement, *evidence))
        if level is not None:
            shown = disclose(read_reserve_statement(raw).envelope, keep_at(level))
            raw = write_statement(shown)
        return verify(
            Request(
                raw=raw,
                chain=self.world.chain,
                engine=best_engine(),
                profile=Profile.CONTROL,
                now=NOW,
                pin=Pin(self.world.identity.fingerprint),
                verifiers=CONTROL_VERIFIERS,
            ),
            more=[ControlChecks(disclosed, lowest)],
        )


@cache
def told() -> Told:
    return Told()
