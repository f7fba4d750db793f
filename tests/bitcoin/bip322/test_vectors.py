"""The vectors of BIP-322 v2.0.0."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from khazana.bitcoin.address import script_of
from khazana.bitcoin.bip322.coins import KnownCoins
from khazana.bitcoin.bip322.kernel_judge import kernel_consensus
from khazana.bitcoin.bip322.proof import read_proof
from khazana.bitcoin.bip322.transactions import message_hash, to_sign, to_spend
from khazana.bitcoin.bip322.verdict import Reason, State, Variant
from khazana.bitcoin.bip322.verify import verify_address
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.network import MAINNET
from khazana.bitcoin.transaction import TxOut
from khazana.units import BlockHash, Height, Sats
from tests.shared import shared_file

FILES = ("basic", "generated")
BLOCK = BlockRef(Height(900_000), BlockHash("00" * 32))


def rows(*groups: str) -> Iterator[dict[str, Any]]:
    for name in FILES:
        record = json.loads(shared_file(f"vectors/bip-0322/{name}-test-vectors.json").read_text())
        for group in groups:
            yield from record.get(group, [])


def test_hashes_and_virtual_transactions_are_those_of_the_specification():
    found = 0
    for row in rows("tx_hashes"):
        message = row["message"].encode()
        posed = to_spend(message, script_of(row["address"], MAINNET))
        assert message_hash(message).hex() == row["message_hash"]
        assert posed.txid == row["to_spend_tx_hash"]
        assert to_sign(posed).txid == row["to_sign_tx_hash"]
        found += 1
    assert found == 3


@pytest.mark.parametrize("with_kernel", [False, True])
def test_simple_and_full_signatures_hold(with_kernel):
    consensus = kernel_consensus() if with_kernel else None
    if with_kernel and consensus is None:
        pytest.skip("py-bitcoinkernel is absent")
    found = 0
    for row in rows("simple", "full"):
        for signature in row["bip322_signatures"]:
            verdict = verify_address(
                signature,
                address=row["address"],
                network=MAINNET,
                message=row["message"].encode(),
                consensus=consensus,
                allow_unprefixed=row["message"] == "No prefix fallback",
            )
            assert verdict.holds, (row["type"], str(verdict))
            assert verdict.lock_time == row.get("lock_time", 0)
            assert verdict.sequence == row.get("sequence", 0)
            assert verdict.version == row.get("tx_version", 0)
            expected = State.VALID_AT if "lock_time" in row else State.VALID
            assert verdict.state is expected
            assert len(verdict.signers) == len(row["private_keys"])
            found += 1
    assert found == 20


def known_coins(row: dict[str, Any]) -> KnownCoins:
    """The coins that the vector's PSBT spends, as the vector lists them."""
    script = script_of(row["address"], MAINNET)
    proof = read_proof(row["bip322_signatures"][0], script=script, message=row["message"].encode())
    listed = [coin for group in row["additional_inputs"] for coin in group]
    coins = {
        i.outpoint: TxOut(Sats(coin["value"]), bytes.fromhex(coin["pk_script"]))
        for i, coin in zip(proof.transaction.inputs[1:], listed, strict=True)
    }
    return KnownCoins(BLOCK, coins)


def test_proofs_of_funds_hold_for_the_coins_they_list():
    found = 0
    for row in rows("proof_of_funds"):
        for signature in row["bip322_signatures"]:
            known = known_coins(row)
            verdict = verify_address(
                signature,
                address=row["address"],
                network=MAINNET,
                message=row["message"].encode(),
                coins=known,
                consensus=kernel_consensus(),
            )
            assert verdict.state is State.VALID_AT, str(verdict)
            assert (verdict.lock_time, verdict.sequence) == (123, 456)
            assert verdict.variant is Variant.PROOF_OF_FUNDS
            assert {c.outpoint: c.spent for c in verdict.coins} == known.unspent
            assert all(coin.signers for coin in verdict.coins)
            found += 1
    assert found == 3


def test_proofs_of_funds_alone_are_inconclusive():
    for row in rows("proof_of_funds"):
        verdict = verify_address(
            row["bip322_signatures"][0],
            address=row["address"],
            network=MAINNET,
            message=row["message"].encode(),
        )
        assert verdict.state is State.INCONCLUSIVE
        assert verdict.reasons == (Reason.COINS_NOT_CHECKED,)


EXPECTED = {
    "base64": {Reason.MALFORMED},
    "signature too short": {Reason.MALFORMED},
    "error decoding signature as base64": {Reason.MALFORMED},
    "error parsing signature as full variant": {Reason.MALFORMED},
    "invalid signature": {
        Reason.NULLFAIL,
        Reason.SCRIPT_MISMATCH,
        Reason.OTHER_MESSAGE,
    },
}


def test_wrong_signatures_are_invalid_for_the_reason_given():
    found = 0
    for row in rows("error"):
        verdict = verify_address(
            row["signature"],
            address=row["address"],
            network=MAINNET,
            message=row["message"].encode(),
            allow_unprefixed=True,
        )
        assert verdict.state is State.INVALID, row["description"]
        assert set(verdict.reasons) <= EXPECTED[row["error_substr"]], (row, str(verdict))
        found += 1
    assert found == 36


def test_text_without_prefix_is_read_only_where_it_is_allowed():
    (row,) = (row for row in rows("simple") if row["message"] == "No prefix fallback")
    verdict = verify_address(
        row["bip322_signatures"][0],
        address=row["address"],
        network=MAINNET,
        message=row["message"].encode(),
    )
    assert verdict.state is State.INVALID
    assert verdict.reasons == (Reason.NO_PREFIX,)
