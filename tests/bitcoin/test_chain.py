"""Coins appear, are spent and mature as in Bitcoin Core."""

import json
import pickle
from decimal import Decimal

from khazana.bitcoin.address import script_of
from khazana.bitcoin.block import Block, merkle_branch, merkle_proof_holds
from khazana.bitcoin.chain import (
    Basis,
    BasisKind,
    BlockNotInBestChain,
    BlockRef,
    Coin,
    ConfirmedTransaction,
    coins_after,
)
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import OutPoint
from khazana.units import BlockHash, Height, Sats, Txid, sats_from_btc
from tests.shared import shared_file

REF = BlockRef(Height(7), BlockHash("ab" * 32))


def core_history() -> tuple[list[str], list[ConfirmedTransaction]]:
    """Addresses of a real node's regtest chain and every transaction of it, in chain order."""
    record = json.loads(shared_file("vectors/core-rpc/chain.json").read_text())
    history = []
    for height, raw in enumerate(record["blocks"]):
        block = Block.parse(bytes.fromhex(raw))
        leaves = [transaction.txid_le for transaction in block.transactions]
        for position, transaction in enumerate(block.transactions):
            history.append(
                ConfirmedTransaction(
                    transaction,
                    BlockRef(Height(height), block.hash),
                    position,
                    merkle_branch(leaves, position),
                )
            )
            assert merkle_proof_holds(
                transaction,
                position=position,
                branch_le=history[-1].branch_le,
                root_le=block.header.merkle_root_le,
            )
    return record["addresses"], history


def test_coins_are_those_a_real_node_finds_in_its_own_set() -> None:
    addresses, history = core_history()
    scripts = {script_of(address, REGTEST) for address in addresses}
    answer = json.loads(shared_file("vectors/core-rpc/scantxoutset.json").read_text())
    found = json.loads(answer["response_text"], parse_float=Decimal)["result"]
    height = found["height"]
    asked = {bytes.fromhex(row["scriptPubKey"]) for row in found["unspents"]}
    assert asked <= scripts
    assert asked
    coins = coins_after([c for c in history if c.block.height <= height], asked)
    assert {(c.outpoint, c.amount, c.block.height) for c in coins.values()} == {
        (OutPoint(Txid(row["txid"]), row["vout"]), sats_from_btc(row["amount"]), row["height"])
        for row in found["unspents"]
    }


def test_a_coinbase_matures_for_the_block_a_hundred_above_it() -> None:
    coin = Coin(OutPoint(Txid("11" * 32), 0), Sats(1), b"", REF, is_coinbase=True)
    # In block 107 it may be spent: that is when the tip is 106.
    assert not coin.is_mature(Height(105))
    assert coin.is_mature(Height(106))
    plain = Coin(coin.outpoint, coin.amount, b"", REF, is_coinbase=False)
    assert plain.is_mature(REF.height)


def test_a_basis_says_whose_word_it_is() -> None:
    assert str(Basis(BasisKind.WORD_OF, "https://a.example")) == "word of https://a.example"
    assert str(Basis(BasisKind.OWN_BLOCKS, "devnet")) == "own blocks (devnet)"


def test_an_error_survives_pickling_with_its_facts() -> None:
    error = BlockNotInBestChain(block=str(REF), source="node")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is BlockNotInBestChain
    assert str(again) == str(error)
    assert again.facts() == {"block": str(REF), "source": "node"}
