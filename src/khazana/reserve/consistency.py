"""Whether the parts of a statement fit one another before anybody asks a chain (Rule R17)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from khazana.ledger.entries import BookKind
from khazana.ledger.findings import Finding
from khazana.ledger.office import CostMethod
from khazana.reserve.parts import AccountBody

if TYPE_CHECKING:  # the reader of statements asks this module
    from khazana.reserve.reading import ReserveStatement

METHODS = frozenset(method.value for method in CostMethod)


def contradictions(statement: "ReserveStatement") -> Iterator[Finding]:
    """Rule R17: names lead to parts, and everything dated lies where its kind belongs.

    What refers to a withheld part is not judged: an auditor's disclosure shows it.
    """
    for text, where in (
        *_header(statement),
        *_names(statement),
        *_entries(statement),
        *_accounts(statement),
        *_book(statement),
    ):
        yield Finding("R17", text, where)


def _header(statement: "ReserveStatement") -> Iterator[tuple[str, str]]:
    header = statement.header
    period = header.period
    if period.after.height >= period.until.height:
        yield "the period ends before it begins", "part header.period"
    if header.cost_method not in METHODS:
        yield f"{header.cost_method} is no method this version knows", "part header.cost_method"
    if header.previous is not None and header.previous == header.supersedes:
        yield "it cannot both follow and replace one statement", "part header.supersedes"


def _names(statement: "ReserveStatement") -> Iterator[tuple[str, str]]:
    # A wallet and an account of one name would be one member of a perimeter and counted as two.
    for name in sorted(statement.wallets.keys() & statement.accounts.keys()):
        yield f"a wallet and a custodial account are both called {name}", f"part account/{name}"
    if not statement.withheld("entity"):
        for kind, bodies in (("wallet", statement.wallets), ("account", statement.accounts)):
            for name, body in bodies.items():
                if body.entity not in statement.entities:
                    yield f"its entity {body.entity} is not stated", f"part {kind}/{name}"
    if not statement.withheld("wallet"):
        for kind, names in (
            ("coins", statement.coins.keys()),
            ("descriptor", statement.descriptors.keys()),
        ):
            for name in sorted(names - statement.wallets.keys()):
                yield "it is about a wallet that is not stated", f"part {kind}/{name}"


def _entries(statement: "ReserveStatement") -> Iterator[tuple[str, str]]:
    period = statement.header.period
    places: dict[tuple[int, int], str] = {}
    for entry in statement.entries:
        where = f"part entry/{entry.txid}"
        if not period.after.height < entry.block.height <= period.until.height:
            yield f"block {entry.block.height} is not in the period", where
        other = places.setdefault(entry.order, entry.txid)
        if other != entry.txid:
            yield f"it stands where {other} stands in block {entry.block.height}", where


def _accounts(statement: "ReserveStatement") -> Iterator[tuple[str, str]]:
    for name, body in statement.accounts.items():
        where = f"part account/{name}"
        yield from ((text, where) for text in _attestations(body, statement))
        for line in body.lines:
            if line.wallet != name:
                yield f"a line explains {line.wallet}", where
        if body.lines and not body.attested:
            yield "lines explain a change of its balance, and none was attested", where


def _attestations(body: AccountBody, statement: "ReserveStatement") -> Iterator[str]:
    period = statement.header.period
    if body.opening is not None and body.opening.block.height > period.after.height:
        yield f"its opening balance is attested for block {body.opening.block.height}"
    last = period.after.height
    for attested in body.attested:
        if not last < attested.block.height <= period.until.height:
            yield (
                f"the balance attested for block {attested.block.height} is not in the period, "
                "or not in order of block"
            )
        last = attested.block.height


def _book(statement: "ReserveStatement") -> Iterator[tuple[str, str]]:
    until = statement.header.period.until.height
    hidden = statement.withheld("wallet") or statement.withheld("account")
    accounts = statement.wallets.keys() | statement.accounts.keys()
    for entry in statement.book:
        where = f"the {entry.kind.value} of {entry.account}"
        if entry.block.height > until:
            yield f"block {entry.block.height} is after the period", where
        if entry.kind not in (BookKind.LOSS, BookKind.RESTATEMENT):
            continue  # these are derived, and compared with what the books give rise to
        if not hidden and entry.account not in accounts:
            yield f"its account {entry.account} is not stated", where
        if entry.perimeter is not None:
            yield "it belongs to an account, wherever that is counted", where
