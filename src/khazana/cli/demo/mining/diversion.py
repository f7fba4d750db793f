"""The Drill Office's site, from one month of which something is missing, and how it hides that."""

import msgspec

from khazana.cli.demo.mining.programme import Diversion, Programme, programme_on
from khazana.cli.demo.mining.scenario import DemoSite
from khazana.cli.demo.purses import Purse
from khazana.cli.demo.stage import Stage
from khazana.mining.figures import seconds_of
from khazana.mining.parts import MiningBody

DRILL_SITE = DemoSite(
    id="drill-site",
    name="Drill Site (fictional)",
    kind="rlng",
    company="distribution-d",
    allocation_mw=150,
    fuel_cost="21.5",
    pue="1.05",
    tco2_per_mwh="0.4",
    available=(950,) * 12,
)
ACCOUNT = "drill-site-mining"
DIVERTED_PERCENT = 12
"""Of one row's payout: some five times the site's whole error budget."""


def drill_programme(stage: Stage, thief: Purse) -> Programme:
    """The fictional site in the last quarter; part of its longest row's payout goes elsewhere."""
    wallets = {DRILL_SITE.id: (ACCOUNT, DRILL_SITE.id)}
    made = programme_on(stage, [DRILL_SITE], wallets, since=stage.timeline.periods)
    row = max(made.rows, key=lambda row: (row.until - row.first, row.first))
    made.diversion = Diversion(site=DRILL_SITE.id, row=row, percent=DIVERTED_PERCENT, to=thief)
    return made


def hidden(programme: Programme, body: MiningBody) -> MiningBody:
    """The site as the dishonest office tells it: it used so little energy that nothing is missing.

    Everything made from it agrees with itself; only the utility's counters say otherwise.
    """
    plan = programme.diversion
    if plan is None:
        raise ValueError("nothing was diverted")
    first, _ = programme.span(plan.row)
    months = []
    for month in body.months:
        if seconds_of(month.first) == first:
            kept = 100 - plan.percent
            less = {name: getattr(month, name) * kept // 100 for name in ("low_wh", "high_wh")}
            month = msgspec.structs.replace(month, **less)
        months.append(month)
    return msgspec.structs.replace(body, months=months)
