"""What a verification of coverage has in hand, and the shape of its questions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from khazana.bitcoin.chain import BlockRef, ChainView, Coin
from khazana.bitcoin.descriptor import DescriptorEngine
from khazana.bitcoin.network import Network, network_of_genesis
from khazana.errors import KhazanaError
from khazana.ledger.counted import Counted
from khazana.ledger.findings import Finding
from khazana.statement.checks import CheckResult, Profile, Verdict
from khazana.statement.identity import Office
from khazana.supervision.coverage.reading import CoverageStatement
from khazana.supervision.solvency.epoch import Epoch
from khazana.units import Height

FILE = "the file itself"


@dataclass(eq=False, kw_only=True)
class NotGiven(KhazanaError):
    """A question needs something that the reader did not bring."""

    what: str
    code = "coverage_not_given"
    words = "{what} was not given"


@dataclass(eq=False, kw_only=True)
class NotComparable(KhazanaError):
    """Another statement that was given says nothing about this one."""

    root: str
    problem: str
    code = "coverage_not_comparable"
    words = "the coverage statement cannot be compared with root {root}: {problem}"


@dataclass(eq=False, kw_only=True)
class CoveragePartsWithheld(KhazanaError):
    """A question needs parts that this disclosure does not show."""

    kind: str
    missing: int
    code = "coverage_parts_withheld"
    words = "{missing} parts of kind {kind} are withheld in this disclosure"


@dataclass(eq=False, kw_only=True)
class NotYet(KhazanaError):
    """The chain has not reached the block that a question waits for."""

    height: int
    tip: int
    code = "coverage_not_yet"
    words = "it needs block {height}, and the newest is {tip}: ask again then"


@dataclass(eq=False, kw_only=True)
class OnlyAttested(KhazanaError):
    """What a bank or custodian says no chain shows."""

    lines: str
    code = "coverage_only_attested"
    words = "{lines}: that is the holders' word (grade C or D), no chain shows it"


@dataclass(eq=False, kw_only=True)
class NoProofOfControl(KhazanaError):
    """Nothing in the statement shows who can move the coins."""

    code = "coverage_no_proof_of_control"
    words = "the coverage statement carries no proof of control over its coins"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A coverage statement under verification, and what else the reader brought.

    levels: published levels, (file, bytes). slips: customers' slips, the same. told: an epoch
    statement as a customer was shown it. regulator: whose counter-signature counts.
    """

    statement: CoverageStatement
    chain: ChainView | None
    engine: DescriptorEngine
    previous: CoverageStatement | None = None
    beside: Sequence[Counted] = ()
    regulator: Office | None = None
    levels: Sequence[tuple[str, bytes]] = ()
    slips: Sequence[tuple[str, bytes]] = ()
    told: Epoch | None = None

    @property
    def network(self) -> Network:
        known = network_of_genesis(self.statement.header.network.genesis)
        return known or self.required_chain().network

    def required_chain(self) -> ChainView:
        if self.chain is None:
            raise NotGiven(what="a chain (--chain)")
        return self.chain

    def require(self, *kinds: str) -> None:
        """Refuse to go on when parts of these kinds are withheld."""
        for kind in kinds:
            if missing := self.statement.withheld(kind):
                raise CoveragePartsWithheld(kind=kind, missing=missing)

    @property
    def epoch(self) -> Epoch:
        self.require("epoch", "liabilities", "debts")
        epoch = self.statement.epoch
        if epoch is None:
            raise ValueError("an epoch of which nothing is withheld is there")
        return epoch

    @cached_property
    def scripts(self) -> Mapping[bytes, str]:
        """Every declared script with its wallet."""
        self.require("wallet")
        return {
            bytes.fromhex(script): wallet.id
            for wallet in self.statement.wallets.values()
            for script in wallet.scripts
        }

    @cached_property
    def coins(self) -> Sequence[Coin]:
        """What the chain shows on the declared scripts at the end of the block."""
        return self.required_chain().coins_at(list(self.scripts), self.statement.block)

    def block_at(self, height: int) -> BlockRef:
        """The chain's block at a height; NotYet where there is none."""
        chain = self.required_chain()
        tip = chain.tip()
        if height > tip.height:
            raise NotYet(height=height, tip=tip.height)
        return chain.block_at(Height(height))


@dataclass(frozen=True)
class Answer:
    """No findings: passed. A question that cannot be answered raises instead."""

    basis: str
    good: str
    findings: Iterable[Finding] = ()
    limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """A named check (see khazana.statement.checks.Check)."""

    name: str
    title: str
    ask: Callable[[Case], Answer]
    level: Profile | None
    needs: tuple[str, ...] = ("schema",)

    def run(self, case: Case) -> CheckResult:
        found = self.ask(case)
        findings = tuple(found.findings)
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        return CheckResult(
            name=self.name,
            verdict=Verdict.FAILED if findings else Verdict.PASSED,
            basis=found.basis,
            summary=f"{findings[0].text} in {findings[0].where}{more}" if findings else found.good,
            findings=findings,
            limits=found.limits,
        )
