"""A publication folder comes in whole or not at all, and goes out as it came."""

import hashlib

import pytest

from khazana.portal.reserve.models import BalanceRow, CoinRow, FiguresRow, LineRow, MovementRow
from khazana.portal.statement.exporting import export_folder
from khazana.portal.statement.importing import import_folder
from khazana.portal.statement.models import FileRow, OfficeRow, StatementRow
from khazana.portal.statement.publication import PublicationRefused
from khazana.reserve.reading import read_reserve_statement
from tests.portal.publication import write_publication
from tests.reserve.world import story

MODELS = (OfficeRow, StatementRow, FileRow, FiguresRow, MovementRow, LineRow, CoinRow, BalanceRow)


def rows():
    """Every row without its number, for comparing databases."""
    return {
        model.__name__: sorted(
            str(sorted(row.items()))
            for row in model.objects.values(
                *(
                    f.name
                    for f in model._meta.concrete_fields
                    if f.name != "id" and not f.is_relation
                )
            )
        )
        for model in MODELS
    }


@pytest.mark.django_db
def test_what_was_imported_is_what_the_statement_says(published):
    row = StatementRow.objects.get(root=read_reserve_statement(story().second).root)
    statement = row.value()
    assert row.until.hash == statement.header.period.until.hash
    stock = FiguresRow.objects.get(statement=row, kind="perimeter", ident="public-sector")
    assert stock.value() == statement.perimeters["public-sector"].figures
    assert MovementRow.objects.filter(statement=row).count() == len(statement.entries)
    unexplained = {
        txid
        for txid, body in statement.explanations.items()
        if any(line.reason == "unexplained" for line in body.lines)
    }
    found = MovementRow.objects.filter(statement=row, unexplained=True)
    assert set(found.values_list("txid", flat=True)) == unexplained != set()
    held = sum(coin.amount for coin in CoinRow.objects.filter(statement=row))
    assert held == sum(c.amount for coins in statement.coins.values() for c in coins.closing)


@pytest.mark.django_db
def test_descriptors_and_whatever_else_is_not_public_never_enter(published):
    for row in StatementRow.objects.all():
        assert not row.value().descriptors


@pytest.mark.django_db
def test_every_movement_has_the_median_time_of_its_block(published):
    assert MovementRow.objects.exists()
    assert not MovementRow.objects.filter(median_time=None).exists()
    assert not BalanceRow.objects.filter(median_time=None).exists()


@pytest.mark.django_db
def test_a_second_import_changes_nothing(published):
    before = rows()
    assert not import_folder(published, own=True, chain=story().world.chain)
    assert rows() == before


@pytest.mark.django_db
def test_export_and_import_lose_nothing(published, tmp_path):
    before = rows()
    export_folder(tmp_path / "out")
    OfficeRow.objects.all().delete()
    assert not MovementRow.objects.exists()
    import_folder(tmp_path / "out" / "office", own=True, chain=story().world.chain)
    assert rows() == before


@pytest.mark.django_db
def test_a_damaged_statement_keeps_the_whole_folder_out(tmp_path):
    folder = write_publication(tmp_path / "publication")
    path = folder / "statements" / "0002-second.json"
    path.write_bytes(path.read_bytes().replace(b'"amount":', b'"amount": ', 1))
    with pytest.raises(PublicationRefused, match=r"0002-second\.json"):
        import_folder(folder, own=True)
    assert not OfficeRow.objects.exists()


@pytest.mark.django_db
def test_without_a_chain_only_the_ends_of_the_period_have_times(tmp_path):
    folder = write_publication(tmp_path / "publication")
    import_folder(folder, own=True)
    assert MovementRow.objects.filter(median_time=None).exists()
    second = StatementRow.objects.first()
    assert (
        BalanceRow.objects.filter(statement=second, height=second.after_height)
        .exclude(median_time=None)
        .exists()
    )


@pytest.mark.django_db
def test_the_stored_bytes_have_the_stored_hash(published):
    for row in StatementRow.objects.all():
        assert hashlib.sha256(bytes(row.raw)).hexdigest() == row.sha256
