"""The wallet report as a file: entities, wallets, addresses and their amounts at each date.

Amounts are satoshis; each list of amounts has one per date, in the order of `dates`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal

import msgspec

from khazana.bitcoin.address import address_of
from khazana.bitcoin.network import Network, network_of_genesis
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.reserve.parts import (
    BlockBody,
    Body,
    Hash,
    Identifier,
    NamesField,
    NetworkBody,
    OfficeBody,
    ScriptHex,
    Sum,
    Text,
    UtcTime,
)
from khazana.reserve.wallet_report.errors import WalletReportRefused
from khazana.statement.dsse import EnvelopeFile
from khazana.statement.envelope import NetworkName, network_problems
from khazana.statement.patterns import END

FORMAT: Final = "khazana.wallet-report/1"
DIGEST_DOMAIN = b"khazana.wallet-report/1\n"
MOST_DATES = 60

Day = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}" + END)]
LaneName = Literal["owned", "seized", "forfeited", "pledged", "held_for_clients"]
StorageName = Literal["hot", "cold"]


class DateBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A date of the report and the block that closes it in the office's zone."""

    day: Day
    block: BlockBody
    median_time: UtcTime


class AddressBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An address that was ever paid. address: None for scripts that have none."""

    address: Text | None
    script: ScriptHex
    amounts: list[Sum]


class ReportedWalletBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A wallet at each date. storage: the office's word. lanes: the legal title at each date.

    unused: declared scripts that were never paid up to the last date; they are not listed.
    """

    id: Identifier
    name: NamesField
    storage: StorageName
    declared: BlockBody
    lanes: list[LaneName]
    addresses: list[AddressBody]
    unused: Annotated[int, msgspec.Meta(ge=0)]
    amounts: list[Sum]


class ReportedAccountBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A balance at a custodian. amounts: None where nothing attests that date's block."""

    id: Identifier
    name: NamesField
    custodian: Text
    lane: LaneName
    amounts: list[Sum | None]
    documents: list[Text | None]


class ReturnBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One entity's return. nil: it held nothing at any date, and everything is known."""

    id: Identifier
    name: NamesField
    sector: Text
    nil: bool
    wallets: list[ReportedWalletBody]
    accounts: list[ReportedAccountBody]
    hot: list[Sum]
    cold: list[Sum]
    attested: list[Sum]


class StatementBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A statement of the office that closes at a date's block and shows the same holdings."""

    day: Day
    root: Hash


class LeftOutBody(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that the office knows of and leaves out, and why."""

    name: Text
    reason: Text


class WalletReport(Body, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is signed. dates: the base date first, then those of the year."""

    office: OfficeBody
    network: NetworkBody
    test: bool
    timezone: Text
    arrangement: Text | None
    dates: Annotated[list[DateBody], msgspec.Meta(min_length=1, max_length=MOST_DATES)]
    entities: Annotated[list[ReturnBody], msgspec.Meta(min_length=1)]
    hot: list[Sum]
    cold: list[Sum]
    attested: list[Sum]
    statements: list[StatementBody]
    exclusions: list[LeftOutBody]

    @property
    def digest(self) -> str:
        """What signatures name: SHA-256 of the domain and the canonical report, in hex."""
        content = canonical_bytes(msgspec.to_builtins(self))
        return hashlib.sha256(DIGEST_DOMAIN + content).hexdigest()

    @property
    def known_network(self) -> Network | None:
        return network_of_genesis(self.network.genesis)


class WalletReportFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The report and the signatures over it."""

    format: Literal["khazana.wallet-report/1"]
    report: WalletReport
    signatures: Annotated[list[EnvelopeFile], msgspec.Meta(max_length=1_000)]


def write_wallet_report(file: WalletReportFile) -> bytes:
    """The bytes of the file: RFC 8785 JSON and one newline."""
    return canonical_bytes(msgspec.to_builtins(file)) + b"\n"


def read_wallet_report(raw: bytes) -> WalletReportFile:
    """Read a report strictly; whatever is not exactly one is refused with the place."""
    try:
        file = msgspec.convert(parse_strict(raw), WalletReportFile, strict=True)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at ")
        raise WalletReportRefused(
            place=place.strip("`").removeprefix("$.") or "the top", problem=problem
        ) from error
    for place, problem in problems_of(file.report):
        raise WalletReportRefused(place=place, problem=problem)
    if raw != write_wallet_report(file):
        raise WalletReportRefused(
            place="the text", problem="it is not in canonical form (RFC 8785)"
        )
    return file


def problems_of(report: WalletReport) -> Iterator[tuple[str, str]]:
    """Rule W1: what the report says about itself must fit together, to the satoshi."""
    network = NetworkName(report.network.name, report.network.genesis)
    yield from network_problems(network, test=report.test)
    yield from _date_problems(report.dates)
    if len({entity.id for entity in report.entities}) != len(report.entities):
        yield "entities", "an entity stands here twice"
    seen: set[str] = set()
    for entity in report.entities:
        yield from _entity_problems(report, entity, seen)
    for name in ("hot", "cold", "attested"):
        due = _sums([getattr(entity, name) for entity in report.entities], len(report.dates))
        if getattr(report, name) != due:
            yield name, f"it is not the sum of the entities' {name} amounts"
    days = {each.day for each in report.dates}
    for each in report.statements:
        if each.day not in days:
            yield "statements", f"{each.day} is no date of the report"


def _date_problems(dates: Sequence[DateBody]) -> Iterator[tuple[str, str]]:
    for position, each in enumerate(dates):
        try:
            date.fromisoformat(each.day)
        except ValueError:
            yield f"dates[{position}].day", f"{each.day} is not a day of the calendar"
    for position in range(1, len(dates)):
        before, after = dates[position - 1], dates[position]
        if after.day <= before.day or after.block.height < before.block.height:
            yield f"dates[{position}]", "dates and their blocks must follow one another"


def _entity_problems(
    report: WalletReport, entity: ReturnBody, seen: set[str]
) -> Iterator[tuple[str, str]]:
    where, count = f"entity {entity.id}", len(report.dates)
    for what, rows in (("a wallet", entity.wallets), ("an account", entity.accounts)):
        if len({each.id for each in rows}) != len(rows):
            yield where, f"{what} stands here twice"
    for wallet in entity.wallets:
        place = f"{where}, wallet {wallet.id}"
        for address in wallet.addresses:
            if address.script in seen:
                yield place, f"script {address.script} is listed twice"
            seen.add(address.script)
            if len(address.amounts) != count:
                yield place, f"{len(address.amounts)} amounts for {count} dates"
            network = report.known_network
            if network is not None:
                shown = address_of(bytes.fromhex(address.script), network)
                if shown != address.address:
                    yield place, f"script {address.script} has the address {shown}"
        if len(wallet.lanes) != count:
            yield place, f"{len(wallet.lanes)} lanes for {count} dates"
        if wallet.amounts != _sums([each.amounts for each in wallet.addresses], count):
            yield place, "its amounts are not the sums of its addresses"
    for account in entity.accounts:
        place = f"{where}, account {account.id}"
        if not len(account.amounts) == len(account.documents) == count:
            yield place, f"{len(account.amounts)} amounts for {count} dates"
        for amount, document in zip(account.amounts, account.documents, strict=False):
            if (amount is None) != (document is None):
                yield place, "an amount needs its document, and a document its amount"
    for storage in ("hot", "cold"):
        listed = [wallet.amounts for wallet in entity.wallets if wallet.storage == storage]
        if getattr(entity, storage) != _sums(listed, count):
            yield where, f"its {storage} amounts are not the sums of its {storage} wallets"
    attested = [[amount or 0 for amount in account.amounts] for account in entity.accounts]
    if entity.attested != _sums(attested, count):
        yield where, "its attested amounts are not the sums of its accounts"
    if entity.nil != is_nil(entity):
        yield where, f"nil is {entity.nil}, and its amounts say otherwise"


def is_nil(entity: ReturnBody) -> bool:
    """Rule W4: nothing at any date, and no account whose balance nobody attests."""
    unknown = any(amount is None for account in entity.accounts for amount in account.amounts)
    return not unknown and not any([*entity.hot, *entity.cold, *entity.attested])


def _sums(rows: Sequence[Sequence[int]], count: int) -> list[int]:
    return [sum(row[n] for row in rows if n < len(row)) for n in range(count)]


def wallet_report_json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the file; it says less than the reader."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "title": FORMAT, **msgspec.json.schema(WalletReportFile)}
