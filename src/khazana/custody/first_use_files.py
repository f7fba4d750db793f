"""The files of a test before first use: the plan, and the tables that cosigners fill in."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from khazana.bitcoin.descriptor import Descriptor, parse_descriptor
from khazana.bitcoin.network import NETWORKS, REGTEST
from khazana.bitcoin.secrets import refuse_secrets_in, refuse_secrets_in_values
from khazana.custody.first_use import ShownAddress, first_use_message
from khazana.errors import KhazanaError
from khazana.ledger.problems import ProblemList, suggestion
from khazana.ledger.sections import Section, read_toml
from khazana.ledger.tables import read_table

PLAN_FORMAT = "khazana.first-use/1"
ADDRESS_COLUMNS = ("shown_by", "branch", "index", "address")
MESSAGE_COLUMNS = ("key", "signature")
MOST_INDEX = 0x7FFF_FFFF

_NONCE = re.compile(r"[0-9A-Za-z]{8,64}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")


@dataclass(frozen=True, kw_only=True)
class FirstUsePlan:
    """What every cosigner is asked to sign, and at which address of the wallet."""

    wallet: str
    descriptor: Descriptor
    day: date
    nonce: str
    branch: int
    index: int

    @property
    def message(self) -> str:
        return first_use_message(self.descriptor, day=self.day, nonce=self.nonce)


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A cosigner's BIP-322 signature with its own key alone. key: its fingerprint."""

    key: str
    signature: str


def write_plan(plan: FirstUsePlan) -> str:
    """The plan as TOML; it holds public keys only."""
    return (
        f'format = "{PLAN_FORMAT}"\nwallet = {json.dumps(plan.wallet)}\n'
        f'network = "{plan.descriptor.network.name}"\n'
        f"descriptor = {json.dumps(plan.descriptor.text)}\nday = {plan.day}\n"
        f'nonce = "{plan.nonce}"\nbranch = {plan.branch}\nindex = {plan.index}\n'
    )


def read_plan(name: str, raw: bytes) -> FirstUsePlan:
    """The plan in a file; SecretRefused, or OfficeFileRefused with every problem's line."""
    refuse_secrets_in(raw.decode("utf-8", errors="replace"), where=name)
    problems = ProblemList()
    top = read_toml(name, raw, problems)
    refuse_secrets_in_values(top.values, where=name)
    if top.text("format") not in ("", PLAN_FORMAT):
        top.wrong(f'this program reads format = "{PLAN_FORMAT}"', "format")
    wallet, descriptor, day = top.identifier("wallet"), _descriptor(top), _day(top)
    nonce = top.text("nonce")
    if nonce and not _NONCE.fullmatch(nonce):
        top.wrong("a nonce has 8 to 64 letters and digits", "nonce")
    branch = top.integer("branch", least=0, most=MOST_INDEX)
    index = top.integer("index", least=0, most=MOST_INDEX)
    if descriptor is not None and branch >= descriptor.branches:
        top.wrong(f"the descriptor has {descriptor.branches} branches", "branch")
    top.finish()
    problems.refuse_if_any(name)
    if descriptor is None or day is None:
        raise RuntimeError("a plan without a problem was to be refused")
    return FirstUsePlan(
        wallet=wallet, descriptor=descriptor, day=day, nonce=nonce, branch=branch, index=index
    )


def addresses_to_fill_in(devices: Sequence[str], *, branches: int, count: int) -> str:
    """An empty table for the addresses that each device shows: `count` of each branch."""
    rows = [
        f"{device},{branch},{index},"
        for device in devices
        for branch in range(min(branches, 2))
        for index in range(count if branch == 0 else 1)
    ]
    return "\n".join([",".join(ADDRESS_COLUMNS), *rows]) + "\n"


def read_addresses(name: str, raw: bytes) -> tuple[ShownAddress, ...]:
    """The addresses that devices showed, rows without one left out.

    SecretRefused, or OfficeFileRefused with every problem's line.
    """
    refuse_secrets_in(raw.decode("utf-8", errors="replace"), where=name)
    problems = ProblemList()
    found = []
    rows = read_table(
        name, raw, columns=ADDRESS_COLUMNS, required=ADDRESS_COLUMNS, problems=problems
    )
    for row in rows:
        shown_by = row.identifier("shown_by")
        place = {}
        for column in ("branch", "index"):
            text = row.text(column)
            if text and (not _NUMBER.fullmatch(text) or int(text) > MOST_INDEX):
                row.wrong(column, f"{text!r} is no number from 0 to {MOST_INDEX}")
            elif text:
                place[column] = int(text)
        address = row.maybe("address")
        if address is not None and len(place) == 2:
            found.append(ShownAddress(shown_by, place["branch"], place["index"], address))
    problems.refuse_if_any(name)
    return tuple(found)


def read_messages(name: str, raw: bytes) -> tuple[SignedMessage, ...]:
    """Signatures of devices that sign messages but no quorum's PSBT."""
    refuse_secrets_in(raw.decode("utf-8", errors="replace"), where=name)
    problems = ProblemList()
    rows = read_table(
        name, raw, columns=MESSAGE_COLUMNS, required=MESSAGE_COLUMNS, problems=problems
    )
    found = [SignedMessage(row.text("key"), row.text("signature")) for row in rows]
    problems.refuse_if_any(name)
    return tuple(found)


def _descriptor(top: Section) -> Descriptor | None:
    network = top.text("network")
    if network and network not in NETWORKS:
        top.wrong(f"{network!r} is no network{suggestion(network, NETWORKS)}", "network")
    text = top.text("descriptor")
    try:
        return parse_descriptor(text, NETWORKS.get(network, REGTEST)) if text else None
    except KhazanaError as wrong:
        top.wrong(str(wrong), "descriptor")
        return None


def _day(top: Section) -> date | None:
    value = top.values.get("day")
    top.has("day")
    if isinstance(value, datetime) or not isinstance(value, date):
        top.wrong("should be a day without quotes, such as 2026-03-01", "day")
        return None
    return value
