"""From forms and CSV files to rows of the office's tables, each document with its paper."""

from collections.abc import Mapping, Sequence

from khazana.bitcoin.secrets import refuse_secrets_in
from khazana.ledger.office import Place
from khazana.ledger.problems import OfficeFileRefused, ProblemList
from khazana.ledger.tables import read_table
from khazana.portal.desk.office_store import TABLES, first_new_line, grown
from khazana.portal.desk.uploads import UploadRefused
from khazana.portal.reconciliation.models import PaperRow
from khazana.portal.reconciliation.papers import Paper

MOST_CELL = 500
MOST_ROWS = 2000
DOCUMENTS, PAPER = "documents", "file_sha256"
REQUIRED = {
    "documents": ("id", "reason", "at", "account"),
    "attestations": ("account", "as_of", "document", "attested_by"),
    "book": ("kind", "block", "account"),
}
CSV_NAME = "upload.csv"


def row_of_form(table: str, given: Mapping[str, str], papers: Sequence[Paper]) -> dict[str, str]:
    """The row that a form gives. A document has a paper: the one that came, or one kept before."""
    row = {
        column: " ".join(given.get(column, "").split())[:MOST_CELL]
        for column in TABLES[table]
        if given.get(column, "").strip()
    }
    refuse_secrets_in("\n".join(row.values()), where="form")
    if papers:
        row[PAPER] = papers[0].sha256
    if table == DOCUMENTS:
        problem = _paper_problem(row.get(PAPER, ""), papers)
        if problem:
            raise UploadRefused(problem=problem)
    return row


def rows_of_csv(table: str, raw: bytes, papers: Sequence[Paper]) -> list[dict[str, str]]:
    """The rows of a CSV file, or a refusal of the whole with line and field of each problem.

    A document's paper is the one with its hash, or else the one whose name without its ending is
    the document's id. What else a row must be the ledger says when it reads the table.
    """
    text = raw.decode("utf-8", errors="replace")
    refuse_secrets_in(text, where=CSV_NAME)
    problems = ProblemList()
    columns = TABLES[table]
    rows = read_table(CSV_NAME, raw, columns=columns, required=REQUIRED[table], problems=problems)
    problems.refuse_if_any(CSV_NAME)
    if not rows:
        raise UploadRefused(problem="the CSV file has no rows")
    if len(rows) > MOST_ROWS:
        raise UploadRefused(problem=f"the CSV file has more than {MOST_ROWS} rows")
    by_name = {paper.stem: paper.sha256 for paper in papers}
    found = []
    for row in rows:
        cells = {column: " ".join(value.split()) for column, value in row.cells.items() if value}
        for column, value in cells.items():
            if len(value) > MOST_CELL:
                row.wrong(column, f"has more than {MOST_CELL} characters")
        if table == DOCUMENTS:
            if PAPER not in cells and cells.get("id") in by_name:
                cells[PAPER] = by_name[cells["id"]]
            problem = _paper_problem(cells.get(PAPER, ""), papers)
            if problem:
                row.wrong(PAPER, problem)
        found.append(cells)
    _judge(table, found, [row.line for row in rows], problems)
    problems.refuse_if_any(CSV_NAME)
    return found


def _judge(
    table: str, rows: Sequence[Mapping[str, str]], lines: Sequence[int], problems: ProblemList
) -> None:
    """What the ledger finds in the office's files with these rows, at the lines they came from."""
    try:
        grown(table, rows)
    except OfficeFileRefused as error:
        name, first = first_new_line(table, rows)
        for problem in error.problems:
            at = problem.place.line - first
            mine = problem.place.file == name and 0 <= at < len(lines)
            place = Place(CSV_NAME, lines[at], problem.place.field) if mine else problem.place
            problems.add(place, problem.text)


def _paper_problem(sha256: str, papers: Sequence[Paper]) -> str:
    if not sha256:
        return "there is no paper: send its file with the document"
    here = {paper.sha256 for paper in papers}
    if sha256 not in here and not PaperRow.objects.filter(sha256=sha256).exists():
        return f"no paper with the hash {sha256[:80]} came in"
    return ""
