"""The page about the API is true: its examples answer, its lists are whole."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from khazana.portal.api.problems import NotGiven
from khazana.portal.api.tables.views import TABLES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^curl (?:-o \S+ )?\"?(http://127\.0\.0\.1:8000/[^\s\"]*)\"?$", PAGE, re.M)


def test_every_example_is_read():
    assert len(EXAMPLES) == len(re.findall("^curl ", PAGE, re.M)) > 10


@pytest.mark.parametrize("address", EXAMPLES)
def test_every_example_answers(published, client, settings, address):
    settings.API_RATE = ""
    parts = urlsplit(address)
    answer = client.get(f"{parts.path}?{parts.query}" if parts.query else parts.path)
    assert answer.status_code == 200, answer.content
    assert answer.content


def test_every_code_is_explained_with_its_status():
    said = dict(re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", PAGE, re.M))
    # The staff's API adds kinds of its own, which this page does not tell.
    public = [kind for kind in NotGiven.__subclasses__() if kind.__module__ == NotGiven.__module__]
    assert said == {kind.code: str(kind.status) for kind in public}


def test_every_table_is_named():
    names = re.search(r"^Names: (.*?)\. ", PAGE, re.M)[1]
    assert re.findall("`([a-z-]+)`", names) == list(TABLES)


def test_every_address_of_the_api_is_listed(published, client):
    described = client.get("/api/v1/openapi.json").json()["paths"]
    listed = set(re.findall("`([^`]+)`", "".join(re.findall(r"^\| .*$", PAGE, re.M))))
    plain = {
        "office": "ID",
        "root": "ROOT",
        "kind": "KIND",
        "ident": "ID",
        "txid": "TXID",
        "outpoint": "TXID:N",
        "claim": "ID",
    }
    for path in described:
        name = re.sub(r"\{(\w+)\}", lambda part: plain[part[1]], path).removeprefix("/api/v1/")
        assert not name or name in listed, name
