"""Electrum as installed on this machine: a real wallet program, offline, in its own process."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

REQUIRE = "KHAZANA_REQUIRE_ELECTRUM"

# Runs under Electrum's own interpreter: the program's own code, with a wallet open.
_OPEN = """
import json, os, sys
from electrum import constants
constants.set_regtest()
from electrum.simple_config import SimpleConfig
from electrum.storage import WalletStorage
from electrum.transaction import PartialTransaction
from electrum.util import create_and_start_event_loop
from electrum.wallet import Wallet
from electrum.wallet_db import WalletDB

def give_up(*problem):
    sys.__excepthook__(*problem)
    os._exit(1)  # its event loop would wait for ever


sys.excepthook = give_up
create_and_start_event_loop()
config = SimpleConfig({"regtest": True, "offline": True, "electrum_path": sys.argv[1]})
storage = WalletStorage(sys.argv[2])
wallet = Wallet(WalletDB(storage.read(), manual_upgrades=False), storage, config=config)
"""
_CLOSE = """
print(json.dumps(said), flush=True)
os._exit(0)  # the same
"""
_SIGN = """
said = []
for name in sys.argv[3:]:
    read = PartialTransaction.from_raw_psbt(open(name).read())
    wallet.sign_transaction(read, None)
    said.append(read.serialize())
"""
_READ = """
said = {
    "watching": wallet.is_watching_only(),
    "kind": wallet.wallet_type,
    "receiving": wallet.get_receiving_addresses()[:6],
    "change": wallet.get_change_addresses()[:6],
    "files": [],
}
for name in sys.argv[3:]:
    read = PartialTransaction.from_raw_psbt(open(name).read())
    read.add_info_from_wallet(wallet)
    said["files"].append({
        "version": read.version,
        "lock_time": read.locktime,
        "txid": read.txid(),
        "signed": list(read.signature_count()),
        "mine": [wallet.is_mine(wallet.adb.get_txin_address(i)) for i in read.inputs()],
        "unknown": {k.hex(): v.hex() for k, v in read._unknown.items()},
        "inputs": [
            {
                "coin": i.prevout.to_str(),
                "sequence": i.nsequence,
                "amount": i.value_sats(),
                "address": wallet.adb.get_txin_address(i),
                "kind": i.script_type,
                "required": i.num_sig,
                "keys": [key.hex() for key in i.pubkeys],
                "witness_script": i.witness_script and i.witness_script.hex(),
                "paths": {k.hex(): [v[0].hex(), list(v[1])] for k, v in i.bip32_paths.items()},
            }
            for i in read.inputs()
        ],
        "outputs": [[o.value, o.scriptpubkey.hex()] for o in read.outputs()],
    })
"""


class Electrum:
    """The program, with a folder for its settings. It never goes online."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program = program
        self.folder = folder
        first = Path(program).read_bytes().split(b"\n", 1)[0]
        self.interpreter = first.decode().removeprefix("#!").strip()

    def run(self, wallet: Path, *words: str) -> str:
        """What a command prints; a command that fails is a failed test."""
        where = ("--regtest", "--offline", "-D", str(self.folder), "-w", str(wallet))
        return self._said([self.program, *where, *words])

    def reads(self, wallet: Path, *psbts: Path) -> dict[str, Any]:
        """What the program's own code reads in these files, with this wallet open."""
        found: dict[str, Any] = self._with_wallet(_READ, wallet, psbts)
        return found

    def signs(self, wallet: Path, *psbts: Path) -> list[str]:
        """What the program writes after signing each of these files with this wallet."""
        found: list[str] = self._with_wallet(_SIGN, wallet, psbts)
        return found

    def _with_wallet(self, code: str, wallet: Path, files: Iterable[Path]) -> Any:
        words = [str(self.folder), str(wallet), *map(str, files)]
        return json.loads(self._said([self.interpreter, "-c", _OPEN + code + _CLOSE, *words]))

    def _said(self, words: list[str]) -> str:
        # Its interpreter is the system's: nothing of this environment may reach it.
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
        done = subprocess.run(
            words, env=clean, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


def electrum_program(folder: Path) -> Electrum:
    """The program on the path; without it the test skips, or fails where it is required."""
    program = shutil.which("electrum")
    if program is not None:
        return Electrum(program, folder)
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"electrum is not installed, and {REQUIRE}=1 wants it (Debian: electrum)")
    pytest.skip("electrum is not installed (Debian's package electrum)")
