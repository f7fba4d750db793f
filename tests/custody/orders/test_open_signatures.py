"""Signatures that the network takes and that would let somebody else change what was approved."""

import pytest

from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.custody.orders.errors import TransactionDiffers
from khazana.custody.orders.transaction import require_whole
from khazana.custody.signing_scripts import signing_scripts
from khazana.units import Sats, Txid
from tests.custody.orders.desk import BTC, order
from tests.custody.signing import spend, wallet
from tests.reserve.simulator import script

VAULT = wallet("wsh(sortedmulti(2,{},{},{}))", "anna", "bo", "cia")
COIN = TxOut(Sats(2 * BTC), signing_scripts(VAULT, best_engine(), branch=0, index=0).output)


def signed(hash_type: int) -> Transaction:
    point = OutPoint(Txid("ab" * 32), 0)
    paid = TxOut(Sats(BTC), script("payee"))
    unsigned = Transaction(2, (TxIn(point, b"", 0xFFFFFFFD),), (paid,), 0)
    return spend(unsigned, [(COIN, VAULT, 0, ("anna", "bo"))], hash_type=hash_type)


@pytest.mark.parametrize("hash_type", [0x02, 0x03, 0x81, 0x82, 0x83])
def test_a_signature_that_leaves_something_open_is_refused(hash_type):
    """Rule O9: with NONE anybody could pay somebody else what was approved for the payee."""
    with pytest.raises(TransactionDiffers, match="input 0") as refused:
        require_whole(order(BTC), signed(hash_type), [COIN])
    assert refused.value.name == "sighash"


def test_a_signature_over_everything_passes_and_a_bad_one_is_left_to_the_network():
    """Rule O9."""
    require_whole(order(BTC), signed(0x01), [COIN])
    require_whole(order(BTC), signed(0x01), [TxOut(Sats(BTC), COIN.script)])
    require_whole(order(BTC), signed(0x01), [])
