"""Descriptor scripts with BDK: the engine of the office profile, taproot trees included."""

import bdkpython as bdk

from khazana.bitcoin.descriptor import Descriptor, DescriptorNotDerivable

_WALLET_PAYS_FROM = 32
"""Scripts; setting a wallet up costs as much as deriving about this many without one."""


class BdkEngine:
    """Every script that has an address, but for rawtr() and sortedmulti_a()."""

    name = "BDK"

    def derive(self, descriptor: Descriptor, *, branch: int, start: int, stop: int) -> list[bytes]:
        descriptor.check_range(branch=branch, start=start, stop=stop)
        if descriptor.fixed is not None:
            return [descriptor.fixed]
        functions = descriptor.functions
        # A panic inside BDK ends the process, so nothing that it is known to lack reaches it.
        if functions[0] in ("pk", "multi", "sortedmulti", "rawtr") or "sortedmulti_a" in functions:
            raise DescriptorNotDerivable(engine=self.name, function=descriptor.outline)
        single = self._single(descriptor, branch)
        network = bdk.Network.REGTEST if descriptor.network.test else bdk.Network.BITCOIN
        if "sortedmulti" in functions and stop - start >= _WALLET_PAYS_FROM:
            # derive_address parses sortedmulti anew each time, a wallet keeps it.
            wallet = bdk.Wallet.create_single(single, network, bdk.Persister.new_in_memory())
            peek = wallet.peek_address
            return [
                bytes(peek(bdk.KeychainKind.EXTERNAL, index).address.script_pubkey().to_bytes())
                for index in range(start, stop)
            ]
        return [
            bytes(single.derive_address(index, network).script_pubkey().to_bytes())
            for index in range(start, stop)
        ]

    def _single(self, descriptor: Descriptor, branch: int) -> bdk.Descriptor:
        kind = bdk.NetworkKind.TEST if descriptor.network.test else bdk.NetworkKind.MAIN
        try:
            parsed = bdk.Descriptor(descriptor.body, kind)
            parsed.sanity_check()
        except bdk.DescriptorError:
            raise DescriptorNotDerivable(engine=self.name, function=descriptor.outline) from None
        singles = parsed.to_single_descriptors() if parsed.is_multipath() else [parsed]
        if len(singles) != descriptor.branches:
            raise DescriptorNotDerivable(engine=self.name, function=descriptor.outline)
        return singles[branch]
