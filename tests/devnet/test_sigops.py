import pytest

from khazana.bitcoin.script import multisig, p2pkh, p2sh, p2wsh
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.devnet.sigops import sigops_cost
from khazana.units import Sats, Txid
from tests.devnet.keys import Key

KEYS = [Key(name).public for name in ("Anna", "Bo", "Cia")]
TWO_OF_THREE = multisig(KEYS, required=2)
SOURCE = OutPoint(Txid("11" * 32), 0)


def cost(script, script_sig=b"", witness=(), pays=b"\x51"):
    transaction = Transaction(
        2, (TxIn(SOURCE, script_sig, 0, witness),), (TxOut(Sats(1), pays),), 0
    )
    return sigops_cost(transaction, [TxOut(Sats(1), script)])


def push(data):
    return bytes([0x4C, len(data)]) + data


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("a witness key", 1),
        ("a key in P2SH-wrapped witness", 1),
        ("a witness script counts its keys", 3),
        ("the same wrapped in P2SH", 3),
        ("a P2SH script counts its keys four times", 12),
        ("a bare multisig output counts twenty, four times", 80),
        ("a P2PKH output counts one, four times", 4),
        ("taproot counts none", 0),
    ],
)
def test_operations_are_counted_as_bitcoin_core_does(what, expected):
    wpkh, wsh = Key("Anna").script, p2wsh(bytes(32))
    found = {
        "a witness key": cost(wpkh, witness=(b"s", KEYS[0])),
        "a key in P2SH-wrapped witness": cost(p2sh(bytes(20)), push(wpkh), (b"s", KEYS[0])),
        "a witness script counts its keys": cost(wsh, witness=(b"", TWO_OF_THREE)),
        "the same wrapped in P2SH": cost(p2sh(bytes(20)), push(wsh), (b"", TWO_OF_THREE)),
        "a P2SH script counts its keys four times": cost(p2sh(bytes(20)), push(TWO_OF_THREE)),
        "a bare multisig output counts twenty, four times": cost(wpkh, pays=TWO_OF_THREE) - 1,
        "a P2PKH output counts one, four times": cost(wpkh, pays=p2pkh(bytes(20))) - 1,
        "taproot counts none": cost(b"\x51\x20" + bytes(32), witness=(b"s",)),
    }
    # A witness input without a witness still counts its key: it is taken off above.
    assert found[what] == expected


def test_what_stands_before_a_broken_push_counts():
    assert cost(b"\x51", pays=b"\xac\xac\x05\x01") == 8
