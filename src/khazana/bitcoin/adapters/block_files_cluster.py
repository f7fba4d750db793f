"""The walk over block files on several machines: Dask workers that see the same folder.

Each worker opens the files itself, under the same path (a network file system, or a copy of the
node's folder). What comes back are fingerprints, about 3 % of what was read; they are joined here,
as those of threads are. Every block's header is compared with the one scanned here, so a worker
that sees other files is found out.
"""

from types import TracebackType
from typing import Any, Self

from distributed import Client

from khazana.bitcoin.blockfiles.chunks import Chunk, walk_elsewhere
from khazana.bitcoin.blockfiles.directory import BlockDirectory
from khazana.bitcoin.blockfiles.fast_walk import Pending, walk_fast
from khazana.bitcoin.blockfiles.tables import ScriptTable
from khazana.bitcoin.blockfiles.walk import Question, Walk
from khazana.bitcoin.chain import ChainSourceError, ConfirmedTransaction

CONNECT_S = 30
_CHUNKS_PER_CORE = 3


class Cluster:
    """The workers of a Dask scheduler."""

    chunk_bytes = 64 << 20
    """Larger than for threads: each chunk is sent, and its answer fetched."""

    def __init__(self, scheduler: str) -> None:
        try:
            self._client: Any = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise _silent(scheduler, str(error) or "no answer") from error
        cores = sum(self._client.nthreads().values())
        if not cores:
            self._client.close()
            raise _silent(scheduler, "it has no workers")
        self.ahead = _CHUNKS_PER_CORE * cores
        self._directory: BlockDirectory | None = None
        self._table: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Closing forgets all that was submitted: workers drop it.
        self._client.close()

    def prepare(self, directory: BlockDirectory, table: ScriptTable) -> None:
        self._directory = directory
        self._table = self._client.scatter(table, broadcast=True, hash=False)

    def submit(self, chunk: Chunk) -> Pending:
        pending: Pending = self._client.submit(
            walk_elsewhere, self._directory, chunk, self._table, pure=False
        )
        return pending


def walk_on(scheduler: str) -> Walk:
    """A walker on the cluster with this scheduler, such as tcp://HOST:8786."""

    def walk(question: Question) -> list[ConfirmedTransaction]:
        return walk_fast(question, Cluster(scheduler))

    return walk


def _silent(scheduler: str, problem: str) -> ChainSourceError:
    return ChainSourceError(
        source=f"the Dask scheduler {scheduler}", asked="to share the reading", problem=problem
    )
