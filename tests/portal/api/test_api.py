"""The API says what the statement says; whatever cannot be answered is refused with a code."""

import json
import re

import pytest
from django.core.cache import cache

from khazana.portal.api.problems import NotGiven
from khazana.portal.reserve.models import BalanceRow, CoinRow, MovementRow
from khazana.portal.statement.models import FileKind, FileRow, OfficeRow, StatementRow
from khazana.reserve.reading import read_reserve_statement
from khazana.units import btc_from_sats
from tests.reserve.world import story

pytestmark = pytest.mark.django_db


@pytest.fixture
def get(published, client, settings):
    settings.API_RATE = ""

    def asked(address, status=200):
        answer = client.get(address if address.startswith("/") else f"/api/v1/{address}")
        assert answer.status_code == status, (address, answer.content)
        assert answer.headers["Content-Type"].startswith("application/json")
        return json.loads(answer.content)

    return asked


def second():
    return read_reserve_statement(story().second)


def figures_in(value):
    """Every figure object anywhere in an answer."""
    if isinstance(value, dict):
        if {"sats", "btc"} <= value.keys():
            yield value
        for item in value.values():
            yield from figures_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from figures_in(item)


LISTS = (
    "statements",
    "figures",
    "movements",
    "coins",
    "addresses",
    "documents",
    "series/perimeter/public-sector",
    "claims",
)
OTHERS = (
    "",
    "offices",
    "offices/office",
    "holdings?at=2011-05-20",
    "two-bars",
    "corrections",
    "conditions",
    "figures/wallet/fund",
    f"movements/{story().transfer}",
)


def test_the_start_leads_to_the_newest_statement_and_its_file(get, client):
    newest = get(get("")["newest_statement"].removeprefix("http://testserver"))
    row = StatementRow.objects.first()
    assert newest["root"] == row.root == second().root
    assert client.get(newest["file"]).content == bytes(row.raw)
    assert newest["files"][0]["sha256"] == row.sha256
    assert newest["verify"].startswith("khazana verify statement.json")


def test_every_figure_of_a_set_is_the_statements_own(get):
    stated = second().perimeters["public-sector"].figures
    said = get("figures/perimeter/public-sector")
    for name in ("opening", "inflow", "coinbase", "outflow", "fee", "internal", "closing"):
        assert said[name]["sats"] == getattr(stated, name), name
    assert said["closing"]["grades"] == {
        "A": stated.grades.a,
        "B": stated.grades.b,
        "C": stated.grades.c,
        "D": stated.grades.d,
    }
    period = second().header.period
    assert said["opening"]["block"] == {"height": period.after.height, "hash": period.after.hash}
    assert said["closing"]["block"] == {"height": period.until.height, "hash": period.until.hash}


def test_every_figure_has_all_that_a_citation_needs_and_its_address_answers(get, client):
    found = [each for name in (*LISTS, *OTHERS) for each in figures_in(get(name))]
    assert len(found) > 200
    for figure in found:
        assert figure["btc"] == btc_from_sats(figure["sats"])
        assert figure["block"]["hash"]
        assert figure["test"] is True
        assert figure["notice"] == "test network, invented figures"
        assert figure["statement"] in figure["link"]
        if figure["grades"] is not None:
            assert sum(figure["grades"].values()) == figure["sats"]
    for link in {figure["link"] for figure in found}:
        assert client.get(link).status_code == 200, link


def test_an_offices_own_notice_stands_beside_ours(get):
    OfficeRow.objects.update(notice="Claimed by a third party.")
    said = get("figures/wallet/fund")["closing"]["notice"]
    assert said == "test network, invented figures; Claimed by a third party."


def test_real_figures_carry_no_notice_of_a_test(get):
    OfficeRow.objects.update(test=False)
    closing = get("figures/wallet/fund")["closing"]
    assert (closing["test"], closing["notice"]) == (False, None)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("wallet=fund", {"lines__wallet": "fund"}),
        ("reason=acquisition", {"lines__reason": "acquisition"}),
        ("unexplained=true", {"unexplained": True}),
        ("unexplained=false", {"unexplained": False}),
        ("from_height=111&until_height=112", {"height__gte": 111, "height__lte": 112}),
        ("wallet=mining&reason=transfer", {"pk": 0}),
        ("wallet=nobody", {"pk": 0}),
    ],
)
def test_movements_are_found_by_what_is_asked(get, asked, wanted):
    expected = set(MovementRow.objects.filter(**wanted).values_list("txid", flat=True))
    said = get(f"movements?limit=500&{asked}")
    assert {item["txid"] for item in said["items"]} == expected
    assert said["count"] == len(said["items"])


def test_movements_are_found_by_day(get):
    row = MovementRow.objects.get(txid=story().transfer)
    day = f"{row.median_time:%Y-%m-%d}"
    said = get(f"movements?from_day={day}&until_day={day}")
    assert {item["block"]["height"] for item in said["items"]} == {row.height}
    assert get("movements?from_day=9999-12-31")["items"] == []
    assert get("movements?until_day=0001-01-01")["items"] == []


def test_a_movement_is_followed_through_its_stops(get):
    said = get(f"movements/{story().purchase}")
    explained = second().explanations[story().purchase].lines
    assert [line["document"] for line in said["lines"]] == [line.document for line in explained]
    assert said["documents"][0]["id"] == "invoice-2"
    assert said["leaf"]["root"] == second().root
    part = second().envelope.parts_by_name[f"entry/{story().purchase}"]
    assert said["leaf"]["digest"] == part.digest.hex()
    assert [wallet["id"] for wallet in said["wallets"]] == ["fund"]


def test_the_transfer_raises_the_fund_and_not_the_stock(get):
    height = MovementRow.objects.get(txid=story().transfer).height
    said = get(f"two-bars?watched=wallet/fund&stock=perimeter/public-sector&block={height}")
    assert said["gross"]["btc"] == "20.00000000"
    assert said["from_inside"]["btc"] == "20.00000000"
    assert said["net"]["sats"] < 25 * 10**8
    assert [arrival["txid"] for arrival in said["arrivals"]] == [story().transfer]


def test_holdings_of_a_day_say_which_block_and_statement(get):
    last = BalanceRow.objects.filter(kind="wallet", ident="fund").order_by("height").last()
    said = get(f"holdings?set=wallet/fund&at={last.statement.until_mtp:%Y-%m-%d}")
    assert said["figure"]["sats"] == last.amount
    assert said["figure"]["block"] == {"height": last.height, "hash": last.block_hash}
    assert said["figure"]["statement"] == last.statement.root


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2030-01-01", "9999-12-31"])
def test_a_day_that_nothing_covers_is_no_figure(get, client, day):
    assert get(f"holdings?at={day}", 404)["code"] == "not_covered"
    assert client.get(f"/en/?at={day}").status_code == 200


def test_the_series_ends_with_the_closing_figure(get):
    said = get(f"series/perimeter/public-sector?statement={second().root[:8]}&limit=500")
    closing = second().perimeters["public-sector"].figures.closing
    assert said["items"][-1]["figure"]["sats"] == closing


def test_coins_sum_to_what_the_wallet_held(get):
    said = get("coins?wallet=fund&limit=500")
    assert sum(coin["figure"]["sats"] for coin in said["items"]) == (
        second().wallets["fund"].figures.closing
    )
    outpoint = said["items"][0]["outpoint"]
    assert get(f"coins/{outpoint}") == said["items"][0]


@pytest.mark.parametrize("name", LISTS)
def test_pages_of_a_list_make_up_the_list_in_a_stable_order(get, name):
    whole = get(f"{name}?limit=500")
    address, items = f"/api/v1/{name}?limit=3", []
    while address:
        part = get(address)
        assert part["count"] == whole["count"] == len(whole["items"])
        items += part["items"]
        address = part["next"] and part["next"].removeprefix("http://testserver")
    assert items == whole["items"]


def test_claims_carry_our_check(get):
    said = get("claims/sv_over_6000_btc")
    assert said["speaker"].keys() == {"en", "ur", "ar", "es"}
    assert said["verdict"]
    assert {item["subject"] for item in get("claims?subject=mining")["items"]} == {"mining"}


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("nothing", 404, "no_such_address"),
        ("/api/v2/statements", 404, "no_such_address"),
        ("statements/" + "0" * 64, 404, "no_such_thing"),
        ("statements/0000", 422, "wrong_parameters"),
        ("offices/nobody", 404, "no_such_thing"),
        ("figures/wallet/nobody", 404, "no_such_thing"),
        ("figures/nothing/fund", 422, "wrong_parameters"),
        ("series/wallet/nobody", 404, "no_such_thing"),
        ("movements/" + "0" * 64, 404, "no_such_thing"),
        ("coins/" + "0" * 64 + ":0", 404, "no_such_thing"),
        ("claims/nobody", 404, "no_such_thing"),
        ("valuation", 404, "no_such_thing"),
        ("two-bars?watched=wallet/nobody", 404, "no_such_thing"),
        ("holdings?at=2011-05-20&set=wallet/nobody", 404, "not_covered"),
        ("holdings", 422, "wrong_parameters"),
        ("holdings?at=1300000000", 422, "wrong_parameters"),
        ("holdings?at=2011-02-30", 422, "wrong_parameters"),
        ("movements?limit=0", 422, "wrong_parameters"),
        ("movements?limit=501", 422, "wrong_parameters"),
        ("movements?limit=1e2", 422, "wrong_parameters"),
        ("movements?limit=5&limit=6", 422, "wrong_parameters"),
        ("movements?offset=99999999999999999999", 422, "wrong_parameters"),
        ("movements?unexplained=yes", 422, "wrong_parameters"),
        ("movements?wallet=%00", 422, "wrong_parameters"),
        ("movements?walet=fund", 422, "wrong_parameters"),
        ("offices?limit=5", 422, "wrong_parameters"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_code(get, address, status, code):
    problem = get(address, status)
    assert problem["code"] == code
    assert problem["message"]
    assert bool(problem["wrong"]) == (code == "wrong_parameters")


def test_a_misspelt_parameter_is_named(get):
    assert get("movements?walet=fund", 422)["wrong"] == [
        {"where": "query.walet", "problem": "there is no such parameter"}
    ]
    assert get("movements?limit=0", 422)["wrong"][0]["where"] == "query.limit"


def test_before_anything_is_published_the_api_says_so(db, client):
    assert client.get("/api/v1/").json()["newest_statement"] is None
    assert client.get("/api/v1/figures").json()["code"] == "nothing_published"
    assert client.get("/api/v1/movements").json()["items"] == []


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_the_api_is_only_read(published, client, method):
    answer = getattr(client, method)("/api/v1/movements")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert answer.json()["code"] == "only_read"


def test_head_is_answered_as_get_without_the_body(published, client):
    answer = client.head("/api/v1/movements")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["ETag"] == client.get("/api/v1/movements").headers["ETag"]


def test_who_has_the_newest_answer_is_told_so(published, client, django_assert_max_num_queries):
    mark = client.get("/api/v1/movements").headers["ETag"]
    with django_assert_max_num_queries(3):
        again = client.get("/api/v1/movements", headers={"if-none-match": mark})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/v1/coins").headers["ETag"] != mark


def test_answers_do_not_depend_on_the_readers_language(published, client):
    urdu = client.get("/api/v1/figures", headers={"accept-language": "ur"})
    assert urdu.content == client.get("/api/v1/figures").content
    assert urdu.headers["Content-Language"] == "en"


@pytest.mark.parametrize("name", [*LISTS, *OTHERS])
def test_the_number_of_queries_does_not_grow_with_the_list(
    get, client, django_assert_max_num_queries, name
):
    get(name)  # statements are read from their bytes once
    with django_assert_max_num_queries(12):
        client.get(f"/api/v1/{name}")


def test_who_asks_too_often_is_asked_to_wait(published, client, settings, monkeypatch):
    monkeypatch.setattr("khazana.portal.api.throttle.time.time", lambda: 1_000_030.0)
    settings.API_RATE = "2/min"
    cache.clear()
    assert [client.get("/api/v1/offices").status_code for _ in range(3)] == [200, 200, 429]
    refused = client.get("/api/v1/offices")
    assert refused.json()["code"] == "too_many_requests"
    assert int(refused.headers["Retry-After"]) == 60 - 1_000_030 % 60
    # Another reader is not held back, whatever a header says about the first.
    other = client.get("/api/v1/offices", REMOTE_ADDR="192.0.2.7")
    assert other.status_code == 200
    spoofed = client.get("/api/v1/offices", headers={"x-forwarded-for": "192.0.2.8"})
    assert spoofed.status_code == 429
    monkeypatch.setattr("khazana.portal.api.throttle.time.time", lambda: 1_000_090.0)
    assert client.get("/api/v1/offices").status_code == 200


def test_files_of_an_office_have_addresses_that_answer(get, client):
    office = OfficeRow.objects.get()
    row = StatementRow.objects.first()
    for kind, path, statement in (
        (FileKind.IDENTITY, "office.json", None),
        (FileKind.MEMORANDUM, "memoranda/x.toml", row),
    ):
        FileRow.objects.create(
            office=office, kind=kind, path=path, raw=b"{}", sha256="ab" * 32, statement=statement
        )
    identity = get("offices/office")["identity"]
    files = get(f"statements/{row.root}/files")
    assert [file["kind"] for file in files] == ["statement", "memorandum"]
    for link in (identity, *(file["link"] for file in files)):
        assert client.get(link).status_code == 200


def test_every_code_is_one_of_a_kind():
    kinds = [NotGiven, *NotGiven.__subclasses__()]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch("[a-z_]+", code) for code in codes)


def test_a_list_without_rows_is_empty_and_no_error(get):
    CoinRow.objects.all().delete()
    assert get("coins")["items"] == []
