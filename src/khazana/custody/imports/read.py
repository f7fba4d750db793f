"""Reading an export of any known kind: what it is, is seen from its first words."""

import re

from khazana.bitcoin.descriptor import DescriptorEngine
from khazana.bitcoin.network import Network
from khazana.bitcoin.secrets import refuse_secrets_in
from khazana.custody.imports.bsms import read_bsms
from khazana.custody.imports.coldcard import read_coldcard
from khazana.custody.imports.descriptor_lines import read_descriptor_lines
from khazana.custody.imports.specter import read_specter
from khazana.custody.imports.wallet import ExportRefused, ImportedWallet

MOST_BYTES = 1 << 20

_COLDCARD = re.compile(r"^\s*(Name|Policy|Format|Derivation)\s*:", re.MULTILINE)
_ENCRYPTED = re.compile(r"[0-9a-fA-F]{128,}")


def read_export(
    file: str, raw: bytes, network: Network, engine: DescriptorEngine
) -> ImportedWallet:
    """The wallet in an export called `file`, from Sparrow, Specter, Nunchuk, Coldcard or alike.

    SecretRefused before anything is kept or repeated; ExportRefused with line and reason, or what
    `parse_descriptor` finds.
    """
    if len(raw) > MOST_BYTES:
        raise ExportRefused(file=file, line=1, problem=f"is larger than {MOST_BYTES} bytes")
    refuse_secrets_in(raw.decode("utf-8", errors="replace"), where=file)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        raise ExportRefused(file=file, line=line, problem="is not UTF-8 text") from None
    start = text.lstrip()
    if _ENCRYPTED.fullmatch(start.strip()):
        problem = "is an encrypted BSMS record; export the record without encryption"
        raise ExportRefused(file=file, line=1, problem=problem)
    if start.startswith("BSMS"):
        return read_bsms(file, text, network, engine)
    if start.startswith("{"):
        return read_specter(file, text, network, engine)
    if _COLDCARD.search(text):
        return read_coldcard(file, text, network, engine)
    return read_descriptor_lines(file, text, network, engine)
