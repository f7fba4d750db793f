import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.measure import CannotMeasure, Case, all_measurements, measurement, taken

ROOT = Path(__file__).resolve().parents[2]


def test_ours_and_the_peers_calls_take_turns_after_one_untimed_call_each():
    calls = []

    def prepare() -> Iterator[Case]:
        yield Case(
            run=lambda: calls.append("ours"),
            peer=lambda: calls.append("peer"),
            before=lambda: calls.append("before"),
            amount=1,
            unit="calls/s",
            peer_name="another",
        )

    result = taken(prepare, runs=2)
    turn = ["before", "ours", "peer"]
    assert calls == ["ours", "peer", *turn, *turn]
    assert result["runs"] == result["peer"]["runs"] == 2
    assert result["lowest"] <= result["median"] <= result["highest"]
    assert result["times_the_peer"] == pytest.approx(
        result["median"] / result["peer"]["median"], rel=0.01
    )


def test_what_was_prepared_is_cleaned_up_even_when_the_measured_call_fails():
    cleaned = []

    def prepare() -> Iterator[Case]:
        try:
            yield Case(run=lambda: 1 // 0, amount=1, unit="calls/s")
        finally:
            cleaned.append(True)

    with pytest.raises(ZeroDivisionError):
        taken(prepare, runs=1)
    assert cleaned == [True]


def test_absent_data_is_reported_and_not_counted_as_zero():
    def prepare() -> Iterator[Case]:
        raise CannotMeasure("the block is not here")
        yield

    assert taken(prepare, runs=1) == {"not_measured": "the block is not here"}


def test_two_measurements_cannot_have_one_name():
    name = "only in this test"
    measurement(name)(lambda: iter(()))
    with pytest.raises(ValueError, match="two measurements"):
        measurement(name)(lambda: iter(()))


def bench(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bench.run", *words],
        cwd=ROOT,
        env={"PYTHONPATH": "src:.", "KHAZANA_SHARED": str(ROOT / "no-such-folder")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_lists_what_it_can_measure():
    listed = bench("--list")
    assert listed.returncode == 0
    assert set(listed.stdout.split()) <= set(all_measurements())
    assert "parse_block" in listed.stdout.split()


def test_an_unknown_measurement_is_refused_by_name():
    refused = bench("parse_blok")
    assert refused.returncode == 2
    assert "parse_blok" in refused.stderr


def test_the_report_names_the_machine_and_says_what_could_not_be_measured():
    made = bench("parse_block", "--runs", "1")
    report = json.loads(made.stdout)
    assert made.returncode == 1
    assert report["machine"]["processor"]
    assert list(report["measurements"]) == ["parse_block"]
    assert "block413567" in report["measurements"]["parse_block"]["not_measured"]
