"""The shape of a check: a question to a case, with the name and profile under which it is asked."""

from collections.abc import Callable
from dataclasses import dataclass

from khazana.reserve.answers import Answer
from khazana.reserve.case import Case
from khazana.statement.checks import CheckResult, Profile, Verdict


@dataclass(frozen=True)
class Question:
    """A named check (see khazana.statement.checks.Check)."""

    name: str
    title: str
    ask: Callable[[Case], Answer]
    level: Profile | None
    needs: tuple[str, ...] = ()

    def run(self, case: Case) -> CheckResult:
        answer = case.answers[self.name] = self.ask(case)
        return CheckResult(
            name=self.name,
            verdict=Verdict.FAILED if answer.findings else Verdict.PASSED,
            basis=answer.basis,
            summary=answer.summary,
            findings=answer.findings,
            limits=answer.limits,
        )
