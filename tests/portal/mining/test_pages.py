"""The mining pages: energy, expectation, arrival, and no good word without its limit."""

import re
from dataclasses import replace

import pytest
from django.utils.translation import override

from khazana.portal.formatting.languages import LANGUAGES
from khazana.portal.mining.choosing import told_by
from khazana.portal.mining.models import SiteRow
from khazana.portal.mining.showing import chart_of, programme_of
from khazana.portal.mining.templatetags.mining import hours, percent, worth_money
from khazana.portal.statement.importing import import_folder
from khazana.portal.statement.models import OfficeRow, StatementRow
from tests.portal.mining.mine import MONTHS, mine

PAGES = (
    "mining/",
    "mining/site-1/",
    "mining/site-2/",
    *(f"mining/{site}/{month}/" for site in ("site-1", "site-2") for month in MONTHS),
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_answers_and_carries_both_notices(mined, client, language):
    for page in PAGES:
        answer = client.get(f"/{language}/{page}")
        text = answer.content.decode()
        assert answer.status_code == 200
        assert 'class="test-banner"' in text
        assert "SIMULATED" in text
        assert "style=" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_good_word_stands_without_its_detection_limit(mined, client, language):
    for body in told_by([mined]).bodies:
        for month in body.months:
            text = client.get(f"/{language}/mining/{body.site}/{month.month}/").content.decode()
            verdict = text.index('<span class="verdict verdict-')
            assert month.detection_percent in text[verdict : verdict + 300]
    text = client.get(f"/{language}/mining/").content.decode()
    limit = told_by([mined]).bodies[0].years[0].level_percent
    row = re.search(r'mining/site-1/".*?</tr>', text, re.S)[0]
    assert "verdict-met" in row
    assert limit in row


def test_a_shortfall_is_named_with_its_site_and_month(mined, client):
    text = client.get("/en/mining/").content.decode()
    assert "A shortfall was found." in text
    assert 'href="/en/mining/site-2/2026-03/"' in text
    assert "verdict-breached" in client.get("/en/mining/site-2/2026-03/").content.decode()
    assert "verdict-breached" not in client.get("/en/mining/site-1/2026-03/").content.decode()


def test_a_question_is_asked_as_a_question(mined, client):
    (line,) = programme_of(told_by([mined])).asked
    assert (line.site, line.month) == ("site-2", "2026-01")
    text = client.get("/en/mining/").content.decode()
    assert "Is there energy that no meter counts?" in text
    assert "A question is no accusation" in text


def test_a_bill_that_differs_is_said_to_differ(mined, client):
    first, second = (
        client.get(f"/en/mining/site-1/{month}/").content.decode() for month in MONTHS[:2]
    )
    assert "differs from the counters" in first
    assert "agrees with the counters" in second


def test_load_shedding_has_its_hours_its_target_and_its_source(mined, client):
    text = client.get("/en/mining/site-1/2026-02/").content.decode()
    assert "1.50 h" in text
    assert "target: 0" in text
    assert "feeder log, invented" in text
    assert "nobody published which feeders were off" in client.get("/en/mining/").content.decode()


def test_energy_without_sealed_readings_is_nobodys(mined, client):
    assert (
        "the office's word, and no sealed"
        in client.get("/en/mining/site-2/2026-01/").content.decode()
    )
    text = client.get("/en/mining/site-1/2026-01/").content.decode()
    assert "ab" * 32 in text
    assert "--metering" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_office_without_mining_says_so_in_one_sentence(published, client, language):
    text = client.get(f"/{language}/mining/").content.decode()
    assert text.count('class="lead"') == 1
    assert "<table" not in text
    assert "<svg" not in text
    assert 'id="mining-heading"' not in client.get(f"/{language}/").content.decode()


@pytest.mark.django_db
def test_before_anything_is_published_the_page_answers(client):
    assert "Nothing is published yet." in client.get("/en/mining/").content.decode()


@pytest.mark.parametrize(
    "page",
    [
        "mining/site-3/",
        "mining/site-1/2025-01/",
        "mining/site-1/nonsense/",
        "mining/%00/",
        "mining/site-1/%00/",
        "mining/?statement=00000000",
        "cite-mining/ROOT/site-1/2026-01/nothing/",
        "cite-mining/ROOT/site-9/2026-01/arrived/",
        "cite-mining/00000000/site-1/2026-01/arrived/",
    ],
)
def test_what_is_not_published_is_not_there(mined, client, page):
    assert client.get(f"/en/{page.replace('ROOT', mined.root)}").status_code == 404


def test_a_citation_names_block_root_part_and_notices(mined, client):
    text = client.get(f"/en/cite-mining/{mined.root}/site-1/2026-02/arrived/").content.decode()
    (cited,) = re.findall(r'<pre class="command" tabindex="0">office, (.*?)</pre>', text, re.S)
    body = told_by([mined]).bodies[0]
    assert f"{body.months[1].arrived_sat / 1e8:.8f} BTC" in cited
    for each in (mined.root, mined.until_hash, "x-mining/site-1", "SIMULATED", "invented figures"):
        assert each in cited


def test_links_stay_with_the_statement_that_was_asked_for(mined, client):
    text = client.get(f"/en/mining/?statement={mined.root[:12]}").content.decode()
    assert f"/en/mining/site-1/?statement={mined.root[:12]}" in text
    text = client.get(f"/en/mining/site-1/?statement={mined.root[:12]}").content.decode()
    assert f"/en/mining/site-1/2026-01/?statement={mined.root[:12]}" in text


def test_another_offices_sites_are_never_shown_as_ones_own(published, client, tmp_path):
    OfficeRow.objects.update(slug="our-office")
    folder = mine().publish(tmp_path / "partner")
    import_folder(folder, own=False)
    root = StatementRow.objects.get(office__own=False).root
    assert "<table" not in client.get("/en/mining/").content.decode()
    assert 'id="mining-heading"' not in client.get("/en/").content.decode()
    assert client.get("/en/mining/site-2/").status_code == 404
    for page in ("mining/", "mining/site-2/", "mining/site-2/2026-03/"):
        text = client.get(f"/en/{page}?statement={root}").content.decode()
        assert "another office" in text


def split(mined, *, earlier, later):
    """The same sites told by two statements: which months each tells."""
    newest = StatementRow.objects.get(pk=mined.pk)
    older = StatementRow.objects.get(pk=mined.pk)
    older.pk, older.root, older.sha256 = None, "ab" * 32, "cd" * 32
    older.until_height -= 1
    older.save()
    for row in SiteRow.objects.filter(statement=newest):
        months = row.body["months"]
        before = [month for month in months if month["month"] in earlier]
        SiteRow.objects.create(
            statement=older,
            site=row.site,
            position=row.position,
            body={**row.body, "months": before},
        )
        row.body = {**row.body, "months": [m for m in months if m["month"] in later]}
        row.save()
    return older, newest


def months_in(text):
    return re.findall(r'href="/en/mining/site-1/(2026-\d\d)/', text)


def test_months_of_all_standing_statements_stand_on_one_page(mined, client):
    whole = programme_of(told_by([mined])).brief.total.line
    older, newest = split(mined, earlier=MONTHS[:2], later=MONTHS[2:])
    assert programme_of(told_by([newest, older])).brief.total.line == whole
    text = client.get("/en/mining/site-1/").content.decode()
    assert months_in(text) == list(MONTHS)
    assert f"?statement={older.root}" in text
    assert f"?statement={newest.root}" in text
    assert months_in(client.get(f"/en/mining/site-1/?statement={older.root}").content.decode()) == [
        f"{month}" for month in MONTHS[:2]
    ]
    assert client.get("/api/v1/mining/months?site=site-1").json()["count"] == 3
    assert client.get("/api/v1/mining").json()["sites"][0]["months"] == 1
    page = client.get("/en/mining/site-1/2026-01/").content.decode()
    assert f"/cite-mining/{older.root}/" in page
    assert 'rel="next" href="/en/mining/site-1/2026-02/"' in page


def test_a_month_that_two_statements_tell_is_counted_once_and_named(mined, client):
    whole = programme_of(told_by([mined])).brief.total.line
    older, newest = split(mined, earlier=MONTHS[:2], later=MONTHS[1:])
    telling = told_by([newest, older])
    assert telling.repeated == [("site-1", "2026-02"), ("site-2", "2026-02")]
    assert programme_of(telling).brief.total.line == whole
    assert telling.of_month("site-1", "2026-02")[0].statement == newest
    text = client.get("/en/mining/").content.decode()
    assert text.count("Two statements tell of") == 2


def test_a_replaced_statement_tells_nothing_unless_it_is_asked_for(mined, client):
    older, newest = split(mined, earlier=MONTHS[:2], later=MONTHS[2:])
    StatementRow.objects.filter(pk=newest.pk).update(supersedes=older.root)
    assert months_in(client.get("/en/mining/site-1/").content.decode()) == ["2026-03"]
    page = client.get(f"/en/cite-mining/{older.root}/site-1/2026-01/arrived/").content.decode()
    assert "Another statement replaced this one." in page


def test_the_first_page_says_what_became_of_the_megawatt_hours(mined, client):
    text = client.get("/en/").content.decode()
    section = text[text.index('id="mining-heading"') :]
    assert "SIMULATED" in section
    assert "Detection limit of the site that is seen worst" in section
    assert 'href="/en/mining/"' in section


def test_the_number_of_queries_does_not_grow_with_sites(
    mined, client, django_assert_max_num_queries
):
    client.get("/en/mining/")
    for number in range(30):
        row = SiteRow.objects.first()
        body = {**row.body, "site": f"other-{number}"}
        SiteRow.objects.create(
            statement=mined, site=f"other-{number}", position=10 + number, body=body
        )
    with django_assert_max_num_queries(9):
        assert client.get("/en/mining/").status_code == 200


def test_sites_stand_in_the_order_of_their_numbers(mined):
    row = SiteRow.objects.first()
    for name in ("site-10", "site-9"):
        SiteRow.objects.create(
            statement=mined, site=name, position=0, body={**row.body, "site": name}
        )
    sites = programme_of(told_by([mined])).sites
    assert [each.body.site for each in sites] == ["site-1", "site-2", "site-9", "site-10"]


def test_limits_in_no_order_are_not_drawn(mined, client):
    lines = [each.line for each in programme_of(told_by([mined])).sites[0].months]
    assert chart_of(lines, "chart", title="Chart") is not None
    spoilt = [replace(lines[0], low=lines[0].high, high=lines[0].low), *lines[1:]]
    assert chart_of(spoilt, "chart", title="Chart") is None
    row = SiteRow.objects.get(site="site-1")
    row.body["months"][0]["low_sat"] = row.body["months"][0]["high_sat"] + 1
    row.save()
    assert "no chart is drawn" in client.get("/en/mining/site-1/").content.decode()


def test_a_site_at_which_nothing_was_metered_or_arrived_has_pages(mined, client):
    row = SiteRow.objects.get(site="site-1")
    for month in row.body["months"]:
        month |= dict.fromkeys(
            ("low_wh", "high_wh", "expected_sat", "low_sat", "high_sat", "arrived_sat"), 0
        )
        month |= {"arrivals": [], "implied_j_per_th": None, "best_j_per_th": None}
    row.save()
    for page in ("mining/", "mining/site-1/", "mining/site-1/2026-01/", ""):
        assert client.get(f"/en/{page}").status_code == 200


def test_a_name_is_text_and_never_markup(mined, client):
    row = SiteRow.objects.get(site="site-1")
    row.body["name"] = "evil<script>"
    row.save()
    for page in ("mining/", "mining/site-1/", "mining/site-1/2026-01/"):
        text = client.get(f"/en/{page}").content.decode()
        assert "evil<script>" not in text
        assert "evil&lt;script&gt;" in text


def test_money_of_an_unknown_currency_stands_as_it_was_said():
    with override("en"):
        assert "XQQ 1,234.50" in worth_money("1234.5", "XQQ")
        assert "PKR 12,34,567.50" in worth_money("1234567.5", "PKR")
        assert ">1.50 h<" in hours("1.5")
        assert ">0 h<" in hours("0")
        assert ">4.46%<" in percent("4.46")
        assert ">5.0%<" in percent("5")
