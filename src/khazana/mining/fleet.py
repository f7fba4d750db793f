"""Sites and fleets: from power at the grid to hashes, through cooling, heat, standstill and age."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from khazana.mining.machines import NAMEPLATE, Cooling, Machine, PowerMode

JOULES_PER_MWH = 3_600_000_000
HASHES_PER_TH = 10**12
DAYS_PER_YEAR = Fraction(36525, 100)

THROTTLES_FROM_C = 40
STOPS_AT_C = 47
THROTTLED_HASHRATE = Fraction(440, 490)
"""A test of air-cooled S21 machines (hackernoon, in the facts): 490 MHz fall to 440 above 40 °C
of intake air, and at 47 °C they stop."""

TYPICAL_PUE = {
    Cooling.AIR: (Fraction(103, 100), Fraction(108, 100)),
    Cooling.WATER: (Fraction(102, 100), Fraction(105, 100)),
    Cooling.IMMERSION: (Fraction(102, 100), Fraction(104, 100)),
}
"""Site power over machine power, from and to: assumptions, until a site's own meters tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Machines of one model, installed on one day, run in one mode.

    loss_per_year: hashrate lost each year at constant power; 1 to 3 % is assumed usual.
    """

    machine: Machine
    count: int
    installed: date
    mode: PowerMode = NAMEPLATE
    loss_per_year: Fraction = Fraction(2, 100)

    def __post_init__(self) -> None:
        if self.count <= 0:
            raise ValueError(f"a batch of {self.count} machines is none")
        if not 0 <= self.loss_per_year < 1:
            raise ValueError(f"a yearly loss of {self.loss_per_year} cannot be")
        if self.installed < self.machine.available_from:
            raise ValueError(
                f"{self.machine.model} came out on {self.machine.available_from}, after the "
                f"batch was installed on {self.installed}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place with one grid meter.

    pue: site power over machine power. line_loss: share lost between the meter and the site.
    uptime: share of the time that powered machines hash.
    """

    id: str
    batches: tuple[Batch, ...] = field(default=())
    pue: Fraction
    line_loss: Fraction = Fraction(0)
    uptime: Fraction = Fraction(97, 100)

    def __post_init__(self) -> None:
        if self.pue < 1:
            raise ValueError(f"{self.id}: machines cannot use more than their site, PUE {self.pue}")
        if not 0 <= self.line_loss < 1:
            raise ValueError(f"{self.id}: a line loss of {self.line_loss} cannot be")
        if not 0 < self.uptime <= 1:
            raise ValueError(f"{self.id}: an uptime of {self.uptime} cannot be")


def hashes_of_energy(
    mwh: Fraction, *, j_per_th: Fraction, pue: Fraction, line_loss: Fraction = Fraction(0)
) -> Fraction:
    """Rule MI7: hashes = MWh × 3.6·10⁹ × 10¹² × (1 − loss) / (PUE × J/TH)."""
    if mwh < 0:
        raise ValueError(f"energy cannot be negative: {mwh} MWh")
    return mwh * JOULES_PER_MWH * HASHES_PER_TH * (1 - line_loss) / (pue * j_per_th)


def implied_j_per_th(
    mwh: Fraction, *, hashes: Fraction, pue: Fraction, line_loss: Fraction = Fraction(0)
) -> Fraction:
    """The efficiency at which metered energy made so many hashes: rule MI7 turned round."""
    if hashes <= 0:
        raise ValueError("no hashes, no efficiency")
    return mwh * JOULES_PER_MWH * HASHES_PER_TH * (1 - line_loss) / (pue * hashes)


def heat_share(cooling: Cooling, *, intake_c: Fraction) -> Fraction:
    """How much of its hashrate a machine keeps at an intake temperature, in °C.

    Air-cooled machines throttle step by step from 40 °C and stop at 47 °C; liquids are kept cool.

    >>> [str(heat_share(Cooling.AIR, intake_c=Fraction(c))) for c in (35, 45, 47)]
    ['1', '44/49', '0']
    """
    if cooling is not Cooling.AIR or intake_c <= THROTTLES_FROM_C:
        return Fraction(1)
    return Fraction(0) if intake_c >= STOPS_AT_C else THROTTLED_HASHRATE


def age_share(batch: Batch, day: date) -> Fraction:
    """How much of its hashrate a batch has left after years of use: (1 − loss) ^ years.

    Between whole years the loss grows evenly, so that the figure stays exact.
    """
    if day < batch.installed:
        raise ValueError(f"{day} is before the batch was installed")
    whole, part = divmod((day - batch.installed).days / DAYS_PER_YEAR, 1)
    return (1 - batch.loss_per_year) ** int(whole) * (1 - batch.loss_per_year * part)


@dataclass(frozen=True, slots=True)
class Running:
    """What a fleet does on a day. machine_mw: at the plugs. grid_mw: at the site's meter."""

    hashrate_th_s: Fraction
    machine_mw: Fraction
    grid_mw: Fraction

    @property
    def j_per_th(self) -> Fraction:
        """Joules at the plugs per terahash, as the whole fleet runs."""
        if not self.hashrate_th_s:
            raise ValueError("a fleet that stands still has no efficiency")
        return self.machine_mw * 10**6 / self.hashrate_th_s


def running(site: Site, day: date, *, intake_c: Fraction = Fraction(25)) -> Running:
    """Everything installed by a day, powered: hashrate and power, heat and age counted in.

    A throttled machine is taken to draw power in proportion. Uptime lowers both.
    """
    hashrate, watts = Fraction(0), Fraction(0)
    for batch in site.batches:
        if batch.installed > day:
            continue
        kept = heat_share(batch.machine.cooling, intake_c=intake_c) * site.uptime * batch.count
        hashrate += kept * batch.machine.hashrate_th_s * batch.mode.hashrate * age_share(batch, day)
        watts += kept * batch.machine.power_w * batch.mode.power
    machine_mw = watts / 10**6
    return Running(hashrate, machine_mw, machine_mw * site.pue / (1 - site.line_loss))


def site_hashes(site: Site, mwh: Fraction, day: date) -> Fraction:
    """Hashes that metered energy made at a site on a day, with the fleet's own efficiency.

    Uptime and heat change how much energy is used, not what a joule does.
    """
    j_per_th = running(site, day).j_per_th
    return hashes_of_energy(mwh, j_per_th=j_per_th, pue=site.pue, line_loss=site.line_loss)


def fleet_for(
    power_mw: Fraction, *, shares: Sequence[tuple[Machine, Fraction]], pue: Fraction, day: date
) -> tuple[Batch, ...]:
    """Whole machines that a grid power runs, split by shares of machine power that sum to 1."""
    if sum(share for _, share in shares) != 1:
        raise ValueError("the shares of machine power do not sum to 1")
    watts = power_mw * 10**6 / pue
    return tuple(
        Batch(machine=machine, count=int(watts * share / machine.power_w), installed=day)
        for machine, share in shares
    )
