"""Reading a register of claims (`khazana.claims/1`): complete, or refused with every problem."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import TypeVar

from khazana.errors import KhazanaError
from khazana.ledger.grades import EvidenceGrade
from khazana.ledger.money import minor_digits
from khazana.ledger.problems import ProblemList, Problems, suggestion
from khazana.ledger.sections import Section, read_toml
from khazana.ledger.shipped import SHIPPED_OFFICES
from khazana.ledger.valuation import PricePoint, decimal_fraction, read_prices
from khazana.reserve.claims.check import ClaimInputs, planned_value
from khazana.reserve.claims.claim import (
    LANGUAGES,
    NO_ADDRESS,
    PLAN_KINDS,
    UNITS,
    ArithmeticCheck,
    ChainCheck,
    Claim,
    ClaimPlan,
    ClaimSource,
    DocumentCheck,
    Mark,
    MiningCheck,
    NotCheckable,
    Perimeter,
    PriceCheck,
    Qualifier,
    Quantity,
    Relation,
    Subject,
    Texts,
    When,
)
from khazana.reserve.claims.fields import ADDRESS, CLAIM_ID, COUNTRY, bad_text

CLAIMS_FORMAT = "khazana.claims/1"
E = TypeVar("E", bound=Enum)
_NO_TEXTS: Texts = dict.fromkeys(LANGUAGES, "")
_NO_DAY = date(1, 1, 1)
_NEVER = When.of("0001-01-01")


@dataclass(eq=False, kw_only=True)
class ClaimsRefused(KhazanaError):
    """A register of claims has problems."""

    file: str
    problems: Problems
    code = "claims_refused"
    words = "{file} is refused and no claim was taken from it:\n{problems}"


class _ClaimProblems(ProblemList):
    def refuse_if_any(self, file: str) -> None:
        """Raise `ClaimsRefused` with everything found so far."""
        if self.found:
            found = sorted(self.found, key=lambda p: p.place.line)
            raise ClaimsRefused(file=file, problems=Problems(found))


@cache
def read_claims() -> tuple[Claim, ...]:
    """The claims that come with the program (data/claims.toml), in the order of the file."""
    return read_claims_file("claims.toml", _shipped("claims.toml"))


@cache
def shipped_prices() -> tuple[PricePoint, ...]:
    """The few prices that the shipped claims need (data/prices.csv); no table of prices."""
    return read_prices("prices.csv", _shipped("prices.csv"))


def shipped_inputs() -> ClaimInputs:
    """What checks of the shipped claims need, beside the mining room and a reader's own counts."""
    return ClaimInputs(claims=by_id(read_claims()), prices=shipped_prices())


def by_id(claims: Iterable[Claim]) -> Mapping[str, Claim]:
    """The claims by id, in their order."""
    return {claim.id: claim for claim in claims}


def read_claims_file(name: str, raw: bytes) -> tuple[Claim, ...]:
    """The claims in these bytes, or `ClaimsRefused` with line and field of all that is wrong."""
    problems = _ClaimProblems()
    top = read_toml(name, raw, problems)
    if top.text("format") not in ("", CLAIMS_FORMAT):
        top.wrong(f'this program reads format = "{CLAIMS_FORMAT}"', "format")
    fetched = _day(top, "fetched")
    speakers = _speakers(top.sections("speaker"))
    sections = top.sections("claim")
    if not sections:
        top.wrong("is missing: a register has at least one claim", "claim")
    claims = [_claim(section, speakers, fetched) for section in sections]
    top.finish()
    _once(sections, "claim")
    if not problems.found:
        _refuse_sums_that_cannot_be_made(sections, claims)
    problems.refuse_if_any(name)
    return tuple(claims)


def _speakers(sections: Sequence[Section]) -> Mapping[str, Texts]:
    found: dict[str, Texts] = {}
    for section in sections:
        found[section.identifier()] = _texts(section, "name")
        section.finish()
    _once(sections, "speaker")
    return found


def _claim(section: Section, speakers: Mapping[str, Texts], fetched: date) -> Claim:
    id_ = section.text("id")
    if id_ and not CLAIM_ID.fullmatch(id_):
        section.wrong(f"{id_!r}: use a letter, then small letters, digits and '_', up to 64", "id")
    country = section.text("country")
    if country and not COUNTRY.fullmatch(country):
        section.wrong(f"{country!r} is not a country's three letters", "country")
    speaker = section.text("speaker")
    if speaker and speaker not in speakers:
        section.wrong(f"no speaker is called {speaker!r}{suggestion(speaker, speakers)}", "speaker")
    said = _when(section, "said")
    as_of = _when(section, "as_of") if section.has("as_of") else said
    if said.first > fetched:
        section.wrong(f"was said on {said.text}, after it was fetched on {fetched}", "said")
    quantity = _quantity(section.section("quantity", required=False))
    source = _source(section, fetched)
    grade = section.choice("grade", EvidenceGrade, EvidenceGrade.D)
    if grade in (EvidenceGrade.A, EvidenceGrade.B):
        section.wrong("what was said in public rests on words or papers: C or D", "grade")
    claim = Claim(
        id=id_,
        subject=section.choice("subject", Subject),
        country=country,
        speaker=speakers.get(speaker, _NO_TEXTS),
        said=said,
        as_of=as_of,
        text=_texts(section, "text"),
        quantity=quantity,
        source=source,
        grade=grade,
        plan=_plan(section, quantity),
    )
    section.finish()
    return claim


def _quantity(section: Section | None) -> Quantity | None:
    if section is None:
        return None
    unit = section.text("unit")
    if unit and unit not in UNITS:
        section.wrong(f"{unit!r} is no unit here{suggestion(unit, UNITS)}", "unit")
    text, value = _number(section, "amount")
    quantity = Quantity(
        text=text,
        value=value,
        unit=unit,
        qualifier=section.choice("qualifier", Qualifier, Qualifier.EXACTLY),
        perimeter=section.choice("perimeter", Perimeter, Perimeter.NOT_STATED),
    )
    section.finish()
    return quantity


def _source(claim: Section, fetched: date) -> ClaimSource:
    section = claim.section("source")
    if section is None:
        return ClaimSource("", NO_ADDRESS, fetched, Mark.STATED)
    address = section.text("address")
    if address and address != NO_ADDRESS and not ADDRESS.fullmatch(address):
        section.wrong(
            f'{address!r} is not an address such as example.org/page; write "{NO_ADDRESS}" when '
            "there is none",
            "address",
        )
    source = ClaimSource(
        publisher=section.text("publisher"),
        address=address,
        fetched=_day(section, "fetched") if section.has("fetched") else fetched,
        mark=section.choice("mark", Mark),
    )
    section.finish()
    return source


def _plan(claim: Section, quantity: Quantity | None) -> ClaimPlan:
    section = claim.section("check")
    if section is None:
        return DocumentCheck()
    kind = section.text("kind")
    if kind not in PLAN_KINDS:
        if kind:
            section.wrong(f"{kind!r} is no kind of check{suggestion(kind, PLAN_KINDS)}", "kind")
        return DocumentCheck()
    units = {"price": ("BTC",), "mining": ("BTC", "BTC per day")}.get(kind)
    if kind in ("price", "mining", "arithmetic") and quantity is None:
        section.wrong("needs the claim's quantity", "kind")
    elif units and quantity is not None and quantity.unit and quantity.unit not in units:
        section.wrong(f"checks quantities in {' or '.join(units)}, not {quantity.unit}", "kind")
    plan = _plan_of(section, kind)
    section.finish()
    return plan


def _plan_of(section: Section, kind: str) -> ClaimPlan:
    match kind:
        case "price":
            currency = section.text("currency")
            if currency and currency not in minor_digits():
                section.wrong(f"{currency!r} is not a currency of ISO 4217", "currency")
            text, worth = _number(section, "worth")
            qualifier = section.choice("qualifier", Qualifier, Qualifier.EXACTLY)
            return PriceCheck(_day(section, "at"), text, worth, currency, qualifier)
        case "chain":
            office = section.text("office")
            if office and office not in SHIPPED_OFFICES:
                section.wrong(f"no office {office!r} comes with the program", "office")
            command = section.text("command")
            if command and f"shipped:{office}" not in command.split():
                section.wrong(f"does not name shipped:{office}", "command")
            return ChainCheck(office, command)
        case "arithmetic":
            return ArithmeticCheck(
                formula=section.text("formula"),
                relation=section.choice("relation", Relation),
                within=_number(section, "within_percent")[1],
                compares=_texts(section, "compares"),
            )
        case "mining":
            text, power = _number(section, "power_mw")
            first, last = _day(section, "first"), _day(section, "last")
            if last < first:
                section.wrong(f"lies before the first day, {first}", "last")
            return MiningCheck(power, text, first, last)
        case "not checkable":
            return NotCheckable(_texts(section, "why"))
    return DocumentCheck()


def _refuse_sums_that_cannot_be_made(sections: Sequence[Section], claims: Sequence[Claim]) -> None:
    """A formula must have a value now: it reads nothing but the register itself."""
    known = by_id(claims)
    for section, claim in zip(sections, claims, strict=True):
        if isinstance(claim.plan, ArithmeticCheck):
            try:
                planned_value(claim, known, claim.plan.formula)
            except ValueError as wrong:
                section.wrong(str(wrong), "check", "formula")


def _once(sections: Iterable[Section], what: str) -> None:
    seen: dict[str, int] = {}
    for section in sections:
        id_, line = str(section.values.get("id", "")), section.place("id").line
        if id_ and id_ in seen:
            section.wrong(f"line {seen[id_]} has a {what} of this id", "id")
        seen.setdefault(id_, line)


def _number(section: Section, key: str) -> tuple[str, Fraction]:
    text = section.text(key)
    try:
        return text, decimal_fraction(text) if text else Fraction(0)
    except ValueError as wrong:
        section.wrong(str(wrong), key)
        return text, Fraction(0)


def _when(section: Section, key: str) -> When:
    text = section.text(key)
    try:
        return When.of(text) if text else _NEVER
    except ValueError as wrong:
        section.wrong(str(wrong), key)
        return _NEVER


def _day(section: Section, key: str) -> date:
    if not section.has(key):
        section.wrong("is missing: a day such as 2025-07-16", key)
        return _NO_DAY
    value = section.values[key]
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    section.wrong("should be a day such as 2025-07-16, without quotes", key)
    return _NO_DAY


def _texts(section: Section, key: str) -> Texts:
    """A text in each of the four languages; a missing one would leave a hole in a page."""
    names = section.names(key)
    given = section.values.get(key)
    if isinstance(given, dict):
        for language in LANGUAGES:
            if language != "en" and language not in given:
                section.wrong(f"lacks {language}: every text stands in {', '.join(LANGUAGES)}", key)
        for language, text in names.items():
            if language not in LANGUAGES:
                section.wrong(f"is not one of {', '.join(LANGUAGES)}", key, language)
            elif problem := bad_text(text):
                section.wrong(problem, key, language)
    return names


def _shipped(name: str) -> bytes:
    return resources.files("khazana.reserve.claims").joinpath("data", name).read_bytes()
