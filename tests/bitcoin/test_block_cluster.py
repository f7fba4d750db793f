"""The walk on several machines, as far as processes of one machine can stand for them."""

import pytest

pytest.importorskip("distributed", reason="the audit extra is not installed")
pytest.importorskip("numba", reason="the office extra is not installed")

from distributed import LocalCluster

from khazana.bitcoin.adapters.block_files import BlockFilesChain, Reading
from khazana.bitcoin.adapters.block_files_cluster import Cluster, walk_on
from khazana.bitcoin.blockfiles.errors import BlockFileDamaged
from khazana.bitcoin.chain import ChainSourceError
from tests.bitcoin.block_file_writer import record, write_blocks, write_file
from tests.bitcoin.stories import ALSO_OURS, MINERS, OURS, story

SCRIPTS = [OURS, ALSO_OURS, MINERS]


@pytest.fixture(scope="module")
def scheduler():
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        protocol="tcp",
        dashboard_address=None,
    ) as cluster:
        yield cluster.scheduler_address


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("chunk_bytes", [1, 1_500, 64 << 20])
def test_a_cluster_gives_the_same_answer(tmp_path, monkeypatch, scheduler, full, chunk_bytes):
    monkeypatch.setattr(Cluster, "chunk_bytes", chunk_bytes)
    chain = story().chain
    write_blocks(tmp_path, chain.blocks, files=3, shuffle=5)
    view = BlockFilesChain(tmp_path, Reading(walk=walk_on(scheduler), full=full, remember=True))
    assert list(view.history(SCRIPTS, None, view.tip())) == chain.history(
        SCRIPTS, None, chain.tip()
    )
    assert view.to_remember().height == chain.tip().height


def test_what_a_worker_finds_wrong_is_named_here(tmp_path, scheduler):
    chain = story().chain
    broken = bytearray(chain.blocks[5].serialize())
    broken[80] = 0xFE
    content = b"".join(
        record(bytes(broken) if at == 5 else block.serialize())
        for at, block in enumerate(chain.blocks)
    )
    write_file(tmp_path, 0, content)
    view = BlockFilesChain(tmp_path, Reading(walk=walk_on(scheduler)))
    with pytest.raises(BlockFileDamaged) as refused:
        view.history(SCRIPTS, None, view.tip())
    assert chain.blocks[5].hash in refused.value.asked


def test_a_file_that_is_gone_is_an_error_that_travels(tmp_path, scheduler):
    chain = story().chain
    path = write_blocks(tmp_path, chain.blocks)[0]

    def unlinking(question):
        path.unlink()
        return walk_on(scheduler)(question)

    view = BlockFilesChain(tmp_path, Reading(walk=unlinking))
    with pytest.raises(BlockFileDamaged, match="cannot be read"):
        view.history(SCRIPTS, None, view.tip())


def test_an_address_without_a_scheduler_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("khazana.bitcoin.adapters.block_files_cluster.CONNECT_S", 0.5)
    write_blocks(tmp_path, story().chain.blocks)
    view = BlockFilesChain(tmp_path, Reading(walk=walk_on("tcp://127.0.0.1:9")))
    with pytest.raises(ChainSourceError, match="Dask scheduler"):
        view.history(SCRIPTS, None, view.tip())
