"""From the words after --chain to a ChainView: esplora:URL, core:URL, core:DATADIR, blocks:DIR."""

import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from khazana.bitcoin.adapters.block_files import BlockFilesChain, Reading
from khazana.bitcoin.adapters.core_rpc import open_core
from khazana.bitcoin.adapters.esplora import EsploraChain
from khazana.bitcoin.adapters.web import WebAddress
from khazana.bitcoin.blockfiles.compiled import walk_with
from khazana.bitcoin.chain import ChainView
from khazana.errors import KhazanaError
from khazana.units import BlockHash

_BLOCK_HASH = re.compile("[0-9a-fA-F]{64}")


@dataclass(eq=False, kw_only=True)
class UnknownChainSource(KhazanaError):
    """The words that name a chain source are not understood."""

    kind: str
    known: str
    code = "unknown_chain_source"
    words = (
        "{kind!r} is no kind of chain source. Write KIND:PLACE with one of {known}, for example "
        "core:~/.bitcoin or esplora:http://127.0.0.1:3002."
    )


@dataclass(frozen=True)
class Pauses:
    """How adapters wait between attempts. The jitter decides nothing but when to ask again."""

    jitter: random.Random
    sleep: Callable[[float], None]


def open_chain(
    source: str, *, jitter: random.Random | None = None, sleep: Callable[[float], None] = time.sleep
) -> ChainView:
    """A view of the chain that `source` names; nothing is asked of it yet."""
    kind, colon, place = source.partition(":")
    if not colon or not place.strip() or kind not in KINDS:
        # Not repeated whole: what follows the colon may contain a password.
        raise UnknownChainSource(
            kind=kind[:40] if colon else "a source without a colon", known=", ".join(KINDS)
        )
    return KINDS[kind](place.strip(), Pauses(jitter or random.Random(), sleep))


def _esplora(place: str, pauses: Pauses) -> ChainView:
    return EsploraChain(WebAddress.parse(place), jitter=pauses.jitter, sleep=pauses.sleep)


def _core(place: str, pauses: Pauses) -> ChainView:
    if "@" in place and "://" not in place and not Path(place).expanduser().exists():
        # More likely NAME:PASSWORD@HOST without http:// than a directory, and so not repeated.
        WebAddress.parse(place)
    return open_core(place, sleep=pauses.sleep)


def block_files_place(source: str) -> tuple[Path, BlockHash | None]:
    """What blocks:DIR or blocks:DIR@HASH names; the chain is the branch with block HASH."""
    kind, _, place = source.partition(":")
    if kind != "blocks" or not place.strip():
        raise UnknownChainSource(kind=kind[:40], known="blocks")
    folder, at, block_hash = place.strip().rpartition("@")
    if at and _BLOCK_HASH.fullmatch(block_hash):
        return Path(folder).expanduser(), BlockHash(block_hash.lower())
    return Path(place.strip()).expanduser(), None


def _blocks(place: str, _: Pauses) -> ChainView:
    folder, containing = block_files_place(f"blocks:{place}")
    walk = walk_with(threads=os.cpu_count() or 1)
    return BlockFilesChain(folder, Reading(containing=containing, walk=walk))


KINDS: dict[str, Callable[[str, Pauses], ChainView]] = {
    "core": _core,
    "esplora": _esplora,
    "blocks": _blocks,
}
"""Kinds of source; a new adapter adds its line here."""
