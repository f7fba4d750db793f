"""Finding the blocks of scripts by a node's block filters (BIP-158), without being fooled by them.

A node whose filter index is still being built calls a scan complete and finds nothing. So before
and after a scan its index must reach the last block, and a trial on that block must find it.
"""

import threading
from collections.abc import Collection, Iterator

from khazana.bitcoin.adapters.core_blocks import CoreBlocks
from khazana.bitcoin.adapters.core_errors import (
    FilterIndexBehind,
    FilterIndexMissing,
    FilterScanUnreliable,
    NodeError,
    ScanInProgress,
)
from khazana.bitcoin.adapters.core_http import METHOD_NOT_FOUND, CoreRpc
from khazana.bitcoin.adapters.reading import answerable
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.script import is_unspendable
from khazana.units import BlockHash, Height

SCRIPTS_PER_SCAN = 5_000
HEX_PER_SCAN = 8 * 2**20
"""What one request may ask about; the node takes 32 MiB (Bitcoin Core, httpserver.cpp)."""

_INDEX = "basic block filter index"
_PATIENCE_S = 4 * 3600.0
"""A scan of the whole chain on a small computer takes its time, and says nothing until the end."""
_MAX_ANSWER = 128 * 2**20
"""Bytes: every block of the chain, 68 each, for decades."""

_locks: dict[str, threading.Lock] = {}
_locks_lock = threading.Lock()


def blocks_of(
    rpc: CoreRpc, blocks: CoreBlocks, scripts: Collection[bytes], stop: BlockRef
) -> list[BlockRef]:
    """Blocks up to `stop` that pay a script or spend from one, and a few that do not.

    Raises `FilterIndexMissing`, `FilterIndexBehind`, `FilterScanUnreliable`, `ScanInProgress`,
    `BlockNotInBestChain`.
    """
    ordered = list(answerable(scripts, source=rpc.source))
    found: set[BlockHash] = set()
    with _only_scan(rpc.source):
        blocks.require(stop)
        _require_index(rpc, stop)
        _try(rpc, blocks, stop)
        for chunk in _chunks(ordered):
            found.update(_scan(rpc, blocks, chunk, Height(0), stop))
        _require_index(rpc, stop)
        blocks.require(stop)
    refs = blocks.placed(sorted(found)) if found else []
    if refs and refs[-1].height > stop.height:
        rpc.nonsense("scanblocks", f"block {refs[-1]} is beyond {stop}")
    return refs


def _only_scan(source: str) -> threading.Lock:
    """The lock of a node: it does one scan at a time, for all views of this process."""
    with _locks_lock:
        return _locks.setdefault(source, threading.Lock())


def _require_index(rpc: CoreRpc, stop: BlockRef) -> None:
    try:
        answer = rpc.call("getindexinfo")
    except NodeError as error:
        if error.number == METHOD_NOT_FOUND:
            rpc.nonsense("getindexinfo", "it is older than Bitcoin Core 25, which scans by filters")
        raise
    if not isinstance(answer, dict):
        rpc.nonsense("getindexinfo", "no object")
    if _INDEX not in answer:
        raise FilterIndexMissing(source=rpc.source)
    state = answer[_INDEX]
    reached = state.get("best_block_height") if isinstance(state, dict) else None
    if type(reached) is not int or type(state.get("synced")) is not bool:
        rpc.nonsense("getindexinfo", f"no state of the {_INDEX}")
    # The height decides: a synced index may still be some blocks behind the newest.
    if reached < stop.height:
        raise FilterIndexBehind(source=rpc.source, reached=reached, stop=stop)


def _try(rpc: CoreRpc, blocks: CoreBlocks, stop: BlockRef) -> None:
    """Scan the last block alone for a script that is in it.

    The index takes blocks in order, so a filter of the last one stands on filters of all before.
    This also sees what a height cannot show: an index that is still on another branch.
    """
    known = blocks.block(stop.hash)
    outputs = [output.script for tx in known.transactions for output in tx.outputs]
    trial = next((s for s in outputs if s and not is_unspendable(s)), None)
    if trial is None:
        return  # BIP-158 leaves such outputs out: nothing in this block can be looked for
    if stop.hash not in _scan(rpc, blocks, [trial], stop.height, stop):
        raise FilterScanUnreliable(source=rpc.source, block=stop)


def _scan(
    rpc: CoreRpc, blocks: CoreBlocks, scripts: list[bytes], first: Height, stop: BlockRef
) -> list[BlockHash]:
    asked = f"scanblocks for {len(scripts)} scripts from {first} to {stop.height}"
    descriptors = [f"raw({script.hex()})" for script in scripts]
    try:
        answer = rpc.call(
            "scanblocks",
            "start",
            descriptors,
            first,
            stop.height,
            max_answer=_MAX_ANSWER,
            patience_s=_PATIENCE_S,
            # The node goes on with a scan whose asker has gone: a second would be in its way.
            repeat=False,
        )
    except NodeError as error:
        if "already in progress" in error.message:
            raise ScanInProgress(source=rpc.source) from None
        if "not enabled" in error.message:
            raise FilterIndexMissing(source=rpc.source) from None
        if error.number == METHOD_NOT_FOUND:
            rpc.nonsense(asked, "it is older than Bitcoin Core 25, which scans by filters")
        # A chain that became shorter makes the stop height invalid; that is said instead.
        blocks.require(stop)
        raise
    if not isinstance(answer, dict):
        rpc.nonsense(asked, "no object")
    if answer.get("completed") is not True:
        rpc.nonsense(asked, "the scan was aborted")
    if (answer.get("from_height"), answer.get("to_height")) != (first, stop.height):
        rpc.nonsense(asked, "it scanned other heights")
    relevant = answer.get("relevant_blocks")
    if not isinstance(relevant, list):
        rpc.nonsense(asked, "no list of blocks")
    return [blocks.hash(each, asked) for each in relevant]


def _chunks(scripts: list[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    size = 0
    for script in scripts:
        if chunk and (len(chunk) == SCRIPTS_PER_SCAN or size + 2 * len(script) > HEX_PER_SCAN):
            yield chunk
            chunk, size = [], 0
        chunk.append(script)
        size += 2 * len(script)
    if chunk:
        yield chunk
