"""When the blocks of a statement's flows were: their median times past, for prices."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.headers import MEDIAN_OF, median_time_past
from khazana.reserve.bodies import block_ref
from khazana.reserve.reading import ReserveStatement
from khazana.units import BlockHash, Height


def blocks_of_flows(statement: ReserveStatement) -> Iterator[BlockRef]:
    """Every block in which coins may have entered a pool, each once, in order."""
    blocks = {entry.block for entry in statement.entries}
    blocks.update(
        block_ref(attested.block)
        for account in statement.accounts.values()
        for attested in account.attested
    )
    blocks.update(booked.block for booked in statement.book if booked.amount)
    yield from sorted(blocks)


def block_times(chain: ChainView, blocks: Iterable[BlockRef]) -> dict[BlockHash, datetime]:
    """Each block's median time past, UTC; a block that the chain does not have raises."""
    times = {}
    for block in blocks:
        headers = chain.headers(Height(max(0, block.height - MEDIAN_OF + 1)), block)
        times[block.hash] = datetime.fromtimestamp(median_time_past(headers), tz=UTC)
    return times
