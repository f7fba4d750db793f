"""Scripts of the demo's descriptors, derived once: an office's ranges only grow."""

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor import Descriptor, DescriptorEngine
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.chains import block_of
from khazana.ledger.office import Office, OfficeFile
from khazana.ledger.resolve import resolve, scripts_by


class Remembering:
    """The engine that would be asked anyway, asked about no script twice."""

    def __init__(self, engine: DescriptorEngine) -> None:
        self._engine = engine
        self._known: dict[tuple[str, int], list[bytes]] = {}
        """From index 0 on, by descriptor and branch."""

    @property
    def name(self) -> str:
        return self._engine.name

    def derive(self, descriptor: Descriptor, *, branch: int, start: int, stop: int) -> list[bytes]:
        known = self._known.setdefault((descriptor.body, branch), [])
        if len(known) < stop:
            known += self._engine.derive(descriptor, branch=branch, start=len(known), stop=stop)
        return known[start:stop]


_ENGINE = Remembering(best_engine())


def resolved(file: OfficeFile, chain: ChainView) -> Office:
    """What `khazana.cli.offices.resolved` gives, sooner."""
    return resolve(
        file,
        lambda name: block_of(chain, name, timezone=file.rules.timezone),
        scripts_by(_ENGINE, file.network),
    )
