"""Descriptor scripts with wallycore: the engine of the base profile, wheels for every platform."""

from typing import Any

import wallycore

from khazana.bitcoin.descriptor import Descriptor, DescriptorNotDerivable

# Key versions decide between main and test; address prefixes, the rest of it, play no part here.
_MAIN, _TEST = wallycore.WALLY_NETWORK_BITCOIN_MAINNET, wallycore.WALLY_NETWORK_BITCOIN_TESTNET


class WallyEngine:
    """Everything but scripts in a taproot tree, which wallycore 1.5 does not know."""

    name = "wallycore"

    def derive(self, descriptor: Descriptor, *, branch: int, start: int, stop: int) -> list[bytes]:
        descriptor.check_range(branch=branch, start=start, stop=stop)
        if descriptor.fixed is not None:
            return [descriptor.fixed]
        parsed = self._parsed(descriptor)
        # Variants are combo()'s scripts; we refuse combo(), so there is one: variant 0.
        return [
            bytes(wallycore.descriptor_to_script(parsed, 0, 0, 0, branch_of, index, 0))
            for branch_of in [branch if descriptor.branches > 1 else 0]
            for index in range(start, stop)
        ]

    def _parsed(self, descriptor: Descriptor) -> Any:
        network = _TEST if descriptor.network.test else _MAIN
        try:
            parsed = wallycore.descriptor_parse(descriptor.body, None, network, 0)
        except ValueError:
            function = "tr() with a tree" if "tr" in descriptor.functions else descriptor.outline
            raise DescriptorNotDerivable(engine=self.name, function=function) from None
        if wallycore.descriptor_get_num_paths(parsed) != descriptor.branches:
            raise DescriptorNotDerivable(engine=self.name, function="<...> with several branches")
        return parsed
