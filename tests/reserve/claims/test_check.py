import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.chain import BlockRef
from khazana.reserve.claims.check import (
    ClaimCheck,
    ClaimInputs,
    Counted,
    MinedRange,
    check_claim,
    day_prices,
)
from khazana.reserve.claims.claim import Claim, ClaimVerdict, PriceCheck, Qualifier
from khazana.reserve.claims.read import by_id, read_claims, shipped_inputs, shipped_prices
from khazana.units import BlockHash, Height, Sats
from tests.shared import shared_file

CLAIMS: Mapping[str, Claim] = by_id(read_claims())


def checked(name: str, **more) -> ClaimCheck:
    return check_claim(CLAIMS[name], dataclasses.replace(shipped_inputs(), **more))


def figure(check: ClaimCheck, name: str) -> str:
    (found,) = [figure.text for figure in check.figures if figure.name == name]
    return found


# By price


def test_the_seeds_claim_fits_the_prices_of_its_day():
    check = checked("sv_over_6000_btc")
    assert check.verdict is ClaimVerdict.FITS
    # 6,000 × 118,681.68 USD
    assert figure(check, "computed") == "712090080"
    assert figure(check, "difference") == "-12090080"
    assert figure(check, "difference_percent") == "-1.7"
    assert [point.rule for point in check.prices] == ["daily low", "daily close", "daily high"]
    assert {point.venue for point in check.prices} == {"Coinbase"}


def test_a_worth_beyond_the_days_highest_price_does_not_fit():
    check = checked("sv_6239_btc")
    assert check.verdict is ClaimVerdict.DOES_NOT_FIT
    assert figure(check, "computed_high") == "754911263.64"
    assert figure(check, "difference_percent") == "7.5"


def test_without_the_days_prices_nothing_is_computed():
    check = checked("sv_over_6000_btc", prices=())
    assert (check.verdict, check.figures) == (ClaimVerdict.NOT_COMPUTED, ())
    assert day_prices(shipped_prices(), date(2025, 7, 15), "USD") == ()
    assert day_prices(shipped_prices(), date(2025, 7, 16), "PKR") == ()
    assert day_prices(shipped_prices()[:5], date(2025, 7, 16), "USD") == ()


def with_worth(worth: int, said: Qualifier) -> Claim:
    claim = CLAIMS["sv_over_6000_btc"]
    plan = claim.plan
    assert isinstance(plan, PriceCheck)
    plan = dataclasses.replace(plan, worth=Fraction(worth), worth_text=str(worth), qualifier=said)
    return dataclasses.replace(claim, plan=plan)


# 6,000 BTC made between 702,199,380 (low) and 720,808,800 USD (high) that day.
@pytest.mark.parametrize(
    ("worth", "said", "fits"),
    [
        (702_199_380, Qualifier.EXACTLY, True),
        (702_199_379, Qualifier.EXACTLY, False),
        (720_808_800, Qualifier.EXACTLY, True),
        (720_808_801, Qualifier.EXACTLY, False),
        (1, Qualifier.OVER, True),
        (720_808_800, Qualifier.OVER, True),
        (720_808_801, Qualifier.OVER, False),
        (702_199_379, Qualifier.UP_TO, False),
        (900_000_000, Qualifier.UP_TO, True),
        (668_761_315, Qualifier.ABOUT, True),
        (668_761_314, Qualifier.ABOUT, False),
        (758_746_105, Qualifier.ABOUT, True),
        (758_746_106, Qualifier.ABOUT, False),
    ],
)
def test_the_limit_between_fitting_and_not_is_the_words_own(worth, said, fits):
    verdict = check_claim(with_worth(worth, said), shipped_inputs()).verdict
    assert verdict is (ClaimVerdict.FITS if fits else ClaimVerdict.DOES_NOT_FIT)


@given(st.integers(1, 10**12), st.sampled_from(Qualifier))
def test_what_fits_exactly_fits_however_loosely_it_is_said(worth, said):
    exactly = check_claim(with_worth(worth, Qualifier.EXACTLY), shipped_inputs())
    loosely = check_claim(with_worth(worth, said), shipped_inputs())
    assert loosely.verdict is ClaimVerdict.FITS or exactly.verdict is not ClaimVerdict.FITS


def test_the_shipped_prices_are_those_of_the_collection_they_name():
    rows = shared_file("data/btcusd_daily_mathaszip.csv").read_text("utf-8").splitlines()
    columns = rows[0].split(",")
    by_day = {row[:10]: dict(zip(columns, row.split(","), strict=True)) for row in rows[1:]}
    for point in shipped_prices():
        day = date.fromordinal(point.at.date().toordinal() - 1)
        published = by_day[day.isoformat()][point.rule.removeprefix("daily ")]
        assert Fraction(published) == point.value


# By arithmetic


def test_two_pages_agree_with_one_bitcoin_a_day():
    check = checked("sv_one_a_day")
    assert check.verdict is ClaimVerdict.FITS
    # (5,748.76 - 5,689.68) / 59 days
    assert figure(check, "computed") == "1.00135593"
    assert check.uses == ("sv_stock_2024_05", "sv_stock_2024_03")


def test_fourteen_addresses_of_five_hundred_cannot_hold_the_stock_of_november():
    check = checked("sv_stock_2025_11")
    assert check.verdict is ClaimVerdict.DOES_NOT_FIT
    assert (figure(check, "computed"), figure(check, "difference")) == ("7000", "474")
    assert checked("sv_addresses_14").verdict is ClaimVerdict.FITS


def test_a_use_of_fifteen_per_cent_is_not_the_years_mean():
    check = checked("pk_coal_use")
    assert check.verdict is ClaimVerdict.DOES_NOT_FIT
    # 7.13 % of 127,159 GWh over 3,960 MW and 8,760 h
    assert figure(check, "computed") == "26.14"


def test_a_changed_claim_changes_the_check_of_another():
    stock = CLAIMS["sv_stock_2024_05"]
    assert stock.quantity is not None
    faster = dataclasses.replace(stock.quantity, value=stock.quantity.value + 20, text="5768.76")
    claims = {**CLAIMS, stock.id: dataclasses.replace(stock, quantity=faster)}
    check = checked("sv_one_a_day", claims=claims)
    assert check.verdict is ClaimVerdict.DOES_NOT_FIT
    assert figure(check, "computed") == "1.34033898"


# By the chain, by power, and not at all


def test_what_the_chain_shows_is_derived_by_the_reader():
    check = checked("sv_stock_2024_03")
    assert check.verdict is ClaimVerdict.DERIVE
    assert check.command is not None
    assert figure(check, "claimed") == "5689.68"


def test_a_readers_own_count_is_set_beside_the_claim_and_judges_nobody():
    count = Counted(Sats(568_900_000_000), BlockRef(Height(834_500), BlockHash("0" * 64)))
    check = checked("sv_stock_2024_03", counted={"sv_stock_2024_03": count})
    assert check.verdict is ClaimVerdict.DERIVE
    assert (figure(check, "computed"), figure(check, "difference")) == ("5689", "0.68")


@dataclass(frozen=True)
class Range:
    low: int
    high: int

    def mined(self, *, power_mw: Fraction, first: date, last: date) -> MinedRange:
        days = (last - first).days + 1
        return MinedRange(
            Sats(int(self.low * power_mw * days)), Sats(int(self.high * power_mw * days))
        )


def test_mining_claims_wait_for_the_mining_room():
    check = checked("sv_mined_474")
    assert check.verdict is ClaimVerdict.NOT_COMPUTED
    assert figure(check, "power") == "1.5"


@pytest.mark.parametrize(
    ("name", "low", "high", "verdict"),
    [
        # 1.5 MW on 956 days; a MW earns 0.1 to 0.2, then 0.3 to 0.4 BTC a day.
        ("sv_mined_474", 10_000_000, 20_000_000, ClaimVerdict.DOES_NOT_FIT),
        ("sv_mined_474", 30_000_000, 40_000_000, ClaimVerdict.FITS),
        # "8 to 9 a day": about 8.5 from 100 MW.
        ("bt_gedu_rate", 7_200_000, 8_200_000, ClaimVerdict.FITS),
        ("bt_gedu_rate", 7_200_000, 8_000_000, ClaimVerdict.DOES_NOT_FIT),
        ("bt_september_2023", 7_200_000, 8_200_000, ClaimVerdict.FITS),
    ],
)
def test_with_it_they_are_held_against_what_the_power_can_earn(name, low, high, verdict):
    check = checked(name, mining=Range(low, high))
    assert check.verdict is verdict
    assert {f.name for f in check.figures} == {"claimed", "power", "computed_low", "computed_high"}


def test_the_range_of_a_rate_is_per_day():
    check = checked("bt_gedu_rate", mining=Range(7_200_000, 8_200_000))
    assert (figure(check, "computed_low"), figure(check, "computed_high")) == ("7.2", "8.2")


def test_what_nothing_public_decides_says_why_in_every_language():
    check = checked("imf_stock_unchanged")
    assert check.verdict is ClaimVerdict.NOT_CHECKABLE
    assert check.note is not None
    assert set(check.note) == {"en", "ur", "ar", "es"}


def test_a_cited_source_is_no_check():
    assert checked("loi_2025").verdict is ClaimVerdict.CITED


@pytest.mark.parametrize("name", CLAIMS)
def test_every_shipped_claim_can_be_checked_and_every_computed_one_shows_both_figures(name):
    check = checked(name, mining=Range(5_000_000, 9_000_000))
    assert check.key == check.verdict.value
    if check.verdict in (ClaimVerdict.FITS, ClaimVerdict.DOES_NOT_FIT):
        names = {f.name for f in check.figures}
        assert "claimed" in names
        assert names & {"computed", "computed_low"}
        assert check.prices or check.note or check.kind == "mining"


def test_a_claim_that_names_an_unknown_claim_is_our_mistake():
    with pytest.raises(ValueError, match="sv_stock_2024"):
        check_claim(CLAIMS["sv_one_a_day"], ClaimInputs(claims={}))


@pytest.mark.parametrize(
    ("qualifier", "fits"),
    [(Qualifier.EXACTLY, False), (Qualifier.OVER, False), (Qualifier.UP_TO, True)],
)
def test_up_to_an_amount_explains_any_smaller_worth(qualifier, fits):
    claim = with_worth(1_000_000, Qualifier.EXACTLY)
    assert claim.quantity is not None
    claim = dataclasses.replace(
        claim, quantity=dataclasses.replace(claim.quantity, qualifier=qualifier)
    )
    verdict = check_claim(claim, shipped_inputs()).verdict
    assert verdict is (ClaimVerdict.FITS if fits else ClaimVerdict.DOES_NOT_FIT)
