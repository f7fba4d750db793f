"""mining.json: the sites of a statement as an office writes them, before figures are computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from khazana.errors import KhazanaError
from khazana.ledger.canonical import parse_strict
from khazana.mining.figures import FOLLOWING
from khazana.mining.month_body import LEFT_OUT
from khazana.mining.parts import FORMAT, KIND, MiningBody, mining_bodies
from khazana.statement.errors import StatementMalformed
from khazana.statement.parts import SALT_BYTES, Part

SITES_FORMAT = "khazana.mining-sites/1"
_OPEN: Mapping[str, Any] = {
    "verdict": "within",
    "luck_percent": "0",
    "detection_percent": "0",
    "questioned": False,
    **dict.fromkeys(("expected_sat", "low_sat", "high_sat", "arrived_sat"), 0),
    **dict.fromkeys(("blocks", "implied_j_per_th", "best_j_per_th")),
}
"""What stands in a body for figures that are still to be computed."""
_UNSAID: Mapping[str, Any] = {
    "company": None,
    "rewards": "share",
    "power_mw": None,
    "tco2_per_mwh": None,
}
"""What a site is taken to say where it says nothing."""
_ENTERED = frozenset({"luck_percent"})
"""Follows only for solo mining; for a pool it is the office's figure."""


@dataclass(eq=False, kw_only=True)
class SitesRefused(KhazanaError):
    """An office's file of mining sites is not one."""

    file: str
    path: str
    problem: str
    code = "mining_sites_refused"
    words = "{file}, at {path}: {problem}. Nothing was taken from it."


def read_sites(file: str, raw: bytes) -> tuple[MiningBody, ...]:
    """The sites in a JSON file, their figures still open: `figures.with_figures` computes them.

    The fields are those of the part (docs/spec/mining-evidence.md) without what follows from them.
    """
    document = parse_strict(raw)

    def refuse(path: str, problem: str) -> SitesRefused:
        return SitesRefused(file=file, path=path, problem=problem)

    if not isinstance(document, Mapping) or document.get("format") != SITES_FORMAT:
        raise refuse("format", f'this program reads "{SITES_FORMAT}"')
    sites = document.get("sites")
    if set(document) != {"format", "sites"} or not isinstance(sites, list) or not sites:
        raise refuse("sites", "the file holds `format` and a list of `sites`, and nothing else")
    found: list[MiningBody] = []
    for number, site in enumerate(sites):
        path = f"sites[{number}]"
        if not isinstance(site, Mapping) or not isinstance(site.get("months"), list):
            raise refuse(path, "a site has a list of `months`")
        months = []
        for row, month in enumerate(site["months"]):
            if not isinstance(month, Mapping):
                raise refuse(f"{path}.months[{row}]", "a month is an object")
            computed = set(month) & (set(FOLLOWING) - _ENTERED)
            if computed:
                problem = f"{min(computed)} is computed; leave it out"
                raise refuse(f"{path}.months[{row}]", problem)
            months.append({**dict.fromkeys(LEFT_OUT), **_OPEN, **month})
        difficulty = site.get("difficulty")
        if isinstance(difficulty, Mapping):
            if "source" in difficulty:
                raise refuse(f"{path}.difficulty", "source is filled in; leave it out")
            difficulty = {"source": "open", **difficulty}
        if "years" in site:
            raise refuse(f"{path}.years", "they are computed; leave them out")
        budget = site.get("budget")
        if isinstance(budget, list):
            budget = [{"changing": False, **t} if isinstance(t, Mapping) else t for t in budget]
        body = {
            **_UNSAID,
            **site,
            **({"budget": budget} if "budget" in site else {}),
            "years": [],
            "months": months,
            "difficulty": difficulty,
            "critical": False,
            "format": FORMAT,
        }
        name = str(site.get("site"))
        try:
            part = Part(0, f"{KIND}/{name}", bytes(SALT_BYTES), body)
            found.extend(mining_bodies([part]))
        except ValueError as wrong:
            raise refuse(f"{path}.site", str(wrong)) from wrong
        except StatementMalformed as wrong:
            raise refuse(wrong.path.replace(f"part {KIND}/{name}", path), wrong.problem) from wrong
        if name in {body.site for body in found[:-1]}:
            raise refuse(f"{path}.site", f"site {name} stands here twice")
    return tuple(found)
