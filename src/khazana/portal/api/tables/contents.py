"""What each table holds: the rows that a page shows, all of them, with their units and roots."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from pydantic import BaseModel

from khazana.portal.api.asking import (
    FiguresFilter,
    HistoryFilter,
    LinesFilter,
    MovementFilter,
    SeriesFilter,
    StatementFilter,
    WalletFilter,
)
from khazana.portal.api.figures import CITED
from khazana.portal.api.holdings import series_of
from khazana.portal.api.movements import addresses_asked, coins_asked, lines_asked, movements_asked
from khazana.portal.api.statements import (
    figures_asked,
    history_asked,
    replaced_roots,
    statements_asked,
)
from khazana.portal.api.tables.table import Cell, amount, instant
from khazana.portal.project.frame import in_language
from khazana.portal.words.read import word_or_text

CHUNK = 2000
"""Rows that are held at a time."""
Rows = Iterator[Sequence[Cell]]


@dataclass(frozen=True)
class Content:
    """filter: what may be asked. rows: in the order of the page, names in a language.

    several: the rows are of several statements, and each says of which.
    """

    filter: type[BaseModel]
    columns: tuple[str, ...]
    rows: Callable[..., Rows]
    several: bool = False


def names_of(names: Mapping[str, str], language: str) -> str:
    return in_language(dict(names), language)


def statements_rows(request: HttpRequest, asked: StatementFilter, language: str) -> Rows:
    replaced = replaced_roots()
    for row in statements_asked(asked).iterator():
        yield (
            row.root,
            row.office.slug,
            row.after_height,
            row.after_hash,
            instant(row.after_mtp),
            row.until_height,
            row.until_hash,
            instant(row.until_mtp),
            instant(row.signed_at),
            row.root not in replaced,
            replaced.get(row.root),
            row.previous or None,
            row.sha256,
        )


def figures_rows(request: HttpRequest, asked: FiguresFilter, language: str) -> Rows:
    _statement, found = figures_asked(asked)
    for row in found.iterator():
        figures = row.value()
        grades = figures.grades
        yield (
            row.kind,
            row.ident,
            names_of(row.name, language),
            row.entity or None,
            row.lane or None,
            *(cell for name in CITED for cell in amount(getattr(figures, name))),
            grades.a,
            grades.b,
            grades.c,
            grades.d,
        )


def reasons_rows(request: HttpRequest, asked: FiguresFilter, language: str) -> Rows:
    _statement, found = figures_asked(asked)
    for row in found.iterator():
        for each in row.value().reasons:
            grades = each.grades
            yield (
                row.kind,
                row.ident,
                each.reason,
                word_or_text("reason", each.reason, language),
                *amount(each.amount),
                grades.a,
                grades.b,
                grades.c,
                grades.d,
            )


def history_rows(request: HttpRequest, asked: HistoryFilter, language: str) -> Rows:
    for row in history_asked(asked).iterator():
        statement = row.statement
        yield (
            f"{row.kind}/{row.ident}",
            statement.until_height,
            statement.until_hash,
            instant(statement.until_mtp),
            *amount(row.opening),
            *amount(row.closing),
            statement.root,
        )


def movements_rows(request: HttpRequest, asked: MovementFilter, language: str) -> Rows:
    for row in movements_asked(asked).iterator(CHUNK):
        yield (
            row.txid,
            row.height,
            row.block_hash,
            instant(row.median_time),
            row.coinbase,
            row.unexplained,
            *amount(row.spent),
            *amount(row.received),
            ", ".join(sorted({line.reason for line in row.lines.all()})),
            row.statement.root,
        )


def lines_rows(request: HttpRequest, asked: LinesFilter, language: str) -> Rows:
    for line in lines_asked(asked).iterator(CHUNK):
        row = line.movement
        yield (
            row.txid,
            row.height,
            row.block_hash,
            instant(row.median_time),
            line.wallet,
            line.reason,
            word_or_text("reason", line.reason, language),
            *amount(line.amount),
            line.grade,
            line.counterpart or None,
            line.document or None,
            line.rule,
            row.statement.root,
        )


def coins_rows(request: HttpRequest, asked: WalletFilter, language: str) -> Rows:
    _statement, found = coins_asked(asked)
    for row in found.iterator(CHUNK):
        yield (
            row.outpoint,
            row.wallet,
            *amount(row.amount),
            row.height,
            row.block_hash,
            row.coinbase,
        )


def addresses_rows(request: HttpRequest, asked: WalletFilter, language: str) -> Rows:
    _statement, found = addresses_asked(asked)
    for row in found.iterator(CHUNK):
        yield row.wallet, row.number, row.address or None, row.script


def series_rows(request: HttpRequest, asked: SeriesFilter, language: str) -> Rows:
    for row in series_of(asked).iterator(CHUNK):
        yield (
            f"{row.kind}/{row.ident}",
            row.height,
            row.block_hash,
            instant(row.median_time),
            *amount(row.amount),
            row.statement.root,
        )


def _pairs(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}_{unit}" for name in names for unit in ("sat", "btc"))


GRADES = ("grade_a_sat", "grade_b_sat", "grade_c_sat", "grade_d_sat")
WHERE = ("block_height", "block_hash")

CONTENTS: dict[str, Content] = {
    "statements": Content(
        StatementFilter,
        (
            "root",
            "office",
            "after_height",
            "after_hash",
            "after_median_time",
            "until_height",
            "until_hash",
            "until_median_time",
            "signed_at",
            "standing",
            "superseded_by",
            "previous",
            "file_sha256",
        ),
        statements_rows,
        several=True,
    ),
    "figures": Content(
        FiguresFilter,
        ("kind", "id", "name", "entity", "legal_lane", *_pairs(*CITED), *GRADES),
        figures_rows,
    ),
    "reasons": Content(
        FiguresFilter,
        ("kind", "id", "reason", "reason_in_words", *_pairs("amount"), *GRADES),
        reasons_rows,
    ),
    "history": Content(
        HistoryFilter,
        ("set", *WHERE, "median_time", *_pairs("opening", "closing"), "statement_root"),
        history_rows,
        several=True,
    ),
    "movements": Content(
        MovementFilter,
        (
            "txid",
            *WHERE,
            "median_time",
            "coinbase",
            "unexplained",
            *_pairs("spent", "received"),
            "reasons",
            "statement_root",
        ),
        movements_rows,
        several=True,
    ),
    "lines": Content(
        LinesFilter,
        (
            "txid",
            *WHERE,
            "median_time",
            "wallet",
            "reason",
            "reason_in_words",
            *_pairs("amount"),
            "grade",
            "counterpart",
            "document",
            "rule",
            "statement_root",
        ),
        lines_rows,
        several=True,
    ),
    "coins": Content(
        WalletFilter,
        ("outpoint", "wallet", *_pairs("amount"), "made_in_height", "made_in_hash", "coinbase"),
        coins_rows,
    ),
    "addresses": Content(
        WalletFilter, ("wallet", "number", "address", "script_hex"), addresses_rows
    ),
    "series": Content(
        SeriesFilter,
        ("set", *WHERE, "median_time", *_pairs("amount"), "statement_root"),
        series_rows,
        several=True,
    ),
}
