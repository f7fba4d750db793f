"""Every adapter over one SimulatedChain: a new adapter adds its entry here and passes the suite."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from khazana.bitcoin.adapters.block_files import BlockFilesChain, Reading
from khazana.bitcoin.adapters.core_rpc import open_core
from khazana.bitcoin.adapters.esplora import EsploraChain
from khazana.bitcoin.adapters.web import WebAddress
from khazana.bitcoin.blockfiles.compiled import walk_with
from khazana.bitcoin.blockfiles.plain_walk import walk_plainly
from khazana.bitcoin.blockfiles.walk import Walk
from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.simulated import SimulatedChain
from tests.bitcoin.block_file_writer import AppendingNode
from tests.bitcoin.core_server import CoreNode, serve
from tests.bitcoin.esplora_server import EsploraServer

Asked = Callable[[], None]
"""Called before each answer that the source gives, so that a test can disturb a read."""


def no_sleep(_: float) -> None:
    """Adapters are handed this: tests do not wait."""


def esplora_view(url: str) -> EsploraChain:
    return EsploraChain(WebAddress.parse(url), jitter=random.Random(7), sleep=no_sleep)


@contextmanager
def _simulated(chain: SimulatedChain, asked: Asked) -> Iterator[ChainView]:
    class Watched(SimulatedChain):
        def _interrupted(self) -> None:
            asked()

    view = Watched(chain.network, None, chain.blocks, chain.stale)
    yield view


@contextmanager
def _esplora(chain: SimulatedChain, asked: Asked) -> Iterator[ChainView]:
    server = EsploraServer(chain, before=lambda _: asked())
    with server.running() as url, esplora_view(url) as view:
        yield view


@contextmanager
def _esplora_reversed(chain: SimulatedChain, asked: Asked) -> Iterator[ChainView]:
    server = EsploraServer(chain, page_size=3, order_within_blocks=-1, before=lambda _: asked())
    with server.running() as url, esplora_view(url) as view:
        yield view


@contextmanager
def _core(chain: SimulatedChain, asked: Asked) -> Iterator[ChainView]:
    node = CoreNode(chain, before=lambda *_: asked())
    with serve(node), open_core(node.source, sleep=no_sleep) as view:
        yield view


class _WatchedFiles(BlockFilesChain):
    """Block files of a node that appends whenever it is looked at."""

    def __init__(self, chain: SimulatedChain, asked: Asked, folder: Path, walk: Walk) -> None:
        super().__init__(folder, Reading(walk=walk))
        self._chain_behind, self._asked, self._node = chain, asked, AppendingNode(folder)
        self._append()

    def _look_again(self) -> None:
        self._asked()
        self._append()
        super()._look_again()

    def _append(self) -> None:
        self._node.write([*self._chain_behind.blocks, *self._chain_behind.stale])


@contextmanager
def _block_files(chain: SimulatedChain, asked: Asked) -> Iterator[ChainView]:
    with TemporaryDirectory() as folder:
        yield _WatchedFiles(chain, asked, Path(folder), walk_with(threads=1))


@contextmanager
def _block_files_plainly(chain: SimulatedChain, asked: Asked) -> Iterator[ChainView]:
    with TemporaryDirectory() as folder:
        yield _WatchedFiles(chain, asked, Path(folder), walk_plainly)


ADAPTERS: dict[str, Callable[[SimulatedChain, Asked], AbstractContextManager[ChainView]]] = {
    "simulated": _simulated,
    "esplora": _esplora,
    "esplora, small pages, other order": _esplora_reversed,
    "core": _core,
    "block files": _block_files,
    "block files, plain Python": _block_files_plainly,
}
