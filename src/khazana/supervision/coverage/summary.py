"""A coverage statement's figures as a few lines of text."""

from khazana.statement.checks import TEST_NOTICE
from khazana.supervision.coverage.checks_file import words_of
from khazana.supervision.coverage.reading import CoverageStatement


def coverage_lines(statement: CoverageStatement) -> list[str]:
    """Who, at which block, and each asset with what it owes and what covers it."""
    header = statement.header
    lines = [TEST_NOTICE] if header.test else []
    lines.append(statement.name)
    for asset in statement.assets.values():
        lines.append(f"{asset.asset}: {words_of(asset, height=header.block.height)}")
        if asset.owed is not None:
            lines.append(f"  owed to customers  {units(asset.owed, asset.scale)}")
        lines.append(f"  coins on the chain {units(asset.proved, asset.scale)}")
        if asset.attested:
            lines.append(f"  attested           {units(asset.attested, asset.scale)}")
    lines.append(f"root {statement.root}")
    return lines


def units(amount: int, scale: int) -> str:
    """An amount of smallest units with its decimals.

    >>> units(150, 2), units(7, 0)
    ('1.50', '7')
    """
    text = str(amount).rjust(scale + 1, "0")
    return f"{text[: len(text) - scale]}.{text[len(text) - scale :]}" if scale else text
