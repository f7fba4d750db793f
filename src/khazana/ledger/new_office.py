"""The first description of an office: who it is, and rules that it can still decide otherwise."""

from collections.abc import Mapping
from typing import Any

from khazana.bitcoin.network import NETWORKS
from khazana.ledger.office import LEAST_DEPTH

OFFICE_FORMAT = "khazana.office/1"


def new_office_values(
    *, id_: str, names: Mapping[str, str], network: str, timezone: str, currency: str
) -> dict[str, Any]:
    """The values of a new office.toml; reading them tells what is wrong with them, if anything.

    Rules as a careful office would begin: cost as a weighted average, coins nobody paid for at
    their fair value, impairments never reversed, no receipt so small that it needs no document.
    """
    known = NETWORKS.get(network)
    return {
        "format": OFFICE_FORMAT,
        "office": {
            "id": id_,
            "name": {language: name for language, name in names.items() if name},
            "network": network,
            "test": known is not None and known.test,
            "timezone": timezone,
        },
        "rules": {
            "close": "median_time_past",
            "min_depth": LEAST_DEPTH,
            "dust_threshold_sat": 0,
            "match_window_days": 3,
            "currency": currency,
            "cost_method": "weighted_average",
            "unpaid_cost": "fair_value",
            "impairment": "never_reversed",
        },
    }
