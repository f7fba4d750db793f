"""How a Bitcoin Core node can fail to answer, and what its owner can do about it."""

from dataclasses import dataclass

from khazana.bitcoin.chain import BlockRef, ChainSourceError
from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class BadCoreSource(KhazanaError):
    """What stands after `core:` names no node. The text is not repeated: it may hold a password."""

    problem: str
    code = "bad_core_source"
    words = (
        "What stands after core: names no node: {problem}. Give core:http://user:password@host:port"
        ", core:http://host:port?cookie=FILE or core:DATADIR."
    )


@dataclass(eq=False, kw_only=True)
class NodeError(ChainSourceError):
    """The node answered with a JSON-RPC error.

    number, message: the node's own, see Bitcoin Core's rpc/protocol.h.
    """

    number: int
    message: str
    code = "core_node_error"


@dataclass(eq=False, kw_only=True)
class NodeRefusesLogin(ChainSourceError):
    """The node knows another password, or its cookie changed."""

    code = "core_login_refused"


@dataclass(eq=False, kw_only=True)
class NodeStartingUp(ChainSourceError):
    """The node was still starting or overloaded when our patience ended."""

    code = "core_starting_up"


@dataclass(eq=False, kw_only=True)
class FilterIndexMissing(ChainSourceError):
    """The node keeps no block filters, so it cannot find a script's blocks."""

    asked: str = "scanblocks"
    problem: str = "no block filter index"
    code = "core_filter_index_missing"
    words = (
        "{source} keeps no block filter index, which finds the blocks of a script. Put "
        "blockfilterindex=1 into its bitcoin.conf, restart it, and wait until `bitcoin-cli "
        'getindexinfo` shows "synced": true.'
    )


@dataclass(eq=False, kw_only=True)
class FilterIndexBehind(ChainSourceError):
    """The filter index does not reach the block asked about: a scan would miss blocks silently."""

    asked: str = "scanblocks"
    problem: str = "block filter index behind"
    reached: int
    stop: BlockRef
    code = "core_filter_index_behind"
    words = (
        "The block filter index of {source} reaches height {reached}, not block {stop}. The node "
        "would call a scan complete and leave blocks out, so none was used. Wait until "
        '`bitcoin-cli getindexinfo` shows "synced": true and ask again.'
    )


@dataclass(eq=False, kw_only=True)
class FilterScanUnreliable(ChainSourceError):
    """The node's scan missed a block that holds the script it was asked for."""

    asked: str = "scanblocks"
    problem: str = "scan missed a block"
    block: BlockRef
    code = "core_filter_scan_unreliable"
    words = (
        "A trial scan of {source} did not find block {block} by a script that is in it: its block "
        "filter index is not ready. Nothing was computed. Wait until `bitcoin-cli getindexinfo` "
        'shows "synced": true and ask again; if it does already, rebuild the index.'
    )


@dataclass(eq=False, kw_only=True)
class ScanInProgress(ChainSourceError):
    """Another program is scanning; a node does one scan at a time."""

    asked: str = "scanblocks"
    problem: str = "another scan is running"
    code = "core_scan_in_progress"
    words = (
        "{source} is busy with another scan, and a node does one at a time. Wait for it "
        "(`bitcoin-cli scanblocks status`) or stop it (`bitcoin-cli scanblocks abort`), then ask "
        "again."
    )


@dataclass(eq=False, kw_only=True)
class BlockPruned(ChainSourceError):
    """The node has thrown a block away that is needed."""

    asked: str = "getblock"
    problem: str = "block pruned"
    block: str
    code = "core_block_pruned"
    words = (
        "{source} no longer has block {block}: it is pruned. Ask a node that keeps every block "
        "(prune=0 in bitcoin.conf; switching back downloads the chain again)."
    )
