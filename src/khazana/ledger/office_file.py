"""Reading office.toml and the tables beside it: complete, or refused whole with every problem."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from khazana.bitcoin.network import MAINNET, NETWORKS, Network
from khazana.bitcoin.secrets import (
    WHAT_TO_DO_ABOUT_SECRETS,
    FoundSecret,
    find_secret,
    find_secret_in_values,
)
from khazana.ledger.accounts import CustodialAccount, Entity
from khazana.ledger.document_corrections import in_force
from khazana.ledger.documents import Document
from khazana.ledger.office import (
    AttestationLine,
    BookLine,
    MemberLine,
    OfficeFile,
    PerimeterLine,
    Place,
    WalletLine,
)
from khazana.ledger.office_parts import (
    read_accounts,
    read_entities,
    read_exclusions,
    read_keys,
    read_members,
    read_roles,
    read_rules,
    read_sealed,
    read_timezone,
    refuse_double_members,
)
from khazana.ledger.problems import ProblemList, suggestion
from khazana.ledger.rows import read_attestations, read_book, read_documents
from khazana.ledger.sections import Section, read_toml
from khazana.ledger.tables import Row
from khazana.ledger.wallet_sections import read_wallets

OFFICE_FORMAT = "khazana.office/1"
_TABLES = ("documents", "attestations", "book")
_KINDS = ("entity", "wallet", "sealed", "account", "perimeter", "exclusion", "key", "role")


def load_office(path: Path) -> OfficeFile:
    """Read an office from the disk; tables stand beside office.toml or below its folder."""

    def read(name: str) -> bytes | None:
        file = path.parent / name
        return file.read_bytes() if file.is_file() else None

    raw = read(path.name)
    if raw is None:
        problems = ProblemList()
        problems.add(Place(str(path), 1, "(file)"), "there is no such file")
        problems.refuse_if_any(str(path))
    return read_office(path.name, raw or b"", read)


def read_office(name: str, raw: bytes, beside: Callable[[str], bytes | None]) -> OfficeFile:
    """An office from the bytes of office.toml. beside: the bytes of a table by name, or None.

    Keys that could spend are looked for first, so that no other problem's words can repeat one.
    """
    problems = ProblemList()
    _refuse_secrets(name, find_secret(raw.decode("utf-8", errors="replace")), problems)
    top = read_toml(name, raw, problems)
    _refuse_secrets(name, find_secret_in_values(top.values), problems)
    office = _Reader(top, problems, beside).office()
    problems.refuse_if_any(name)
    return office


def _refuse_secrets(name: str, found: FoundSecret | None, problems: ProblemList) -> None:
    """Refuse everything at once: nothing else in a file with a secret is worth reading."""
    if found is not None:
        text = f"{found.kind} stands here; it is not repeated. {WHAT_TO_DO_ABOUT_SECRETS}"
        problems.add(Place(name, found.line, "(text)"), text)
        problems.refuse_if_any(name)


class _Reader:
    """Reads section after section and remembers the names that others refer to."""

    def __init__(
        self, top: Section, problems: ProblemList, beside: Callable[[str], bytes | None]
    ) -> None:
        self.top = top
        self.problems = problems
        self.beside = beside
        self.network = MAINNET
        self.parts: dict[str, list[Section]] = {}

    def office(self) -> OfficeFile:
        top = self.top
        parts = self.parts = {kind: top.sections(kind) for kind in _KINDS}
        if top.text("format") not in ("", OFFICE_FORMAT):
            top.wrong(f'this program reads format = "{OFFICE_FORMAT}"', "format")
        head = top.section("office") or _empty(top, "office")
        id_, name = head.identifier(), head.names()
        self.network = _network(head)
        test = head.flag("test")
        if self.network.test and head.values.get("test") is False:
            head.wrong(f"must be true: {self.network.name} is a test network", "test")
        notice, zone = head.maybe_text("notice"), read_timezone(head)
        head.finish()
        rules = read_rules(top.section("rules") or _empty(top, "rules"), zone)

        entities = tuple(read_entities(parts["entity"]))
        wallets = tuple(read_wallets(parts["wallet"], self.network))
        accounts = tuple(read_accounts(parts["account"]))
        self._check_names(entities)
        perimeters = tuple(self._perimeters(entities, wallets, accounts))
        sealed = tuple(read_sealed(parts["sealed"]))
        exclusions = tuple(read_exclusions(parts["exclusion"]))
        keys = tuple(read_keys(parts["key"]))
        roles = tuple(read_roles(parts["role"], {key.id for key in keys}))
        holders = {w.id for w in wallets} | {a.id for a in accounts}
        tables = self._tables()
        written = list(self._documents(tables["documents"], holders, {a.id for a in accounts}))
        documents, corrected = in_force(written)
        attestations = tuple(self._attestations(tables["attestations"], {a.id for a in accounts}))
        book = tuple(self._book(tables["book"], holders))
        top.finish()
        return OfficeFile(
            file=top.file,
            id=id_,
            name=name,
            network=self.network,
            test=test,
            notice=notice,
            rules=rules,
            entities=entities,
            wallets=wallets,
            sealed=sealed,
            accounts=accounts,
            attestations=attestations,
            perimeters=perimeters,
            exclusions=exclusions,
            documents=documents,
            book_entries=book,
            keys=keys,
            roles=roles,
            corrected=corrected,
        )

    def _check_names(self, entities: Iterable[Entity]) -> None:
        """Wallets and accounts share one set of names; all others have sets of their own."""
        known = {entity.id for entity in entities}
        for section in (*self.parts["wallet"], *self.parts["account"]):
            entity = section.values.get("entity")
            if isinstance(entity, str) and entity not in known:
                section.wrong(
                    f"no entity is called {entity!r}{suggestion(entity, known)}", "entity"
                )
        _once(self.parts["entity"])
        _once([*self.parts["wallet"], *self.parts["account"]])
        _once(self.parts["perimeter"])
        _once(self.parts["key"])
        _once(self.parts["role"], "role")

    def _perimeters(
        self,
        entities: Iterable[Entity],
        wallets: Iterable[WalletLine],
        accounts: Iterable[CustodialAccount],
    ) -> Iterator[PerimeterLine]:
        by_entity: dict[str, list[str]] = {entity.id: [] for entity in entities}
        for wallet in wallets:
            by_entity.setdefault(wallet.entity, []).append(wallet.id)
        for account in accounts:
            by_entity.setdefault(account.entity, []).append(account.id)
        names: dict[str, Mapping[str, list[str]]] = {
            "wallet": {wallet.id: [wallet.id] for wallet in wallets},
            "account": {account.id: [account.id] for account in accounts},
            "entity": by_entity,
        }
        for section in self.parts["perimeter"]:
            id_, name = section.identifier(), section.names()
            members: list[MemberLine] = []
            for part in section.sections("member"):
                members += read_members(part, names)
            if not section.values.get("member"):
                section.wrong("is missing: [[perimeter.member]]", "member")
            refuse_double_members(section, members)
            section.finish()
            yield PerimeterLine(id_, name, tuple(members))

    def _tables(self) -> dict[str, list[tuple[str, bytes]]]:
        """The bytes of every table that [files] names."""
        found: dict[str, list[tuple[str, bytes]]] = {kind: [] for kind in _TABLES}
        section = self.top.section("files", required=False)
        if section is None:
            return found
        seen: set[str] = set()
        for kind in _TABLES:
            for name, position in section.texts(kind):
                parts = Path(name).parts
                if name in seen:
                    section.wrong(f"{name} stands here twice", kind, position)
                elif Path(name).is_absolute() or ".." in parts or "\\" in name:
                    text = f"{name} must stand beside {self.top.file} or below its folder"
                    section.wrong(text, kind, position)
                elif (raw := self.beside(name)) is None:
                    section.wrong(f"there is no file {name}", kind, position)
                else:
                    secret = find_secret(raw.decode("utf-8", errors="replace"))
                    _refuse_secrets(name, secret, self.problems)
                    found[kind].append((name, raw))
                seen.add(name)
        section.finish()
        return found

    def _documents(
        self, tables: Iterable[tuple[str, bytes]], holders: set[str], accounts: set[str]
    ) -> Iterator[tuple[Row, Document]]:
        seen: dict[str, Row] = {}
        for name, raw in tables:
            found = read_documents(name, raw, network=self.network, problems=self.problems)
            for row, document in found:
                if document.id in seen:
                    first = seen[document.id]
                    row.wrong("id", f"{document.id} stands in {first.file}, line {first.line} too")
                seen.setdefault(document.id, row)
                _known(row, "account", document.account, holders)
                if document.counter_account is not None:
                    _known(row, "counter_account", document.counter_account, accounts)
                yield row, document

    def _attestations(
        self, tables: Iterable[tuple[str, bytes]], accounts: set[str]
    ) -> Iterator[AttestationLine]:
        seen: dict[tuple[str, str], Row] = {}
        for name, raw in tables:
            for row, line in read_attestations(name, raw, problems=self.problems):
                key = line.account, line.as_of.name
                if key in seen:
                    text = f"{line.account} is attested for {line.as_of.name} twice"
                    row.wrong("as_of", text)
                seen.setdefault(key, row)
                _known(row, "account", line.account, accounts)
                yield line

    def _book(self, tables: Iterable[tuple[str, bytes]], holders: set[str]) -> Iterator[BookLine]:
        for name, raw in tables:
            for row, line in read_book(name, raw, problems=self.problems):
                _known(row, "account", line.account, holders)
                yield line


def _known(row: Row, column: str, value: str, known: set[str]) -> None:
    if value not in known:
        row.wrong(column, f"no such account: {value!r}{suggestion(value, known)}")


def _empty(top: Section, key: str) -> Section:
    """Stands in for a section that is missing, so that only that is reported."""
    return Section({}, file=top.file, path=(key,), lines=top.lines, problems=ProblemList())


def _once(sections: Iterable[Section], key: str = "id") -> None:
    seen: dict[str, Place] = {}
    for section in sections:
        value = section.values.get(key)
        if isinstance(value, str):
            if value in seen:
                section.wrong(f"{value!r} stands in line {seen[value].line} too", key)
            seen.setdefault(value, section.place(key))


def _network(head: Section) -> Network:
    value = head.text("network")
    if value and value not in NETWORKS:
        head.wrong(f"{value!r} is no network{suggestion(value, NETWORKS)}", "network")
    return NETWORKS.get(value, MAINNET)
