"""When the demo's seals existed: each month's roots under one hash in a block, as stamps say it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.script import null_data
from khazana.cli.demo.mining.meters import Record
from khazana.cli.demo.purses import Purse
from khazana.cli.demo.stage import Stage
from khazana.mining.day_stamps import month_document, months_sealed
from khazana.statement.timestamps.format import write_proof
from khazana.statement.timestamps.make import Steps, batched, in_block
from khazana.units import Height, Txid

STAMPS = "stamps"


@dataclass(frozen=True, kw_only=True)
class Stamped:
    """A month's document in a block. steps: from its digest to what stands there."""

    digest: bytes
    steps: Steps
    txid: Txid
    day: int


@dataclass
class Stamps:
    """The stamps of a folder's months; a month that goes on is stamped again."""

    months: dict[str, Stamped] = field(default_factory=dict)

    def stamp(self, record: Record, stage: Stage, payer: Purse) -> None:
        """Put what is new in today's block, in an output that nobody can spend."""
        digests = {
            month: hashlib.sha256(month_document(record.seals, month)).digest()
            for month in months_sealed(record.seals)
        }
        new = {
            month: digest
            for month, digest in digests.items()
            if month not in self.months or self.months[month].digest != digest
        }
        if not new:
            return
        commitment, steps = batched(list(new.values()))
        txid = stage.pay(payer, (null_data(commitment), 0))
        for (month, digest), path in zip(new.items(), steps, strict=True):
            self.months[month] = Stamped(digest=digest, steps=path, txid=txid, day=stage.today)

    def files(self, chain: ChainView) -> Mapping[str, bytes]:
        """The proofs by name, each with its transaction's branch in its block."""
        files = {}
        for month, one in self.months.items():
            confirmed = chain.transaction(one.txid, chain.block_at(Height(one.day)))
            proof = in_block(one.digest, confirmed, REGTEST, steps=one.steps)
            files[f"{STAMPS}/{month}.ots"] = write_proof(proof)
        return files
