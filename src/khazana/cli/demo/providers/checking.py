"""Customers check their slips with the command that anyone has; one provider is caught."""

import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from khazana.cli.demo import directory as lies
from khazana.cli.demo.judge import Trial, program, run_khazana
from khazana.cli.demo.narration import RULE, say
from khazana.cli.demo.providers.customers import OWN_WORDS
from khazana.cli.demo.providers.epochs import BITCOINS, COVERAGE, EPOCH
from khazana.cli.demo.providers.story import REGULATOR, Playing
from khazana.statement.keys import public_bytes
from khazana.supervision.solvency.errors import Reason
from khazana.supervision.solvency.sections import level_file


@dataclass(frozen=True)
class SlipTrial:
    """A customer's check of the newest epoch. reason: why it must be rejected, if it must."""

    provider: str
    arguments: tuple[str, ...]
    reason: Reason | None

    @property
    def command(self) -> str:
        """The command for a person to paste, from the folder they are in."""
        return f"{program(sys.argv[0])} {shlex.join(self.arguments)}"


def coverage_trials(playing: Iterable[Playing], *, chain: str) -> list[Trial]:
    """Anybody verifies the newest coverage statements; the lie fails one check."""
    trials = []
    for each in playing:
        newest, licensed = each.epochs[-1], each.provider.licensed
        folder, home = newest.folder, newest.folder.parent
        lying = licensed.state == lies.DRILL
        words = (
            "verify", folder / COVERAGE, "--chain", chain, "--office", home / "office.json",
            "--previous", each.epochs[-2].folder / COVERAGE, "--epoch", folder / EPOCH,
            "--level", level_file(folder, BITCOINS),
            *(() if lying else ("--regulator", home / REGULATOR)),
            "--require", "full" if lying else "control",
        )  # fmt: skip
        title = f"{licensed.name['en']}: what it owes its customers, and what covers it"
        failing = ("coverage_levels",) if lying else ()
        trials.append(Trial(title, tuple(str(word) for word in words), failing=failing))
    return trials


def slip_trials(playing: Iterable[Playing], directory: Path) -> list[SlipTrial]:
    """The first customer of each provider checks the newest slip with words of their own."""
    trials = []
    for each in playing:
        provider, newest = each.provider, each.epochs[-1]
        folder, customer = newest.folder, newest.held[0]
        (signer,) = provider.officers.signers("statement")
        arguments = (
            "solvency", "check", folder / "slips" / f"{customer.customer}.slip",
            "--statement", folder / EPOCH, "--level", level_file(folder, BITCOINS),
            "--words", OWN_WORDS, "--balance", customer.amount,
            "--signer", public_bytes(signer).hex(),
        )  # fmt: skip
        lying = provider.licensed.state == lies.DRILL
        trials.append(
            SlipTrial(
                provider.licensed.name["en"],
                tuple(str(word) for word in arguments),
                Reason.TOTAL_DIFFERS if lying else None,
            )
        )
    return trials


def slips_checked(trials: Sequence[SlipTrial]) -> bool:
    """Whether every check came out as it should; says what each said."""
    good = True
    say(RULE, "Customers check their slips:")
    for trial in trials:
        done = run_khazana(trial.arguments)
        said = done.stdout.strip().splitlines()[:3]
        if trial.reason is None:
            expected = done.returncode == 0
        else:
            expected = done.returncode == 1 and f"REJECTED {trial.reason}:" in done.stdout
        good = good and expected
        say(f"  {trial.provider}", *(f"    {line}" for line in said or [done.stderr.strip()]))
        if not expected:
            say("    THIS IS NOT AS IT SHOULD BE")
    return good
