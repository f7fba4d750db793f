"""What every proof of control is held to, and where each finding and grade is written down."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from khazana.bitcoin.bip322.coins import KnownCoins
from khazana.bitcoin.bip322.verify import Consensus
from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.descriptor import Descriptor
from khazana.bitcoin.network import Network
from khazana.bitcoin.transaction import OutPoint
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.coverage import ControlGrade, Coverage
from khazana.custody.message import ControlMessage, control_message, read_message
from khazana.ledger.findings import Finding
from khazana.units import Height


@dataclass(frozen=True)
class About:
    """What the proofs must be about: the statement, and what it declares.

    made_at: the height of the newest block when the statement was made, by its own word.
    descriptors: of the wallets whose descriptor the reader was shown. declared: every script.
    """

    root: str
    office: str
    network: Network
    test: bool
    closing: Closing
    made_at: Height
    descriptors: Mapping[str, Descriptor] = field(default_factory=dict)
    declared: Collection[bytes] = frozenset()

    # Asked for each of thousands of proofs, so each is computed once.
    @cached_property
    def known(self) -> KnownCoins:
        return self.closing.known

    @cached_property
    def by_script(self) -> Mapping[bytes, tuple[OutPoint, ...]]:
        """The closing coins of each script."""
        found: dict[bytes, list[OutPoint]] = {}
        for coin in self.closing.coins:
            found.setdefault(coin.script, []).append(coin.outpoint)
        return {script: tuple(outpoints) for script, outpoints in found.items()}

    @cached_property
    def by_outpoint(self) -> Mapping[OutPoint, ClosingCoin]:
        return {coin.outpoint: coin for coin in self.closing.coins}

    def coins_of(self, wallet: str) -> list[OutPoint]:
        """The closing coins of a wallet."""
        return [coin.outpoint for coin in self.closing.coins if coin.wallet == wallet]


@dataclass
class Judging:
    """The state while proofs are judged one after the other."""

    about: About
    chain: ChainView
    consensus: Consensus | None
    findings: list[Finding] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    grades: dict[OutPoint, ControlGrade] = field(default_factory=dict)
    proved_at: dict[OutPoint, BlockRef] = field(default_factory=dict)
    moved: dict[OutPoint, BlockRef] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    """Each proof that was met, with its place: none may stand twice."""

    def wrong(self, rule: str, text: str, where: str) -> None:
        self.findings.append(Finding(rule, text, where))

    def doubt(self, text: str, where: str) -> None:
        self.doubts.append(f"{where}: {text}")

    def count(self, outpoints: Iterable[OutPoint], grade: ControlGrade, block: BlockRef) -> None:
        """A proof for these coins: the best grade stays, and of one grade the newest block."""
        for outpoint in outpoints:
            had = self.grades.get(outpoint)
            newer = had is grade and self.proved_at[outpoint].height < block.height
            if had is None or grade.rank < had.rank or newer:
                self.grades[outpoint] = grade
                self.proved_at[outpoint] = block

    def is_new(self, proof: str, where: str) -> bool:
        """Whether this proof was not met before; one that is given twice is wrong (C4)."""
        if proof in self.seen:
            self.wrong("C4", f"the proof is reused, it stands at {self.seen[proof]}", where)
            return False
        self.seen[proof] = where
        return True

    def message(
        self, text: str, *, subject_root: str, stated: tuple[int, str] | None, where: str
    ) -> ControlMessage | None:
        """The message, if it is this statement's, of a block at or after its closing block.

        stated: height and hash that stand beside the message, where they do.
        """
        about, before = self.about, len(self.findings)
        said = read_message(text)
        place = f"{where}.message"
        if said is None:
            self.wrong("C1", "the message is not one about a statement", place)
            return None
        if said.root != about.root or subject_root != about.root:
            self.wrong("C2", f"wrong root: the message is about {said.root}", place)
        named = control_message(
            office=about.office,
            network=about.network,
            test=about.test,
            root=said.root,
            block=said.block,
        )
        if said != named:
            self.wrong("C2", "the message names another office or network", place)
        if stated is not None and (said.block.height, said.block.hash) != stated:
            self.wrong("C1", "the block stated is not the one in the message", f"{where}.block")
        closing = about.closing.block
        if said.block.height < closing.height:
            signed = f"signed for block {said.block.height}"
            self.wrong("C3", f"{signed}, before the closing block {closing.height}", place)
        elif said.block.height == closing.height:
            if said.block.hash != closing.hash:
                self.wrong("C3", "its block is not the closing block of this chain", place)
        elif self.chain.block_at(said.block.height) != said.block:
            self.wrong("C3", f"block {said.block} is not in the best chain", place)
        return said if len(self.findings) == before else None

    def coverage(self) -> Coverage:
        """What it all amounts to."""
        return Coverage(
            self.about.closing,
            {
                coin.outpoint: self.grades.get(coin.outpoint, ControlGrade.NONE)
                for coin in self.about.closing.coins
            },
            self.proved_at,
            tuple(self.findings),
            tuple(self.doubts),
            tuple(self.notes),
            self.moved,
        )
