"""The shapes of the API's answers about mining; quantities are decimals in quotes."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from khazana.portal.api.schemas import Answer, Figure

MONTH = "^[0-9]{4}-(0[1-9]|1[0-2])$"
DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"


class Power(Answer):
    """What power cost, in `currency`. full_cost: with capacity and network, null where nobody
    publishes it. subsidy: below the hour's marginal cost; margin: above it; they do not net out.
    """

    currency: str
    paid: str = Field(pattern=DECIMAL)
    per_mwh: str | None
    per_btc: str | None
    full_cost: str | None
    subsidy: str
    margin: str
    subsidised_hours: int
    unknown_mwh: str


class MiningFigures(Answer):
    """Energy in, bitcoin expected, bitcoin arrived. No finding stands without detection_percent.

    difference_sats: arrived less expected. detection_percent: the smallest shortfall that would
    have been seen nine times in ten. energy_rests_on: whose word the energy is. power,
    load_shedding_hours, tco2: null where nobody says. tco2: tonnes, as entered.
    """

    simulated: bool
    mw: str = Field(pattern=DECIMAL)
    mwh: str = Field(pattern=DECIMAL)
    mwh_low: str
    mwh_high: str
    expected: Figure
    lower_limit: Figure
    upper_limit: Figure
    arrived: Figure
    difference_sats: int
    detection_percent: str = Field(pattern=DECIMAL)
    sites_below: int
    questioned: bool
    energy_rests_on: Literal["utility", "office"]
    power: Power | None
    load_shedding_hours: str | None
    load_shedding_source: str | None
    tco2: str | None
    tco2_per_btc: str | None
    pool_payouts: int | None
    pool_sats: int | None
    share_receipts: int | None
    proved_hashes: str | None


class MiningMonth(Answer):
    """One month of a site. sentence: the verdict with its detection limit, in English."""

    site: str
    name: str
    month: str = Field(pattern=MONTH)
    verdict: Literal["within", "below", "above"]
    sentence: str
    implied_j_per_th: str | None
    best_j_per_th: str | None
    billed_mwh: str | None
    bill_agrees: bool | None
    check_mwh: str | None
    figures: MiningFigures


class MiningYear(Answer):
    """What the sequential test over all sites found; at most 1 % of honest years alarm.

    level_percent: missing in every month it would have been found; change_percent: in the newest
    month alone.
    """

    year: int
    sites: int
    finding: Literal["ok", "alarm"]
    alarm_month: str | None
    alarm_chart: Literal["level", "change"] | None
    level_percent: str
    change_percent: str | None
    sentence: str


class MiningTerm(Answer):
    """A term of a site's error budget. changing: it may differ from month to month."""

    name: str
    percent: str
    changing: bool
    source: str


class Sourced(Answer):
    """A figure that no chain shows, with whose word it is."""

    value: str
    source: str


class MiningSite(Answer):
    """A site: its months added up, the test's findings, and what the expectation rests on."""

    site: str
    name: str
    company: str | None
    accounts: Sequence[str]
    difficulty_source: str
    fees: Sourced
    j_per_th: Sourced
    pue: Sourced
    power_mw: Sourced | None
    tco2_per_mwh: Sourced | None
    budget: Sequence[MiningTerm]
    years: Sequence[MiningYear]
    months: int
    total: MiningFigures
    page: str


class Mining(Answer):
    """All sites of a statement. total: null where it names none, or withholds them all."""

    statement: str
    total: MiningFigures | None
    sites: Sequence[MiningSite]
    withheld_sites: int
    test: bool
    notice: str | None


class MiningArrival(Answer):
    """A payout of a site's month. grades: of the lines of the books that call it mined."""

    site: str
    month: str = Field(pattern=MONTH)
    txid: str
    account: str
    amount: Figure
    grades: Sequence[str]
