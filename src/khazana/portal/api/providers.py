"""Supervised providers' epochs, as answers: what was owed, what covered it, who built it again."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse
from ninja import Schema
from pydantic import Field

from khazana.bitcoin.chain import BlockRef
from khazana.portal.api.asking import Ident, Paged
from khazana.portal.api.figures import block_of, notice_of
from khazana.portal.api.schemas import HASH, Answer, Block
from khazana.portal.supervision.models import EpochRow
from khazana.portal.supervision.shown import standing_of
from khazana.units import BlockHash, Height


class OwedTree(Answer):
    """What is owed in one asset. units: smallest units, 10^-scale of the asset each."""

    name: str
    asset: str
    kind: str
    scale: int
    units: int
    leaves: int
    root: str = Field(pattern=HASH)
    level: str


class CoveredAsset(Answer):
    """An asset with what covers it, in smallest units. status: proved, attested, not_covered."""

    asset: str
    scale: int
    owed: int | None
    debts: int | None
    proved: int
    attested: int
    status: str


class ProviderEpoch(Answer):
    """What a provider owed at a block. kept_sats: bitcoin that it says it held there.

    rejected: why a reader rejects the published files (docs/spec/solvency.md), null where nobody
    does. checked: "passed" where this portal found those coins on the chain itself, "failed", or
    "open" while they are the provider's word. recomputed_rows: how many customers' balances the
    regulator built the trees again from, null without a countersignature of the one that the
    portal's operator named.
    """

    office: str
    provider: str
    name: dict[str, str]
    licence: str
    fingerprint: str = Field(pattern=HASH)
    epoch: int
    digest: str = Field(pattern=HASH)
    block: Block
    block_time: datetime | None
    trees: Sequence[OwedTree]
    assets: Sequence[CoveredAsset]
    kept_sats: int | None
    rejected: str | None
    checked: str
    recomputed_rows: int | None
    statement: str
    test: bool
    notice: str | None


class ProviderFilter(Schema):
    """Of which provider; without one of all."""

    provider: Ident | None = None


class ProvidersAsked(Paged, ProviderFilter):
    """A part of the list of epochs."""


def epochs_asked(asked: ProviderFilter) -> QuerySet[EpochRow]:
    """Epochs, each provider's newest first."""
    rows = EpochRow.objects.select_related("provider__office")
    if asked.provider is not None:
        rows = rows.filter(provider__slug=asked.provider)
    return rows


def epoch_item(row: EpochRow) -> ProviderEpoch:
    """An epoch with what is published of it."""
    provider = row.provider
    office = provider.office
    return ProviderEpoch(
        office=office.slug,
        provider=provider.slug,
        name=provider.name,
        licence=provider.licence,
        fingerprint=provider.fingerprint,
        epoch=row.epoch,
        digest=row.digest,
        block=block_of(BlockRef(Height(row.block_height), BlockHash(row.block_hash))),
        block_time=row.block_time,
        trees=[
            OwedTree(
                name=tree["name"],
                asset=tree["asset"],
                kind=tree["kind"],
                scale=tree["scale"],
                units=tree["sum"],
                leaves=tree["leaves"],
                root=tree["root"],
                level=_file(row, tree["level"]),
            )
            for tree in row.trees
        ],
        assets=[CoveredAsset(**asset) for asset in row.coverage],
        kept_sats=row.kept,
        rejected=row.rejected or None,
        checked=standing_of(row),
        recomputed_rows=rows_recomputed(row),
        statement=_file(row, "epoch.json"),
        test=office.test,
        notice=notice_of(office),
    )


def rows_recomputed(row: EpochRow) -> int | None:
    """Customers whose balances the regulator built the trees again from, if the keys of the one
    that the operator named say so.
    """
    found = row.recomputed
    return found["rows"] if found and found["signed"] and row.by_known_regulator else None


def _file(row: EpochRow, name: str) -> str:
    return reverse("other-file", args=(row.provider.office.slug, f"{row.folder}/{name}"))
