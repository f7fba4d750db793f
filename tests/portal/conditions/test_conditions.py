"""The lender's conditions on the pages: what the statement's part says, counted and in full."""

import pytest

from khazana.conditions.parts import conditions_of
from khazana.conditions.standing import standing_of
from khazana.portal.conditions.kept import kept_of, verdicts_of
from khazana.portal.formatting.languages import LANGUAGES
from khazana.portal.statement.importing import import_folder
from khazana.portal.statement.models import StatementRow
from khazana.portal.statement.publication import PublicationRefused
from khazana.reserve.reading import read_reserve_statement
from tests.conditions.test_parts import PART, told
from tests.reserve.simulator import rerooted


def published_as(folder, raw):
    (folder / "statements").mkdir(parents=True, exist_ok=True)
    (folder / "statements" / "0001.json").write_bytes(raw)
    return folder


@pytest.fixture
def judged(db, tmp_path):
    """A statement with a lender's conditions, imported."""
    world, *_, statement = told()
    folder = published_as(tmp_path / "publication", world.signed(statement))
    import_folder(folder, own=True, chain=world.chain)
    return StatementRow.objects.get()


def test_every_condition_is_shown_with_its_newest_verdict(judged, client):
    (body,) = conditions_of(judged.value())
    for language in LANGUAGES:
        text = client.get(f"/{language}/conditions/").content.decode()
        assert text.count('class="card"') == len(body.memorandum.conditions)
        for standing in standing_of(body):
            if standing.newest is not None:
                assert f"verdict-{standing.newest.verdict.name.lower()}" in text
    assert body.accumulation


def test_figures_have_latin_digits_and_a_point_in_every_language(judged, client):
    (body,) = conditions_of(judged.value())
    measured = {
        f"{standing.newest.measured:,f} {standing.newest.unit}"
        for standing in standing_of(body)
        if standing.newest is not None and standing.newest.measured is not None
    }
    assert measured
    for language in LANGUAGES:
        text = client.get(f"/{language}/conditions/").content.decode()
        assert [figure for figure in measured if figure not in text] == []


def test_the_first_page_counts_verdicts_without_reading_the_statement(judged, client, monkeypatch):
    counted = verdicts_of(judged.value())
    kept = kept_of(judged)
    assert {each.name.upper(): each.number for each in kept.verdicts} == counted
    monkeypatch.setattr(StatementRow, "value", lambda self: pytest.fail("the file was read"))
    assert client.get("/en/").status_code == 200


def test_a_part_that_cannot_be_read_keeps_the_folder_out(db, tmp_path):
    world, *_, statement = told()

    def spoil(parts):
        parts[PART]["today"] = "not a day"

    raw = world.signed(rerooted(statement, spoil))
    assert read_reserve_statement(raw)
    with pytest.raises(PublicationRefused, match="x-conditions"):
        import_folder(published_as(tmp_path, raw), own=True)
    assert not StatementRow.objects.exists()
