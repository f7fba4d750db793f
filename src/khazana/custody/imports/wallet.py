"""What an import gives: a checked descriptor, names of keys, and what to state in the office."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from khazana.bitcoin.address import address_of
from khazana.bitcoin.base_encodings import base58check_decode
from khazana.bitcoin.descriptor import (
    Descriptor,
    DescriptorEngine,
    KeyExpression,
    parse_descriptor,
)
from khazana.bitcoin.network import Network
from khazana.errors import KhazanaError
from khazana.ledger.office import BranchRange

SUGGESTED_STOP = 1000
SUGGESTED_GAP = 20
"""BIP-44's gap; the office states its own."""


@dataclass(eq=False, kw_only=True)
class ExportRefused(KhazanaError):
    """An export of another program is not what it should be. It is refused whole."""

    file: str
    line: int
    problem: str
    code = "wallet_export_refused"
    words = "{file}, line {line}: {problem}; nothing was taken from this file."


@dataclass(frozen=True, kw_only=True)
class ImportedWallet:
    """A wallet from an export.

    format: the export's kind, in words. key_names: labels by extended key, where the file has any.
    first_address: of branch 0, index 0; to be compared with every device's own display.
    notes: what the file leaves open and was filled in by the convention of its program.
    """

    format: str
    name: str | None
    descriptor: Descriptor
    first_address: str | None
    key_names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def ranges(self) -> tuple[BranchRange, ...]:
        """A suggestion of what office.toml could state."""
        stop = SUGGESTED_STOP if self.descriptor.ranged else 1
        return tuple(BranchRange(branch, stop) for branch in range(self.descriptor.branches))

    def office_lines(self) -> str:
        """The wallet's descriptor and ranges as office.toml writes them."""
        gap = SUGGESTED_GAP if self.descriptor.ranged else 0
        ranges = ", ".join(f"{{branch = {r.branch}, stop = {r.stop}}}" for r in self.ranges)
        return f"descriptor = {json.dumps(self.descriptor.text)}\nrange = [{ranges}]\ngap = {gap}\n"


def imported(
    text: str,
    network: Network,
    engine: DescriptorEngine,
    *,
    file: str,
    line: int,
    format: str,
    name: str | None = None,
    key_labels: Sequence[str] = (),
    stated_address: str | None = None,
    notes: tuple[str, ...] = (),
) -> ImportedWallet:
    """Check a descriptor text as an import and give the wallet. line: where it stands.

    stated_address: what the file calls the first address; another one refuses the file.
    """
    descriptor = parse_descriptor(text, network)
    for key in descriptor.keys:
        problem = origin_problem(key)
        if problem is not None:
            raise ExportRefused(file=file, line=line, problem=problem)
    first = address_of(engine.derive(descriptor, branch=0, start=0, stop=1)[0], network)
    if stated_address is not None and stated_address != first:
        raise ExportRefused(
            file=file,
            line=line,
            problem=f"its keys give {first} as first address, which is not the one it states",
        )
    keys = descriptor.keys
    if key_labels and len(key_labels) != len(keys):
        notes = (*notes, f"{len(key_labels)} names for {len(keys)} keys: names were left out")
        key_labels = ()
    return ImportedWallet(
        format=format,
        name=name,
        descriptor=descriptor,
        first_address=first,
        key_names={key.key: label for key, label in zip(keys, key_labels, strict=False)},
        notes=notes,
    )


def origin_problem(key: KeyExpression) -> str | None:
    """What the extended key itself says against its stated origin.

    An extended key carries its depth and its last step (BIP-32), so a derivation path that
    belongs to another key shows.
    """
    if not key.extended or key.fingerprint is None:
        return None
    raw = base58check_decode(key.key)
    depth, last = raw[4], int.from_bytes(raw[9:13], "big")
    if depth != len(key.origin_path):
        return (
            f"the key with fingerprint {key.fingerprint} is {depth} steps below its master key, "
            f"its stated path has {len(key.origin_path)}"
        )
    if key.origin_path and last != key.origin_path[-1]:
        return f"the last step of the path of {key.fingerprint} is not the one its key was made by"
    return None
