"""What a wallet's keys sign at one address: the script behind the output (BIP-143, BIP-341)."""

from dataclasses import dataclass

import wallycore

from khazana.bitcoin.descriptor import Descriptor, DescriptorEngine, DescriptorNotDerivable
from khazana.bitcoin.descriptor_grammar import Expression
from khazana.bitcoin.hashes import hash160, sha256
from khazana.bitcoin.script import p2pkh, p2sh, p2wpkh, p2wsh, witness_program
from khazana.bitcoin.taproot_tree import control_block, leaves_of, merkle_root


@dataclass(frozen=True, slots=True)
class TapLeaf:
    """A leaf of a taproot tree at one address.

    control: what proves that it stands in the tree (BIP-341's control block).
    """

    expression: Expression
    script: bytes
    hash: bytes
    control: bytes


@dataclass(frozen=True, slots=True)
class SigningScripts:
    """The scripts of one address, each None where the address has no such thing.

    output: its output script. redeem: hashed in P2SH. witness: hashed in P2WSH.
    code: what ECDSA signatures cover; None for taproot. leaves: hashes of a taproot tree's leaves.
    keys: each key of the descriptor in order (`key_id`) with its public key here; one extended key
    may stand there several times, on paths of its own.
    expression: the miniscript inside wsh() or sh(). tree: a taproot tree's leaves, and its `root`.
    place: branch and index.
    """

    output: bytes
    redeem: bytes | None
    witness: bytes | None
    code: bytes | None
    leaves: frozenset[bytes]
    keys: tuple[tuple[str, bytes], ...]
    expression: Expression | None = None
    tree: tuple[TapLeaf, ...] = ()
    root: bytes | None = None
    place: tuple[int, int] = (0, 0)

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
    place = (branch, index)
    if functions[0] == "tr":
        tree, root = _tree(descriptor, branch, index)
        hashes = frozenset(leaf.hash for leaf in tree)
        return SigningScripts(
            output, None, None, None, hashes, keys, tree=tree, root=root, place=place
        )
    public = keys[0][1]
    if functions[0] in ("wpkh", "pkh"):
        code = p2pkh(hash160(public))
        return SigningScripts(output, None, None, code, frozenset(), keys, place=place)
    if functions[:2] == ("sh", "wpkh"):
        redeem, code = p2wpkh(hash160(public)), p2pkh(hash160(public))
        return SigningScripts(output, redeem, None, code, frozenset(), keys, place=place)
    nested = functions[:2] == ("sh", "wsh")
    inner = _inner(descriptor, 2 if nested else 1, branch, index)
    script = _innermost(descriptor)
    if functions[0] == "sh" and not nested:
        scripts = SigningScripts(
            output, inner, None, inner, frozenset(), keys, expression=script, place=place
        )
        expected = p2sh(hash160(inner))
    else:
        program = p2wsh(sha256(inner))
        expected = p2sh(hash160(program)) if nested else program
        wrapped = program if nested else None
        scripts = SigningScripts(
            output, wrapped, inner, inner, frozenset(), keys, expression=script, place=place
        )
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


def _innermost(descriptor: Descriptor) -> Expression | None:
    """The script inside sh() and wsh()."""
    part = descriptor.tree
    while part is not None and part.name in ("sh", "wsh"):
        part = next((a for a in part.arguments if isinstance(a, Expression)), None)
    return part


def _tree(
    descriptor: Descriptor, branch: int, index: int
) -> tuple[tuple[TapLeaf, ...], bytes | None]:
    """The leaves of tr(KEY,TREE) with their control blocks, and the root of the tree."""
    arguments = descriptor.tree.arguments if descriptor.tree else ()
    top = next((a for a in arguments if isinstance(a, Expression)), None)
    if top is None:
        return (), None
    internal = descriptor.keys[0].public_key(branch, index)[-32:]
    root = merkle_root(top, branch=branch, index=index)
    leaves = tuple(
        TapLeaf(leaf.expression, leaf.script, leaf.hash, control_block(internal, root, leaf))
        for leaf in leaves_of(top, branch=branch, index=index)
    )
    return leaves, root
