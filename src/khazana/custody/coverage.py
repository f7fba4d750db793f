"""How much of the closing coins is proved: by value and by address, with grade and date."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.transaction import OutPoint
from khazana.custody.closing import Closing
from khazana.ledger.findings import Finding


class ControlGrade(Enum):
    """How a closing coin is proved; best first."""

    SCRIPT = "script-level (BIP-322)"
    """Enough of the keys signed the message for the coin's own script."""
    NAMED_MOVE = "on-chain move that names this statement"
    """The coin was spent after the closing block by a transaction that commits to the message."""
    LATER = "script-level, after a wait"
    """As the first, for whoever waits until a time or age: the coin could not be moved at once."""
    COSIGNERS = "cosigners' messages, script not spent"
    """Keys that together suffice each signed the message alone; nobody ran the script."""
    MOVE = "on-chain move to fresh declared addresses"
    """The coin was spent to scripts that the statement had declared and nobody had used."""
    NONE = "none"

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(ControlGrade).index(self)


ENOUGH = ControlGrade.NAMED_MOVE
"""The lowest grade that satisfies a reader who asks for no other: the coin's script was met."""


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """One grade's share. since, last: the earliest and the newest block that its proofs name."""

    grade: ControlGrade
    value: int
    addresses: int
    since: BlockRef | None
    last: BlockRef | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """grades: of each closing coin. proved_at: the block before which its proof cannot be older.

    moved: closing coins that a move of the office has spent since, with the block of the move.
    doubts: proofs that could not be judged or do not suffice, which count as none.
    notes: what is worth knowing beside the grades.
    """

    closing: Closing
    grades: Mapping[OutPoint, ControlGrade]
    proved_at: Mapping[OutPoint, BlockRef]
    findings: tuple[Finding, ...] = ()
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    moved: Mapping[OutPoint, BlockRef] | None = None

    def rows(self) -> tuple[CoverageRow, ...]:
        """Every grade that some coin has, best first. An address has its worst coin's grade."""
        worst: dict[bytes, ControlGrade] = {}
        for coin in self.closing.coins:
            grade = self.grades[coin.outpoint]
            if coin.script not in worst or grade.rank > worst[coin.script].rank:
                worst[coin.script] = grade
        rows = []
        for grade in ControlGrade:
            coins = [c for c in self.closing.coins if self.grades[c.outpoint] is grade]
            if not coins:
                continue
            found = {self.proved_at[c.outpoint] for c in coins if c.outpoint in self.proved_at}
            blocks = sorted(found, key=lambda block: block.height)
            rows.append(
                CoverageRow(
                    grade,
                    sum(coin.amount for coin in coins),
                    sum(1 for each in worst.values() if each is grade),
                    blocks[0] if blocks else None,
                    blocks[-1] if blocks else None,
                )
            )
        return tuple(rows)

    def complete(self, lowest: ControlGrade = ENOUGH) -> bool:
        """Whether every closing coin is proved at this grade or a better one."""
        return all(grade.rank <= lowest.rank for grade in self.grades.values())

    @property
    def words(self) -> str:
        """The figures in one line."""
        total, scripts = self.closing.total, len(self.closing.scripts)
        rows = self.rows()
        if not any(row.grade is ControlGrade.SCRIPT for row in rows):
            rows = (CoverageRow(ControlGrade.SCRIPT, 0, 0, None, None), *rows)
        said = []
        for row in rows:
            share = f" ({percent(row.value, total)})" if total else ""
            said.append(
                f"{row.grade.value}: {row.value} of {total} sat{share}, "
                f"{row.addresses} of {scripts} addresses"
            )
        return "; ".join(said)

    def table(self, dated: Callable[[BlockRef], str]) -> tuple[tuple[str, ...], ...]:
        """Grade, satoshis, share, addresses, not before; the last row is the sum."""
        total, scripts = self.closing.total, len(self.closing.scripts)
        rows = [
            (
                row.grade.value,
                str(row.value),
                percent(row.value, total) if total else "-",
                str(row.addresses),
                _span(row, dated),
            )
            for row in self.rows()
        ]
        whole = percent(total, total) if total else "-"
        return (*rows, ("all closing coins", str(total), whole, str(scripts), ""))


COLUMNS = ("grade", "satoshi", "share", "addresses", "signed not before")
"""Of `Coverage.table`."""


def percent(part: int, whole: int) -> str:
    """Rounded down, so that less than all never reads as 100 %.

    >>> percent(999_999, 1_000_000)
    '99.9 %'
    """
    tenths = part * 1000 // whole
    return f"{tenths // 10}.{tenths % 10} %"


def _span(row: CoverageRow, dated: Callable[[BlockRef], str]) -> str:
    if row.since is None or row.last is None:
        return ""
    if row.since == row.last:
        return dated(row.since)
    return f"{dated(row.since)}, some {dated(row.last)}"
