"""Text files of descriptors with comments, as Sparrow's "Output Descriptor" export writes them.

# Receive and change descriptor (BIP389):
wsh(.../<0;1>/*...)#checksum

# Receive descriptor (Bitcoin Core):
wsh(.../0/*...)#checksum

# Change descriptor (Bitcoin Core):
wsh(.../1/*...)#checksum
"""

from khazana.bitcoin.descriptor import DescriptorEngine, parse_descriptor
from khazana.bitcoin.network import Network
from khazana.custody.imports.branches import joined
from khazana.custody.imports.wallet import ExportRefused, ImportedWallet, imported

FORMAT = "descriptor text"


def read_descriptor_lines(
    file: str, text: str, network: Network, engine: DescriptorEngine
) -> ImportedWallet:
    """One wallet: a descriptor of all branches, or one for receiving and one for change."""
    found = [
        (line, written.strip())
        for line, written in enumerate(text.splitlines(), 1)
        if written.strip() and not written.lstrip().startswith("#")
    ]
    if not found:
        raise ExportRefused(file=file, line=1, problem="holds no descriptor")
    for line, written in found:
        if "#" not in written:
            problem = "the descriptor has no checksum #........; export it again"
            raise ExportRefused(file=file, line=line, problem=problem)
    parsed = [
        (line, parse_descriptor(written, network, checksum_required=True))
        for line, written in found
    ]
    several = [(line, one) for line, one in parsed if one.branches > 1 or not one.ranged]
    singles = [(line, one) for line, one in parsed if one.branches == 1 and one.ranged]
    if len(several) > 1 or len(singles) > 2 or (several and len(singles) == 1):
        problem = "several wallets stand in this file; import one at a time"
        raise ExportRefused(file=file, line=parsed[-1][0], problem=problem)
    line, body = (several or singles)[0][0], (several or singles)[0][1].body
    notes: tuple[str, ...] = ()
    if len(singles) == 2:
        both = joined(singles[0][1].body, singles[1][1].body)
        if both is None or (several and both != body):
            problem = "the descriptors for receiving and change do not belong together"
            raise ExportRefused(file=file, line=singles[1][0], problem=problem)
        body = both
    elif singles:
        notes = ("it has one branch only: if the wallet makes change elsewhere, that is missing",)
    return imported(
        body,
        network,
        engine,
        file=file,
        line=line,
        format=FORMAT,
        notes=notes,
    )
