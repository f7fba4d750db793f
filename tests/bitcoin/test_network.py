"""The networks are who they say they are."""

import json

import pytest

from khazana.bitcoin.block import Header
from khazana.bitcoin.network import (
    MAINNET,
    NETWORKS,
    REGTEST,
    SIGNET,
    TESTNET3,
    TESTNET4,
    Network,
    network_of_genesis,
)
from khazana.bitcoin.work import is_canonical, meets_target, target_of
from khazana.units import BlockHash
from tests.shared import shared_file

ROOT = bytes.fromhex("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b")[::-1]
ROOT_4 = bytes.fromhex("7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e")[::-1]

# Bitcoin Core v31, kernel/chainparams.cpp, CreateGenesisBlock: time, nonce, bits (MIT; facts).
GENESIS = {
    MAINNET: (ROOT, 1231006505, 0x1D00FFFF, 2083236893),
    TESTNET3: (ROOT, 1296688602, 0x1D00FFFF, 414098458),
    TESTNET4: (ROOT_4, 1714777860, 0x1D00FFFF, 393743547),
    SIGNET: (ROOT, 1598918400, 0x1E0377AE, 52613770),
    REGTEST: (ROOT, 1296688602, 0x207FFFFF, 2),
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=lambda network: network.name)
def test_the_genesis_header_has_the_hash_and_proves_work(network: Network) -> None:
    root, time, bits, nonce = GENESIS[network]
    header = Header(1, BlockHash("00" * 32), root, time, bits, nonce)
    assert header.hash == network.genesis
    assert bits == network.pow_limit_bits
    assert meets_target(header.hash_le, bits)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=lambda network: network.name)
def test_a_network_is_found_by_its_genesis_hash_and_nothing_else(network: Network) -> None:
    assert network_of_genesis(network.genesis) is network
    assert network_of_genesis(network.genesis.upper()) is None
    assert network.test == (network is not MAINNET)
    assert is_canonical(network.pow_limit_bits)


def test_no_two_networks_share_a_genesis_or_a_magic() -> None:
    assert len({network.genesis for network in NETWORKS.values()}) == len(NETWORKS)
    assert len({network.magic for network in NETWORKS.values()}) == len(NETWORKS)


def test_a_retarget_from_the_easiest_target_fits_256_bits() -> None:
    # Core multiplies before it divides, in 256 bits: pow_tests.cpp, sanity_check_chainparams.
    for network in NETWORKS.values():
        if network.retargets:
            assert target_of(network.pow_limit_bits) < (2**256 - 1) // (4 * 2016 * 600)


def test_a_real_node_names_regtest_by_the_same_genesis() -> None:
    record = json.loads(shared_file("vectors/core-rpc/chain.json").read_text())
    assert Header.parse(bytes.fromhex(record["blocks"][0])[:80]).hash == REGTEST.genesis
