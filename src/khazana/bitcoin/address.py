"""Addresses: the short names of output scripts, and exactly what is wrong with a bad one."""

import re
from dataclasses import dataclass

from khazana.bitcoin import script as scripts
from khazana.bitcoin.base_encodings import (
    BASE58_ALPHABET,
    BECH32,
    BECH32_ALPHABET,
    BECH32M,
    BadEncoding,
    base58check_decode,
    base58check_encode,
    bech32_decode,
    bech32_encode,
    bytes_of_groups,
    groups_of_5,
)
from khazana.bitcoin.network import NETWORKS, Network
from khazana.bitcoin.script import ScriptKind
from khazana.errors import KhazanaError

# Only what starts and measures like an address is ever repeated in an error: other text that
# lands here by mistake may be a key or a seed phrase.
_LOOKS_LIKE_BASE58_ADDRESS = re.compile(rf"[123mn][{BASE58_ALPHABET}]{{24,35}}")
_LOOKS_LIKE_BECH32_ADDRESS = re.compile(r"(bc|tb|bcrt)1[!-~]{0,120}", re.IGNORECASE)
_LOOKS_LIKE_FOREIGN_BECH32 = re.compile(
    rf"[a-z]{{1,8}}1[{BECH32_ALPHABET}]{{6,}}|[A-Z]{{1,8}}1[{BECH32_ALPHABET.upper()}]{{6,}}"
)
_LOOKS_LIKE_A_SECRET = re.compile(
    rf"[xyzYZtuvUV]prv[{BASE58_ALPHABET}]+"  # BIP-32 and SLIP-132 extended private keys
    rf"|[5KL9c][{BASE58_ALPHABET}]{{49,53}}"  # wallet import format
    rf"|6P[{BASE58_ALPHABET}]{{56}}"  # BIP-38
    rf"|S[{BASE58_ALPHABET}]{{21,29}}"  # mini private key
    r"|(0x)?[0-9a-fA-F]{64}"  # a bare 256-bit key
    r"|([A-Za-z]+\s+){11,23}[A-Za-z]+"  # BIP-39 seed phrase
)
_BECH32_FORMS = (_LOOKS_LIKE_BECH32_ADDRESS, _LOOKS_LIKE_FOREIGN_BECH32)
_PRIVATE_KEY_VERSIONS = (128, 239)


@dataclass(eq=False, kw_only=True)
class BadAddress(KhazanaError):
    """A text that should be an address of a network is not."""

    address: str
    network: str
    problem: str
    code = "bad_address"
    words = "{address} is not an address of {network}: {problem}."


@dataclass(eq=False, kw_only=True)
class SecretInsteadOfAddress(KhazanaError):
    """A private key or seed phrase stands where an address belongs. It is never repeated."""

    network: str
    code = "secret_instead_of_address"
    words = (
        "A private key or seed phrase stands where an address of {network} belongs; it is not "
        "repeated here. Nothing in this program needs it: remove it from the file and move the "
        "coins to a new key."
    )


def script_of(address: str, network: Network) -> bytes:
    """The output script that an address of this network stands for.

    >>> from khazana.bitcoin.network import MAINNET
    >>> script_of("bc1pfeessrawgf", MAINNET).hex()
    '51024e73'
    """
    if _LOOKS_LIKE_A_SECRET.fullmatch(address.strip()):
        raise SecretInsteadOfAddress(network=network.name)
    if address != address.strip():
        raise _bad(address.strip(), network, "blanks stand before or after it")
    try:
        if any(form.fullmatch(address) for form in _BECH32_FORMS):
            return _script_of_bech32(address, network)
        return _script_of_base58(address, network)
    except BadEncoding as problem:
        raise _bad(address, network, str(problem)) from None


def address_of(script: bytes, network: Network) -> str | None:
    """The address of an output script; None for kinds that have none, as P2PK and multisig."""
    output = scripts.classify(script)
    if output.kind is ScriptKind.P2PKH:
        return base58check_encode(bytes([network.p2pkh_version]) + output.payload)
    if output.kind is ScriptKind.P2SH:
        return base58check_encode(bytes([network.p2sh_version]) + output.payload)
    if output.witness_version is None:
        return None
    constant = BECH32M if output.witness_version else BECH32
    groups = [output.witness_version, *groups_of_5(output.payload)]
    return bech32_encode(network.bech32_prefix, groups, constant)


def _script_of_base58(address: str, network: Network) -> bytes:
    payload = base58check_decode(address)
    version, rest = payload[0], payload[1:]
    if version in _PRIVATE_KEY_VERSIONS and len(rest) in (32, 33):
        raise SecretInsteadOfAddress(network=network.name)
    makers = {network.p2pkh_version: scripts.p2pkh, network.p2sh_version: scripts.p2sh}
    if version not in makers:
        homes = [n for n in NETWORKS.values() if version in (n.p2pkh_version, n.p2sh_version)]
        if homes:
            raise BadEncoding(_belongs_to(homes))
        raise BadEncoding(f"version byte {version} belongs to no kind of address")
    if len(rest) != 20:
        raise BadEncoding(f"it holds {len(rest)} bytes where a hash of 20 belongs")
    return makers[version](rest)


def _script_of_bech32(address: str, network: Network) -> bytes:
    prefix, groups, constant = bech32_decode(address)
    if prefix != network.bech32_prefix:
        homes = [n for n in NETWORKS.values() if n.bech32_prefix == prefix]
        if homes:
            raise BadEncoding(_belongs_to(homes))
        raise BadEncoding(f"its prefix {prefix!r} belongs to no network")
    if not groups:
        raise BadEncoding("it holds no witness program")
    version, program = groups[0], bytes_of_groups(groups[1:])
    if version > 16:
        raise BadEncoding(f"witness version {version} does not exist; 16 is the highest")
    if not 2 <= len(program) <= 40:
        raise BadEncoding(f"a witness program has 2 to 40 bytes, not {len(program)}")
    if version == 0 and len(program) not in (20, 32):
        raise BadEncoding(f"a version 0 witness program has 20 or 32 bytes, not {len(program)}")
    # BIP-350: the checksum that can miss an inserted q is refused from version 1 on.
    if version == 0 and constant != BECH32:
        raise BadEncoding("witness version 0 needs a Bech32 checksum, this is Bech32m")
    if version > 0 and constant != BECH32M:
        raise BadEncoding(f"witness version {version} needs a Bech32m checksum, this is Bech32")
    return scripts.witness_script(version, program)


def _belongs_to(networks: list[Network]) -> str:
    return "it belongs to " + " or ".join(network.name for network in networks)


def _bad(address: str, network: Network, problem: str) -> BadAddress:
    recognised = _LOOKS_LIKE_BASE58_ADDRESS.fullmatch(
        address
    ) or _LOOKS_LIKE_BECH32_ADDRESS.fullmatch(address)
    shown = address if recognised else f"A text of {len(address)} characters"
    return BadAddress(address=shown, network=network.name, problem=problem)
