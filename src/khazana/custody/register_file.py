"""Reading the register of keys from TOML: complete, or refused whole with every problem."""

import re
from collections.abc import Iterable
from datetime import date, datetime

from khazana.bitcoin.descriptor_errors import DescriptorRefused, SecretInDescriptor
from khazana.bitcoin.descriptor_keys import KeyExpression, KeyForm, read_key
from khazana.bitcoin.network import MAINNET, NETWORKS, Network
from khazana.bitcoin.secrets import refuse_secrets_in, refuse_secrets_in_values
from khazana.custody.register import KeyRegister, RegisteredKey, SeedOrigin
from khazana.ledger.problems import ProblemList, suggestion
from khazana.ledger.sections import Section, read_toml

REGISTER_FORMAT = "khazana.keys/1"

_FINGERPRINT = re.compile(r"[0-9a-f]{8}")
_NO_DAY = date(1, 1, 1)


def read_register(name: str, raw: bytes) -> KeyRegister:
    """The register in the bytes of a TOML file called `name`.

    SecretRefused for anything that could spend, before a word of the file is kept or repeated;
    OfficeFileRefused with every problem's file, line and field.
    """
    refuse_secrets_in(raw.decode("utf-8", errors="replace"), where=name)
    problems = ProblemList()
    top = read_toml(name, raw, problems)
    refuse_secrets_in_values(top.values, where=name)
    if top.text("format") not in ("", REGISTER_FORMAT):
        top.wrong(f'this program reads format = "{REGISTER_FORMAT}"', "format")
    head = top.section("register")
    id_, network = (head.identifier(), _network(head)) if head else ("", MAINNET)
    if head:
        head.finish()
    sections = top.sections("key")
    if not sections:
        top.wrong("lists no key: [[key]]", "key")
    keys = tuple(_key(section, network) for section in sections)
    _refuse_repetition(sections, keys)
    top.finish()
    problems.refuse_if_any(name)
    return KeyRegister(file=name, id=id_, network=network, keys=keys)


def _network(head: Section) -> Network:
    value = head.text("network")
    if value and value not in NETWORKS:
        head.wrong(f"{value!r} is no network{suggestion(value, NETWORKS)}", "network")
    return NETWORKS.get(value, MAINNET)


def _key(section: Section, network: Network) -> RegisteredKey:
    fingerprint = section.text("fingerprint")
    if fingerprint and not _FINGERPRINT.fullmatch(fingerprint):
        section.wrong("a fingerprint has 8 lower-case hex digits", "fingerprint")
    created = _day(section, "created") or _NO_DAY
    key = RegisteredKey(
        id=section.identifier(),
        holder=section.text("holder"),
        agency=section.text("agency"),
        vendor=section.identifier("vendor").lower(),
        model=section.text("model"),
        firmware_at_creation=section.text("firmware_at_creation"),
        firmware=section.text("firmware"),
        seed=section.choice("seed", SeedOrigin),
        created=created,
        last_proven=_day(section, "last_proven", required=False),
        site=section.text("site"),
        fingerprint=fingerprint,
        accounts=tuple(_accounts(section, network, fingerprint)),
        retired=_day(section, "retired", required=False),
        place=section.place(),
    )
    for later in ("last_proven", "retired"):
        day = section.values.get(later)
        if type(day) is date and day < created:
            section.wrong(f"{day} is before the key was created, {created}", later)
    section.finish()
    return key


def _accounts(section: Section, network: Network, fingerprint: str) -> Iterable[KeyExpression]:
    texts = section.texts("accounts", required=True)
    if "accounts" in section.values and not texts:
        section.wrong("lists no extended public key", "accounts")
    for text, position in texts:
        try:
            key = read_key(text, place=1, network=network, form=KeyForm.SEGWIT)
        except (DescriptorRefused, SecretInDescriptor) as wrong:
            problem = wrong.problem if isinstance(wrong, DescriptorRefused) else "a private key"
            place = f"at character {wrong.place}: " if wrong.place > 1 else ""
            section.wrong(place + problem, "accounts", position)
            continue
        if not key.extended or key.fingerprint is None or key.steps or key.wildcard:
            section.wrong(
                "write [fingerprint/steps]xpub and nothing after it: the register names the key "
                "that wallets derive from",
                "accounts",
                position,
            )
        elif key.fingerprint != fingerprint:
            section.wrong(
                f"its origin says {key.fingerprint}, the key's fingerprint is {fingerprint}",
                "accounts",
                position,
            )
        else:
            yield key


def _refuse_repetition(sections: list[Section], keys: tuple[RegisteredKey, ...]) -> None:
    ids: dict[str, int] = {}
    fingerprints: dict[str, int] = {}
    accounts: dict[str, int] = {}
    for section, key in zip(sections, keys, strict=True):
        for field, value, seen in (
            ("id", key.id, ids),
            ("fingerprint", key.fingerprint, fingerprints),
            *(("accounts", account.key, accounts) for account in key.accounts),
        ):
            line = section.place(field).line
            if value and value in seen:
                what = "an account" if field == "accounts" else repr(value)
                section.wrong(f"{what} stands in line {seen[value]} too", field)
            seen.setdefault(value, line)


def _day(section: Section, key: str, *, required: bool = True) -> date | None:
    if not section.has(key):
        if required:
            section.wrong("is missing", key)
        return None
    value = section.values[key]
    if isinstance(value, datetime) or not isinstance(value, date):
        section.wrong("should be a day without quotes, such as 2026-03-01", key)
        return None
    return value
