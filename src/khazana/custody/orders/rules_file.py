"""Reading spending.toml: complete, or refused whole with every problem's line and field."""

import hashlib
from collections.abc import Iterable

from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress, script_of
from khazana.bitcoin.network import Network
from khazana.custody.orders.order import Kind
from khazana.custody.orders.rules import (
    SPENDING_FORMAT,
    Approval,
    Cooling,
    Hours,
    Limit,
    OverrideRule,
    Payee,
    Per,
    QuoteRule,
    SpendingRules,
)
from khazana.ledger.money import sats_of_text
from khazana.ledger.problems import ProblemList, suggestion
from khazana.ledger.sections import Section, read_toml
from khazana.units import MAX_MONEY, Sats

_DAYS = {name: day for day, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
_MOST_DAYS = 3_660
_NEEDED = ("drafting", "purchase")


def read_spending(name: str, raw: bytes, *, network: Network) -> SpendingRules:
    """The rules in the bytes of a TOML file called `name`; OfficeFileRefused with every problem."""
    problems = ProblemList()
    top = read_toml(name, raw, problems)
    if top.text("format") not in ("", SPENDING_FORMAT):
        top.wrong(f'this program reads format = "{SPENDING_FORMAT}"', "format")
    drafting, purchase = (top.section(key) for key in _NEEDED)
    limits = tuple(_limits(top.sections("limit")))
    approvals = tuple(_approvals(top.sections("approval")))
    if not any(each.least_sats == 0 for each in approvals):
        top.wrong(
            'no approval is needed below some amount: add one with from_btc = "0"', "approval"
        )
    holders = _holders(top)
    rules = SpendingRules(
        sha256=hashlib.sha256(raw).hexdigest(),
        check_valid_hours=top.integer("check_valid_hours", least=1, most=720),
        expires_within_days=top.integer("expires_within_days", least=1, most=366),
        conditions_required=_conditions(top),
        most_fee=Sats(top.integer("most_fee_sat", least=1, most=MAX_MONEY)),
        per_address=_btc(top, "per_address_btc"),
        confirmations=top.integer("confirmations", least=1, most=1_000),
        allow_list=top.flag("allow_list"),
        draft_role=drafting.identifier("role") if drafting else "",
        approvals=approvals,
        quotes=QuoteRule(
            purchase.integer("least_quotes", least=1, most=50) if purchase else 1,
            purchase.integer("quote_hours", least=1, most=720) if purchase else 1,
        ),
        override=_override(top.section("override", required=False)),
        hours=_hours(top.section("hours", required=False)),
        cooling=_cooling(top.section("cooling", required=False)),
        limits=limits,
        payees=tuple(_payees(top.sections("payee"), network)),
        holders=holders,
    )
    for section in (drafting, purchase):
        if section:
            section.finish()
    top.finish()
    problems.refuse_if_any(name)
    return rules


def _conditions(top: Section) -> bool:
    value = top.text("conditions")
    known = {"required": True, "none": False}
    if value and value not in known:
        top.wrong(f"{value!r} is no choice here{suggestion(value, known)}", "conditions")
    return known.get(value, True)


def _btc(section: Section, key: str, *, least: int = 1) -> Sats:
    text = section.text(key)
    try:
        sats = sats_of_text(btc=text, sat="") if text else Sats(least)
    except ValueError as wrong:
        section.wrong(f'{wrong}; write "0.5"', key)
        return Sats(least)
    if sats < least:
        section.wrong(f"{text} BTC is less than {least} sat", key)
    return sats


def _limits(sections: Iterable[Section]) -> Iterable[Limit]:
    seen: set[str] = set()
    for section in sections:
        limit = Limit(
            id=section.identifier(),
            on=section.choice("on", Kind),
            per=section.choice("per", Per),
            most=_btc(section, "most_btc", least=0),
            account=section.maybe_text("wallet"),
        )
        if limit.id in seen:
            section.wrong(f"{limit.id!r} stands here twice", "id")
        seen.add(limit.id)
        section.finish()
        yield limit


def _approvals(sections: Iterable[Section]) -> Iterable[Approval]:
    for section in sections:
        yield Approval(
            section.identifier("role"),
            section.integer("approvals", least=1, most=100),
            _btc(section, "from_btc", least=0),
        )
        section.finish()


def _override(section: Section | None) -> OverrideRule | None:
    if section is None:
        return None
    rule = OverrideRule(
        section.identifier("role"),
        section.integer("publish_after_days", least=0, most=_MOST_DAYS),
    )
    section.finish()
    return rule


def _hours(section: Section | None) -> Hours | None:
    if section is None:
        return None
    days = set()
    for text, position in section.texts("days", required=True):
        if text in _DAYS:
            days.add(_DAYS[text])
        else:
            section.wrong(f"{text!r} is no day{suggestion(text, _DAYS)}", "days", position)
    begins = section.integer("from", least=0, most=23)
    ends = section.integer("until", least=1, most=24)
    if ends <= begins:
        section.wrong(f"{ends} is not after {begins}", "until")
    section.finish()
    return Hours(frozenset(days), begins, ends)


def _cooling(section: Section | None) -> Cooling | None:
    if section is None:
        return None
    rule = Cooling(
        section.integer("hours", least=1, most=8_784), _btc(section, "from_btc", least=0)
    )
    section.finish()
    return rule


def _payees(sections: Iterable[Section], network: Network) -> Iterable[Payee]:
    owner: dict[bytes, str] = {}
    for section in sections:
        id_ = section.identifier()
        scripts = set()
        for address, position in section.texts("addresses", required=True):
            try:
                script = script_of(address, network)
            except (BadAddress, SecretInsteadOfAddress) as wrong:
                section.wrong(str(wrong), "addresses", position)
                continue
            if script in owner:
                section.wrong(f"{address} stands with {owner[script]} already", "addresses")
            owner[script] = id_
            scripts.add(script)
        yield Payee(id_, section.text("name"), frozenset(scripts))
        section.finish()


def _holders(top: Section) -> dict[str, str]:
    """Person by key id. A key of two people could hide that one of them acts twice."""
    found: dict[str, str] = {}
    people: set[str] = set()
    for section in top.sections("holder"):
        person = section.identifier()
        if person in people:
            section.wrong(f"{person!r} stands here twice: list all keys in one place", "id")
        people.add(person)
        for key, position in section.texts("keys", required=True):
            if len(key) != 64 or set(key) - set("0123456789abcdef"):
                section.wrong("a key's id has 64 lower-case hex digits", "keys", position)
            elif key in found:
                section.wrong(f"this key is {found[key]}'s already", "keys", position)
            else:
                found[key] = person
        section.finish()
    if not found:
        top.wrong("lists nobody: [[holder]] with id and keys", "holder")
    return found
