import pytest

from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.devnet.mempool_log import MempoolLog, MempoolLogDamaged
from khazana.units import Sats, Txid


def made(number, parent=None):
    source = OutPoint(Txid(f"{number:064x}"), 0) if parent is None else parent.outpoint(0)
    return Transaction(2, (TxIn(source, b"", 0),), (TxOut(Sats(number), b"\x51"),), 0)


ONE, TWO, THREE = made(1), made(2), made(3)


@pytest.fixture
def log(tmp_path):
    opened = MempoolLog(tmp_path / "mempool.dat")
    opened.rewrite([])
    yield opened
    opened.close()


def loaded(log):
    return MempoolLog(log.path).load()


def test_a_log_remembers_joining_leaving_and_replacing(log):
    log.append(joined=[ONE], sync=True)
    log.append(joined=[TWO], sync=True)
    log.append(joined=[THREE], left=[ONE.txid], sync=True)
    assert loaded(log) == [TWO, THREE]


def test_what_returned_after_its_child_is_loaded_before_it(log):
    child = made(9, parent=ONE)
    grandchild = made(10, parent=child)
    log.append(joined=[grandchild], sync=True)
    log.append(joined=[child, ONE], sync=True)
    assert loaded(log) == [ONE, child, grandchild]


def test_a_torn_change_did_not_happen_wherever_it_tore(log):
    log.append(joined=[ONE], sync=True)
    before = log.path.stat().st_size
    log.append(joined=[TWO], left=[ONE.txid], sync=True)
    whole = log.path.read_bytes()
    for end in range(before, len(whole)):
        log.path.write_bytes(whole[:end])
        assert loaded(log) == [ONE]
    log.path.write_bytes(whole[:-5] + bytes(5))
    assert loaded(log) == [ONE]
    log.path.write_bytes(whole)
    assert loaded(log) == [TWO]


def test_damage_before_the_last_change_is_refused_with_its_place(log):
    log.append(joined=[ONE], sync=True)
    log.append(joined=[TWO], sync=True)
    whole = bytearray(log.path.read_bytes())
    whole[20] ^= 1
    log.path.write_bytes(whole)
    with pytest.raises(MempoolLogDamaged, match="at byte 0: the checksum") as refused:
        loaded(log)
    assert str(log.path) in str(refused.value)


def test_rewriting_keeps_only_what_waits(log):
    for number in range(50):
        log.append(joined=[made(number + 100)], sync=False)
    long = log.path.stat().st_size
    log.rewrite([ONE, TWO])
    assert log.path.stat().st_size < long / 10
    log.append(joined=[THREE], sync=True)
    assert loaded(log) == [ONE, TWO, THREE]
