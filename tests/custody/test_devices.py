"""Devices on a cable: a signer that speaks HWI's words, and HWI's own code reading our files."""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from khazana.bitcoin.address import address_of
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import MAINNET, REGTEST
from khazana.cli.main import main
from khazana.cli.signing_devices import (
    Device,
    DeviceProgram,
    DeviceProgramFailed,
    descriptor_at,
)
from khazana.custody.collect import collect
from khazana.custody.psbt_files import psbt_text
from tests.custody.quorums import RECOVERY, TAPROOT, TWO_OF_THREE, parsed
from tests.custody.signing import fingerprint, signed
from tests.custody.test_electrum import KINDS, campaign
from tests.custody.test_exports import office as office_folder

office = office_folder
REQUIRE = "KHAZANA_REQUIRE_HWI"

# A signer of one's own, as Bitcoin Core's documentation describes it: answers are read from a
# file, and what it was asked is written beside it.
SIGNER = """\
import json, pathlib, shlex, sys
words = sys.argv[1:]
if "--stdin" in words:
    for line in sys.stdin:
        if not line.strip():
            break
        words += shlex.split(line)
here = pathlib.Path(__file__).parent
(here / "asked.json").write_text(json.dumps(words))
sys.stdout.write((here / "answer.json").read_text())
sys.stderr.write("Traceback\\nOSError: no USB here")
"""


@pytest.fixture
def signer(tmp_path):
    """The program's command, and how to tell it what to answer."""
    (tmp_path / "signer.py").write_text(SIGNER)

    def answering(answer: object) -> str:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        (tmp_path / "answer.json").write_text(text)
        return f"{sys.executable} {tmp_path / 'signer.py'}"

    return answering


def asked(tmp_path: Path) -> list[str]:
    return json.loads((tmp_path / "asked.json").read_text())


def test_devices_are_listed_with_what_locked_ones_want(signer):
    said = [
        {"type": "coldcard", "model": "coldcard", "fingerprint": "0f056943", "error": None},
        {"type": "trezor", "model": "trezor_t", "error": "Could not open client: locked"},
        {"type": 5, "fingerprint": "nothing"},
    ]
    assert DeviceProgram(signer(said), REGTEST).devices() == (
        Device("0f056943", "coldcard", "coldcard", None),
        Device(None, "trezor", "trezor_t", "Could not open client: locked"),
        Device(None, "5", "unknown", None),
    )


def test_a_device_signs_a_file_of_a_campaign(signer, tmp_path):
    planned = campaign(KINDS["p2wsh"][0])
    back = []
    for name in ("anna", "bo"):
        for round_ in planned.rounds:
            answer = {"psbt": base64.b64encode(signed(round_, name)).decode(), "signed": True}
            program = DeviceProgram(signer(answer), REGTEST)
            back.append((name, program.signs(fingerprint(name), round_.psbt)))
            assert asked(tmp_path) == [
                *("--stdin", "--chain", "regtest", "--fingerprint", fingerprint(name)),
                *("signtx", psbt_text(round_.psbt).strip()),
            ]
    assert collect(planned, back).complete


def test_what_comes_back_must_be_what_was_sent(signer):
    first, second, *_ = campaign(KINDS["p2wsh"][0]).rounds
    answer = {"psbt": base64.b64encode(second.psbt).decode()}
    with pytest.raises(DeviceProgramFailed, match="another transaction"):
        DeviceProgram(signer(answer), REGTEST).signs("0f056943", first.psbt)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "OSError: no USB here"),
        ("not json", "OSError: no USB here"),
        ([], "not understood"),
        ({}, "no PSBT back"),
        ({"psbt": 5}, "no PSBT back"),
        ({"psbt": "AAAA"}, "is no PSBT"),
        ({"error": "Action canceled", "code": -14}, "Action canceled"),
    ],
)
def test_a_program_that_fails_is_named_with_its_reason(signer, answer, said):
    round_ = campaign(KINDS["p2wsh"][0]).rounds[0]
    with pytest.raises(DeviceProgramFailed, match=said):
        DeviceProgram(signer(answer), REGTEST).signs("0f056943", round_.psbt)


@pytest.mark.parametrize("answer", [{}, 5, [5], ["x"]])
def test_a_list_that_is_none_is_refused(signer, answer):
    with pytest.raises(DeviceProgramFailed, match="no list"):
        DeviceProgram(signer(answer), REGTEST).devices()


def test_a_program_that_is_not_there_is_named(tmp_path):
    program = DeviceProgram(str(tmp_path / "nothing"), MAINNET)
    with pytest.raises(DeviceProgramFailed, match="cannot be started"):
        program.devices()


@pytest.mark.parametrize("wrong", ["", "0F056943", "0f0569", "--help", "0f056943 x"])
def test_a_wrong_fingerprint_never_reaches_the_program(signer, tmp_path, wrong):
    with pytest.raises(DeviceProgramFailed, match="no fingerprint"):
        DeviceProgram(signer({}), REGTEST).signs(wrong, b"")
    assert not (tmp_path / "asked.json").exists()


@pytest.mark.parametrize("text", [TWO_OF_THREE, RECOVERY, TAPROOT])
@pytest.mark.parametrize("place", [(0, 0), (0, 7), (1, 3)])
def test_the_descriptor_of_one_address_gives_that_address(text, place):
    branch, index = place
    one = parsed(descriptor_at(parsed(text), branch=branch, index=index))
    assert not one.ranged
    engine = best_engine()
    assert engine.derive(one, branch=0, start=0, stop=1) == engine.derive(
        parsed(text), branch=branch, start=index, stop=index + 1
    )


# The commands


def run(*words: object) -> int:
    return main(["custody", "device", *map(str, words)])


def test_the_commands_list_show_and_sign(signer, office, tmp_path, capsys):
    program = signer([{"type": "x", "model": "y", "fingerprint": "0f056943"}])
    assert run("list", "--program", program) == 0
    assert capsys.readouterr().out == "0f056943: x, y\n1 devices answered\n"
    descriptor = parsed(TWO_OF_THREE)
    who = descriptor.keys[1].fingerprint
    script = best_engine().derive(descriptor, branch=1, start=2, stop=3)[0]
    right = {"address": address_of(script, REGTEST)}
    place = ("--office", office / "office.toml", "--wallet", "cold", "--fingerprint", who)
    at = ("--branch", 1, "--index", 2)
    assert run("address", *place, *at, "--program", signer(right)) == 0
    assert f"{right['address']}: the address of cold" in capsys.readouterr().out
    assert asked(tmp_path)[-2:] == ["--desc", descriptor_at(descriptor, branch=1, index=2)]
    assert run("address", *place, "--program", signer(right)) == 1
    assert "that is branch 1, index 2" in capsys.readouterr().out
    round_ = campaign(KINDS["p2wsh"][0]).rounds[0]
    (tmp_path / "in.psbt").write_bytes(round_.psbt)
    for name, status in (("anna", 0), (None, 1)):
        raw = signed(round_, name) if name else round_.psbt
        program = signer({"psbt": base64.b64encode(raw).decode()})
        out = tmp_path / f"{status}.psbt"
        words = ("--fingerprint", "0f056943", "--network", "regtest", "--program", program)
        assert run("sign", tmp_path / "in.psbt", "--out", out, *words) == status
        assert out.read_bytes() == raw


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--wallet", "warm", "--fingerprint", "00000000"], "no wallet warm"),
        (["--wallet", "cold", "--fingerprint", "00000000"], "no key of wallet cold"),
    ],
)
def test_wrong_arguments_are_named(office, words, said, capsys):
    assert run("address", "--office", office / "office.toml", *words) == 2
    assert said in capsys.readouterr().err


# HWI itself, where it is installed

_READ = """
import json, sys
from hwilib.descriptor import parse_descriptor
from hwilib.psbt import PSBT
said = []
for text in json.load(sys.stdin):
    if text.startswith("cHNid"):
        read = PSBT()
        read.deserialize(text)
        said.append({
            "same": read.serialize() == text,
            "unknown": {k.hex(): v.hex() for k, v in read.unknown.items()},
            "inputs": [sorted(k.get_full_int_list()[-2:] for k in i.hd_keypaths.values())
                       for i in read.inputs],
            "scripts": [i.witness_script.hex() for i in read.inputs],
        })
    else:
        expanded = parse_descriptor(text).expand(0)
        said.append((expanded.witness_script or b"").hex())
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def hwi() -> str:
    """The interpreter that HWI is installed for."""
    program = shutil.which("hwi")
    if program is None:
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(f"hwi is not installed, and {REQUIRE}=1 wants it")
        pytest.skip("hwi is not installed")
    first = Path(program).read_bytes().split(b"\n", 1)[0]
    return first.decode().removeprefix("#!").strip()


def read_by_hwi(hwi: str, texts: list[str]) -> list:
    done = subprocess.run(
        [hwi, "-c", _READ], input=json.dumps(texts), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("batch", [False, True])
def test_hwi_reads_a_campaigns_files_and_writes_them_unchanged(hwi, batch):
    planned = campaign(KINDS["p2wsh"][0], batch=batch)
    found = read_by_hwi(hwi, [psbt_text(r.psbt).strip() for r in planned.rounds])
    for round_, read in zip(planned.rounds, found, strict=True):
        assert read["same"]
        assert read["unknown"] == {"09": planned.message.text.encode().hex()}
        assert read["scripts"] == [each.scripts.witness.hex() for each in round_.inputs]
        places = [[[each.branch, each.index]] * 3 for each in round_.inputs]
        assert read["inputs"] == places


def test_hwi_reads_the_descriptor_of_one_address_as_the_same_script(hwi):
    descriptor = KINDS["p2wsh"][0]
    (round_, *_) = campaign(descriptor).rounds
    (each,) = round_.inputs
    text = descriptor_at(descriptor, branch=each.branch, index=each.index)
    assert read_by_hwi(hwi, [text]) == [each.scripts.witness.hex()]


def test_hwi_without_a_device_is_a_sentence(hwi):
    """With USB it finds no device, without it breaks off: a person reads either in words."""
    program = DeviceProgram("hwi", REGTEST)
    with pytest.raises(DeviceProgramFailed, match=r"hwi: .+"):
        program.signs("0f056943", campaign(KINDS["p2wsh"][0]).rounds[0].psbt)
