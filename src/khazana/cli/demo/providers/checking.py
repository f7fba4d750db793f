"""Customers check their slips with the command that anyone has; one provider is caught."""

import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from khazana.cli.demo import directory as lies
from khazana.cli.demo.judge import program, run_khazana
from khazana.cli.demo.narration import RULE, say
from khazana.cli.demo.providers.customers import OWN_WORDS
from khazana.cli.demo.providers.epochs import EPOCH, LEVEL
from khazana.cli.demo.providers.story import Playing
from khazana.statement.keys import public_bytes
from khazana.supervision.solvency.errors import Reason


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


def slip_trials(playing: Iterable[Playing], directory: Path) -> list[SlipTrial]:
    """The first customer of each provider checks the newest slip with words of their own."""
    trials = []
    for each in playing:
        provider, newest = each.provider, each.epochs[-1]
        folder, customer = newest.folder, newest.held[0]
        (signer,) = provider.officers.signers("statement")
        arguments = (
            "solvency", "check", folder / "slips" / f"{customer.customer}.slip",
            "--statement", folder / EPOCH, "--level", folder / LEVEL, "--words", OWN_WORDS,
            "--balance", customer.amount, "--signer", public_bytes(signer).hex(),
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
