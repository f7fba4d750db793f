"""Which engines are installed, and one that asks them in turn."""

import importlib.util
from collections.abc import Sequence

from khazana.bitcoin.descriptor import Descriptor, DescriptorEngine, DescriptorNotDerivable
from khazana.bitcoin.descriptor_wally import WallyEngine


class EnginesInTurn:
    """The first engine that can derive a descriptor does."""

    def __init__(self, engines: Sequence[DescriptorEngine]) -> None:
        if not engines:
            raise ValueError("at least one engine is needed")
        self._engines = tuple(engines)

    @property
    def name(self) -> str:
        return " and ".join(engine.name for engine in self._engines)

    def derive(self, descriptor: Descriptor, *, branch: int, start: int, stop: int) -> list[bytes]:
        for engine in self._engines:
            try:
                return engine.derive(descriptor, branch=branch, start=start, stop=stop)
            except DescriptorNotDerivable:
                continue
        raise DescriptorNotDerivable(engine=self.name, function=descriptor.outline)


def best_engine() -> DescriptorEngine:
    """BDK before wallycore where the office profile is installed, else wallycore alone."""
    if importlib.util.find_spec("bdkpython") is None:
        return WallyEngine()
    # Only here: the base profile does not have BDK.
    from khazana.bitcoin.descriptor_bdk import BdkEngine

    return EnginesInTurn([BdkEngine(), WallyEngine()])
