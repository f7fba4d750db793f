"""docs/methods/mining.md against the program: its tables, and every rule against the code."""

import re
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from khazana.mining.claims import USUAL_FEES, MiningClaim, audit_claim
from khazana.mining.difficulty_table import shipped_difficulty
from khazana.mining.machines import shipped_machines
from khazana.mining.shortfall import CountedLuck, Observation, SmoothLuck, judge_sites
from khazana.mining.worlds import Programme
from khazana.units import Sats

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/methods/mining.md").read_text(encoding="utf-8")


def table(head):
    lines = PAGE.split(f"| {head} |", 1)[1].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            return rows
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


CLAIMS = table("claimed BTC")
LIMITS = table("luck")


@pytest.mark.parametrize("row", CLAIMS, ids=lambda row: row[0])
def test_the_table_of_claims(row):
    btc, mw, first, last, implied, least, most, verdict = row
    claim = MiningClaim(
        amount=Sats(int(Fraction(btc) * 10**8)),
        power_mw=Fraction(mw),
        first=date.fromisoformat(first),
        last=date.fromisoformat(last),
    )
    found = audit_claim(
        claim, series=shipped_difficulty(), machines=shipped_machines(), fees=USUAL_FEES
    )
    assert f"{float(found.implied_j_per_th):.1f}" == implied
    assert (f"{found.low / 1e8:.1f}", f"{found.high / 1e8:.1f}") == (least, most)
    assert found.fit.name.lower() == verdict


@pytest.mark.parametrize("row", LIMITS, ids=lambda row: row[0])
def test_the_table_of_limits(row):
    name, *said = row
    if name.startswith("pool"):
        luck = SmoothLuck(1.0, float(re.search(r"[\d.]+", name)[0]) / 100)
    else:
        count = int(name.split()[0])
        luck = CountedLuck(count, count)
    found = []
    for times in (1, 2):
        budget = Programme(sites=12, steady=0.022 * times, changing=0.01 * times, sd=0.01)
        rows = [
            Observation(
                site="Site 1",
                month=f"month {n}",
                luck=luck,
                bound=budget.bound,
                changing=budget.changing,
            )
            for n in range(6)
        ]
        site = judge_sites({"Site 1": rows}, sites=12).sites[0]
        found += [f"{100 * site.level_limit:.1f}", f"{100 * site.change_limit:.1f}"]
    assert found == said


def test_every_rule_of_the_page_is_cited_by_the_code_and_the_other_way_round():
    numbered = re.findall(r"^- \*\*(MI\d+)\.", PAGE, re.MULTILINE)
    assert numbered == [f"MI{n}" for n in range(1, 19)]
    sources = (ROOT / "src/khazana/mining").rglob("*.py")
    cited = {rule for path in sources for rule in re.findall(r"MI\d+", path.read_text("utf-8"))}
    assert cited == set(numbered)
