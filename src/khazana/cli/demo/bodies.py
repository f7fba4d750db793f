"""The public bodies of each office of the demo, also those that hold nothing and have to say so."""

from collections.abc import Mapping

from khazana.cli.demo import directory as lies
from khazana.cli.demo.books import EntityPlan
from khazana.cli.demo.names import (
    CUSTOMS,
    DRILL_OFFICE,
    DRILL_WORKS,
    EL_SALVADOR_BITCOIN_OFFICE,
    ENERGY_COMPANY,
    PAKISTAN_BITCOIN_OFFICE,
    POST_COMPANY,
    ROAD_FUND,
    SITE_COMPANY,
    TREASURY,
    WALLET_COMPANY,
    WATER_AGENCY,
)

_CENTRAL, _UNIT = "budgetary central government", "extrabudgetary unit"
_COMPANY = "public nonfinancial corporation"

BODIES: Mapping[str, tuple[EntityPlan, ...]] = {
    lies.EL_SALVADOR: (
        EntityPlan("bitcoin-office", EL_SALVADOR_BITCOIN_OFFICE, _CENTRAL),
        EntityPlan("treasury", TREASURY, _CENTRAL),
        EntityPlan("energy-company", ENERGY_COMPANY, _COMPANY),
        EntityPlan("wallet-company", WALLET_COMPANY, _COMPANY),
        EntityPlan("water-agency", WATER_AGENCY, _UNIT),
        EntityPlan("road-fund", ROAD_FUND, _UNIT),
    ),
    lies.PAKISTAN: (
        EntityPlan("bitcoin-office", PAKISTAN_BITCOIN_OFFICE, _CENTRAL),
        EntityPlan("customs", CUSTOMS, _CENTRAL),
        EntityPlan("site-company", SITE_COMPANY, _COMPANY),
        EntityPlan("post-company", POST_COMPANY, _COMPANY),
    ),
    lies.DRILL: (
        EntityPlan("drill", DRILL_OFFICE, "fictional"),
        EntityPlan("drill-works", DRILL_WORKS, "fictional"),
    ),
}

NIL: Mapping[str, tuple[str, ...]] = {
    lies.EL_SALVADOR: ("water-agency", "road-fund"),
    lies.PAKISTAN: ("post-company",),
}
"""Bodies without a coin; everybody else of a state holds some."""
