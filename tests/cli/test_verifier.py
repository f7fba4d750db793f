"""`khazana verifier` writes the page that checks statements."""

import hashlib

from khazana.cli.main import main
from khazana.statement.browser_page.build import page


def test_the_page_is_written_whole_and_its_hash_is_printed(tmp_path, capsys):
    out = tmp_path / "check.html"
    assert main(["verifier", "--out", str(out)]) == 0
    assert out.read_bytes() == page()
    assert hashlib.sha256(page()).hexdigest() in capsys.readouterr().out


def test_a_place_where_no_file_can_be_is_named(tmp_path, capsys):
    (tmp_path / "taken").write_text("a file, not a folder")
    assert main(["verifier", "--out", str(tmp_path / "taken" / "check.html")]) != 0
    assert "taken" in capsys.readouterr().err
