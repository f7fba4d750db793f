"""Scripts from what describes them: descriptors, addresses, raw scripts."""

from collections.abc import Iterable

from khazana.bitcoin.address import script_of
from khazana.bitcoin.descriptor import DescriptorEngine, parse_descriptor
from khazana.bitcoin.network import Network
from khazana.ledger.office import AddressSource, RawSource, ScriptSource


def scripts_of_source(
    source: ScriptSource, *, engine: DescriptorEngine, network: Network
) -> tuple[bytes, ...]:
    """Every output script a source names, in order: branch by branch, index by index."""
    if isinstance(source, AddressSource):
        return tuple(script_of(address, network) for address in source.addresses)
    if isinstance(source, RawSource):
        return source.scripts
    ranges = [(r.branch, r.stop) for r in source.branches]
    return scripts_of_descriptor(source.descriptor, ranges, engine=engine, network=network)


def scripts_of_descriptor(
    text: str, ranges: Iterable[tuple[int, int]], *, engine: DescriptorEngine, network: Network
) -> tuple[bytes, ...]:
    """The scripts of a descriptor over ranges (branch, stop): indexes 0 to stop, not included."""
    descriptor = parse_descriptor(text, network)
    return tuple(
        script
        for branch, stop in ranges
        for script in engine.derive(descriptor, branch=branch, start=0, stop=stop)
    )
