"""BSMS descriptor records (BIP-129), as Nunchuk and Sparrow export them.

BSMS 1.0
a descriptor, or a template with /** behind each key
the paths that /** stands for, or "No path restrictions"
the first address
"""

from khazana.bitcoin.descriptor import DescriptorEngine
from khazana.bitcoin.network import Network
from khazana.custody.imports.branches import body, one_path
from khazana.custody.imports.wallet import ExportRefused, ImportedWallet, imported

FORMAT = "BSMS descriptor record"
VERSION = "BSMS 1.0"
_NO_RESTRICTIONS = "No path restrictions"


def read_bsms(file: str, text: str, network: Network, engine: DescriptorEngine) -> ImportedWallet:
    """The wallet of a descriptor record, its first address derived again and compared."""
    lines = [line.strip() for line in text.strip().splitlines()]
    if lines[0] != VERSION:
        raise ExportRefused(file=file, line=1, problem=f"this program reads {VERSION}")
    if len(lines) == 5:
        problem = "is one signer's key record; import the descriptor record of all signers"
        raise ExportRefused(file=file, line=1, problem=problem)
    if len(lines) != 4:
        problem = f"a descriptor record has 4 lines, this file {len(lines)}"
        raise ExportRefused(file=file, line=1, problem=problem)
    _, descriptor, paths, address = lines
    if "/**" in descriptor:
        path = one_path([part.strip() for part in paths.split(",")])
        if path is None:
            problem = "the paths for /** must differ in one step, such as /0/*,/1/*"
            raise ExportRefused(file=file, line=3, problem=problem)
        # A checksum on a template is over the template; the parser would compare it with another.
        descriptor = body(descriptor).replace("/**", path)
    elif paths != _NO_RESTRICTIONS:
        problem = f"a descriptor without /** goes with the line {_NO_RESTRICTIONS!r}"
        raise ExportRefused(file=file, line=3, problem=problem)
    return imported(
        descriptor, network, engine, file=file, line=2, format=FORMAT, stated_address=address
    )
