import os
import random
from pathlib import Path

import pytest

from khazana.bitcoin.adapters.block_files import BlockFilesChain, Reading
from khazana.bitcoin.adapters.source import UnknownChainSource, block_files_place, open_chain
from khazana.bitcoin.address import script_of
from khazana.bitcoin.block import Block, Header
from khazana.bitcoin.blockfiles.compiled import walk_with
from khazana.bitcoin.blockfiles.errors import (
    BlockFileDamaged,
    BlockFilesUnusable,
    BlocksMissing,
)
from khazana.bitcoin.blockfiles.plain_walk import walk_plainly
from khazana.bitcoin.chain import BasisKind, BlockNotInBestChain, BlockRef, ChainSourceError
from khazana.bitcoin.network import MAINNET, REGTEST
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint, TxOut
from khazana.bitcoin.work import meets_target
from khazana.units import BlockHash, Height, Sats
from tests.bitcoin.block_file_writer import KEY, masked, record, write_blocks, write_file
from tests.bitcoin.stories import ALSO_OURS, FOREIGN, MINERS, OURS, Story, pay, recorded
from tests.bitcoin.stories import story as short_story
from tests.shared import shared_file

WALKS = {
    "compiled": walk_with(threads=1),
    "two threads": walk_with(threads=2),
    "plain": walk_plainly,
}
SCRIPTS = [OURS, ALSO_OURS, MINERS]


def story() -> Story:
    """The story that all adapters are tested with, then empty blocks up to height 28."""
    told = short_story()
    told.chain.add_blocks(29 - len(told.chain.blocks))
    return told


@pytest.fixture(params=WALKS)
def walk(request):
    if request.param != "plain":
        pytest.importorskip("numba", reason="the office extra is not installed")
    return WALKS[request.param]


def same_as(chain: SimulatedChain, view: BlockFilesChain, scripts=SCRIPTS) -> None:
    """Tip, headers, history and coins are those of an honest chain in memory."""
    tip = chain.tip()
    assert view.tip() == tip
    assert list(view.headers(Height(0), tip)) == [block.header for block in chain.blocks]
    assert list(view.history(scripts, None, tip)) == chain.history(scripts, None, tip)
    assert list(view.coins_at(scripts, tip)) == chain.coins_at(scripts, tip)


@pytest.mark.parametrize("full", [False, True])
def test_a_real_nodes_file_with_a_stale_branch_and_padding_tells_its_chain(walk, full):
    chain, addresses = recorded()
    folder = shared_file("vectors/core-blocks/blk00000.dat").parent
    view = BlockFilesChain(folder, Reading(walk=walk, full=full))
    same_as(chain, view, [script_of(address, REGTEST) for address in addresses])
    assert view.basis.kind is BasisKind.OWN_BLOCKS
    assert ("of every block read" if full else "of blocks with an answer") in str(view.basis)


@pytest.mark.parametrize("key", [None, bytes(8), KEY, b"\x00" * 7 + b"\x01"])
@pytest.mark.parametrize("files", [1, 3, 7])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_order_files_and_obfuscation_change_nothing(tmp_path, walk, key, files, seed):
    chain = story().chain
    write_blocks(tmp_path, chain.blocks, files=files, key=key, shuffle=seed, padding=5_000)
    same_as(chain, BlockFilesChain(tmp_path, Reading(walk=walk)))


GAPS = {
    "zeros": [bytes(1), bytes(7), bytes(4_096)],
    "noise": [random.Random(5).randbytes(n) for n in (1, 3, 8, 600)],
    "magic alone": [REGTEST.magic, REGTEST.magic * 3, REGTEST.magic + b"\xff\xff\xff\xff"],
    "magic with a small length": [record(b""), record(bytes(80)), record(bytes(200))],
    "half a magic": [REGTEST.magic[:1], REGTEST.magic[:3], REGTEST.magic[:2] * 2],
    "nearly the magic, twice": [b"\xfa\xfa\xbf", b"\xfa\xbf\xfa\xbf"],
}


@pytest.mark.parametrize("kind", GAPS)
@pytest.mark.parametrize("key", [None, KEY])
def test_what_lies_between_records_is_stepped_over(tmp_path, kind, key):
    chain = story().chain
    write_blocks(tmp_path, chain.blocks, key=key, gaps=GAPS[kind], padding=100)
    same_as(chain, BlockFilesChain(tmp_path))


def test_a_stale_branch_and_a_copy_do_not_confuse(tmp_path, walk):
    chain = story().chain
    chain.reorganise(Height(len(chain.blocks) - 4), [[], [], [], []])
    write_blocks(tmp_path, [*chain.blocks, *chain.stale, *chain.blocks[3:9]], files=2, shuffle=4)
    view = BlockFilesChain(tmp_path, Reading(walk=walk))
    same_as(chain, view)
    for block in chain.stale:
        with pytest.raises(BlockNotInBestChain):
            view.block_of(block.hash)


def test_a_named_block_chooses_its_branch_though_another_has_more_work(tmp_path, walk):
    """A node may have rejected the branch with the most work; its files still hold it."""
    chain = story().chain
    short = SimulatedChain(blocks=list(chain.blocks))
    chain.reorganise(
        Height(short.tip().height - 3), [[pay([OutPoint("44" * 32, 0)], (OURS, 9))], [], [], [], []]
    )
    write_blocks(tmp_path, [*chain.blocks, *chain.stale])
    same_as(chain, BlockFilesChain(tmp_path, Reading(walk=walk)))
    for named in (short.tip().hash, short.block_at(Height(short.tip().height - 2)).hash):
        same_as(short, BlockFilesChain(tmp_path, Reading(walk=walk, containing=named)))
    fork = short.block_at(Height(short.tip().height - 3)).hash
    same_as(chain, BlockFilesChain(tmp_path, Reading(walk=walk, containing=fork)))
    with pytest.raises(BlockNotInBestChain):
        BlockFilesChain(tmp_path, Reading(containing=BlockHash("77" * 32))).tip()


def test_of_two_branches_with_equal_work_the_first_on_the_disk_is_taken(tmp_path):
    chain = story().chain
    tip, height = chain.blocks[-1], chain.tip().height
    chain.reorganise(Height(height - 1), [[], []])
    rival = chain.blocks[height]
    write_blocks(tmp_path / "a", [*chain.blocks[:height], tip, rival])
    write_blocks(tmp_path / "b", [*chain.blocks[:height], rival, tip])
    assert BlockFilesChain(tmp_path / "a").tip().hash == tip.hash
    assert BlockFilesChain(tmp_path / "b").tip().hash == rival.hash


@pytest.mark.parametrize("cut", [1, 50, 81, 140])
@pytest.mark.parametrize("key", [None, KEY])
def test_a_last_record_that_is_cut_short_is_not_there_yet(tmp_path, walk, cut, key):
    chain = story().chain
    path = write_blocks(tmp_path, chain.blocks, key=key)[0]
    os.truncate(path, path.stat().st_size - cut)
    shorter = SimulatedChain(blocks=chain.blocks[:-1])
    view = BlockFilesChain(tmp_path, Reading(walk=walk))
    same_as(shorter, view)
    # The node writes the rest: the same view sees it.
    write_blocks(tmp_path, chain.blocks, key=key)
    same_as(chain, view)


@pytest.mark.parametrize("written", [8 + 80, 8 + 81, 8 + 120])
@pytest.mark.parametrize("key", [None, KEY])
def test_a_newest_block_whose_body_is_not_written_yet_is_not_there_yet(tmp_path, written, key):
    """Magic, length and header stand; the rest is still the zeros of allocated space."""
    chain = story().chain
    content = b"".join(record(block.serialize()) for block in chain.blocks)
    last = len(record(chain.blocks[-1].serialize()))
    begun = len(content) - last + written
    write_file(tmp_path, 0, content[:begun], key=key, padding=len(content) - begun + 9_000)
    same_as(SimulatedChain(blocks=chain.blocks[:-1]), BlockFilesChain(tmp_path))


def test_a_view_sees_a_new_file_and_reads_all_again_when_files_are_gone(tmp_path, walk):
    chain = story().chain
    first, second = chain.blocks[:12], chain.blocks[12:]
    write_blocks(tmp_path, first)
    view = BlockFilesChain(tmp_path, Reading(walk=walk))
    same_as(SimulatedChain(blocks=first), view)
    write_file(tmp_path, 1, b"".join(record(block.serialize()) for block in second))
    same_as(chain, view)
    (tmp_path / "blk00001.dat").unlink()
    write_blocks(tmp_path, chain.blocks[:5])
    write_file(tmp_path, 2, b"".join(record(block.serialize()) for block in chain.blocks[5:]))
    same_as(chain, view)


@pytest.mark.parametrize("first_file", [0, 3])
def test_a_pruned_node_is_refused_with_the_heights_that_are_missing(tmp_path, first_file):
    chain = story().chain
    for number in range(4):
        part = chain.blocks[7 * number : 7 * number + 7]
        if number >= max(first_file, 1):
            write_file(tmp_path, number, b"".join(record(b.serialize()) for b in part))
    with pytest.raises(BlocksMissing) as refused:
        BlockFilesChain(tmp_path).tip()
    assert (refused.value.first, refused.value.last) == (0, 6 if first_file == 0 else 20)
    assert "pruned" in str(refused.value)


def test_a_hole_in_the_middle_ends_the_chain_there_and_is_named_beyond(tmp_path):
    chain = story().chain
    write_blocks(tmp_path, [*chain.blocks[:10], *chain.blocks[13:]], gaps=[b"torn"])
    view = BlockFilesChain(tmp_path)
    assert view.tip() == BlockRef(Height(9), chain.blocks[9].hash)
    for height in (13, 20):
        with pytest.raises(BlocksMissing) as refused:
            view.block_at(Height(height))
        assert (refused.value.first, refused.value.last) == (10, 12)
        assert "blk00000.dat holds no block at bytes" in str(refused.value)
    named = Reading(containing=chain.blocks[20].hash)
    with pytest.raises(BlocksMissing) as refused:
        BlockFilesChain(tmp_path, named).tip()
    assert (refused.value.first, refused.value.last) == (10, 12)


def test_folders_without_block_files_are_refused_with_the_reason(tmp_path):
    with pytest.raises(BlockFilesUnusable, match="no block files"):
        BlockFilesChain(tmp_path).tip()
    with pytest.raises(BlockFilesUnusable, match="no such file"):
        BlockFilesChain(tmp_path / "nowhere").tip()
    write_file(tmp_path, 0, b"no magic at all", key=None)
    with pytest.raises(BlockFilesUnusable, match=r"xor.dat missing"):
        BlockFilesChain(tmp_path).tip()
    (tmp_path / "xor.dat").write_bytes(b"1234567")
    with pytest.raises(BlockFilesUnusable, match="8 bytes"):
        BlockFilesChain(tmp_path).tip()


def test_a_data_directory_is_as_good_as_its_folder_of_blocks(tmp_path):
    chain = story().chain
    write_blocks(tmp_path / "blocks", chain.blocks)
    same_as(chain, open_chain(f"blocks:{tmp_path}"))
    (tmp_path / "blocks" / "blk.dat").write_bytes(b"not one of them")
    (tmp_path / "blocks" / "rev00000.dat").write_bytes(b"nor this")
    same_as(chain, open_chain(f"blocks:{tmp_path}"))


def test_a_source_may_name_the_block_whose_branch_is_the_chain(tmp_path):
    chain = story().chain
    tip = chain.blocks[-1].hash
    write_blocks(tmp_path, chain.blocks)
    assert block_files_place(f"blocks:{tmp_path}@{tip}") == (tmp_path, tip)
    assert block_files_place(f"blocks:{tmp_path}@home") == (Path(f"{tmp_path}@home"), None)
    same_as(chain, open_chain(f"blocks:{tmp_path}@{tip}"))
    with pytest.raises(UnknownChainSource):
        block_files_place("core:somewhere")


# Files that lie


def remined(block: Block, transactions) -> Block:
    """The block with other transactions, its header unchanged."""
    return Block(block.header, tuple(transactions))


def replaced(folder: Path, chain: SimulatedChain, height: int, raw: bytes) -> None:
    content = b"".join(
        record(raw if at == height else block.serialize()) for at, block in enumerate(chain.blocks)
    )
    write_file(folder, 0, content)


def test_a_matched_block_with_other_transactions_is_refused_by_file_and_offset(tmp_path, walk):
    told = story()
    height = told.chained_in.height
    block = told.chain.blocks[height]
    forged = remined(block, [*block.transactions[:1], pay([(told.receipt, 0)], (FOREIGN, 1))])
    replaced(tmp_path, told.chain, height, forged.serialize())
    view = BlockFilesChain(tmp_path, Reading(walk=walk))
    with pytest.raises(BlockFileDamaged, match="not those its header commits to") as refused:
        view.history([OURS], None, view.tip())
    before = sum(8 + len(block.serialize()) for block in told.chain.blocks[:height])
    assert refused.value.offset == before + 8
    assert refused.value.file == str(tmp_path / "blk00000.dat")
    assert isinstance(refused.value, ChainSourceError)


def test_an_unmatched_block_with_other_transactions_is_noticed_in_full_only(tmp_path, walk):
    """The limit of the default, which its basis states."""
    chain = story().chain
    height = 6
    block = chain.blocks[height]
    forged = remined(block, [pay([OutPoint("66" * 32, 1)], (FOREIGN, 7))])
    replaced(tmp_path, chain, height, forged.serialize())
    other = [bytes([0x51, 0x02, 0x03, 0x04])]
    view = BlockFilesChain(tmp_path, Reading(walk=walk))
    assert list(view.history(other, None, view.tip())) == []
    view = BlockFilesChain(tmp_path, Reading(walk=walk, full=True))
    with pytest.raises(BlockFileDamaged, match="not those its header commits to"):
        view.history(other, None, view.tip())


def test_a_duplicated_tail_with_the_same_root_is_refused(tmp_path, walk):
    """CVE-2012-2459."""
    told = story()
    height = told.chained_in.height + 3
    block = told.chain.blocks[height]
    doubled = [*block.transactions, block.transactions[-1]]
    replaced(tmp_path, told.chain, height, remined(block, doubled).serialize())
    view = BlockFilesChain(tmp_path, Reading(walk=walk))
    with pytest.raises(BlockFileDamaged):
        view.history([OURS], None, view.tip())


@pytest.mark.parametrize(
    ("at", "new", "words"),
    [
        (80, b"\xfd\x01\x00", "length 1 written in 3 bytes"),
        (80, b"\xff" * 9, "items announced"),
        (80, b"\x00", "bytes too many"),
        (85, b"\xfe\xff\xff\xff\xff", "items announced"),
        (85, b"\x00\x02", "unknown optional data"),
        (85, b"\x00\x01\x00\x00", "every stack is empty"),
    ],
)
def test_a_block_that_cannot_be_read_is_refused_by_file_and_offset(tmp_path, walk, at, new, words):
    chain = story().chain
    raw = bytearray(chain.blocks[7].serialize())
    raw[at : at + len(new)] = new
    replaced(tmp_path, chain, 7, bytes(raw))
    view = BlockFilesChain(tmp_path, Reading(walk=walk))
    with pytest.raises(BlockFileDamaged, match=words) as refused:
        view.history([OURS], None, view.tip())
    assert chain.blocks[7].hash in refused.value.asked
    assert refused.value.file.endswith("blk00000.dat")


def test_a_header_without_work_is_no_block(tmp_path):
    chain = story().chain
    header = chain.blocks[9].header
    nonce = header.nonce
    while True:
        nonce += 1
        lazy = Header(
            header.version, header.previous, header.merkle_root_le, header.time, header.bits, nonce
        )
        if not meets_target(lazy.hash_le, lazy.bits):
            break
    raw = lazy.serialize() + chain.blocks[9].serialize()[80:]
    replaced(tmp_path, chain, 9, raw)
    view = BlockFilesChain(tmp_path)
    assert view.tip().height == 8
    with pytest.raises(BlocksMissing, match="a header without proof of work"):
        view.block_at(Height(12))


def test_a_torn_copy_does_not_stand_in_for_a_sound_one(tmp_path, walk):
    told = story()
    height = told.chained_in.height
    sound = told.chain.blocks[height].serialize()
    torn = sound[:90] + bytes(len(sound) - 90)
    content = b"".join(record(block.serialize()) for block in told.chain.blocks)
    write_file(tmp_path, 0, record(told.chain.blocks[0].serialize()) + record(torn) + content)
    same_as(told.chain, BlockFilesChain(tmp_path, Reading(walk=walk)))
    lost = [b for b in told.chain.blocks if b.hash != told.chained_in.hash]
    content = b"".join(record(block.serialize()) for block in lost)
    write_file(tmp_path, 0, record(torn) + record(torn[:-1] + b"\x01") + content)
    with pytest.raises(BlockFileDamaged, match="no copy is sound"):
        BlockFilesChain(tmp_path).tip()


def test_a_file_that_shrinks_under_a_reading_is_an_error_not_a_crash(tmp_path, walk):
    chain = story().chain
    path = write_blocks(tmp_path, chain.blocks)[0]

    def shrinking(question):
        os.truncate(path, path.stat().st_size // 2)
        return walk(question)

    view = BlockFilesChain(tmp_path, Reading(walk=shrinking))
    with pytest.raises(BlockFileDamaged):
        view.history(SCRIPTS, None, view.tip())


def test_a_file_that_is_rewritten_under_a_reading_is_an_error(tmp_path, walk):
    chain = story().chain
    path = write_blocks(tmp_path, chain.blocks)[0]

    def rewriting(question):
        content = path.read_bytes()
        path.write_bytes(content[:5_000] + masked(bytes(len(content) - 5_000), KEY, 5_000))
        return walk(question)

    view = BlockFilesChain(tmp_path, Reading(walk=rewriting))
    with pytest.raises(BlockFileDamaged):
        view.history(SCRIPTS, None, view.tip())


def test_the_magic_of_another_network_names_that_network(tmp_path):
    write_file(tmp_path, 0, MAINNET.magic + bytes(200))
    view = BlockFilesChain(tmp_path)
    assert view.network == MAINNET
    with pytest.raises(BlocksMissing):
        view.tip()


def test_many_scripts_and_long_scripts_are_all_found(tmp_path, walk):
    chain = SimulatedChain()
    rng = random.Random(11)
    scripts = [
        rng.randbytes(rng.choice([1, 2, 7, 8, 9, 22, 23, 25, 34, 35, 252, 253])) for _ in range(400)
    ]
    scripts += [rng.randbytes(66_000), rng.randbytes(65_535), b""]
    outside = [rng.randbytes(len(script)) for script in scripts[:-1]]
    made = []
    for start in range(0, len(scripts), 40):
        group = scripts[start : start + 40]
        source = pay([OutPoint(rng.randbytes(32).hex(), 3)], *[(s, 5) for s in (*group, *outside)])
        made.append(source)
        chain.add_block([source], coinbase=[TxOut(Sats(1), group[0])])
    chain.add_block([pay([(source, n)], (FOREIGN, 1)) for n, source in enumerate(made)])
    write_blocks(tmp_path, chain.blocks)
    same_as(chain, BlockFilesChain(tmp_path, Reading(walk=walk)), scripts)
    same_as(chain, BlockFilesChain(tmp_path, Reading(walk=walk)), scripts[:1])
