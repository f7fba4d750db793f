"""The smaller sections of office.toml: rules, entities, accounts, members, seals, keys, roles."""

import zoneinfo
from collections.abc import Iterable, Iterator, Mapping

from khazana.ledger.accounts import CustodialAccount, Entity, Lane
from khazana.ledger.money import minor_digits
from khazana.ledger.office import (
    LEAST_DEPTH,
    CloseRule,
    CostMethod,
    Exclusion,
    ImpairmentRule,
    KeyRole,
    MemberLine,
    OfficeRules,
    PublicKey,
    SealLine,
    UnpaidCost,
)
from khazana.ledger.problems import suggestion
from khazana.ledger.sections import Section
from khazana.units import MAX_MONEY, Sats

_MOST_DEPTH = 10_000
_MOST_WINDOW_DAYS = 366


def read_timezone(head: Section) -> str:
    value = head.text("timezone")
    if value:
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            known = zoneinfo.available_timezones()
            hint = suggestion(value, known) if known else "; this machine has no time zone data"
            hint = hint if "did you mean" in hint or not known else ""
            head.wrong(f"{value!r} is no time zone such as Asia/Karachi{hint}", "timezone")
    return value


def read_rules(section: Section, zone: str) -> OfficeRules:
    currency = section.text("currency")
    if currency and currency not in minor_digits():
        section.wrong(f"{currency!r} is not a currency of ISO 4217", "currency")
    rules = OfficeRules(
        timezone=zone,
        close=section.choice("close", CloseRule),
        min_depth=section.integer("min_depth", least=LEAST_DEPTH, most=_MOST_DEPTH),
        dust_threshold=Sats(section.integer("dust_threshold_sat", least=0, most=MAX_MONEY)),
        match_window_days=section.integer("match_window_days", least=0, most=_MOST_WINDOW_DAYS),
        currency=currency,
        cost_method=section.choice("cost_method", CostMethod),
        unpaid_cost=section.choice("unpaid_cost", UnpaidCost),
        impairment=section.choice("impairment", ImpairmentRule),
    )
    section.finish()
    return rules


def read_entities(sections: Iterable[Section]) -> Iterator[Entity]:
    for section in sections:
        yield Entity(section.identifier(), section.names(), section.text("sector"))
        section.finish()


def read_accounts(sections: Iterable[Section]) -> Iterator[CustodialAccount]:
    for section in sections:
        yield CustodialAccount(
            id=section.identifier(),
            entity=section.identifier("entity"),
            name=section.names(),
            custodian=section.text("custodian"),
            lane=section.choice("lane", Lane),
        )
        section.finish()


def read_members(part: Section, names: Mapping[str, Mapping[str, list[str]]]) -> list[MemberLine]:
    """A member is a wallet, an account, or an entity: then all that is the entity's."""
    given = [key for key in names if part.has(key)]
    since, until = part.maybe_block("since"), part.maybe_block("until")
    document = part.maybe_text("document")
    found: list[str] = []
    if len(given) != 1:
        part.wrong(f"needs exactly one of wallet, account, entity; it has {len(given)}")
    else:
        kind = given[0]
        value = part.text(kind)
        if value and value not in names[kind]:
            part.wrong(f"no {kind} is called {value!r}{suggestion(value, names[kind])}", kind)
        found = list(names[kind].get(value, ()))
    part.finish()
    return [MemberLine(account, since, until, document, part.place()) for account in found]


def refuse_double_members(section: Section, members: Iterable[MemberLine]) -> None:
    """Overlaps by block are found when blocks are known; the same span twice is found here."""
    seen: set[tuple[str, str, str]] = set()
    for member in members:
        span = (
            member.account,
            member.since.name if member.since else "",
            member.until.name if member.until else "",
        )
        if span in seen:
            section.wrong(f"{member.account} is a member twice for the same blocks", "member")
        seen.add(span)


def read_sealed(sections: Iterable[Section]) -> Iterator[SealLine]:
    seen: set[str] = set()
    for section in sections:
        line = SealLine(section.hash("commitment"), section.block("block"), None)
        if line.commitment in seen:
            section.wrong("this seal stands here twice", "commitment")
        seen.add(line.commitment)
        section.finish()
        yield line


def read_exclusions(sections: Iterable[Section]) -> Iterator[Exclusion]:
    for section in sections:
        yield Exclusion(section.text("name"), section.text("reason"))
        section.finish()


def read_keys(sections: Iterable[Section]) -> Iterator[PublicKey]:
    seen: set[str] = set()
    for section in sections:
        key = PublicKey(section.identifier(), section.hash("public"))
        if key.public_hex in seen:
            section.wrong("this key stands here twice; it would count twice", "public")
        seen.add(key.public_hex)
        section.finish()
        yield key


def read_roles(sections: Iterable[Section], known: set[str]) -> Iterator[KeyRole]:
    for section in sections:
        names = section.texts("keys", required=True)
        for name, position in names:
            if name not in known:
                section.wrong(
                    f"no key is called {name!r}{suggestion(name, known)}", "keys", position
                )
        keys = tuple(name for name, _ in names)
        if len(set(keys)) != len(keys):
            section.wrong("names a key twice", "keys")
        most = max(len(keys), 1)
        role = KeyRole(
            section.identifier("role"), section.integer("threshold", least=1, most=most), keys
        )
        section.finish()
        yield role
