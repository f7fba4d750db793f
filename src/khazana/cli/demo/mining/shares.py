"""Share receipts of one site of the demo: work on the test network's own blocks, very easy.

Real work in form, and next to none in amount: a share of the demo takes some thousand hashes
where a real one takes billions. The receipts show how the check works, not that the site mined.
"""

import hashlib
from collections.abc import Mapping, Sequence

from khazana.bitcoin.network import REGTEST
from khazana.cli.demo.mining.programme import Programme, Working
from khazana.cli.demo.mining.settlements import Settlement
from khazana.devnet.view import DevnetView
from khazana.mining.receipts.make import Template, paying, work_shares
from khazana.mining.receipts.receipt import Receipt, write_receipts
from khazana.mining.receipts.terms import slots_of
from khazana.units import Height

SHARING = "site-7"
"""The site whose own templates pay the reserve; its pool splits what blocks earn (PPLNS)."""
SHARE_TARGET = (1 << 246) - 1
"""Agreed before the work: 1,024 hashes a share."""
RECEIPTS = "receipts"

_MEDIAN_BLOCKS = 10
_HALF_DAY_S = 43_200


def receipts_of(programme: Programme, rows: Sequence[Settlement]) -> Mapping[str, bytes]:
    """A file of receipts for each row, by name; nothing where the site is not this office's."""
    files = {}
    for working in programme.working:
        if working.site.id == SHARING:
            for row in rows:
                begun = f"{programme.stage.timeline.instant(row.first):%Y-%m-%d}"
                shares = _shares(programme, working, row)
                raw = write_receipts(working.site.id, SHARE_TARGET, shares)
                files[f"{RECEIPTS}/{working.site.id}-{begun}.kzr"] = raw
    return files


def _shares(programme: Programme, working: Working, row: Settlement) -> list[Receipt]:
    """One share a day, made at noon on the block of that day."""
    chain = DevnetView(programme.stage.devnet)
    before = max(0, row.first - _MEDIAN_BLOCKS)
    headers = chain.headers(Height(before), chain.block_at(Height(row.until)))
    slots = slots_of(headers, first=Height(before), network=REGTEST)
    found = []
    for day in range(row.first, row.until):
        header = headers[day - before]
        slot = slots[header.hash_le]
        template = Template(
            site=working.site.id,
            below=header.hash_le,
            slot=slot,
            outputs=paying(slot.subsidy, working.script),
            branch=tuple(hashlib.sha256(f"{day}/{n}".encode()).digest() for n in range(3)),
            time=header.time + _HALF_DAY_S,
        )
        found.append(next(work_shares(template, target=SHARE_TARGET)))
    return found
