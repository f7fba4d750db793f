"""The Bitcoin networks: what tells them apart and which rules their headers follow."""

from dataclasses import dataclass

from khazana.units import BlockHash

RETARGET_INTERVAL = 2016
"""Blocks between two adjustments of difficulty (Bitcoin Core, consensus/params.h)."""

TARGET_SPACING_S = 600
"""Seconds a block should take on average."""

COINBASE_MATURITY = 100
"""Blocks that must stand on top of a coinbase's block before its outputs may be spent."""


@dataclass(frozen=True)
class Network:
    """A Bitcoin network. Its identity is the genesis hash; the name is for people.

    test: whether its coins are without value, so that every output must say so.
    magic: the four bytes before each message and each block on disk.
    """

    name: str
    genesis: BlockHash
    magic: bytes
    bech32_prefix: str
    p2pkh_version: int
    p2sh_version: int
    pow_limit_bits: int
    halving_interval: int
    retargets: bool
    min_difficulty_after_20_minutes: bool
    bip94: bool
    test: bool
    signet: bool = False


MAINNET = Network(
    name="mainnet",
    genesis=BlockHash("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"),
    magic=bytes.fromhex("f9beb4d9"),
    bech32_prefix="bc",
    p2pkh_version=0,
    p2sh_version=5,
    pow_limit_bits=0x1D00FFFF,
    halving_interval=210_000,
    retargets=True,
    min_difficulty_after_20_minutes=False,
    bip94=False,
    test=False,
)
TESTNET3 = Network(
    name="testnet3",
    genesis=BlockHash("000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943"),
    magic=bytes.fromhex("0b110907"),
    bech32_prefix="tb",
    p2pkh_version=111,
    p2sh_version=196,
    pow_limit_bits=0x1D00FFFF,
    halving_interval=210_000,
    retargets=True,
    min_difficulty_after_20_minutes=True,
    bip94=False,
    test=True,
)
TESTNET4 = Network(
    name="testnet4",
    genesis=BlockHash("00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043"),
    magic=bytes.fromhex("1c163f28"),
    bech32_prefix="tb",
    p2pkh_version=111,
    p2sh_version=196,
    pow_limit_bits=0x1D00FFFF,
    halving_interval=210_000,
    retargets=True,
    min_difficulty_after_20_minutes=True,
    bip94=True,
    test=True,
)
SIGNET = Network(
    name="signet",
    genesis=BlockHash("00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6"),
    magic=bytes.fromhex("0a03cf40"),
    bech32_prefix="tb",
    p2pkh_version=111,
    p2sh_version=196,
    pow_limit_bits=0x1E0377AE,
    halving_interval=210_000,
    retargets=True,
    min_difficulty_after_20_minutes=False,
    bip94=False,
    test=True,
    signet=True,
)
REGTEST = Network(
    name="regtest",
    genesis=BlockHash("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"),
    magic=bytes.fromhex("fabfb5da"),
    bech32_prefix="bcrt",
    p2pkh_version=111,
    p2sh_version=196,
    pow_limit_bits=0x207FFFFF,
    halving_interval=150,
    retargets=False,
    min_difficulty_after_20_minutes=True,
    bip94=False,
    test=True,
)

NETWORKS = {network.name: network for network in (MAINNET, TESTNET3, TESTNET4, SIGNET, REGTEST)}
"""Parameters from Bitcoin Core v31, kernel/chainparams.cpp (MIT; facts)."""


def network_of_genesis(genesis: str) -> Network | None:
    """The network whose first block has this hash, if we know it."""
    return next((n for n in NETWORKS.values() if n.genesis == genesis), None)
