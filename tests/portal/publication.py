"""A publication folder for the portal's tests, made from the story that the rooms' tests share."""

from pathlib import Path

from tests.reserve.world import story


def write_publication(folder: Path) -> Path:
    """Two statements in a row, as an office would publish them."""
    statements = folder / "statements"
    statements.mkdir(parents=True, exist_ok=True)
    (statements / "0001-first.json").write_bytes(story().first)
    (statements / "0002-second.json").write_bytes(story().second)
    (folder / "publication.json").write_text("{}", encoding="utf-8")
    return folder
