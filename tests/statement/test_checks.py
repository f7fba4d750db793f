"""The list of checks: what blocks what, the exit status, and the two outputs."""

import json
from dataclasses import dataclass, field

import pytest

from khazana.ledger.findings import Finding
from khazana.statement.checks import (
    TEST_NOTICE,
    CheckResult,
    Profile,
    Report,
    Subject,
    Verdict,
    run_checks,
)
from khazana.statement.errors import StatementMalformed
from khazana.statement.table import report_table

PASSED, FAILED, NOT_CHECKABLE = Verdict.PASSED, Verdict.FAILED, Verdict.NOT_CHECKABLE
SUBJECT = Subject(name="statement.json", network="regtest", test=True)


@dataclass(frozen=True)
class Fixed:
    """A check that answers what the case says for it; the case is a dict of verdicts."""

    name: str
    needs: tuple[str, ...] = ()
    level: Profile | None = Profile.TOTALS
    title: str = "Question"
    limits: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    def run(self, case: dict[str, Verdict]) -> CheckResult:
        return CheckResult(
            name=self.name,
            verdict=case[self.name],
            basis="own blocks (blocks)",
            summary=f"it {case[self.name].value}",
            limits=self.limits,
            findings=self.findings,
        )


def report_of(checks: list, profile: Profile = Profile.ADDRESSES, **case: Verdict) -> Report:
    return run_checks(checks, case, profile=profile, subject=SUBJECT)


@pytest.mark.parametrize(
    ("one", "two", "status"),
    [
        (PASSED, PASSED, 0),
        (FAILED, PASSED, 1),
        (PASSED, FAILED, 1),
        (NOT_CHECKABLE, PASSED, 2),
        (NOT_CHECKABLE, FAILED, 1),
        (FAILED, NOT_CHECKABLE, 1),
    ],
)
def test_a_failure_counts_before_what_could_not_be_made(one, two, status):
    report = report_of([Fixed("one"), Fixed("two")], one=one, two=two)
    assert report.exit_status == status


@pytest.mark.parametrize(
    ("level", "required_by"),
    [
        (Profile.TOTALS, {"totals", "addresses", "full", "control"}),
        (Profile.ADDRESSES, {"addresses", "full", "control"}),
        (Profile.FULL, {"full", "control"}),
        (Profile.CONTROL, {"control"}),
        (None, set()),
    ],
)
def test_each_profile_requires_its_checks_and_those_of_the_smaller_ones(level, required_by):
    for profile in Profile:
        report = report_of([Fixed("one", level=level)], profile, one=NOT_CHECKABLE)
        assert report.lines[0].required == (profile.value in required_by)
        assert report.exit_status == (2 if profile.value in required_by else 0)
        # A failure is never overlooked, whoever requires the check.
        assert report_of([Fixed("one", level=level)], profile, one=FAILED).exit_status == 1


def test_a_check_whose_ground_failed_is_not_made_and_names_what_failed_first():
    checks = [
        Fixed("one"),
        Fixed("two", needs=("one",)),
        Fixed("three", needs=("two",)),
        Fixed("four"),
    ]
    report = report_of(checks, one=FAILED, two=PASSED, three=PASSED, four=PASSED)
    assert [line.result.verdict for line in report.lines] == [
        FAILED,
        NOT_CHECKABLE,
        NOT_CHECKABLE,
        PASSED,
    ]
    assert report.result("two").summary == "not made because one failed"
    assert report.result("three").summary == "not made because one failed"
    assert report.failed == ("one",)
    with pytest.raises(KeyError):
        report.result("five")


def test_a_check_whose_ground_could_not_be_made_is_still_made():
    checks = [Fixed("one"), Fixed("two", needs=("one",))]
    assert report_of(checks, one=NOT_CHECKABLE, two=PASSED).result("two").verdict is PASSED


@dataclass(frozen=True)
class Silent(Fixed):
    """A check whose source gives no answer."""

    def run(self, case: dict[str, Verdict]) -> CheckResult:
        raise StatementMalformed(path="$", problem="nobody answers")


def test_an_error_from_outside_makes_one_check_not_checkable_and_leaves_the_others():
    checks = [Silent("one"), Fixed("two", needs=("one",))]
    report = report_of(checks, two=PASSED)
    assert report.result("one").verdict is NOT_CHECKABLE
    assert "nobody answers" in report.result("one").summary
    assert report.result("two").verdict is PASSED
    assert report.exit_status == 2


@dataclass(frozen=True)
class Impostor(Fixed):
    """A check that answers in the name of another."""

    def run(self, case: dict[str, Verdict]) -> CheckResult:
        return Fixed("two").run({"two": PASSED})


@pytest.mark.parametrize(
    ("checks", "says"),
    [
        ([Fixed("one"), Fixed("one")], "two checks are called one"),
        ([Fixed("one", needs=("two",)), Fixed("two")], "which is not before it"),
        ([Fixed("one", needs=("one",))], "which is not before it"),
        ([Impostor("one")], "answered for two"),
    ],
)
def test_a_list_that_makes_no_sense_is_our_own_mistake(checks, says):
    with pytest.raises(ValueError, match=says):
        report_of(checks, one=PASSED, two=PASSED)
    with pytest.raises(ValueError, match="without saying why"):
        CheckResult(name="one", verdict=PASSED, basis="", summary="")


LISTED = [
    Fixed("schema", limits=("Form is not truth.",)),
    Fixed(
        "closing",
        level=Profile.FULL,
        title="Closing coins",
        limits=("Form is not truth.", "Coins of undeclared wallets cannot be seen."),
        findings=(Finding("V8", "coin 4a5e…:0 was spent", "coins/treasury"),),
    ),
]


def test_the_report_as_json_keeps_its_order_and_its_limits():
    report = run_checks(
        LISTED,
        {"schema": PASSED, "closing": FAILED},
        profile=Profile.ADDRESSES,
        subject=SUBJECT,
        standing_limits=("Control is not title.",),
    )
    document = report.to_json()
    assert list(document) == [
        "format",
        "subject",
        "network",
        "test",
        "notice",
        "profile",
        "exit_status",
        "checks",
        "limits",
    ]
    assert document["notice"] == TEST_NOTICE == "test network, invented figures"
    assert document["exit_status"] == 1
    assert document["checks"][1] == {
        "name": "closing",
        "title": "Closing coins",
        "required": False,
        "verdict": "failed",
        "basis": "own blocks (blocks)",
        "summary": "it failed",
        "findings": [{"rule": "V8", "text": "coin 4a5e…:0 was spent", "where": "coins/treasury"}],
        "limits": ["Form is not truth.", "Coins of undeclared wallets cannot be seen."],
    }
    assert document["limits"] == [
        "Control is not title.",
        "Form is not truth.",
        "Coins of undeclared wallets cannot be seen.",
    ]
    assert json.loads(json.dumps(document)) == document


def test_the_table_in_full():
    report = report_of(LISTED, schema=PASSED, closing=FAILED)
    assert report_table(report, width=72) == (
        "statement.json on regtest\n"
        "test network, invented figures\n"
        "\n"
        "check    verdict        what was found\n"
        "schema   passed         Question: it passed\n"
        "                        basis: own blocks (blocks); required\n"
        "closing  failed         Closing coins: it failed\n"
        "                        - V8: coin 4a5e…:0 was spent (coins/treasury)\n"
        "                        basis: own blocks (blocks); not required\n"
        "\n"
        "What these checks cannot show:\n"
        "- Form is not truth.\n"
        "- Coins of undeclared wallets cannot be seen.\n"
        "\n"
        "Result 1: a check failed\n"
        "test network, invented figures\n"
    )


@pytest.mark.parametrize("width", [10, 60, 61, 80, 100, 200])
def test_the_table_keeps_to_its_width_and_prints_limits_every_time(width):
    checks = [Fixed("a-check-with-quite-a-long-name", limits=("It cannot see " + "far " * 60,))]
    for verdict, result in ((PASSED, 0), (NOT_CHECKABLE, 2), (FAILED, 1)):
        report = run_checks(
            checks, {checks[0].name: verdict}, profile=Profile.TOTALS, subject=SUBJECT
        )
        table = report_table(report, width=width)
        assert all(len(line) <= max(width, 60) for line in table.splitlines())
        assert "What these checks cannot show" in table
        assert f"Result {result}:" in table
        assert checks[0].name in table
        assert verdict.value in table
        assert table.count(TEST_NOTICE) == 2


def test_a_real_network_gets_no_notice_and_an_unreadable_file_says_so():
    real = Subject(name="statement.json", network="mainnet", test=False)
    report = run_checks(LISTED[:1], {"schema": PASSED}, profile=Profile.TOTALS, subject=real)
    assert TEST_NOTICE not in report_table(report)
    assert "notice" not in report.to_json()
    report = run_checks(LISTED[:1], {"schema": FAILED}, profile=Profile.TOTALS, subject=None)
    assert "its network is unknown" in report_table(report)
    assert "test" not in report.to_json()


def test_text_from_a_file_cannot_move_the_cursor_or_turn_a_line_around():
    evil = Finding("V1", "\x1b[2A\x1b[2Kpassed\r\u202edessap\u2028\n", "wallet/خزانہ\u200c")
    checks = [Fixed("one", findings=(evil,))]
    table = report_table(report_of(checks, one=FAILED))
    assert "\x1b" not in table
    assert "\r" not in table
    assert "\u202e" not in table
    assert r"\x1b[2A\x1b[2Kpassed\r\u202edessap\u2028\n" in table
    assert "wallet/خزانہ\u200c" in table
