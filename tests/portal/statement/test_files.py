"""The files that readers take away: byte for byte, and the PDF with the signed file in it."""

import hashlib
import shutil
import subprocess

import pytest

from khazana.portal.statement.models import StatementRow
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.browser_page.build import content_security_policy

LANGUAGES = ("en", "ur", "ar", "es")


def newest():
    return StatementRow.objects.first()


def test_the_statement_is_given_as_it_was_published(published, client):
    row = newest()
    answer = client.get(f"/files/{row.root}/statement.json")
    assert hashlib.sha256(answer.content).hexdigest() == row.sha256
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert read_reserve_statement(answer.content).root == row.root


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_signed_file_comes_out_of_the_pdf_as_it_went_in(published, client, tmp_path, language):
    if shutil.which("pdfdetach") is None:
        pytest.skip("pdfdetach (poppler-utils) is not installed")
    row = newest()
    answer = client.get(f"/files/{row.root}/statement-{language}.pdf")
    assert answer.content.startswith(b"%PDF-")
    (tmp_path / "statement.pdf").write_bytes(answer.content)
    command = ["pdfdetach", "-save", "1", "-o", "statement.json", "statement.pdf"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert (tmp_path / "statement.json").read_bytes() == bytes(row.raw)


@pytest.mark.parametrize(
    "address",
    [
        "/files/{root}/statement-fr.pdf",
        "/files/00000000/statement.json",
        "/files/office/../../secret.key",
        "/files/office/statements/0001-first.json",
        "/files/nobody/office.json",
    ],
)
def test_what_is_not_published_is_not_given(published, client, address):
    assert client.get(address.format(root=newest().root)).status_code == 404


def test_the_checking_file_needs_nothing_from_elsewhere(published, client):
    text = client.get("/files/khazana-check.html").content.decode()
    assert "<script src" not in text
    assert "Content-Security-Policy" in text


def test_files_are_only_read(published, client):
    assert client.post(f"/files/{newest().root}/statement.json").status_code == 405


def test_the_checking_file_runs_under_its_own_policy_and_without_a_network(published, client):
    answer = client.get("/check.html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy == content_security_policy()
    assert "sha256-" in policy
    assert "connect-src" not in policy


@pytest.mark.parametrize("level", ["totals", "addresses"])
def test_a_disclosure_shows_less_under_the_same_root(published, client, level):
    row = newest()
    answer = client.get(f"/files/{row.root}/disclosure-{level}.json")
    shown = read_reserve_statement(answer.content)
    assert shown.root == row.root
    assert shown.envelope.computed_root == row.root
    assert not shown.entries
    assert bool(shown.coins) == (level == "addresses")
    assert client.get(f"/files/{row.root}/disclosure-auditor.json").status_code == 404
