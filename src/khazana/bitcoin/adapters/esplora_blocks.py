"""Blocks and headers from an Esplora server, each header hashed again here."""

from collections.abc import Collection, Mapping, Sequence

from khazana.bitcoin.adapters.esplora_requests import MIB, EsploraHttp, hexadecimal
from khazana.bitcoin.adapters.esplora_shapes import ListedBlock
from khazana.bitcoin.block import HEADER_SIZE, Header
from khazana.bitcoin.chain import BlockRef
from khazana.units import BlockHash, Height

BLOCKS_PAGE = 10
"""How many blocks a page of `/blocks/:start` holds, at least."""
_LARGEST_PAGE = 1_000
_REMEMBERED = 100_000


class EsploraBlocks:
    """What one server says about blocks.

    Headers are remembered by hash: a hash never means another header. What is in the best chain
    is asked anew each time.
    """

    def __init__(self, http: EsploraHttp) -> None:
        self._http = http
        self._headers: dict[BlockHash, Header] = {}

    def hash_at(self, height: Height) -> BlockHash | None:
        """The best chain's block at a height; None above the tip."""
        found = self._http.hash(f"/block-height/{height}")
        return None if found is None else BlockHash(found)

    def is_best(self, block: BlockRef) -> bool:
        """Whether the best chain holds this block at its height, now."""
        return self.hash_at(block.height) == block.hash

    def page(self, top: Height | None) -> Sequence[BlockRef]:
        """About ten blocks of the best chain, newest first, from height `top` or the tip down.

        Empty when the chain is shorter. Their headers are rebuilt, hashed and remembered.
        """
        path = "/blocks" if top is None else f"/blocks/{top}"
        listed = self._http.json(path, list[ListedBlock], limit=MIB)
        if listed is None:
            return []
        if not listed or len(listed) > _LARGEST_PAGE:
            raise self._http.error(path, f"{len(listed)} blocks in an answer that has about 10")
        first = listed[0].height if top is None else top
        for place, block in enumerate(listed):
            header = block.header()
            if header.hash != block.id:
                problem = f"the header of block {block.id} hashes to {header.hash}"
                raise self._http.error(path, problem)
            if block.height != first - place:
                problem = f"block {first - place} expected, got {block.height}"
                raise self._http.error(path, problem)
            if place and listed[place - 1].previousblockhash != block.id:
                raise self._http.error(path, f"block {first - place} is not the next one's parent")
            self._remember(header)
        return [block.ref for block in listed]

    def header(self, block_hash: BlockHash) -> Header | None:
        """The header with this hash, of the best chain or not; None when it is not known."""
        known = self._headers.get(block_hash)
        if known is not None:
            return known
        path = f"/block/{block_hash}/header"
        text = self._http.text(path)
        if text is None:
            return None
        raw = hexadecimal(text)
        if raw is None or len(raw) != HEADER_SIZE:
            raise self._http.error(path, f"expected {HEADER_SIZE} bytes in hex")
        header = Header.parse(raw)
        if header.hash != block_hash:
            raise self._http.error(path, f"the header hashes to {header.hash}")
        self._remember(header)
        return header

    def best_of(self, heights: Collection[Height]) -> Mapping[Height, BlockHash]:
        """The best chain's blocks at these heights, now; heights above the tip are left out.

        One question covers ten heights, and brings the headers along.
        """
        tops: list[Height] = []
        for height in sorted(set(heights), reverse=True):
            if not tops or height <= tops[-1] - BLOCKS_PAGE:
                tops.append(height)
        found: dict[Height, BlockHash] = {}
        for page in self._http.each(self.page, tops):
            found.update((block.height, block.hash) for block in page)
        for height in set(heights) - found.keys():
            # A server with shorter pages, or a height above the tip.
            block_hash = self.hash_at(height)
            if block_hash is not None:
                found[height] = block_hash
        return found

    def ending_in(self, last: BlockRef, *, first: Height) -> Sequence[Header] | None:
        """The headers from height `first` to `last`, linked backwards from `last`.

        None when the server does not know one of them. Whether `last` is in the best chain is not
        looked at.
        """
        chain: list[Header] = []
        wanted = last.hash
        fetched = False
        for height in range(last.height, first - 1, -1):
            header = self._headers.get(wanted)
            if header is None and not fetched:
                self._fetch(first, Height(height))
                fetched = True
            header = self.header(wanted) if header is None else header
            if header is None:
                return None
            chain.append(header)
            wanted = header.previous
        return chain[::-1]

    def _fetch(self, first: Height, last: Height) -> None:
        """Remember the best chain's headers from `first` to `last`, ten at a time."""
        if last > first:
            self._http.each(
                self.page, [Height(top) for top in range(last, first - 1, -BLOCKS_PAGE)]
            )

    def _remember(self, header: Header) -> None:
        if len(self._headers) >= _REMEMBERED:
            self._headers.pop(next(iter(self._headers)), None)
        self._headers[header.hash] = header
