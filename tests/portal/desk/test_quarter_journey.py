"""A quarter in a browser: draft, proofs by a quorum, signatures, preview, published, superseded."""

import os
import shutil
import time
from pathlib import Path

import httpx
import pytest

from tests.portal.desk.commands import portal
from tests.statement.browser import chromium

pytest.importorskip("django")
pytest.importorskip("pbk", reason="the devnet profile is not installed")

from khazana.bitcoin.adapters.source import open_chain
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.campaigns import campaign_of
from khazana.reserve.reading import read_reserve_statement
from tests.custody.signing import fingerprint, signed
from tests.portal.desk.house import (
    WAIT,
    Walk,
    begin_with_code,
    described_office,
    invited,
    khazana,
    running_house,
)

LIMIT = WAIT * 1000


@pytest.fixture
def house(tmp_path):
    mark, cold = described_office(tmp_path)
    with running_house(tmp_path) as (folder, address, source):
        yield folder, address, source, mark, cold


def mine(source, **body):
    answer = httpx.post(f"{source.partition(':')[2]}/devnet/mine", json=body, timeout=60)
    assert answer.status_code == 200, answer.text


def taken(walk, selector, path):
    with walk.page.expect_download() as download:
        walk.page.click(selector)
    download.value.save_as(path)
    return path


def sent(walk, field, button, *files):
    walk.page.set_input_files(field, [str(path) for path in files])
    walk.page.click(button)


def signed_by_both(walk, keys, office, *, apart):
    """The draft's file goes out and comes back: apart, each key signs a file of its own."""
    draft = taken(walk, "form[action$='/file/'] button", keys / "statement.json")
    at = ["--at", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())]
    for number in (1, 2):
        out = keys / f"signed-{number}.json"
        words = ["--identity", str(office / "office.json"), "--key", str(keys / f"key-{number}")]
        khazana("statement", "sign", str(draft), *words, *at, "--out", str(out))
        if not apart:
            shutil.copy(out, draft)
            if number == 1:
                continue
        sent(walk, "#id_statement", "form[action$='/signed/'] button", out)
        walk.page.wait_for_selector(f"#signatures tr.signed:nth-of-type({number})", timeout=LIMIT)
    walk.page.wait_for_selector("#state[data-state='signed']", timeout=LIMIT)


def level_chosen(walk, level):
    walk.page.click("#readers")
    walk.page.check(f"#id_level_{level}")
    walk.page.click("#choice button[type=submit]")
    walk.page.wait_for_selector(f"#{level} .chosen", timeout=LIMIT)


def published(walk, path):
    """The approver takes exactly what will be published, and publishes it."""
    walk.go(path)
    shown = taken(walk, "form[action$='/public/'] button", walk.files / "public.json")
    walk.picture("to-publish")
    walk.page.click("form[action$='/publish/'] button")
    walk.page.wait_for_selector("#state[data-state='published']", timeout=LIMIT)
    return shown.read_bytes()


def stands(walk, path, selector):
    """The page, asked for again until it has what a worker brings."""
    until = time.monotonic() + WAIT
    while True:
        if httpx.get(f"{walk.address}{path}", timeout=60).status_code == 200:
            walk.go(path)
            if walk.page.locator(selector).count():
                return
        assert time.monotonic() < until, walk.text()
        time.sleep(0.5)


@pytest.mark.parametrize("language", ["en", "ur"])
def test_a_quarter_from_the_draft_to_a_corrected_statement(house, language):
    folder, address, source, mark, cold = house
    office, keys = folder / "data" / "office", folder / "offline"
    first, second = best_engine().derive(cold, branch=0, start=0, stop=2)
    mine(source, blocks=1, script=first.hex())
    mine(source, blocks=1, script=second.hex())
    mine(source, blocks=6)
    wanted = os.environ.get("KHAZANA_PICTURES")
    pictures = Path(wanted) if wanted else None
    desk = f"/{language}/desk/statements"
    with chromium() as browser:
        people = {}
        for name, role in (("amina", "operator"), ("bilal", "approver")):
            link = invited(folder, name, role, address).replace("/en/", f"/{language}/")
            people[name] = Walk(browser, f"quarter-{language}-{name}", address, None)
            begin_with_code(people[name], link)
            people[name].pictures, people[name].files = pictures, folder
        amina, bilal = people["amina"], people["bilal"]

        amina.go(f"{desk}/")
        amina.fill(after="30", until="tip-6")
        amina.picture("ask")
        amina.page.click("#period button[type=submit]")
        amina.page.wait_for_selector("#state[data-state='made']", timeout=LIMIT)
        assert amina.page.locator("#unexplained").count() == 1
        amina.picture("draft")

        amina.page.click("#proofs")
        amina.page.click("#plan button[type=submit]")
        amina.page.wait_for_selector("#standing", timeout=LIMIT)
        assert amina.page.locator("#exposures ul li").count() == 6  # three keys of two scripts
        amina.picture("files-to-sign")
        psbts = [
            taken(amina, f"form[action$='/proofs/{n}/file/'] button", keys / f"{n}.psbt")
            for n in (1, 2)
        ]
        amina.page.click("form[action$='/proofs/1/codes/'] button")
        amina.page.wait_for_selector(".qr svg", timeout=LIMIT)
        amina.picture("codes")
        amina.go(f"{desk}/1/")
        raw = taken(amina, "form[action$='/file/'] button", keys / "draft.json").read_bytes()
        campaign = campaign_of(read_reserve_statement(raw), open_chain(source))
        assert [path.read_bytes() for path in psbts] == [each.psbt for each in campaign.rounds]
        back = []
        for each in campaign.rounds:
            for device in ("cia", "anna"):
                path = keys / f"{each.name}-{device}.psbt"
                path.write_bytes(signed(each, device))
                back.append(path)
        spoilt = keys / "high-s.psbt"
        spoilt.write_bytes(signed(campaign.rounds[0], "bo", high_s=True))
        amina.go(f"{desk}/1/proofs/")
        sent(amina, "#id_files", "#in button", back[3], spoilt)
        amina.page.wait_for_selector("#returned li.taken", timeout=LIMIT)
        assert amina.page.locator("#returned li.refused").count() == 1
        assert "high_s" in amina.page.inner_text("#returned li.refused")
        standing = amina.page.inner_text("#standing")
        assert fingerprint("anna") in standing
        assert fingerprint("cia") in standing
        assert amina.page.locator("#standing tr.proved").count() == 0
        amina.picture("missing-and-refused")
        sent(amina, "#id_files", "#in button", *back[:3])
        amina.page.wait_for_selector("#complete", timeout=LIMIT)
        amina.picture("proved")

        amina.go(f"{desk}/1/")
        signed_by_both(amina, keys, office, apart=True)
        amina.picture("signed")
        level_chosen(amina, "full")
        amina.picture("readers")
        bilal.go(f"/{language}/desk/")
        bilal.page.click("main .card a[href*='/statements/']")
        bilal.page.wait_for_selector("input[name=seen]", state="attached", timeout=LIMIT)
        seen = published(bilal, f"{desk}/1/")
        root = read_reserve_statement(seen).root
        stands(bilal, f"/{language}/statements/{root}/", "main h1")
        bilal.picture("public")

        amina.go(f"{desk}/")
        amina.page.fill("#id_reason", "A name was misspelt.")
        amina.picture("correct")
        amina.page.click("#correction button[type=submit]")
        amina.page.wait_for_selector("#state[data-state='made']", timeout=LIMIT)
        signed_by_both(amina, keys, office, apart=False)
        level_chosen(amina, "addresses")
        corrected = published(bilal, f"{desk}/2/")
        new = read_reserve_statement(corrected)
        assert (new.header.supersedes, new.header.previous) == (root, None)
        stands(bilal, f"/{language}/statements/{root}/", f"main a[href*='{new.root}']")
        bilal.picture("replaced")
        stands(bilal, f"/{language}/corrections/", f"main a[href*='{root}']")
        bilal.picture("corrections")
        noted = [
            text for text in amina.complaints + bilal.complaints if "status of 422" not in text
        ]
        assert noted == []

    files = {path.read_bytes() for path in (folder / "publication" / "statements").iterdir()}
    assert files == {seen, corrected}  # to the byte what the approver was shown; the old one stays
    public = folder / "first.json"
    public.write_bytes(seen)
    said = khazana(
        "verify", str(public), "--chain", source, "--office", mark, "--require", "control"
    )
    assert "control" in said
    log = portal(folder / "data", "audit-log", "export", str(folder / "log.jsonl"))
    assert log.returncode == 0, log.stderr
    written = (folder / "log.jsonl").read_text()
    for act in (
        "proof taken to sign", "signed proof taken", "signatures taken", "disclosure chosen",
        "disclosure taken", "statement published", "A name was misspelt.",
    ):  # fmt: skip
        assert act in written
