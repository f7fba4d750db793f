"""Opening a log that holds what the engine does not take."""

import threading

import pytest

from khazana.bitcoin.transaction import TxOut
from khazana.devnet.miner import Chosen, build_block
from khazana.devnet.network import ClockBehindBlocks, Devnet
from khazana.devnet.view import DevnetView
from khazana.devnet.wal import BlockLog, BlockLogDamaged
from khazana.units import BlockHash, Height, Sats
from tests.devnet.keys import DAY, T0, Key


@pytest.fixture
def made(tmp_path):
    with Devnet(tmp_path) as devnet:
        devnet.mine(3, time=T0)
        return tmp_path, devnet.tip()


def append(directory, *, on, height, time=T0 + DAY, fees=0):
    block = build_block(
        previous=on,
        height=Height(height),
        time=time,
        script=b"\x51",
        chosen=Chosen((), Sats(fees)),
        extra_nonce=77,
    )
    log = BlockLog(directory / "blocks" / "blk00000.dat")
    log.append(block.serialize(), block.hash)
    log.close()
    return block.hash


def test_a_refused_block_at_the_end_was_never_acknowledged_and_is_dropped(made):
    directory, tip = made
    path = directory / "blocks" / "blk00000.dat"
    size = path.stat().st_size
    append(directory, on=tip.hash, height=4, fees=1)
    with Devnet(directory) as devnet:
        assert devnet.tip() == tip
        assert path.stat().st_size == size


def test_a_refused_block_before_the_end_is_damage(made):
    directory, tip = made
    orphan = append(directory, on=BlockHash("ab" * 32), height=4)
    append(directory, on=tip.hash, height=4)
    path = directory / "blocks" / "blk00000.dat"
    before = path.read_bytes()
    with pytest.raises(BlockLogDamaged, match="prev-blk-not-found") as refused:
        Devnet(directory)
    assert orphan in str(refused.value)
    assert path.read_bytes() == before


def test_a_clock_before_the_blocks_is_named_and_no_block_is_dropped(made):
    directory, tip = made
    append(directory, on=tip.hash, height=4, time=2**32 - 1)
    path = directory / "blocks" / "blk00000.dat"
    before = path.read_bytes()
    with pytest.raises(ClockBehindBlocks, match="clock"):
        Devnet(directory)
    assert path.read_bytes() == before


def test_a_block_that_was_logged_but_not_yet_judged_is_taken(made):
    directory, tip = made
    added = append(directory, on=tip.hash, height=4)
    with Devnet(directory) as devnet:
        assert devnet.tip().hash == added


def test_a_failed_opening_leaves_the_directory_free(made):
    directory, tip = made
    append(directory, on=tip.hash, height=4, time=2**32 - 1)
    for _ in range(2):
        with pytest.raises(ClockBehindBlocks):
            Devnet(directory)


def test_closing_leaves_no_scratch_behind(made):
    directory, _ = made
    assert not (directory / "engine").exists()


def test_readers_and_a_miner_in_threads_never_see_half_a_step(tmp_path):
    key, stop = Key("Anna"), threading.Event()
    problems, reads = [], []
    with Devnet(tmp_path) as devnet:
        devnet.mine(110, time=T0)
        view = DevnetView(devnet)

        def read():
            while not stop.is_set():
                with devnet.lock:
                    tip = view.tip()
                    coins = view.coins_at([key.script], tip)
                    kept = sorted(c.outpoint for c in devnet.index.coins(key.script))
                    if [c.outpoint for c in coins] != kept:
                        problems.append(tip)
                    reads.append(tip)

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for n in range(25):
            devnet.pay([TxOut(Sats(1_000 + n), key.script)])
            devnet.mine(1, time=T0 + DAY)
            if n % 5 == 4:
                devnet.reorganise(2, time=T0 + DAY, keep=n % 2 == 0)
        stop.set()
        for thread in threads:
            thread.join()
    assert problems == []
    assert len(set(reads)) > 1


def test_an_interruption_inside_a_block_asks_for_reopening_and_loses_nothing(made):
    directory, tip = made

    class Interrupted(BaseException):
        pass

    def interrupt(_block):
        raise Interrupted

    with Devnet(directory) as devnet:
        devnet.index.connect = interrupt
        with pytest.raises(Interrupted):
            devnet.mine(1, time=T0 + DAY)
        del devnet.index.connect
        with pytest.raises(RuntimeError, match="open it again"):
            devnet.mine(1, time=T0 + DAY)
    with Devnet(directory) as devnet:
        assert devnet.tip().height == tip.height + 1
        devnet.mine(1, time=T0 + DAY)
