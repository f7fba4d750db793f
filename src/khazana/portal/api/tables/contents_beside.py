"""The tables beside the accounts: arrivals of the two bars, corrections, claims, conditions."""

from django.http import HttpRequest
from ninja import Schema

from khazana.portal.api.asking import ClaimsFilter, OfStatement, TwoBarsAsked
from khazana.portal.api.holdings import corrections, two_bars_asked
from khazana.portal.api.providers import ProviderFilter, epochs_asked, rows_recomputed
from khazana.portal.api.register import claim_item, claims_asked, conditions_asked
from khazana.portal.api.tables.contents import Content, Rows, names_of
from khazana.portal.api.tables.table import amount, instant
from khazana.portal.supervision.shown import standing_of


class Anything(Schema):
    """Nothing can be asked beside the table."""


def two_bars_rows(request: HttpRequest, asked: TwoBarsAsked, language: str) -> Rows:
    bars = two_bars_asked(request, asked)
    for each in bars.arrivals:
        yield (
            bars.watched,
            bars.stock,
            each.txid,
            each.figure.block.height,
            each.figure.block.hash,
            *amount(each.figure.sats),
            each.source,
            each.from_inside,
            ", ".join(each.reasons),
        )


def corrections_rows(request: HttpRequest, asked: Anything, language: str) -> Rows:
    for each in corrections(request).replacements:
        for changed in each.changed:
            before = None if changed.before is None else changed.before.sats
            yield (
                each.replaced,
                each.by,
                changed.set,
                names_of(changed.name, language),
                *((None, None) if before is None else amount(before)),
                *amount(changed.after.sats),
            )


def book_rows(request: HttpRequest, asked: Anything, language: str) -> Rows:
    for each in corrections(request).entries:
        yield (
            each.kind,
            each.account,
            *amount(each.figure.sats),
            each.figure.block.height,
            each.figure.block.hash,
            each.document,
            each.figure.statement,
        )


def claims_rows(request: HttpRequest, asked: ClaimsFilter, language: str) -> Rows:
    for claim in map(claim_item, claims_asked(asked)):
        quantity = claim.quantity
        yield (
            claim.id,
            claim.subject,
            claim.country,
            names_of(claim.speaker, language),
            claim.said,
            claim.as_of,
            names_of(claim.text, language),
            None if quantity is None else quantity.text,
            None if quantity is None else quantity.unit,
            claim.publisher,
            claim.source,
            claim.grade,
            claim.check,
            claim.verdict,
            "; ".join(f"{each.name} {each.text} {each.unit}" for each in claim.figures),
        )


def conditions_rows(request: HttpRequest, asked: OfStatement, language: str) -> Rows:
    for memorandum in conditions_asked(request, asked.statement):
        for condition in memorandum.conditions:
            for each in condition.verdicts:
                yield (
                    memorandum.memorandum,
                    condition.id,
                    names_of(condition.name, language),
                    condition.unit,
                    None if each.day is None else each.day.isoformat(),
                    None if each.block is None else each.block.height,
                    None if each.block is None else each.block.hash,
                    each.measured,
                    each.target,
                    each.adjusted,
                    each.headroom,
                    each.verdict,
                    each.why,
                    each.grade,
                )


def _columns(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def providers_rows(request: HttpRequest, asked: ProviderFilter, language: str) -> Rows:
    for row in epochs_asked(asked):
        for tree in row.trees:
            bitcoin = tree["name"] == "liabilities/BTC"
            kept = row.kept if bitcoin else None
            yield (
                row.provider.office.slug,
                row.provider.slug,
                names_of(row.provider.name, language),
                row.provider.licence,
                row.epoch,
                row.block_height,
                row.block_hash,
                instant(row.block_time),
                tree["kind"],
                tree["asset"],
                tree["scale"],
                tree["sum"],
                tree["leaves"],
                tree["root"],
                *((None, None) if kept is None else amount(kept)),
                row.rejected or None,
                standing_of(row),
                rows_recomputed(row),
                row.digest,
            )


BESIDE: dict[str, Content] = {
    "two-bars": Content(
        TwoBarsAsked,
        _columns(
            "watched stock txid block_height block_hash amount_sat amount_btc source from_inside "
            "reasons"
        ),
        two_bars_rows,
    ),
    "corrections": Content(
        Anything,
        _columns("replaced_root by_root set name before_sat before_btc after_sat after_btc"),
        corrections_rows,
        several=True,
    ),
    "book": Content(
        Anything,
        _columns(
            "kind account amount_sat amount_btc block_height block_hash document statement_root"
        ),
        book_rows,
        several=True,
    ),
    "claims": Content(
        ClaimsFilter,
        _columns(
            "id subject country speaker said as_of claim quantity unit publisher source grade "
            "check verdict figures"
        ),
        claims_rows,
        several=True,
    ),
    "conditions": Content(
        OfStatement,
        _columns(
            "memorandum condition name unit day block_height block_hash measured target adjusted "
            "headroom verdict why grade"
        ),
        conditions_rows,
    ),
    "providers": Content(
        ProviderFilter,
        _columns(
            "office provider name licence epoch block_height block_hash block_time kind asset "
            "scale owed_units leaves root kept_sat kept_btc rejected checked "
            "recomputed_rows digest"
        ),
        providers_rows,
        several=True,
    ),
}
