"""The tables of docs/methods/headers.md, recomputed."""

from pathlib import Path

from khazana.bitcoin.checkpoints import shipped_checkpoints
from khazana.bitcoin.network import MAINNET
from khazana.bitcoin.work import retargeted_bits
from khazana.units import Height

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "headers.md"


def table_after(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, without its two head lines."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_retargets_are_as_the_page_says() -> None:
    rows = table_after("Example: retargets of mainnet")
    assert len(rows) == 4
    for first, last, old, new in rows:
        bits = retargeted_bits(
            base_bits=int(old, 16), first_time=int(first), last_time=int(last), network=MAINNET
        )
        assert f"{bits:08x}" == new


def test_all_work_is_as_the_page_says() -> None:
    rows = table_after("Example: all the work of a chain, from the table alone")
    assert len(rows) == 4
    for height, work in rows:
        assert shipped_checkpoints(MAINNET).work_at(Height(int(height))) == int(work, 16)


def test_every_rule_of_the_page_has_a_finding() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [n for n in range(1, 10) if f"**H{n}. " in text] == [1, 2, 3, 4, 5]
