"""An office's books as the demo keeps them, day by day, and the files they are written to."""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from khazana.cli.demo.names import toml_names
from khazana.cli.demo.purses import Purse
from khazana.cli.demo.signers import CHANGE, RECEIVE
from khazana.cli.demo.stage import address
from khazana.cli.files import write_whole
from khazana.custody.rotation_file import ROTATION_FILE_FORMAT, rotation_section
from khazana.ledger.accounts import Names
from khazana.ledger.documents import utc_text
from khazana.ledger.seals import SALT_BYTES, seal_commitment
from khazana.statement.checks import TEST_NOTICE
from khazana.units import Sats, btc_from_sats

GAP = 20
PAPERS = "documents"
LIABILITIES, STATISTICS, ROTATIONS = "liabilities.csv", "statistics.csv", "rotation.toml"
_PAPERS_EARLIER = timedelta(hours=4)

DOCUMENT_COLUMNS = (
    "id", "reason", "at", "account", "amount_btc", "txid", "address", "counterparty",
    "counter_account", "currency", "paid", "fees", "authority", "budget_line", "file_sha256",
    "attested_by", "note",
)  # fmt: skip
LIABILITY_COLUMNS = (
    "perimeter", "as_of", "amount_btc", "document", "attested_by", "file_sha256", "entered",
)  # fmt: skip
STATISTIC_COLUMNS = ("quantity", "perimeter", "date", "value", "unit", "source", "grade", "entered")
ATTESTATION_COLUMNS = ("account", "as_of", "amount_btc", "document", "attested_by", "file_sha256")


@dataclass(frozen=True)
class DeclaredWallet:
    """A wallet as the office declares it. form: descriptor, addresses or raw. storage: cold or hot.

    sealed: block and salt of the promise made before the declaration, if there was one.
    """

    id: str
    entity: str
    name: Names
    purse: Purse
    form: str
    declared: int
    comment: str
    storage: str
    lane: str = "owned"
    sealed: tuple[int, bytes] | None = None


@dataclass(frozen=True)
class LaneChange:
    wallet: str
    lane: str
    since: int
    document: str


@dataclass(frozen=True)
class Member:
    """A member of a perimeter. kind: entity, wallet or account."""

    kind: str
    id: str
    since: int | None = None
    document: str | None = None


@dataclass
class PerimeterPlan:
    id: str
    name: Names
    members: list[Member]


@dataclass(frozen=True)
class RotationPlan:
    """Wallet `new` stands in for `old` from the end of block `since` on."""

    old: str
    new: str
    since: int
    reason: str


@dataclass(frozen=True)
class EntityPlan:
    id: str
    name: Names
    sector: str


@dataclass(frozen=True)
class AccountPlan:
    id: str
    entity: str
    name: Names
    custodian: str


@dataclass
class Books:
    """What an office has written down up to today.

    papers: file name -> text of each document; the CSV tables carry their hashes.
    keys: officer -> public key as hex. roles: role -> threshold and officers.
    """

    id: str
    name: Names
    timezone: str
    currency: str
    keys: Mapping[str, str]
    roles: Mapping[str, tuple[int, Sequence[str]]]
    entities: list[EntityPlan] = field(default_factory=list)
    wallets: list[DeclaredWallet] = field(default_factory=list)
    lane_changes: list[LaneChange] = field(default_factory=list)
    promised: list[tuple[str, int]] = field(default_factory=list)
    accounts: list[AccountPlan] = field(default_factory=list)
    perimeters: list[PerimeterPlan] = field(default_factory=list)
    exclusions: list[tuple[str, str]] = field(default_factory=list)
    documents: list[dict[str, str]] = field(default_factory=list)
    attestations: list[dict[str, str]] = field(default_factory=list)
    liabilities: list[dict[str, str]] = field(default_factory=list)
    statistics: list[dict[str, str]] = field(default_factory=list)
    rotations: list[RotationPlan] = field(default_factory=list)
    papers: dict[str, str] = field(default_factory=dict)
    _written: set[str] = field(default_factory=set)

    def document(
        self,
        id_: str,
        reason: str,
        *,
        at: datetime,
        account: str,
        amount: int,
        attested_by: str | None = None,
        **more: str,
    ) -> None:
        """Enter a document. With attested_by a paper is written, and its hash entered: grade C."""
        at -= _PAPERS_EARLIER
        row = {
            "id": id_,
            "reason": reason,
            "at": utc_text(at),
            "account": account,
            "amount_btc": btc_from_sats(Sats(amount)),
            **more,
        }
        if attested_by is not None:
            row["attested_by"] = attested_by
            row["file_sha256"] = self.paper(id_, attested_by, row)
        self.documents.append(row)

    def attestation(self, account: str, *, as_of: int, amount: int, by: str) -> None:
        """Enter a custodian's word for a balance at the end of a block."""
        id_ = f"balance-letter-{as_of:04d}"
        row = {
            "account": account,
            "as_of": str(as_of),
            "amount_btc": btc_from_sats(Sats(amount)),
            "document": id_,
            "attested_by": by,
        }
        row["file_sha256"] = self.paper(id_, by, row)
        self.attestations.append(row)

    def owed(self, perimeter: str, *, as_of: int, amount: int, by: str, at: datetime) -> None:
        """Enter what a body says it owes its clients at the end of a block. at: when it came in."""
        id_ = f"clients-letter-{as_of:04d}"
        row = {
            "perimeter": perimeter,
            "as_of": str(as_of),
            "amount_btc": btc_from_sats(Sats(amount)),
            "document": id_,
            "attested_by": by,
            "entered": utc_text(at),
        }
        row["file_sha256"] = self.paper(id_, by, row)
        self.liabilities.append(row)

    def statistic(
        self,
        quantity: str,
        *,
        perimeter: str,
        day: date,
        value: str,
        unit: str,
        source: str,
        at: datetime,
    ) -> None:
        """Enter a figure that somebody publishes; at: when it came in."""
        self.statistics.append(
            {
                "quantity": quantity,
                "perimeter": perimeter,
                "date": f"{day}",
                "value": value,
                "unit": unit,
                "source": source,
                "grade": "D",
                "entered": utc_text(at),
            }
        )

    def paper(self, id_: str, author: str, content: Mapping[str, str]) -> str:
        """Write an invented paper; returns its SHA-256 in hex."""
        lines = [f"{key}: {value}" for key, value in content.items() if key != "attested_by"]
        text = "\n".join([f"{author}: paper {id_}", TEST_NOTICE, "", *lines, ""])
        self.papers[f"{id_}.txt"] = text
        return hashlib.sha256(text.encode()).hexdigest()

    def promise(self, purse: Purse, *, block: int) -> bytes:
        """Seal a wallet: publish a hash of its scripts, disclose nothing. Returns the salt."""
        salt = hashlib.sha256(f"khazana demo seal {purse.name}".encode()).digest()[:SALT_BYTES]
        self.promised.append((seal_commitment(purse.places, salt), block))
        return salt

    def declare(self, wallet: DeclaredWallet) -> None:
        """Declare a wallet; a promise that it opens is no longer a bare promise."""
        if wallet.sealed is not None:
            block, salt = wallet.sealed
            self.promised.remove((seal_commitment(wallet.purse.places, salt), block))
        self.wallets.append(wallet)

    def write(self, folder: Path, *, closed: datetime) -> Path:
        """Write office.toml and its tables into a folder; returns office.toml.

        closed: documents of later instants belong to the next period's books.
        """
        rows = [row for row in self.documents if row["at"] <= utc_text(closed)]
        _write_table(folder / "documents.csv", DOCUMENT_COLUMNS, rows)
        if self.accounts:
            _write_table(folder / "attestations.csv", ATTESTATION_COLUMNS, self.attestations)
        if self.liabilities:
            _write_table(folder / LIABILITIES, LIABILITY_COLUMNS, self.liabilities)
        if self.statistics:
            _write_table(folder / STATISTICS, STATISTIC_COLUMNS, self.statistics)
        if self.rotations:
            write_whole(folder / ROTATIONS, "\n".join(self._rotation_toml()).encode())
        path = folder / "office.toml"
        write_whole(path, "\n".join(self._toml()).encode())
        return path

    def write_papers(self, folder: Path) -> None:
        """Write the invented papers, so that anyone can hash them again; none is written twice."""
        for name, text in self.papers.items():
            if name not in self._written:
                write_whole(folder / PAPERS / name, text.encode())
                self._written.add(name)

    def _rotation_toml(self) -> Iterable[str]:
        yield f"# {TEST_NOTICE}"
        yield f'format = "{ROTATION_FILE_FORMAT}"'
        for plan in self.rotations:
            yield rotation_section(
                old=plan.old, new=plan.new, since=str(plan.since), reason=plan.reason
            )

    def _toml(self) -> Iterable[str]:
        yield f"# {self.name['en']}: {TEST_NOTICE}."
        yield "# Blocks are named by height here, because this network has one block a day."
        yield 'format = "khazana.office/1"'
        yield ""
        yield "[office]"
        yield f'id = "{self.id}"'
        yield f"name = {toml_names(self.name)}"
        yield 'network = "regtest"'
        yield "test = true"
        yield f'timezone = "{self.timezone}"'
        yield f'notice = "{TEST_NOTICE}"'
        yield from _RULES
        yield f'currency = "{self.currency}"'
        yield from _COST_RULES
        yield "[files]"
        yield 'documents = ["documents.csv"]'
        if self.accounts:
            yield 'attestations = ["attestations.csv"]'
        for entity in self.entities:
            yield from (
                "",
                "[[entity]]",
                f'id = "{entity.id}"',
                f"name = {toml_names(entity.name)}",
            )
            yield f'sector = "{entity.sector}"'
        for wallet in self.wallets:
            yield from self._wallet(wallet)
        for commitment, block in self.promised:
            yield from ("", "# Promised by a hash, not yet disclosed.", "[[sealed]]")
            yield from (f'commitment = "{commitment}"', f"block = {block}")
        for account in self.accounts:
            yield from ("", "[[account]]", f'id = "{account.id}"', f'entity = "{account.entity}"')
            yield from (f"name = {toml_names(account.name)}", f'custodian = "{account.custodian}"')
            yield 'lane = "owned"'
        for perimeter in self.perimeters:
            yield from ("", "[[perimeter]]", f'id = "{perimeter.id}"')
            yield f"name = {toml_names(perimeter.name)}"
            for member in perimeter.members:
                yield from ("", "[[perimeter.member]]", f'{member.kind} = "{member.id}"')
                if member.since is not None:
                    yield from (f"since = {member.since}", f'document = "{member.document}"')
        for name, reason in self.exclusions:
            yield from ("", "[[exclusion]]", f'name = "{name}"', f'reason = "{reason}"')
        for officer, public in self.keys.items():
            yield from ("", "[[key]]", f'id = "{officer}"', f'public = "{public}"')
        for role, (threshold, officers) in self.roles.items():
            listed = ", ".join(f'"{officer}"' for officer in officers)
            yield from ("", "[[role]]", f'role = "{role}"', f"threshold = {threshold}")
            yield f"keys = [{listed}]"
        yield ""

    def _wallet(self, wallet: DeclaredWallet) -> Iterable[str]:
        yield from ("", f"# {wallet.comment}", "[[wallet]]", f'id = "{wallet.id}"')
        yield from (f'entity = "{wallet.entity}"', f"name = {toml_names(wallet.name)}")
        yield from (f"declared = {wallet.declared}", f'storage = "{wallet.storage}"')
        purse = wallet.purse
        if wallet.form == "descriptor":
            yield f'descriptor = "{purse.signer.descriptor}"'
            ranges = ", ".join(
                f"{{ branch = {branch}, stop = {purse.used(branch) + GAP} }}"
                for branch in (RECEIVE, CHANGE)
            )
            yield f"range = [{ranges}]"
            yield f"gap = {GAP}"
        elif wallet.form == "addresses":
            yield f"addresses = [{', '.join(chr(34) + address(s) + chr(34) for s in purse.places)}]"
        else:
            yield f"raw = [{', '.join(f'{chr(34)}raw({s.hex()}){chr(34)}' for s in purse.places)}]"
        if wallet.sealed is not None:
            block, salt = wallet.sealed
            yield from ("", "[wallet.sealed]")
            yield f'commitment = "{seal_commitment(purse.places, salt)}"'
            yield from (f"block = {block}", f'salt = "{salt.hex()}"')
        yield from ("", "[[wallet.lane]]", f'lane = "{wallet.lane}"')
        for change in self.lane_changes:
            if change.wallet == wallet.id:
                yield from ("", "[[wallet.lane]]", f'lane = "{change.lane}"')
                yield from (f"since = {change.since}", f'document = "{change.document}"')


_RULES = (
    "",
    "[rules]",
    'close = "median_time_past"',
    "min_depth = 6",
    "dust_threshold_sat = 1_000",
    "match_window_days = 3",
)
_COST_RULES = (
    'cost_method = "weighted_average"',
    'unpaid_cost = "fair_value"',
    'impairment = "never_reversed"',
    "",
)


def _write_table(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    shown = [c for c in columns if any(row.get(c) for row in rows)] or list(columns)
    out = io.StringIO()
    writer = csv.DictWriter(out, shown, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, out.getvalue().encode())
