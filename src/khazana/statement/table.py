"""A report as a plain-text table for people, as wide as their terminal."""

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator

from khazana.statement.checks import TEST_NOTICE, Report, ReportLine, Table, Verdict

MIN_WIDTH = 60
INDENT = "  "

_JOINERS = "\u200c\u200d"
"""Format characters that the spelling of Urdu and Persian needs; they only shape letters."""

_CONCLUSIONS = {
    0: 'every check that "{profile}" requires passed',
    1: "a check failed",
    2: 'a check that "{profile}" requires could not be made',
}


def report_table(report: Report, *, width: int = 100) -> str:
    """The report in lines of at most `width` columns, ending in a newline.

    Findings and limits are printed in full. The verdict is a word, never only a colour.
    """
    width = max(width, MIN_WIDTH)
    lines = [*_head(report, width), "", *_rows(report, width)]
    if report.limits:
        lines += ["", "What these checks cannot show:"]
        for limit in report.limits:
            lines += _wrapped(limit, width, first="- ", rest=INDENT)
    conclusion = _CONCLUSIONS[report.exit_status].format(profile=report.profile.value)
    lines += ["", *_wrapped(f"Result {report.exit_status}: {conclusion}", width)]
    if report.subject is not None and report.subject.test:
        lines.append(TEST_NOTICE)
    return "\n".join(lines) + "\n"


def _head(report: Report, width: int) -> Iterator[str]:
    if report.subject is None:
        yield from _wrapped(
            "The file could not be read as a statement; its network is unknown.", width
        )
        return
    yield from _wrapped(f"{report.subject.name} on {report.subject.network}", width)
    if report.subject.test:
        yield TEST_NOTICE


def _rows(report: Report, width: int) -> Iterator[str]:
    name_width = max((len(line.result.name) for line in report.lines), default=0)
    name_width = max(min(name_width, width // 4), len("check"))
    verdict_width = max(len(verdict.value) for verdict in Verdict)
    left = name_width + verdict_width + 2 * len(INDENT)
    yield f"{'check':{name_width}}{INDENT}{'verdict':{verdict_width}}{INDENT}what was found"
    for line in report.lines:
        name = printable(line.result.name)
        # A name longer than its column keeps a line to itself rather than being cut.
        if len(name) > name_width:
            yield name
            name = ""
        verdict = line.result.verdict.value
        first = f"{name:{name_width}}{INDENT}{verdict:{verdict_width}}{INDENT}"
        for paragraph in _paragraphs(line):
            yield from _wrapped(paragraph, width, first=first, rest=" " * left)
            first = " " * left
        if line.result.table is not None:
            yield from _table_rows(line.result.table, width, " " * left)


def _table_rows(table: Table, width: int, left: str) -> Iterator[str]:
    """The table in columns; where the terminal is too narrow, each cell says its column."""
    cells = [[printable(cell) for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(table.columns))]
    if len(left) + sum(widths) + len(INDENT) * (len(widths) - 1) <= width:
        for row in cells:
            columns = (f"{cell:{size}}" for cell, size in zip(row, widths, strict=True))
            yield (left + INDENT.join(columns)).rstrip()
        return
    head, *rows = cells
    for row in rows:
        named = (f"{name} {cell}" for name, cell in zip(head[1:], row[1:], strict=True) if cell)
        text = f"{row[0]}: {', '.join(named)}"
        yield from _wrapped(text, width, first=left + "- ", rest=left + INDENT)


def _paragraphs(line: ReportLine) -> Iterator[str]:
    result = line.result
    yield f"{line.title}: {result.summary}"
    for finding in result.findings:
        # One that says no more than the summary would only be read twice.
        if finding.text != result.summary:
            yield f"- {finding}"
    required = "required" if line.required else "not required"
    yield f"basis: {result.basis}; {required}"


def _wrapped(text: str, width: int, *, first: str = "", rest: str = "") -> Iterable[str]:
    return textwrap.wrap(
        printable(text),
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
    )


def printable(text: str) -> str:
    """Text from a file as it may be printed: control characters become visible escapes.

    Otherwise a file could move the cursor and overwrite a verdict, or turn a line around.

    >>> printable("fine\\x1b[1A")
    'fine\\\\x1b[1A'
    """
    return "".join(
        char
        if char in _JOINERS or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else char.encode("unicode_escape").decode()
        for char in text
    )
