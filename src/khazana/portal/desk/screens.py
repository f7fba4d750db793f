"""The six screens of the first day: from what a form says to a change of the office's values.

A screen decides nothing about an office: it puts fields where office.toml has them, and the ledger
judges the whole. Only the wallet's screen asks a room first, because a device has to agree.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import NETWORKS, REGTEST
from khazana.bitcoin.secrets import refuse_secrets_in
from khazana.custody.first_use import ShownAddress, shown_addresses_agree
from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.ledger.new_office import new_office_values
from khazana.portal.desk.office_store import Values

Form = Mapping[str, str]
LANGUAGES = ("en", "ur", "ar", "es")
SECTIONS = {
    "entities": "entity",
    "perimeters": "perimeter",
    "wallets": "wallet",
    "custodians": "account",
}
"""Screen -> the section of office.toml that it lists."""
GAP, STOP = 20, 1000
MOST_FIELD = 20_000


@dataclass(eq=False, kw_only=True)
class DeviceDisagrees(KhazanaError):
    """The device shows another address than the descriptor gives."""

    findings: tuple[Finding, ...]
    code = "device_disagrees"
    words = "The device does not show this wallet's address; nothing was saved."


MOST_DIGITS = 18
"""Of a number that a screen takes; more is no height or threshold, and is refused as text is."""


def _is_number(text: str) -> bool:
    """
    >>> _is_number("12"), _is_number("²"), _is_number("9" * 5000)
    (True, False, False)
    """
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def changed(screen: str, form: Form, values: Values) -> Values:
    """The values after what the form asks for. Raises where a room refuses it beforehand."""
    for name, text in form.items():
        refuse_secrets_in(text, where=name)
    if screen == "office":
        return _office(form, values)
    if screen == "identity":
        return _identity(form, values)
    section = SECTIONS[screen]
    rows = list(values.get(section, []))
    if form.get("remove"):
        kept = [row for row in rows if row.get("id") != form["remove"]]
        rest = {key: value for key, value in values.items() if key != section}
        return {**rest, section: kept} if kept else rest
    return {**values, section: [*rows, _ROWS[section](form, values)]}


def _names(form: Form) -> dict[str, str]:
    return {code: text for code in LANGUAGES if (text := form.get(f"name_{code}", "").strip())}


def _text(form: Form, name: str) -> str:
    return form.get(name, "").strip()


def _office(form: Form, values: Values) -> Values:
    made = new_office_values(
        id_=_text(form, "id"),
        names=_names(form),
        network=_text(form, "network"),
        timezone=_text(form, "timezone"),
        currency=_text(form, "currency"),
    )
    # Rules that were decided since, and all that was entered, stay.
    rules = {**made["rules"], **values.get("rules", {}), "currency": _text(form, "currency")}
    office = {**values.get("office", {}), **made["office"]}
    return {**values, "format": made["format"], "office": office, "rules": rules}


def _identity(form: Form, values: Values) -> Values:
    keys = list(values.get("key", []))
    if form.get("remove"):
        keys = [key for key in keys if key.get("id") != form["remove"]]
    elif _text(form, "public"):
        keys = [*keys, {"id": _text(form, "id"), "public": _text(form, "public").lower()}]
    rest = {key: value for key, value in values.items() if key not in ("key", "role")}
    if not keys:
        return rest
    names = [key["id"] for key in keys]
    threshold = _text(form, "threshold")
    before = {role["role"]: role["threshold"] for role in values.get("role", [])}
    wanted = int(threshold) if _is_number(threshold) else before.get("statement", 1)
    # Every key acts in both roles until the office decides otherwise in its file.
    roles = [
        {"role": role, "threshold": min(wanted, len(names)), "keys": names}
        for role in ("root", "statement")
    ]
    return {**rest, "key": keys, "role": roles}


def _entity(form: Form, values: Values) -> Values:
    return {"id": _text(form, "id"), "name": _names(form), "sector": _text(form, "sector")}


def _perimeter(form: Form, values: Values) -> Values:
    members = [
        {"entity": entity["id"]}
        for entity in values.get("entity", [])
        if form.get(f"member_{entity['id']}")
    ]
    return {"id": _text(form, "id"), "name": _names(form), "member": members}


def _account(form: Form, values: Values) -> Values:
    return {
        "id": _text(form, "id"),
        "entity": _text(form, "entity"),
        "name": _names(form),
        "custodian": _text(form, "custodian"),
        "lane": "owned",
    }


def _wallet(form: Form, values: Values) -> Values:
    descriptor = "".join(_text(form, "descriptor").split())
    network = NETWORKS.get(values.get("office", {}).get("network", ""), REGTEST)
    parsed = parse_descriptor(descriptor, network)
    device = _text(form, "device") or "device"
    shown = ShownAddress(device, 0, 0, _text(form, "address"))
    findings = tuple(
        shown_addresses_agree(_text(form, "id"), parsed, best_engine(), [shown], devices=[device])
    )
    if findings:
        raise DeviceDisagrees(findings=findings)
    ranges = [{"branch": branch, "stop": STOP} for branch in range(parsed.branches)]
    declared = _text(form, "declared")
    return {
        "id": _text(form, "id"),
        "entity": _text(form, "entity"),
        "name": _names(form),
        "declared": int(declared) if _is_number(declared) else declared,
        "storage": "cold",
        "descriptor": descriptor,
        "range": ranges if parsed.ranged else [{**each, "stop": 1} for each in ranges],
        "gap": GAP if parsed.ranged else 0,
        "lane": [{"lane": "owned"}],
    }


_ROWS: dict[str, Callable[[Form, Values], dict[str, Any]]] = {
    "entity": _entity,
    "perimeter": _perimeter,
    "wallet": _wallet,
    "account": _account,
}
