"""The portal's own commands, as processes: what they serve, print and refuse."""

import os
import socket
import subprocess
import sys
import time

import httpx
import pytest

from tests.portal.publication import write_publication

pytest.importorskip("django")


def clean():
    """The environment of an installation, without the settings of these tests."""
    return {name: value for name, value in os.environ.items() if "KHAZANA_PORTAL" not in name}


def portal(data, *words):
    command = [sys.executable, "-m", "khazana.portal", "--data", str(data), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=clean())


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_a_folder_goes_in_and_comes_out_again(tmp_path):
    folder = write_publication(tmp_path / "publication")
    entered = portal(tmp_path / "data", "import", str(folder))
    assert entered.returncode == 0, entered.stderr
    assert "2 statements new" in entered.stdout
    left = portal(tmp_path / "data", "export", str(tmp_path / "out"))
    assert left.returncode == 0, left.stderr
    names = sorted(path.name for path in (tmp_path / "out" / "office" / "statements").iterdir())
    assert names == ["0001-first.json", "0002-second.json"]


def test_a_bad_folder_is_refused_with_the_file_and_the_reason(tmp_path):
    folder = write_publication(tmp_path / "publication")
    (folder / "statements" / "0003-third.json").write_text("{}", encoding="utf-8")
    ended = portal(tmp_path / "data", "import", str(folder))
    assert ended.returncode == 2
    assert "0003-third.json" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken_is_said_before_anything_is_made(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = portal(tmp_path / "data", "serve", "--plain-http", "--port", port)
    assert ended.returncode == 2
    assert f"Port {port}" in ended.stderr
    assert not (tmp_path / "data" / "portal.sqlite3").exists()


def test_it_serves_what_is_published_while_it_runs(tmp_path):
    folder, port = tmp_path / "publication", free_port()
    words = ["serve", "--plain-http", "--port", str(port), "--follow", str(folder)]
    command = [sys.executable, "-m", "khazana.portal", "--data", str(tmp_path / "data"), *words]
    process = subprocess.Popen(command, env=clean())
    try:
        assert "Nothing is published yet" in page(process, port)
        write_publication(folder)
        for _ in range(300):
            if "157.50011945" in page(process, port):
                break
            time.sleep(0.1)
        else:
            pytest.fail("the new statements were not shown within half a minute")
        assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o077 == 0
    finally:
        process.terminate()
        process.wait(10)


def page(process, port):
    for _ in range(300):
        try:
            return httpx.get(f"http://127.0.0.1:{port}/en/", timeout=30).text
        except httpx.TransportError:
            assert process.poll() is None, "the portal ended"
            time.sleep(0.1)
    raise AssertionError("the portal did not answer within half a minute")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("import", "nowhere"), "there is no such folder"),
        (("import", "."), "no statements/*.json there"),
        (("import", ".", "--chain", "nonsense:x"), "no kind of chain source"),
        (("serve", "--chain", "nonsense:x", "--port", "0"), "no kind of chain source"),
        (("serve", "--accent", "9"), "invalid choice: 9"),
        (("serve", "--known-office", "nobody", "--port", "0"), "names no known office"),
        (("nonsense",), "invalid choice"),
        ((), "required: COMMAND"),
    ],
)
def test_wrong_words_are_answered_in_one_line_that_names_them(tmp_path, words, said):
    command = [sys.executable, "-m", "khazana.portal", "--data", str(tmp_path / "data"), *words]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=clean(), cwd=tmp_path
    )
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_configuration_that_is_not_fit_for_the_public_is_said_by_its_status(tmp_path):
    fit = portal(tmp_path / "data", "check")
    assert fit.returncode == 0, fit.stderr
    command = [sys.executable, "-m", "khazana.portal", "--data", str(tmp_path / "data"), "check"]
    for name, value, status in (
        ("KHAZANA_PORTAL_HOSTS", ",", 1),
        ("KHAZANA_PORTAL_PLAIN_HTTP", "1", 1),
        ("KHAZANA_PORTAL_DATABASE", "mysql://x", 2),
    ):
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env={**clean(), name: value}
        )
        assert ended.returncode == status, (name, ended.stderr)
        assert "Traceback" not in ended.stderr
