"""Mining parts come in as they were published, and what cannot be read keeps the folder out."""

import pytest

from khazana.mining.parts import mining_bodies
from khazana.portal.mining.models import SiteRow
from khazana.portal.statement.importing import import_folder
from khazana.portal.statement.models import StatementRow
from khazana.portal.statement.publication import PublicationRefused
from khazana.reserve.reading import read_reserve_statement
from tests.portal.mining.mine import mine
from tests.reserve.simulator import rerooted


def test_every_part_comes_in_with_nothing_lost(mined):
    parts = {
        part.name: dict(part.body)
        for part in mined.value().envelope.parts
        if part.kind == "x-mining"
    }
    assert {str(row): row.body for row in SiteRow.objects.all()} == parts
    assert len(parts) == 2


def test_a_row_gives_back_what_the_room_reads(mined):
    assert tuple(row.value() for row in SiteRow.objects.all()) == mining_bodies(
        mined.value().envelope.parts
    )


def test_an_import_of_the_same_folder_changes_nothing(mined, tmp_path):
    before = list(SiteRow.objects.values_list("pk", flat=True))
    assert not import_folder(tmp_path / "publication", own=True)
    assert list(SiteRow.objects.values_list("pk", flat=True)) == before


def test_a_statement_that_comes_again_renews_its_rows_without_doubling_them(mined, tmp_path):
    StatementRow.objects.update(sha256="0" * 64)
    done = import_folder(tmp_path / "publication", own=True, chain=mine().world.chain)
    assert done.renewed == (mined.root,)
    assert SiteRow.objects.count() == 2


def test_a_part_that_cannot_be_read_keeps_the_folder_out(db, tmp_path):
    def spoil(parts):
        parts["x-mining/site-1"]["months"][1]["low_wh"] = "much"

    raw = mine().world.signed(rerooted(mine().statement, spoil))
    assert read_reserve_statement(raw)
    (tmp_path / "statements").mkdir()
    (tmp_path / "statements" / "0001.json").write_bytes(raw)
    with pytest.raises(PublicationRefused, match=r"x-mining/site-1.*months"):
        import_folder(tmp_path, own=True)
    assert not StatementRow.objects.exists()
    assert not SiteRow.objects.exists()


def test_a_month_that_is_left_out_keeps_the_folder_out(db, tmp_path):
    def leave_out(parts):
        del parts["x-mining/site-2"]["months"][1]

    raw = mine().world.signed(rerooted(mine().statement, leave_out))
    (tmp_path / "statements").mkdir()
    (tmp_path / "statements" / "0001.json").write_bytes(raw)
    with pytest.raises(PublicationRefused, match="left out"):
        import_folder(tmp_path, own=True)
