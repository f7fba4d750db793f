"""Bitcoin Core's validation code in this process: the only module that knows its chain.

Pinned to 0.1.0a5. What its surface does not tell, and what this module does about it:

- `process_block` says "new" also for a block that then fails to connect: the truth is the
  `block_checked` callback, so its verdicts are collected and read after the call.
- An exception inside a callback is printed and lost: callbacks here only append to a list.
- An unclean stop loses every block the kernel holds: its databases live in memory, its block
  files in a scratch directory; both are rebuilt from our own log (see `wal`).
- Objects made from Python bytes are slow to build: `kernel_object` copies the buffer in one go.
- It gives no reason when opening fails or a block is refused: the reason is on its log.
"""

import re
import shutil
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pbk
import pbk.capi.bindings as capi

from khazana.bitcoin.hashes import displayed
from khazana.bitcoin.kernel_scripts import kernel_object
from khazana.errors import KhazanaError
from khazana.units import BlockHash

_LOG_LINES = 200


@dataclass(eq=False, kw_only=True)
class KernelRefusedToOpen(KhazanaError):
    """The validation engine could not be started."""

    directory: str
    problem: str
    code = "kernel_refused_to_open"
    words = "The validation engine does not start in {directory}: {problem}"


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the active chain: a block joined it (`connected`) or left it."""

    block: BlockHash
    connected: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a submitted block.

    changes: the steps of the active chain in order, also when the block itself was refused.
    refusal: why the block is not acceptable, or None.
    new: False when the kernel had the block already.
    time_too_new: refused only because its time is over two hours ahead of this machine's clock.
    """

    changes: tuple[Change, ...]
    refusal: str | None
    new: bool
    time_too_new: bool = False


class Kernel:
    """An open chain of Bitcoin Core's validation engine on regtest, starting at the genesis block.

    Not safe for two threads at once: the devnet holds one lock around chain and index.
    """

    def __init__(self, scratch: Path) -> None:
        """scratch: a directory that this kernel owns; whatever is in it is deleted."""
        self._scratch = scratch
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        _listen_to_log()
        self._changes: list[Change] = []
        self._verdicts: dict[BlockHash, Any] = {}
        callbacks = pbk.ValidationInterfaceCallbacks(
            block_checked=self._on_checked,
            block_connected=self._on_connected,
            block_disconnected=self._on_disconnected,
        )
        context = pbk.make_context(pbk.ChainType.REGTEST, validation_callbacks=callbacks)
        options = pbk.ChainstateManagerOptions(context, str(scratch), str(scratch / "blocks"))
        options.update_block_tree_db_in_memory(True)
        options.update_chainstate_db_in_memory(True)
        _log.clear()
        try:
            self._manager: Any = pbk.ChainstateManager(options)
        except RuntimeError as error:
            raise KernelRefusedToOpen(directory=str(scratch), problem=_last_words(error)) from error
        # The genesis block connects on the first open; our index knows it without being told.
        self._changes.clear()
        self._verdicts.clear()

    def close(self) -> None:
        """Let go of the engine's memory and files; nothing in them is needed again."""
        self._manager = None
        shutil.rmtree(self._scratch, ignore_errors=True)

    def tip(self) -> BlockHash:
        """The newest block of the active chain (`best_entry` may only be a header ahead of it)."""
        entry = self._manager.get_active_chain().block_tree_entries[-1]
        return BlockHash(displayed(bytes(entry.block_hash)))

    def submit(self, raw: bytes, block_hash: BlockHash) -> Verdict:
        """Validate a serialised block and, when its branch is the longest, make it the tip."""
        self._changes.clear()
        self._verdicts.clear()
        _log.clear()
        try:
            block = pbk.Block._from_handle(kernel_object(capi.btck_block_create, raw))
        except (ValueError, RuntimeError):
            return Verdict((), "the bytes are not a block", new=False)
        error: Exception | None = None
        new = False
        try:
            new = self._manager.process_block(block)
        except pbk.ProcessBlockException as refused:
            error = refused
        changes = tuple(self._changes)
        result = self._verdicts.get(block_hash)
        if result is not None or error is not None:
            too_new = result is pbk.BlockValidationResult.TIME_FUTURE
            return Verdict(changes, _last_words(error), new=False, time_too_new=too_new)
        if self._verdicts:
            return Verdict(
                changes, f"its branch holds the invalid block {next(iter(self._verdicts))}", new=new
            )
        return Verdict(changes, None, new=new)

    # The kernel calls these while it works; they must not raise.

    def _on_checked(self, _data: object, block: Any, state: Any) -> None:
        if state.validation_mode is not pbk.ValidationMode.VALID:
            self._verdicts[BlockHash(displayed(bytes(block.block_hash)))] = (
                state.block_validation_result
            )

    def _on_connected(self, _data: object, _block: object, entry: Any) -> None:
        self._changes.append(Change(BlockHash(displayed(bytes(entry.block_hash))), True))

    def _on_disconnected(self, _data: object, _block: object, entry: Any) -> None:
        self._changes.append(Change(BlockHash(displayed(bytes(entry.block_hash))), False))


# The kernel's log is one per process, shared by every open chain; it only ever supplies words.
_log: deque[str] = deque(maxlen=_LOG_LINES)
_connection: list[Any] = []


def _listen_to_log() -> None:
    if not _connection:
        pbk.logging_set_options(pbk.LoggingOptions(log_timestamps=False))
        _connection.append(pbk.LoggingConnection(lambda line: _log.append(line)))


# How the engine words a refusal: "AcceptBlock FAILED (time-too-old, ...)", "Block validation
# error: bad-cb-amount, ...", "ConnectBlock <hash> failed, bad-cb-amount, ...".
_REASON = re.compile(r"FAILED \((.*)\)$|validation error: (.*)$|failed, (.*)$|^\[error\] (.*)$")


def _last_words(error: Exception | None) -> str:
    """The newest reason on the engine's log."""
    for line in reversed(_log):
        if match := _REASON.search(line.strip()):
            return str(next(filter(None, match.groups())))
    return str(error) if error else "no reason on the engine's log"
