"""Signing devices on a cable, by a program of their own: HWI, or any signer that speaks as it does.

    PROGRAM enumerate                                          [{"fingerprint": ..., "type": ...}]
    PROGRAM --chain C --fingerprint F displayaddress --desc D  {"address": ...}
    PROGRAM --chain C --fingerprint F signtx PSBT              {"psbt": ...}

Bitcoin Core drives external signers by the same words. The program runs in a process of its own:
HWI's pins exclude newer Pythons, and code that talks to USB has no place beside ours. No PIN and no
passphrase passes through here: they are typed on the device.
"""

import base64
import json
import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from khazana.bitcoin.bip322.psbt import read_psbt
from khazana.bitcoin.descriptor import Descriptor
from khazana.bitcoin.descriptor_checksum import descriptor_checksum
from khazana.bitcoin.network import Network
from khazana.bitcoin.reader import MalformedBytes
from khazana.custody.psbt_files import psbt_of_file
from khazana.errors import KhazanaError

DEFAULT_PROGRAM = "hwi"
WAIT_S = 600
"""How long a person may take to read a device's screen and confirm."""

_CHAINS = {
    "mainnet": "main",
    "testnet3": "test",
    "testnet4": "testnet4",
    "signet": "signet",
    "regtest": "regtest",
}
_FINGERPRINT = re.compile(r"[0-9a-f]{8}")
_BRANCHES = re.compile(r"<([^<>]*)>")
_MOST_SHOWN = 300


@dataclass(eq=False, kw_only=True)
class DeviceProgramFailed(KhazanaError):
    """The program for signing devices is not there, or does not do what was asked."""

    program: str
    problem: str
    code = "device_program_failed"
    words = (
        "{program}: {problem}. Carry files to the device instead, or see docs/custody.md, "
        "Devices on a cable."
    )


@dataclass(frozen=True, slots=True)
class Device:
    """A device that answered. problem: why it cannot sign now, such as that it is locked."""

    fingerprint: str | None
    kind: str
    model: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class DeviceProgram:
    """program: the command, such as "hwi"; a path or several words are fine."""

    program: str
    network: Network

    def devices(self) -> tuple[Device, ...]:
        """Every device on a cable, locked ones with what they want."""
        answer = self._asked([*self._words(), "enumerate"])
        if not isinstance(answer, list) or not all(isinstance(one, dict) for one in answer):
            raise self._failed("its list of devices is no list")
        return tuple(_device(one) for one in answer)

    def shows(self, fingerprint: str, descriptor: Descriptor, *, branch: int, index: int) -> str:
        """The address that the device shows on its screen and answers."""
        text = descriptor_at(descriptor, branch=branch, index=index)
        answer = self._answer(fingerprint, ["displayaddress", "--desc", text])
        address = answer.get("address")
        if not isinstance(address, str) or not address:
            raise self._failed("it says no address")
        return address

    def signs(self, fingerprint: str, psbt: bytes) -> bytes:
        """The PSBT with the device's signatures. What it signs must be what was sent."""
        text = base64.b64encode(psbt).decode("ascii")
        answer = self._answer(fingerprint, ["signtx", text])
        signed = answer.get("psbt")
        if not isinstance(signed, str):
            raise self._failed("it gives no PSBT back")
        try:
            back = psbt_of_file(signed.encode())
            same = read_psbt(back).unsigned.txid == read_psbt(psbt).unsigned.txid
        except MalformedBytes as wrong:
            raise self._failed(f"what it gives back is no PSBT: {wrong}") from wrong
        if not same:
            raise self._failed("what it gives back is another transaction than was sent")
        return back

    def _answer(self, fingerprint: str, words: Sequence[str]) -> dict[str, Any]:
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise self._failed(f"{fingerprint!r} is no fingerprint of 8 lower-case hex digits")
        chain = ["--chain", _CHAINS[self.network.name], "--fingerprint", fingerprint]
        # By standard input: a PSBT can be longer than a command line.
        answer = self._asked([*self._words(), "--stdin", *chain], shlex.join(words) + "\n\n")
        if not isinstance(answer, dict):
            raise self._failed("its answer is not understood")
        if "error" in answer:
            raise self._failed(str(answer["error"])[:_MOST_SHOWN])
        return answer

    def _words(self) -> list[str]:
        return shlex.split(self.program) or [DEFAULT_PROGRAM]

    def _asked(self, words: list[str], said: str = "") -> Any:
        try:
            done = subprocess.run(
                words,
                input=said,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=WAIT_S,
                check=False,
            )
        except OSError as error:
            raise self._failed(f"cannot be started: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise self._failed(f"no answer within {WAIT_S} seconds") from error
        try:
            return json.loads(done.stdout)
        except ValueError:
            # A program that breaks off leaves its reason in the last line of its complaint.
            lines = done.stderr.strip().splitlines() or ["it says nothing"]
            raise self._failed(lines[-1][:_MOST_SHOWN]) from None

    def _failed(self, problem: str) -> DeviceProgramFailed:
        return DeviceProgramFailed(program=self.program, problem=problem)


def descriptor_at(descriptor: Descriptor, *, branch: int, index: int) -> str:
    """The descriptor of one address: one branch, one index, with its checksum."""

    def chosen(found: re.Match[str]) -> str:
        steps = found[1].split(";")
        return steps[branch]

    body = _BRANCHES.sub(chosen, descriptor.body).replace("*", str(index)).replace("'", "h")
    return f"{body}#{descriptor_checksum(body)}"


def _device(said: dict[str, Any]) -> Device:
    fingerprint, problem = said.get("fingerprint"), said.get("error")
    known = isinstance(fingerprint, str) and _FINGERPRINT.fullmatch(fingerprint)
    return Device(
        fingerprint=str(fingerprint) if known else None,
        kind=str(said.get("type", "unknown"))[:_MOST_SHOWN],
        model=str(said.get("model", "unknown"))[:_MOST_SHOWN],
        problem=str(problem)[:_MOST_SHOWN] if problem else None,
    )
