"""The lender's conditions in a browser: one writes, another saves, and a what-if is answered."""

import os
from pathlib import Path

import pytest

from khazana.conditions.shipped import shipped_memorandum
from tests.statement.browser import chromium

pytest.importorskip("allauth")
pytest.importorskip("pbk", reason="the devnet profile is not installed")

from tests.portal.desk.house import (
    WAIT,
    Walk,
    begin_with_code,
    described_office,
    invited,
    running_house,
)

READY = "el_salvador_2025"


@pytest.mark.parametrize("language", ["en", "ur"])
def test_a_memorandum_is_written_saved_and_asked(tmp_path, language):
    wanted = os.environ.get("KHAZANA_PICTURES")
    pictures = Path(wanted) if wanted else None
    described_office(tmp_path)
    with running_house(tmp_path) as (folder, address, _), chromium() as browser:
        people = {}
        for name, role in (("amina", "operator"), ("bilal", "approver")):
            link = invited(folder, name, role, address).replace("/en/", f"/{language}/")
            people[name] = Walk(browser, f"{language}-conditions-{name}", address, pictures)
            begin_with_code(people[name], link)
        amina, bilal = people["amina"], people["bilal"]
        base = f"/{language}/desk/conditions/"

        amina.go(f"{base}edit/?ready={READY}")
        text = amina.page.input_value("#id_text")
        amina.page.fill("#id_text", text.replace("[memorandum]", "[memorandum]\nodd = 1", 1))
        amina.page.fill("#id_why", "the arrangement of 2025")
        amina.page.click("#memorandum button[type=submit]")
        assert "odd" in amina.page.inner_text(".problems")  # refused whole, with its place
        amina.picture("refused")
        amina.page.fill("#id_text", text)
        amina.page.click("#memorandum button[type=submit]")
        amina.page.wait_for_selector("#state[data-state='open']")
        amina.picture("proposed")

        bilal.go(f"/{language}/desk/")
        bilal.page.click("main .card a[href*='/conditions/']")
        bilal.page.click("#confirm button[type=submit]")
        bilal.page.wait_for_selector("#state[data-state='saved']")
        assert (folder / "data" / "office" / "memorandum.toml").read_text() == text

        amina.go(base)
        for condition in shipped_memorandum(READY).conditions:
            assert condition.id in amina.page.inner_text("#conditions")
        amina.picture("conditions")
        amina.page.select_option("#id_reason", "acquisition")
        amina.page.select_option("#id_account", "cold")
        amina.page.fill("#id_btc", "5")
        amina.page.click("#what-if button[type=submit]")
        amina.page.wait_for_selector("#answer[data-passes]", timeout=WAIT * 1000)
        amina.picture("what-if")
        assert "test network, invented figures" in amina.text() or language != "en"
        refused = [text for text in amina.complaints if "status of 422" not in text]
        assert refused + bilal.complaints == []
