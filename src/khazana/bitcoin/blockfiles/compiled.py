"""Which walker there is: the compiled one where numba is installed, plain Python elsewhere."""

from khazana.bitcoin.blockfiles.plain_walk import walk_plainly
from khazana.bitcoin.blockfiles.walk import COMPILED, Question, Walk
from khazana.bitcoin.chain import ConfirmedTransaction


def walk_with(*, threads: int) -> Walk:
    """The best walker of this installation, on so many threads of this machine."""

    def walk(question: Question) -> list[ConfirmedTransaction]:
        try:
            from khazana.bitcoin.blockfiles.fast_walk import Threads, walk_fast
        except ModuleNotFoundError as error:
            if error.name not in COMPILED:
                raise
            return walk_plainly(question)
        return walk_fast(question, Threads(threads))

    return walk
