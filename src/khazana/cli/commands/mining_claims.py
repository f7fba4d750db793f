"""`khazana mining audit-claim`: bitcoin, megawatts and days, held against the chain."""

import argparse
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path

from khazana.bitcoin.network import MAINNET
from khazana.cli.files import read_bytes
from khazana.cli.usage import WrongArguments
from khazana.mining.claims import (
    USUAL_FEES,
    ClaimAudit,
    Fit,
    MiningClaim,
    audit_claim,
)
from khazana.mining.difficulty import DifficultySeries, FeeShare
from khazana.mining.difficulty_table import read_difficulty, shipped_difficulty
from khazana.mining.machines import Machine, read_machines, shipped_machines
from khazana.units import Sats, btc_from_sats, sats_from_btc

COMMAND = "mining audit-claim"
EXIT_DOES_NOT_FIT = 1
MOST_BYTES = 4_000_000
DESCRIPTION = (
    "Hold a claim of mined bitcoin against the chain's difficulty and the machines of its time: "
    "which efficiency or power it implies, and whether any machine could do it. Needs no node. "
    "Exit status 1 when the claim does not fit."
)


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The action `audit-claim` of `khazana mining`."""
    parser = actions.add_parser(
        "audit-claim", help="could so much power mine so much bitcoin?", description=DESCRIPTION
    )
    parser.add_argument("--btc", metavar="BTC", required=True, help="bitcoin that was claimed")
    parser.add_argument("--mw", metavar="MW", required=True, help="power at the machines' plugs")
    parser.add_argument("--from", dest="first", metavar="DATE", required=True, help="first day")
    parser.add_argument("--to", dest="last", metavar="DATE", required=True, help="last day")
    parser.add_argument(
        "--fees",
        metavar="PERCENT",
        help="fees in per cent of the subsidy (default: 1, a planning figure)",
    )
    parser.add_argument("--fees-source", metavar="TEXT", help="where that figure is from")
    parser.add_argument(
        "--epochs",
        metavar="CSV",
        type=Path,
        help="difficulty epochs, instead of those that ship, for later days",
    )
    parser.add_argument(
        "--machines", metavar="CSV", type=Path, help="machines, instead of those that ship"
    )
    parser.add_argument("--json", action="store_true", help="print the audit for programs")
    parser.set_defaults(run=run_audit_claim)


def run_audit_claim(args: argparse.Namespace) -> int:
    first, last = _day("--from", args.first), _day("--to", args.last)
    if last < first:
        raise WrongArguments(command=COMMAND, problem="--to is before --from")
    claim = MiningClaim(
        amount=_amount(args.btc), power_mw=_number("--mw", args.mw), first=first, last=last
    )
    audit = audit_claim(
        claim, series=_series(args.epochs), machines=_machines(args.machines), fees=_fees(args)
    )
    if args.json:
        print(json.dumps(_as_json(audit), indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(audit)))
    return EXIT_DOES_NOT_FIT if audit.fit is Fit.TOO_MUCH else 0


def _lines(audit: ClaimAudit) -> Iterator[str]:
    claim = audit.claim
    yield (
        f"Claim: {btc_from_sats(claim.amount)} BTC from {_round(claim.power_mw, 3)} MW, "
        f"{claim.first} to {claim.last}."
    )
    yield f"Verdict: {audit.fit.value}."
    yield ""
    yield (
        f"The chain: this takes {_round(audit.mean_hashrate_h_s / 10**15, 1)} PH/s on average "
        f"(luck alone: ± {100 * audit.luck:.1f} %)."
    )
    yield f"If the power is true, machines need {_round(audit.implied_j_per_th, 1)} J/TH."
    yield (
        f"Nameplates of the time: {_round(audit.best_j_per_th, 1)} J/TH at best "
        f"({', '.join(audit.best_models)}), {_round(audit.worst_j_per_th, 1)} the oldest "
        f"({', '.join(audit.worst_models)})."
    )
    yield (
        f"If the bitcoin is true, it took {_round(audit.implied_mw_best, 2)} MW with the best, "
        f"{_round(audit.implied_mw_worst, 2)} MW with the oldest."
    )
    yield (
        f"This power may earn {btc_from_sats(audit.low)} to {btc_from_sats(audit.high)} BTC: from "
        "the oldest machines without fees to the best with fees of 10 %, nameplates ± 5 %."
    )
    yield ""
    yield f"Difficulty: {audit.source}."
    yield f"Fees: {_round(100 * audit.fees.share, 2)} % of the subsidy ({audit.fees.source})."
    yield (
        "Taken for granted: power at the plugs, all day, every day. Cooling, standstill and ageing "
        "only lower what power earns."
    )


def _as_json(audit: ClaimAudit) -> dict[str, object]:
    return {
        "claimed_sat": audit.claim.amount,
        "power_mw": _round(audit.claim.power_mw, 6),
        "first": audit.claim.first.isoformat(),
        "last": audit.claim.last.isoformat(),
        "verdict": audit.fit.name.lower(),
        "mean_hashrate_ph_s": _round(audit.mean_hashrate_h_s / 10**15, 3),
        "implied_j_per_th": _round(audit.implied_j_per_th, 3),
        "implied_mw_best": _round(audit.implied_mw_best, 3),
        "implied_mw_oldest": _round(audit.implied_mw_worst, 3),
        "best_j_per_th": _round(audit.best_j_per_th, 3),
        "oldest_j_per_th": _round(audit.worst_j_per_th, 3),
        "best_models": list(audit.best_models),
        "oldest_models": list(audit.worst_models),
        "low_sat": audit.low,
        "high_sat": audit.high,
        "luck_percent": f"{100 * audit.luck:.2f}",
        "fees_percent": _round(100 * audit.fees.share, 4),
        "fees_source": audit.fees.source,
        "difficulty_source": audit.source,
    }


def _round(value: Fraction, places: int) -> str:
    """Plain decimal digits, half to even, without zeros that say nothing."""
    digits = f"{Decimal(round(value * 10**places)).scaleb(-places):f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _amount(text: str) -> Sats:
    _number("--btc", text)
    try:
        return sats_from_btc(Decimal(text))
    except ValueError as wrong:
        raise WrongArguments(command=COMMAND, problem=f"--btc: {wrong}") from None


def _number(option: str, text: str, *, zero: bool = False) -> Fraction:
    try:
        value = Decimal(text)
        plain = value.is_finite() and -12 <= value.adjusted() <= 12
    except InvalidOperation:
        value, plain = Decimal(0), False
    if not plain:
        problem = f"{option} {text!r} is not a number such as 1.5"
        raise WrongArguments(command=COMMAND, problem=problem) from None
    if value < 0 or (value == 0 and not zero):
        raise WrongArguments(command=COMMAND, problem=f"{option} must be above 0")
    return Fraction(value)


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = f"{option} {text!r} is not a day such as 2024-05-13"
        raise WrongArguments(command=COMMAND, problem=problem) from None


def _fees(args: argparse.Namespace) -> FeeShare:
    if args.fees is None:
        if args.fees_source is not None:
            raise WrongArguments(command=COMMAND, problem="--fees-source needs --fees")
        return USUAL_FEES
    percent = _number("--fees", args.fees, zero=True)
    return FeeShare(percent / 100, args.fees_source or "as entered, no source given")


def _series(path: Path | None) -> DifficultySeries:
    if path is None:
        return shipped_difficulty()
    text = read_bytes(path, most=MOST_BYTES).decode("ascii", errors="replace")
    return read_difficulty(text, network=MAINNET, file=path.name, source=f"the table {path.name}")


def _machines(path: Path | None) -> tuple[Machine, ...]:
    if path is None:
        return shipped_machines()
    text = read_bytes(path, most=MOST_BYTES).decode("utf-8", errors="replace")
    return read_machines(text, file=path.name)
