"""What the public view withholds is nowhere: in no table, on no page, in no file."""

import json

import pytest
from django.apps import apps

from khazana.portal.statement.exporting import export_folder
from khazana.portal.statement.importing import import_folder
from khazana.portal.statement.models import StatementRow
from khazana.reserve.levels import keep_at
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.envelope import disclose, write_statement
from tests.reserve.simulator import rerooted
from tests.reserve.world import story

DESCRIPTOR = "raw(51)#8lvh9jxk"
PAGES = (
    "/en/",
    "/feed.atom",
    "/api/v1/statements",
    "/api/v1/documents",
    "/api/v1/addresses",
    "/api/v1/movements",
    "/tables/movements.csv",
    "/tables/addresses.csv",
    "/tables/coins.csv",
    "/tables/figures.csv",
)
OF_STATEMENT = (
    "/files/{root}/statement.json",
    "/files/{root}/disclosure-addresses.json",
    "/files/{root}/disclosure-totals.json",
    "/en/statements/{root}/",
    "/en/check/?statement={root}",
    "/en/coins/?statement={root}",
    "/en/movements/?statement={root}",
    "/en/two-bars/?statement={root}",
    "/en/conditions/?statement={root}",
    "/en/holdings/wallet/fund/?statement={root}",
)


def whole_statement():
    """The story's second statement as an auditor sees it, with a descriptor."""

    def describe(parts):
        parts["descriptor/fund"] = {
            "wallet": "fund", "descriptor": DESCRIPTOR, "branches": [], "gap": 20,
        }  # fmt: skip

    return write_statement(rerooted(read_reserve_statement(story().second).envelope, describe))


def everything_stored():
    """Every value of every table, as one text."""
    return json.dumps(
        [
            bytes(value).decode() if isinstance(value, bytes | memoryview) else value
            for model in apps.get_models()
            for row in model.objects.values_list()
            for value in row
        ],
        default=str,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("level", ["full", "addresses", "totals"])
def test_no_table_page_or_file_holds_what_is_withheld(client, tmp_path, settings, level):
    """The folder has all that an auditor sees; the portal keeps what the level shows."""
    settings.API_RATE = ""
    raw = whole_statement()
    (tmp_path / "in" / "statements").mkdir(parents=True)
    (tmp_path / "in" / "statements" / "0001.json").write_bytes(raw)
    whole = read_reserve_statement(raw)
    assert whole.descriptors["fund"].descriptor == DESCRIPTOR
    shown = {part.name for part in disclose(whole.envelope, keep_at(level)).parts}
    hidden = [part for part in whole.envelope.parts if part.name not in shown]
    secrets = {DESCRIPTOR, *(part.salt.hex() for part in hidden)}
    if level != "full":
        secrets.add("invoice-2")
    if level == "totals":
        secrets.add(story().transfer)
        secrets |= {script for body in whole.scripts.values() for script in body.scripts}
    assert len(secrets) > 1
    assert all(secret.encode() in raw for secret in secrets)

    import_folder(tmp_path / "in", own=True, level=level, chain=story().world.chain)
    found = {"tables": everything_stored()}
    (root,) = StatementRow.objects.values_list("root", flat=True)
    for page in (*PAGES, *(address.format(root=root) for address in OF_STATEMENT)):
        answer = client.get(page)
        # Where a whole kind of part is withheld, the API says so instead of giving an empty list.
        assert answer.status_code in ((200, 404) if page.startswith("/api/") else (200,)), page
        found[page] = answer.content.decode()
    export_folder(tmp_path / "out")
    for path in (tmp_path / "out").rglob("*.json"):
        found[path.name] = path.read_text("utf-8")
    assert not [(page, secret) for page in found for secret in secrets if secret in found[page]]
