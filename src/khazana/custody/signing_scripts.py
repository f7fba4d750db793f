"""What a wallet's keys sign at one address: the script behind the output (BIP-143, BIP-341)."""

from collections.abc import Iterator
from dataclasses import dataclass

import wallycore

from khazana.bitcoin.descriptor import Descriptor, DescriptorEngine, DescriptorNotDerivable
from khazana.bitcoin.descriptor_grammar import Expression
from khazana.bitcoin.hashes import hash160, sha256, tagged_hash
from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.script import p2pkh, p2sh, p2wpkh, p2wsh, witness_program
from khazana.bitcoin.taproot_tree import leaf_script

_LEAF_VERSION = b"\xc0"


@dataclass(frozen=True, slots=True)
class SigningScripts:
    """The scripts of one address, each None where the address has no such thing.

    output: its output script. redeem: hashed in P2SH. witness: hashed in P2WSH.
    code: what ECDSA signatures cover; None for taproot. leaves: hashes of a taproot tree's leaves.
    keys: each key of the descriptor in order (`key_id`) with its public key here; one extended key
    may stand there several times, on paths of its own.
    """

    output: bytes
    redeem: bytes | None
    witness: bytes | None
    code: bytes | None
    leaves: frozenset[bytes]
    keys: tuple[tuple[str, bytes], ...]

    @property
    def segwit(self) -> bool:
        """Whether signatures follow BIP-143 rather than the original rules."""
        return witness_program(self.redeem or self.output) is not None


def signing_scripts(
    descriptor: Descriptor, engine: DescriptorEngine, *, branch: int, index: int
) -> SigningScripts:
    """The scripts behind one address, each checked against the hash that the output holds."""
    output = engine.derive(descriptor, branch=branch, start=index, stop=index + 1)[0]
    keys = tuple((key.key, key.public_key(branch, index)) for key in descriptor.keys)
    functions = descriptor.functions
    if not functions or functions[0] in ("rawtr", "pk", "multi", "sortedmulti"):
        raise DescriptorNotDerivable(
            engine="the test before first use", function=descriptor.outline
        )
    if functions[0] == "tr":
        hashes = frozenset(
            _leaf_hash(leaf_script(leaf, branch=branch, index=index))
            for leaf in _leaves(descriptor)
        )
        return SigningScripts(output, None, None, None, hashes, keys)
    public = keys[0][1]
    if functions[0] in ("wpkh", "pkh"):
        return SigningScripts(output, None, None, p2pkh(hash160(public)), frozenset(), keys)
    if functions[:2] == ("sh", "wpkh"):
        redeem = p2wpkh(hash160(public))
        return SigningScripts(output, redeem, None, p2pkh(hash160(public)), frozenset(), keys)
    nested = functions[:2] == ("sh", "wsh")
    inner = _inner(descriptor, 2 if nested else 1, branch, index)
    if functions[0] == "sh" and not nested:
        scripts = SigningScripts(output, inner, None, inner, frozenset(), keys)
        expected = p2sh(hash160(inner))
    else:
        program = p2wsh(sha256(inner))
        expected = p2sh(hash160(program)) if nested else program
        redeem_or_none = program if nested else None
        scripts = SigningScripts(output, redeem_or_none, inner, inner, frozenset(), keys)
    if expected != output:
        # Two programs disagree about the script: nothing may be signed on the word of one.
        raise DescriptorNotDerivable(engine="wallycore", function=descriptor.outline)
    return scripts


def _inner(descriptor: Descriptor, depth: int, branch: int, index: int) -> bytes:
    """The script inside sh() or wsh()."""
    test = descriptor.network.test
    network = (
        wallycore.WALLY_NETWORK_BITCOIN_TESTNET if test else wallycore.WALLY_NETWORK_BITCOIN_MAINNET
    )
    place = branch if descriptor.branches > 1 else 0
    try:
        parsed = wallycore.descriptor_parse(descriptor.body, None, network, 0)
        return bytes(wallycore.descriptor_to_script(parsed, depth, 0, 0, place, index, 0))
    except ValueError:
        raise DescriptorNotDerivable(engine="wallycore", function=descriptor.outline) from None


def _leaves(descriptor: Descriptor) -> Iterator[Expression]:
    waiting = (
        [a for a in descriptor.tree.arguments if isinstance(a, Expression)]
        if descriptor.tree
        else []
    )
    while waiting:
        part = waiting.pop()
        if part.name == "{}":
            waiting += [side for side in part.arguments if isinstance(side, Expression)]
        else:
            yield part


def _leaf_hash(script: bytes) -> bytes:
    return tagged_hash("TapLeaf", _LEAF_VERSION + compact_size(len(script)) + script)
