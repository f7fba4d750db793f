"""A demo that ran to its end, shared by the tests that look at what it left."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.commands.verify import documents_given
from khazana.cli.control import CONTROL_VERIFIERS, ControlChecks
from khazana.cli.demo.timeline import Timeline
from khazana.cli.memoranda import memorandum_named
from khazana.cli.mining_checks import MiningChecks
from khazana.cli.mining_folder import metering_in
from khazana.cli.rotations import RotationChecks
from khazana.conditions.accumulation import AccumulationTest
from khazana.conditions.checks import ConditionChecks
from khazana.conditions.parts import ConditionsBody, conditions_of
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.reserve.valuation_document import read_valuation
from khazana.reserve.verify import Request, verify
from khazana.statement.checks import Profile, Report
from khazana.statement.office_file import pin_by_file

DAYS = 200
ENDS = date(2025, 12, 31)
TIMELINE = Timeline(DAYS, ENDS)
STATES = ("el-salvador", "pakistan")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def words_of(directory: Path, *, days: int = DAYS) -> list[str]:
    """The command line of a short demo."""
    words = ["demo", "--dir", str(directory), "--days", str(days), "--ends", f"{ENDS}"]
    return [*words, "--port", "0"]


@dataclass(frozen=True)
class Played:
    """Its directory, what it printed, its exit status, and the network in process."""

    directory: Path
    output: str
    status: int
    chain: ChainView

    def statement(self, name: str) -> ReserveStatement:
        return read_reserve_statement((self.directory / name).read_bytes())

    def listed(self, office: str) -> list[dict[str, Any]]:
        """The publications that the office's index lists."""
        index = json.loads((self.directory / office / "publication.json").read_text("utf-8"))
        found: list[dict[str, Any]] = index["publications"]
        return found

    def published(self, office: str, period: int) -> ReserveStatement:
        """The statement that was first published for a period."""
        until = TIMELINE.close(period)
        name = next(p["statement"] for p in self.listed(office) if p["until"] == until)
        return self.statement(f"{office}/{name}")

    def verdicts(self, office: str, period: int) -> AccumulationTest:
        """The one accumulation test in the statement of a period."""
        (body,) = self.conditions(office, period)
        (test,) = body.accumulation
        return test

    def conditions(self, office: str, period: int) -> tuple[ConditionsBody, ...]:
        return conditions_of(self.published(office, period))

    def judged(
        self,
        name: str,
        office: str,
        profile: Profile,
        *,
        with_files: str = "",
        metering: Path | None = None,
    ) -> Report:
        """What a stranger finds who reads the network in process.

        with_files: the stem of a publication, whose other files are given too. metering: a folder
        of counters, whatever publication it belongs to.
        """
        folder = self.directory / office
        listed = next((p for p in self.listed(office) if with_files in p["statement"]), None)
        given = listed if with_files else None
        before = None
        if given and given["previous"]:
            roots = {p["root"]: p["statement"] for p in self.listed(office)}
            before = self.statement(f"{office}/{roots[given['previous']]}")
        memoranda = [given["memorandum"]] if given and given["memorandum"] else []
        meterings = [folder / given["mining"]] if given and given["mining"] else []
        if metering is not None:
            meterings.append(metering)
        return verify(
            Request(
                raw=(self.directory / name).read_bytes(),
                chain=self.chain,
                engine=best_engine(),
                profile=profile,
                now=NOW,
                pin=pin_by_file((folder / "office.json").read_bytes()),
                previous=before,
                documents=documents_given(folder / given["records"]) if given else None,
                valuation=read_valuation((folder / given["valuation"]).read_bytes())
                if given
                else None,
                verifiers=CONTROL_VERIFIERS,
            ),
            more=[
                ConditionChecks([memorandum_named(str(folder / m)) for m in memoranda]),
                RotationChecks(),
                MiningChecks([metering_in(m) for m in meterings]),
                ControlChecks(),
            ],
        )
