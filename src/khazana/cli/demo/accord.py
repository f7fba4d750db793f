"""The accord: each office publishes its feed, copies the partner's, cosigns it and judges it.

Every step is a command in a process of its own, as two offices far apart would run them; here a
feed is read from its folder, in earnest from the partner's web server.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from khazana.cli.demo import directory as lies
from khazana.cli.demo.judge import run_khazana
from khazana.cli.demo.narration import STATE_NAMES
from khazana.statement.log.files import CHECKPOINT

FEED, COPIES = "feed", "copies"
_STATES = (lies.PAKISTAN, lies.EL_SALVADOR)
_VERDICTS = re.compile(r"^(\d+) verdicts at block \d+: (\d+) verified, (\d+) contradicted", re.M)
_CONTRADICTED = re.compile(r"^entry (\d+) contradicted: (.+)$", re.M)


class StepFailed(RuntimeError):
    """A command of the accord did not end as it should: the demo itself is wrong."""


@dataclass(frozen=True, kw_only=True)
class Witnessed:
    """What an office found of another's log. contradicted: entries by number, with the reason."""

    witness: str
    partner: str
    verified: int
    contradicted: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Accord:
    """Runs the offices' commands. chain: the source that each asks, as `--chain` takes it."""

    directory: Path
    chain: str

    def partners(self, statements: dict[str, Sequence[Path]]) -> list[Witnessed]:
        """Both states publish, witness each other, and take the other's cosignature home."""
        with ThreadPoolExecutor(len(_STATES)) as offices:
            list(offices.map(lambda office: self.publish(office, statements[office]), _STATES))
            found = list(offices.map(self.witness, _STATES, reversed(_STATES)))
            list(offices.map(self._take_home, _STATES, reversed(_STATES)))
        return found

    def lie(self, tampered: Path) -> list[Witnessed]:
        """The Drill Office publishes a false statement; both states hold it against the chain."""
        self.publish(lies.DRILL, [tampered])
        with ThreadPoolExecutor(len(_STATES)) as offices:
            return list(offices.map(lambda office: self.witness(office, lies.DRILL), _STATES))

    def publish(self, office: str, files: Sequence[Path]) -> None:
        """Put these files into an office's log and feed, in their order; begin it if need be."""
        new = () if (self._feed(office) / CHECKPOINT).exists() else ("--new",)
        self._run("publish", *files, *self._own(office), *new)

    def witness(self, office: str, partner: str) -> Witnessed:
        """An office copies another's feed, cosigns its log and publishes its verdicts."""
        self._pull(office, partner)
        keys = self.directory / office / "keys"
        said = self._run(
            *("witness", self._copy(office, partner), *self._own(office)),
            *("--witness-key", keys / "TEST-witness-1.pem", "--chain", self.chain),
            may_contradict=True,
        )
        counted = _VERDICTS.search(said)
        if counted is None:
            raise StepFailed(f"accord witness said nothing of its verdicts: {said}")
        contradicted = tuple((int(n), reason) for n, reason in _CONTRADICTED.findall(said))
        return Witnessed(
            witness=office,
            partner=partner,
            verified=int(counted[2]),
            contradicted=contradicted,
        )

    def attach(self, office: str, statement: Path) -> None:
        """Put the proof that it is in the log, under a cosigned checkpoint, into a statement."""
        identity = self.directory / office / "office.json"
        words = ("--feed", self._feed(office), "--identity", identity, "--out", statement)
        self._run("attach", statement, *words)

    def _take_home(self, office: str, partner: str) -> None:
        self._pull(office, partner, "--own", self._feed(office))

    def _pull(self, office: str, partner: str, *more: object) -> None:
        # A treaty names the partner's fingerprint; here its file says it.
        pin = self.directory / partner / "office.json"
        copy = self._copy(office, partner)
        self._run("pull", self._feed(partner), "--mirror", copy, "--office", pin, *more)

    def _own(self, office: str) -> tuple[object, ...]:
        folder = self.directory / office
        identity, key = folder / "office.json", folder / "keys" / "TEST-feed-1.pem"
        return ("--feed", self._feed(office), "--identity", identity, "--key", key)

    def _feed(self, office: str) -> Path:
        return self.directory / office / FEED

    def _copy(self, office: str, partner: str) -> Path:
        return self.directory / office / COPIES / partner

    def _run(self, *words: object, may_contradict: bool = False) -> str:
        done = run_khazana(("accord", *(str(word) for word in words)))
        if done.returncode not in ((0, 1) if may_contradict else (0,)):
            raise StepFailed(f"accord {words[0]}: {done.stdout}{done.stderr}")
        return done.stdout


def as_it_should(found: Sequence[Witnessed]) -> bool:
    """Whether the states verified each other, and both contradicted the Drill Office by name."""
    return len(found) == 2 * len(_STATES) and all(
        bool(each.contradicted) == (each.partner == lies.DRILL)
        and all("completeness" in reason for _, reason in each.contradicted)
        and (each.verified > 0 or each.partner == lies.DRILL)
        for each in found
    )


def accord_lines(found: Sequence[Witnessed]) -> Iterator[str]:
    """What each office says of the other's log, in English."""
    names = {**STATE_NAMES, lies.DRILL: "the Drill Office"}
    for each in found:
        witness, partner = names[each.witness], names[each.partner]
        if not each.contradicted:
            yield (
                f"{witness} copied {partner}'s log, cosigned it, and verified "
                f"{each.verified} entries by its own means"
            )
        for reason in dict.fromkeys(reason for _, reason in each.contradicted):
            numbers = " and ".join(str(n) for n, why in each.contradicted if why == reason)
            yield f"{witness} contradicts, signed, entry {numbers} of {partner}: {reason}"
