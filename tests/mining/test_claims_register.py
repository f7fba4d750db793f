"""The mining claims of the register, judged by the mining room as an edge puts the two together."""

from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

import pytest

from khazana.mining.claims import mined_range
from khazana.mining.difficulty_table import shipped_difficulty
from khazana.mining.machines import shipped_machines
from khazana.reserve.claims.check import MinedRange, check_claim
from khazana.reserve.claims.read import read_claims, shipped_inputs


@dataclass(frozen=True)
class Judge:
    def mined(self, *, power_mw: Fraction, first: date, last: date) -> MinedRange:
        low, high = mined_range(
            power_mw=power_mw,
            first=first,
            last=last,
            series=shipped_difficulty(),
            machines=shipped_machines(),
        )
        return MinedRange(low, high)


MINING = {claim.id: claim for claim in read_claims() if claim.plan.kind == "mining"}


def test_every_mining_claim_of_the_register_can_be_judged():
    assert set(MINING) >= {"sv_mined_474", "bt_gedu_rate", "bt_september_2023", "ae_daily"}
    inputs = replace(shipped_inputs(), mining=Judge())
    for claim in MINING.values():
        assert check_claim(claim, inputs).key in ("fits", "does not fit")


@pytest.mark.parametrize(
    ("claim", "fits"),
    [
        ("sv_mined_474", False),
        ("bt_gedu_rate", True),
        ("bt_september_2023", True),
        ("ae_daily", True),
    ],
)
def test_the_verdicts_are_those_of_the_facts(claim, fits):
    check = check_claim(MINING[claim], replace(shipped_inputs(), mining=Judge()))
    assert (check.key == "fits") is fits
    figures = {figure.name: figure.text for figure in check.figures}
    assert float(figures["computed_low"]) < float(figures["computed_high"])
