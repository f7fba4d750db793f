"""Coldcard's multisig text file, which Sparrow, Specter and Nunchuk write as well.

    # comment
    Name: Cold
    Policy: 2 of 3
    Derivation: m/48'/0'/0'/2'      once for all keys, or before each key
    Format: P2WSH                   or P2SH-P2WSH, P2WSH-P2SH, P2SH
    0F056943: xpub...               a key by its master key's fingerprint

The keys are sorted in each script (BIP-67); receiving is /0/*, change /1/*.
"""

import re

from khazana.bitcoin.descriptor import DescriptorEngine
from khazana.bitcoin.network import Network
from khazana.custody.imports.wallet import ExportRefused, ImportedWallet, imported

FORMAT = "Coldcard multisig file"

_LINE = re.compile(r"([A-Za-z0-9]+)\s*:\s*(.*)")
_POLICY = re.compile(r"(\d{1,2})\s*(?:of|/)\s*(\d{1,2})")
_PATH = re.compile(r"m((?:/[0-9]+[h'p]?)*)")
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{8}")
_SCRIPTS = {
    "P2WSH": "wsh({})",
    "P2SH-P2WSH": "sh(wsh({}))",
    "P2WSH-P2SH": "sh(wsh({}))",
    "P2SH": "sh({})",
}


def read_coldcard(
    file: str, text: str, network: Network, engine: DescriptorEngine
) -> ImportedWallet:
    """The wallet of a Coldcard multisig file. text: free of secrets, `read_export` saw to that."""
    stated: dict[str, tuple[str, int]] = {}
    path: str | None = None
    keys: list[str] = []
    line = 0
    for line, written in enumerate(text.splitlines(), 1):
        if not written.strip() or written.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(written.strip())
        if found is None:
            raise ExportRefused(file=file, line=line, problem="is no line 'Word: value'")
        word, value = found[1], found[2].strip()
        if _FINGERPRINT.fullmatch(word):
            if path is None:
                problem = "no line 'Derivation: m/...' stands before this key"
                raise ExportRefused(file=file, line=line, problem=problem)
            keys.append(f"[{word.lower()}{path}]{value}/<0;1>/*")
        elif word == "Derivation":
            path = _path(file, line, value)
        elif word not in ("Name", "Policy", "Format"):
            problem = "only Name, Policy, Derivation, Format and fingerprints stand before a colon"
            raise ExportRefused(file=file, line=line, problem=problem)
        elif word in stated:
            raise ExportRefused(file=file, line=line, problem=f"{word} stands here twice")
        else:
            stated[word] = value, line
    policy, policy_line = stated.get("Policy", ("", line))
    quorum = _POLICY.fullmatch(policy)
    if quorum is None:
        problem = "needs a line such as 'Policy: 2 of 3'"
        raise ExportRefused(file=file, line=policy_line, problem=problem)
    required, total = int(quorum[1]), int(quorum[2])
    if total != len(keys):
        problem = f"the policy has {total} keys, the file {len(keys)}"
        raise ExportRefused(file=file, line=policy_line, problem=problem)
    kind, kind_line = stated.get("Format", ("", line))
    if kind.upper() not in _SCRIPTS:
        problem = f"needs a line 'Format:' with one of {', '.join(_SCRIPTS)}"
        raise ExportRefused(file=file, line=kind_line, problem=problem)
    script = _SCRIPTS[kind.upper()].format(f"sortedmulti({required},{','.join(keys)})")
    return imported(
        script,
        network,
        engine,
        file=file,
        line=policy_line,
        format=FORMAT,
        name=stated.get("Name", (None, 0))[0] or None,
    )


def _path(file: str, line: int, value: str) -> str:
    found = _PATH.fullmatch(value)
    if found is None:
        problem = "a derivation path is written m/48'/0'/0'/2'"
        raise ExportRefused(file=file, line=line, problem=problem)
    return found[1].replace("'", "h").replace("p", "h")
