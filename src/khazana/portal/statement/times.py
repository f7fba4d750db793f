"""When the blocks of a statement were, asked of the configured chain once and kept."""

from datetime import UTC, datetime

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.headers import MEDIAN_OF, median_time_past
from khazana.portal.statement.models import BlockTimeRow
from khazana.reserve.bodies import block_ref
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.series import blocks_of_changes
from khazana.statement.times import read_instant
from khazana.units import Height


def remember_times(statement: ReserveStatement, chain: ChainView | None) -> dict[str, datetime]:
    """Median times past by block hash, for every block in which a figure changed.

    The two ends of the period come from the statement; the rest from headers that lead to the
    closing block. Without a chain the rest is left out, and pages show heights alone.
    """
    period, genesis = statement.header.period, statement.header.network.genesis
    times: dict[str, datetime] = {
        period.after.hash: read_instant(period.after_mtp),
        period.until.hash: read_instant(period.until_mtp),
    }
    wanted = {block for block in blocks_of_changes(statement) if block.hash not in times}
    hashes = [block.hash for block in wanted]
    kept = BlockTimeRow.objects.filter(genesis=genesis, hash__in=hashes)
    times.update(kept.values_list("hash", "median_time"))
    missing = {block for block in wanted if block.hash not in times}
    if missing and chain is not None:
        found = _asked(chain, missing, block_ref(period.until))
        BlockTimeRow.objects.bulk_create(
            (
                BlockTimeRow(
                    genesis=genesis,
                    height=block.height,
                    hash=block.hash,
                    median_time=found[block.hash],
                )
                for block in missing
                if block.hash in found
            ),
            ignore_conflicts=True,
        )
        times.update(found)
    return times


def _asked(chain: ChainView, blocks: set[BlockRef], until: BlockRef) -> dict[str, datetime]:
    first = Height(max(0, min(block.height for block in blocks) - MEDIAN_OF + 1))
    headers = chain.headers(first, until)
    found: dict[str, datetime] = {}
    for block in blocks:
        end = block.height - first + 1
        if headers[end - 1].hash == block.hash:  # another hash: the statement's block is stale
            window = headers[max(0, end - MEDIAN_OF) : end]
            found[block.hash] = datetime.fromtimestamp(median_time_past(window), tz=UTC)
    return found
