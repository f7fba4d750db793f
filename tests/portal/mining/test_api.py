"""Mining for programs: the room's figures, with block, root and a page to cite each by."""

import csv
import io
import zipfile
from decimal import Decimal
from urllib.parse import urlsplit

import hypothesis
import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from khazana.mining.report import month_lines, programme_line
from khazana.portal.api.tables.contents_mining import MINING
from khazana.portal.mining.choosing import told_by
from tests.portal.mining.mine import MONTHS, SHARES

PLAIN = {"Accept-Encoding": "identity"}


@pytest.fixture
def get(mined, client, settings):
    settings.API_RATE = ""

    def asked(address, status=200):
        answer = client.get(f"/api/v1/{address}")
        assert answer.status_code == status, answer.content
        return answer.json()

    return asked


def test_the_programme_is_the_rooms_own_sum(get, mined):
    bodies = told_by([mined]).bodies
    answer, line = get("mining"), programme_line(bodies)
    assert answer["statement"] == mined.root
    assert answer["total"]["arrived"]["sats"] == line.arrived
    assert answer["total"]["expected"]["sats"] == line.expected
    assert Decimal(answer["total"]["mwh"]) == line.mwh
    assert [site["site"] for site in answer["sites"]] == list(SHARES)
    assert answer["total"]["power"] is None  # one of the sites says nothing about its cost
    assert answer["notice"] == "test network, invented figures"


def test_every_month_stands_there_with_its_detection_limit(get, mined):
    items = get("mining/months")["items"]
    lines = [line for body in told_by([mined]).bodies for line in month_lines(body)]
    assert [(item["site"], item["month"]) for item in items] == [
        (line.site, line.month) for line in lines
    ]
    for item, line in zip(items, lines, strict=True):
        assert item["verdict"] == line.verdict
        assert Decimal(item["figures"]["detection_percent"]) == line.detection_percent
        assert item["figures"]["detection_percent"] in item["sentence"]
        assert item["figures"]["difference_sats"] == line.arrived - line.expected


def test_a_diverted_month_and_a_question_are_told_apart(get):
    items = {item["month"]: item for item in get("mining/months?site=site-2")["items"]}
    assert [items[month]["verdict"] for month in MONTHS] == ["above", "within", "below"]
    assert [items[month]["figures"]["questioned"] for month in MONTHS] == [True, False, False]
    (year,) = get("mining")["sites"][1]["years"]
    assert (year["finding"], year["alarm_month"]) == ("alarm", "2026-03")


def test_what_nobody_published_is_null_and_not_nothing(get):
    (silent,) = get("mining/months?site=site-2&month=2026-02")["items"]
    figures = silent["figures"]
    for name in ("power", "load_shedding_hours", "tco2", "pool_payouts", "share_receipts"):
        assert figures[name] is None
    assert silent["billed_mwh"] is silent["bill_agrees"] is silent["check_mwh"] is None
    assert figures["energy_rests_on"] == "office"
    (told,) = get("mining/months?site=site-1&month=2026-01")["items"]
    assert told["bill_agrees"] is False
    assert told["figures"]["load_shedding_hours"] == "0"
    assert told["figures"]["power"]["per_mwh"] == "22500"


@pytest.mark.parametrize("name", ["expected", "lower_limit", "upper_limit", "arrived"])
def test_a_figure_leads_to_the_page_that_cites_it(get, client, name):
    (item,) = get("mining/months?site=site-1&month=2026-02")["items"]
    figure = item["figures"][name]
    page = client.get(urlsplit(figure["link"]).path).content.decode()
    assert figure["btc"] in page
    assert figure["block"]["hash"] in page
    assert figure["statement"] in page


def test_payouts_are_the_books_own(get, mined):
    items = get("mining/arrivals?site=site-1")["items"]
    body = told_by([mined]).bodies[0]
    assert [item["txid"] for item in items] == [month.arrivals[0].txid for month in body.months]
    assert {tuple(item["grades"]) for item in items} == {("C",)}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("mining?site=site-1", 422),
        ("mining/months?month=2026-13", 422),
        ("mining/months?site=a%20b", 422),
        ("mining?statement=00000000", 404),
    ],
)
def test_what_cannot_be_answered_is_refused(get, address, status):
    assert get(address, status)["code"]


def test_an_office_without_mining_gives_empty_lists(published, client):
    answer = client.get("/api/v1/mining").json()
    assert (answer["total"], answer["sites"]) == (None, [])
    assert client.get("/api/v1/mining/months").json()["count"] == 0


def test_every_answer_about_mining_is_as_described(mined, settings):
    """Requests made up from the API's description, about what is published."""
    schemathesis = pytest.importorskip("schemathesis")
    settings.API_RATE = ""
    settings.ALLOWED_HOSTS = ["*"]
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    described = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    found = [each.ok() for each in described.get_all_operations()]
    operations = [each for each in found if "/mining" in each.path]
    assert len(operations) == 3
    for operation in operations:

        @hypothesis.settings(
            max_examples=8,
            derandomize=True,
            database=None,
            deadline=None,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(
            case=operation.as_strategy(generation_mode=schemathesis.GenerationMode("positive"))
        )
        def answered(case):
            (case.query or {}).pop("statement", None)
            case.call_and_validate(headers=PLAIN)

        answered()
    for signal in signals:
        signal.connect(close_old_connections)


def rows_of(raw):
    lines = list(csv.reader(io.StringIO(raw.decode(), newline="")))
    gap = lines.index([])
    return [dict(zip(lines[gap + 1], line, strict=True)) for line in lines[gap + 2 :]]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("mining", 3),
        ("mining-sites", 2),
        ("mining-months", 6),
        ("mining-arrivals", 6),
        ("mining-budget", 4),
    ],
)
def test_a_table_has_every_row_in_both_forms(mined, client, settings, name, count):
    settings.API_RATE = ""
    rows = rows_of(client.get(f"/tables/{name}.csv").content)
    assert len(rows) == count
    assert set(rows[0]) == set(MINING[name].columns)
    raw = client.get(f"/tables/{name}.xlsx").content
    assert zipfile.is_zipfile(io.BytesIO(raw))


def test_the_tables_have_the_figures_of_the_statement(mined, client):
    rows = rows_of(client.get("/tables/mining-months.csv?site=site-2").content)
    for row, month in zip(rows, told_by([mined]).bodies[1].months, strict=True):
        assert int(row["expected_sat"]) == month.expected_sat
        assert int(row["arrived_sat"]) == month.arrived_sat
        assert Decimal(row["detection_limit_percent"]) == Decimal(month.detection_percent)
        assert row["paid"] == ""
    rows = rows_of(client.get("/tables/mining-months.csv?site=site-1&month=2026-02").content)
    assert [row["load_shedding_hours"] for row in rows] == ["1.5"]
