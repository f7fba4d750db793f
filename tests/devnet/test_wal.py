import pytest

from khazana.devnet.index import genesis_block
from khazana.devnet.miner import Chosen, build_block
from khazana.devnet.network import Devnet
from khazana.devnet.wal import BlockLog, BlockLogDamaged
from khazana.units import Height, Sats
from tests.devnet.keys import T0


def three_blocks():
    blocks = [genesis_block()]
    for height in range(1, 4):
        blocks.append(
            build_block(
                previous=blocks[-1].hash,
                height=Height(height),
                time=T0 + height,
                script=b"\x51",
                chosen=Chosen((), Sats(0)),
                extra_nonce=height,
            )
        )
    return blocks[1:]


@pytest.fixture
def logged(tmp_path):
    path = tmp_path / "blk00000.dat"
    blocks = three_blocks()
    log = BlockLog(path)
    for block in blocks:
        log.append(block.serialize(), block.hash)
    log.close()
    return path, blocks


def reopened(path):
    log = BlockLog(path)
    try:
        return list(log), log.cut
    finally:
        log.close()


def test_a_log_gives_back_its_blocks_in_order_of_arrival(logged):
    path, blocks = logged
    log = BlockLog(path)
    assert list(log) == [block.hash for block in blocks]
    assert [log.read(block.hash) for block in blocks] == [b.serialize() for b in blocks]
    assert log.cut is None
    log.close()


def test_the_format_is_cores_magic_length_block(logged):
    path, blocks = logged
    raw = blocks[0].serialize()
    assert path.read_bytes()[: 8 + len(raw)] == (
        bytes.fromhex("fabfb5da") + len(raw).to_bytes(4, "little") + raw
    )


def test_a_torn_last_record_is_cut_wherever_it_tore(logged):
    path, blocks = logged
    whole = path.read_bytes()
    last = len(whole) - 8 - len(blocks[2].serialize())
    for end in range(last + 1, len(whole)):
        path.write_bytes(whole[:end])
        hashes, cut = reopened(path)
        assert hashes == [block.hash for block in blocks[:2]]
        assert cut is not None
        assert (cut.offset, cut.size) == (last, end - last)
        assert cut.kept_in.read_bytes() == whole[last:end]
        assert path.read_bytes() == whole[:last]


@pytest.mark.parametrize("position", [0, 5, 8, 20, 100, -1])
def test_a_last_record_of_full_length_with_wrong_bytes_is_cut(logged, position):
    path, blocks = logged
    whole = bytearray(path.read_bytes())
    last = len(whole) - 8 - len(blocks[2].serialize())
    start = last + position if position >= 0 else len(whole) - 1
    whole[start:] = bytes(len(whole) - start)
    path.write_bytes(whole)
    hashes, cut = reopened(path)
    assert hashes[:2] == [block.hash for block in blocks[:2]]
    if position != -1:  # the last byte of a block is zero already: nothing was changed
        assert len(hashes) == 2
        assert cut is not None


def test_zeros_behind_the_last_record_are_cut(logged):
    path, blocks = logged
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(5000))
    hashes, _ = reopened(path)
    assert hashes == [block.hash for block in blocks]
    assert path.read_bytes() == whole


def test_a_log_cut_once_takes_the_next_block_where_it_was_cut(logged):
    path, blocks = logged
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    log = BlockLog(path)
    log.append(blocks[2].serialize(), blocks[2].hash)
    log.close()
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("position", "value", "problem", "offset"),
    [(0, 0, "magic", 0), (7, 0x7F, "announced", 0), (4, 0xFF, "magic", 263)],
)
def test_damage_before_the_last_record_is_refused_and_changes_nothing(
    logged, position, value, problem, offset
):
    path, _ = logged
    whole = bytearray(path.read_bytes())
    whole[position] = value
    path.write_bytes(whole)
    with pytest.raises(BlockLogDamaged, match=problem) as refused:
        BlockLog(path)
    assert refused.value.offset == offset
    assert str(path) in str(refused.value)
    assert path.read_bytes() == whole


def test_a_block_is_logged_once(logged):
    path, blocks = logged
    log = BlockLog(path)
    with pytest.raises(ValueError, match="in the log already"):
        log.append(blocks[0].serialize(), blocks[0].hash)
    log.close()
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(BlockLogDamaged, match="second time"):
        BlockLog(path)


def test_a_block_taken_back_is_gone_from_the_file(logged):
    path, blocks = logged
    log = BlockLog(path)
    log.drop_last()
    assert blocks[2].hash not in log
    log.close()
    assert reopened(path)[0] == [block.hash for block in blocks[:2]]


def test_a_devnet_opens_on_a_torn_log_with_every_whole_block(tmp_path):
    with Devnet(tmp_path) as devnet:
        tips = devnet.mine(5, time=T0)
    path = tmp_path / "blocks" / "blk00000.dat"
    path.write_bytes(path.read_bytes()[:-10])
    with Devnet(tmp_path) as devnet:
        assert devnet.tip() == tips[3]
        assert devnet.cut is not None
        assert devnet.mine(1, time=T0)[0].height == 5


def test_a_devnet_refuses_a_block_changed_in_the_middle_of_its_log(tmp_path):
    with Devnet(tmp_path) as devnet:
        devnet.mine(3, time=T0)
    path = tmp_path / "blocks" / "blk00000.dat"
    whole = bytearray(path.read_bytes())
    # The genesis record has 8 + 285 bytes; byte 150 of the next lies in its coinbase.
    whole[8 + 285 + 8 + 150] ^= 1
    path.write_bytes(whole)
    with pytest.raises(BlockLogDamaged, match=r"at byte 293") as refused:
        Devnet(tmp_path)
    assert refused.value.offset == 293
    assert path.read_bytes() == whole
