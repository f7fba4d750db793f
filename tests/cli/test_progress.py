import io

import pytest

from khazana.cli.progress import Bar, bar_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def clock(*times: float):
    """Seconds, one after the other."""
    left = list(times)
    return lambda: left.pop(0)


def test_a_terminal_sees_rate_and_time_left_and_then_a_new_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    screen = Terminal()
    with Bar(screen, clock(0.0, 1.0, 1.1, 4.0)).stage("reading blocks", "bytes") as show:
        show(250_000_000, 1_000_000_000)
        show(260_000_000, 1_000_000_000)  # too soon to be shown
        show(1_000_000_000, 1_000_000_000)
    first, second = screen.getvalue().split("\r")[1:]
    assert first.rstrip() == "reading blocks ######..................  25 %  250 MB/s  3 s left"
    assert second.startswith("reading blocks ######################## 100 %  250 MB/s  0 s left")
    assert screen.getvalue().endswith("\n")


def test_a_log_file_sees_nothing():
    log = io.StringIO()
    with Bar(log, clock()).stage("reading blocks", "bytes") as show:
        show(1, 2)
    assert log.getvalue() == ""


def test_an_interruption_leaves_the_cursor_on_a_new_line():
    screen = Terminal()

    def interrupted() -> None:
        with Bar(screen, clock(0.0, 1.0)).stage("reading blocks", "bytes") as show:
            show(1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert screen.getvalue().endswith("\n")


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (59, "59 s left"),
        (60, "1 min 00 s left"),
        (3_599, "59 min 59 s left"),
        (7_320, "2 h 02 min"),
    ],
)
def test_time_left_is_said_in_the_unit_that_fits(left, words):
    assert words in bar_line("x", "files", done=1, total=left + 1, passed_s=1.0)
    assert "1 files/s" in bar_line("x", "files", done=1, total=left + 1, passed_s=1.0)


def test_nothing_to_do_is_done():
    assert "100 %" in bar_line("x", "bytes", done=0, total=0, passed_s=0.0)
