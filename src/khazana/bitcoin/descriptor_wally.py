"""Descriptor scripts with wallycore: the engine of the base profile, wheels for every platform."""

from typing import Any

import wallycore

from khazana.bitcoin.descriptor import Descriptor, DescriptorNotDerivable
from khazana.bitcoin.descriptor_grammar import Expression
from khazana.bitcoin.descriptor_keys import KeyExpression
from khazana.bitcoin.taproot_tree import taproot_script


class WallyEngine:
    """Nearly every descriptor we accept; wallycore 1.5 knows no taproot trees, those are our own.

    Leaves are not given to wallycore either: 1.5.6 parses miniscript that stands alone, but makes
    a wrong script of and_v(vn:pk(K),older(5)); inside wsh() it is right.
    """

    name = "wallycore"

    def derive(self, descriptor: Descriptor, *, branch: int, start: int, stop: int) -> list[bytes]:
        descriptor.check_range(branch=branch, start=start, stop=stop)
        if descriptor.fixed is not None:
            return [descriptor.fixed]
        if descriptor.functions[0] == "tr" and len(descriptor.functions) > 1:
            return _taproot(descriptor, branch, start, stop)
        try:
            parsed = _parsed(descriptor)
            # Variants are the scripts of combo(), which we refuse: there is variant 0 only.
            place = branch if descriptor.branches > 1 else 0
            return [
                bytes(wallycore.descriptor_to_script(parsed, 0, 0, 0, place, index, 0))
                for index in range(start, stop)
            ]
        except ValueError:
            raise DescriptorNotDerivable(engine=self.name, function=descriptor.outline) from None


def _taproot(descriptor: Descriptor, branch: int, start: int, stop: int) -> list[bytes]:
    match descriptor.tree:
        case Expression(arguments=(KeyExpression() as key, Expression() as tree)):
            indexes = range(start, stop)
            return [taproot_script(key, tree, branch=branch, index=index) for index in indexes]
    raise ValueError(f"{descriptor.outline} is no tr() with a tree")


def _parsed(descriptor: Descriptor) -> Any:
    # Key versions tell main from test; address prefixes, the rest of it, play no part here.
    network = (
        wallycore.WALLY_NETWORK_BITCOIN_TESTNET
        if descriptor.network.test
        else wallycore.WALLY_NETWORK_BITCOIN_MAINNET
    )
    return wallycore.descriptor_parse(descriptor.body, None, network, 0)
