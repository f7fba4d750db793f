"""The example of docs/memorandum-file.md is one that the program reads and the lint passes."""

import re
from pathlib import Path

from khazana.conditions.lint import errors_of, lint
from khazana.conditions.memorandum_file import read_memorandum

PAGE = Path(__file__).resolve().parents[2] / "docs" / "memorandum-file.md"


def test_the_example_on_the_page_is_read_and_passes():
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    memorandum = read_memorandum("example.toml", text.encode())
    assert [c.id for c in memorandum.conditions] == ["net-reserves", "no-accumulation"]
    assert errors_of(lint(memorandum)) == ()
    assert {finding.rule for finding in lint(memorandum)} == {"K11"}
