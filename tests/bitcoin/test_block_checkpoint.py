import os

import msgspec
import pytest

from khazana.bitcoin.adapters.block_files import BlockFilesChain, Reading
from khazana.bitcoin.blockfiles.compiled import walk_with
from khazana.bitcoin.blockfiles.errors import BlocksRewritten
from khazana.bitcoin.blockfiles.plain_walk import walk_plainly
from khazana.bitcoin.blockfiles.remembered import (
    CheckpointUnusable,
    read_remembered,
    write_remembered,
)
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint
from khazana.units import Height, Txid
from tests.bitcoin.block_file_writer import record, write_blocks, write_file
from tests.bitcoin.stories import ALSO_OURS, FOREIGN, MINERS, OURS, pay, story

SCRIPTS = [OURS, ALSO_OURS, MINERS]


class Counted:
    """A walk that tells at which height it had to begin, for each time it was asked."""

    def __init__(self, walk) -> None:
        self._walk = walk
        self.begun: list[int] = []

    def __call__(self, question):
        self.begun.append(question.first)
        return self._walk(question)


@pytest.fixture(params=["compiled", "plain"])
def walk(request):
    if request.param == "plain":
        return Counted(walk_plainly)
    pytest.importorskip("numba", reason="the office extra is not installed")
    return Counted(walk_with(threads=1))


def audited(folder, walk, *, remembered=None, scripts=SCRIPTS, full=False, containing=None):
    """The history up to the tip, and the checkpoint, as a file."""
    view = BlockFilesChain(
        folder,
        Reading(
            walk=walk,
            full=full,
            remember=True,
            containing=containing,
            remembered=None if remembered is None else read_remembered(remembered),
        ),
    )
    history = list(view.history(scripts, None, view.tip()))
    return history, write_remembered(view.to_remember())


def honest(chain: SimulatedChain):
    return chain.history(SCRIPTS, None, chain.tip())


def spread(folder, chain, files=3):
    write_blocks(folder, chain.blocks, files=files)


def test_the_next_audit_reads_only_new_blocks(tmp_path, walk):
    chain = story().chain
    spread(tmp_path, chain)
    history, kept = audited(tmp_path, walk)
    assert history == honest(chain)
    last = chain.tip().height
    first_of_ours = chain.blocks[2].transactions[1].outpoint(0)
    chain.add_block(
        [pay([first_of_ours], (FOREIGN, 1)), pay([OutPoint(Txid("12" * 32), 0)], (OURS, 3))]
    )
    write_file(tmp_path, 3, record(chain.blocks[-1].serialize()))
    history, kept = audited(tmp_path, walk, remembered=kept)
    assert history == honest(chain)
    # A spend of a coin that only the checkpoint knows is among them.
    assert history[-2].transaction.inputs[0].outpoint == first_of_ours
    assert walk.begun == [0, last + 1]
    again, same = audited(tmp_path, walk, remembered=kept)
    assert (again, same) == (history, kept)
    assert walk.begun == [0, last + 1]


def test_a_file_that_grew_is_compared_and_read_on(tmp_path, walk):
    chain = story().chain
    write_blocks(tmp_path, chain.blocks[:-4], padding=3_000)
    _, kept = audited(tmp_path, walk)
    write_blocks(tmp_path, chain.blocks, padding=3_000)
    history, _ = audited(tmp_path, walk, remembered=kept)
    assert history == honest(chain)
    assert walk.begun == [0, len(chain.blocks) - 4]


def test_a_touched_file_with_the_same_blocks_is_accepted(tmp_path, walk):
    chain = story().chain
    spread(tmp_path, chain)
    _, kept = audited(tmp_path, walk)
    os.utime(tmp_path / "blk00001.dat", ns=(1, 1))
    history, again = audited(tmp_path, walk, remembered=kept)
    assert history == honest(chain)
    assert walk.begun == [0]
    assert audited(tmp_path, walk, remembered=again)[0] == history


def test_a_reorganisation_takes_back_what_the_checkpoint_had_found(tmp_path, walk):
    chain = story().chain
    spread(tmp_path, chain, files=2)
    _, kept = audited(tmp_path, walk)
    fork = Height(chain.tip().height - 5)
    chain.reorganise(fork, [[pay([OutPoint(Txid("13" * 32), 0)], (OURS, 3))], *([[]] * 6)])
    new = chain.blocks[fork + 1 :]
    write_file(tmp_path, 2, b"".join(record(block.serialize()) for block in new))
    history, kept = audited(tmp_path, walk, remembered=kept)
    assert history == honest(chain)
    assert walk.begun == [0, fork + 1]
    assert audited(tmp_path, walk, remembered=kept)[0] == history
    stale = chain.stale[-1].hash
    old, _ = audited(tmp_path, walk, remembered=kept, containing=stale)
    branch = SimulatedChain(blocks=[*chain.blocks[: fork + 1], *chain.stale])
    assert old == honest(branch)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_rewritten_block_is_noticed_though_its_header_is_the_same(tmp_path, walk, number):
    """Without --full an unmatched block's body is not proved: its digest tells on it."""
    chain = story().chain
    spread(tmp_path, chain)
    _, kept = audited(tmp_path, walk)
    path = tmp_path / f"blk{number:05}.dat"
    content = bytearray(path.read_bytes())
    content[8 + 80 + 6 + 36 + 3] ^= 1  # in the first block's coinbase
    path.write_bytes(content)
    os.utime(path, ns=(7, 7))
    with pytest.raises(BlocksRewritten, match=f"blk{number:05}.dat"):
        audited(tmp_path, walk, remembered=kept)


def test_blocks_that_went_away_or_moved_are_noticed(tmp_path, walk):
    chain = story().chain
    spread(tmp_path, chain)
    _, kept = audited(tmp_path, walk)
    last = (tmp_path / "blk00002.dat").read_bytes()
    (tmp_path / "blk00002.dat").unlink()
    with pytest.raises(BlocksRewritten, match="is in no file"):
        audited(tmp_path, walk, remembered=kept)
    (tmp_path / "blk00004.dat").write_bytes(last)
    with pytest.raises(BlocksRewritten):
        audited(tmp_path, walk, remembered=kept)


def test_other_scripts_or_a_stricter_question_start_anew(tmp_path, walk):
    chain = story().chain
    spread(tmp_path, chain)
    _, kept = audited(tmp_path, walk)
    few, _ = audited(tmp_path, walk, remembered=kept, scripts=[OURS])
    assert few == chain.history([OURS], None, chain.tip())
    _, strict = audited(tmp_path, walk, remembered=kept, full=True)
    assert walk.begun == [0, 0, 0]
    # What was checked in full serves the lesser question.
    assert audited(tmp_path, walk, remembered=strict)[0] == honest(chain)
    assert walk.begun == [0, 0, 0]


def test_a_view_answers_for_any_block_from_one_reading(tmp_path, walk):
    chain = story().chain
    spread(tmp_path, chain)
    view = BlockFilesChain(tmp_path, Reading(walk=walk))
    tip = view.tip()
    for until in (tip, view.block_at(Height(3)), view.block_at(Height(9)), tip):
        assert list(view.history(SCRIPTS, None, until)) == chain.history(SCRIPTS, None, until)
    assert walk.begun == [0]


def resealed(content: bytes, change) -> bytes:
    """A checkpoint with changed content and the right checksum: by whoever can write the file."""
    return write_remembered(change(read_remembered(content)))


def test_a_damaged_checkpoint_is_refused_whole(tmp_path, walk):
    spread(tmp_path, story().chain)
    _, kept = audited(tmp_path, walk)
    for at in (0, 40, 64, 65, 200, len(kept) - 1):
        broken = bytearray(kept)
        broken[at] ^= 0x01
        with pytest.raises(CheckpointUnusable):
            read_remembered(bytes(broken))
    for short in (b"", kept[:64], kept[:500]):
        with pytest.raises(CheckpointUnusable):
            read_remembered(short)


def test_a_checkpoint_with_an_invented_transaction_is_refused(tmp_path, walk):
    chain = story().chain
    spread(tmp_path, chain)
    _, kept = audited(tmp_path, walk)
    raw = pay([OutPoint(Txid("14" * 32), 0)], (OURS, 10**9)).serialize().hex()

    def change(field, value):
        def invent(remembered):
            found = msgspec.structs.replace(remembered.history[3], **{field: value})
            history = [*remembered.history[:3], found, *remembered.history[4:]]
            return msgspec.structs.replace(remembered, history=history)

        return invent

    for field, value in (
        ("raw", raw),
        ("raw", "00"),
        ("raw", "zz"),
        ("position", 9),
        ("branch", []),
        ("block", chain.blocks[9].hash),
        ("block", "55" * 32),
    ):
        with pytest.raises(CheckpointUnusable):
            audited(tmp_path, walk, remembered=resealed(kept, change(field, value)))


def test_a_checkpoint_of_another_network_or_format_is_refused(tmp_path, walk):
    spread(tmp_path, story().chain)
    _, kept = audited(tmp_path, walk)
    other = resealed(kept, lambda r: msgspec.structs.replace(r, genesis="00" * 32))
    with pytest.raises(CheckpointUnusable, match="not about regtest"):
        audited(tmp_path, walk, remembered=other)
    other = resealed(kept, lambda r: msgspec.structs.replace(r, format="khazana.blockfiles/9"))
    with pytest.raises(CheckpointUnusable, match="format"):
        read_remembered(other)


def test_nothing_read_is_nothing_to_remember(tmp_path):
    spread(tmp_path, story().chain)
    view = BlockFilesChain(tmp_path, Reading(remember=True))
    with pytest.raises(ValueError, match="nothing was read"):
        view.to_remember()
