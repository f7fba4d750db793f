"""Coldcard's multisig file, which Sparrow, Specter and Nunchuk read as well."""

from khazana.bitcoin.descriptor import Descriptor
from khazana.custody.exports.errors import NotExportable
from khazana.custody.exports.quorum import path_text, plain_quorum

PROGRAM = "Coldcard's multisig file"

_FORMATS = {("wsh",): "P2WSH", ("sh", "wsh"): "P2SH-P2WSH", ("sh",): "P2SH"}
MOST_NAME = 20


def coldcard_file(descriptor: Descriptor, *, name: str) -> str:
    """The file's text. name: as the device lists the wallet, cut to 20 characters of ASCII."""
    quorum = plain_quorum(descriptor, program=PROGRAM)
    if quorum.single:
        raise NotExportable(program=PROGRAM, problem="one key is no multisig")
    shown = "".join(c for c in name if c.isascii() and c.isprintable())[:MOST_NAME].strip()
    lines = [
        f"Name: {shown or 'wallet'}",
        f"Policy: {quorum.required} of {len(quorum.keys)}",
        f"Format: {_FORMATS[quorum.script]}",
    ]
    for key in quorum.keys:
        fingerprint = str(key.fingerprint).upper()
        lines += ["", f"Derivation: {path_text(key)}", f"{fingerprint}: {key.key}"]
    return "\n".join(lines) + "\n"
