"""A payment in a browser: refused with what would pass, signed offline, approved, sent, seen."""

import base64
import os
from pathlib import Path

import httpx
import pytest

from tests.cli.order_office import Office
from tests.cli.test_orders import OFFICE
from tests.statement.browser import chromium

pytest.importorskip("allauth")
pytest.importorskip("pbk", reason="the devnet profile is not installed")
pytest.importorskip("bdkpython", reason="the office profile is not installed")

import bdkpython as bdk

from khazana.bitcoin.address import address_of
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from tests.custody.orders.desk import address as strangers
from tests.custody.quorum_wallets import QuorumWallet
from tests.custody.signing import wallet
from tests.portal.desk.house import QUORUM, WAIT, Walk, begin_with_code, invited, running_house

OUTLINE = "wsh(sortedmulti(2,{},{},{}))"
LIMIT = WAIT * 1000
HOT = wallet(OUTLINE, *QUORUM)
WATCHED = f'''descriptor = "{HOT.text}"
gap = 20
range = [{{ branch = 0, stop = 40 }}, {{ branch = 1, stop = 40 }}]'''


def described():
    """The spending office of the command's tests, whose wallet is a quorum of real devices."""
    before, _, after = OFFICE.partition("addresses = [")
    return before + WATCHED + after[after.index("]") + 1 :]


@pytest.fixture
def house(tmp_path):
    folder = tmp_path / "data" / "office"
    folder.mkdir(parents=True)
    office = Office(folder, described())
    with running_house(tmp_path) as (top, address, source):
        yield top, address, source, office


def devnet(source, path, **body):
    answer = httpx.post(f"{source.partition(':')[2]}/devnet/{path}", json=body, timeout=60)
    assert answer.status_code == 200, answer.text


def signed_by_devices(psbt, url, *names):
    """The transaction in hex, after each of these devices had the file."""
    quorum = QuorumWallet(url, OUTLINE, *QUORUM)
    text = base64.b64encode(psbt).decode()
    first, second = (bdk.Psbt(quorum.signed(name, text)) for name in names)
    final = first.combine(second).finalize()
    assert final.could_finalize
    return bytes(final.psbt.extract_tx().serialize()).hex().encode()


def sent(walk, field, button, name, raw):
    """Hand a file in by a form of the page."""
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": raw}
    walk.page.set_input_files(field, file)
    walk.page.click(button)


@pytest.mark.parametrize("language", ["en", "ur"])
def test_a_payment_is_judged_signed_approved_and_seen_on_the_chain(house, language):
    folder, address, source, office = house
    url = source.partition(":")[2]
    wanted = os.environ.get("KHAZANA_PICTURES")
    pictures = Path(wanted) if wanted else None
    (script,) = best_engine().derive(HOT, branch=0, start=0, stop=1)
    devnet(source, "mine", blocks=90)
    devnet(source, "faucet", address=address_of(script, REGTEST), amount=100_000_000)
    devnet(source, "mine", blocks=6)
    home = f"/{language}/desk/orders/"
    with chromium() as browser:
        people = {}
        for name, role in (("dana", "operator"), ("bilal", "approver")):
            link = invited(folder, name, role, address).replace("/en/", f"/{language}/")
            people[name] = Walk(browser, f"orders-{language}-{name}", address, None)
            begin_with_code(people[name], link)
            people[name].pictures = pictures
        dana, bilal = people["dana"], people["bilal"]

        dana.go(f"{home}new/")
        dana.page.fill("#payment #id_id", "roof")
        dana.page.fill("#payment #id_purpose", "School roofs")
        dana.page.fill("#payment #id_address", strangers("payee"))
        dana.page.fill("#payment #id_btc", "0.8")
        dana.page.click("#payment button[type=submit]")
        dana.page.wait_for_selector("#judged[data-passed='no']")
        assert "0.50000000" in dana.page.inner_text("#largest")
        dana.picture("refused")
        dana.page.fill("#payment #id_btc", "0.3")
        dana.page.click("#payment button[type=submit]")
        dana.page.wait_for_selector("#judged[data-passed='yes']")
        dana.picture("passes")
        with dana.page.expect_download() as taken:
            dana.page.click("#text button[value=file]")
        request = folder / "roof.toml"
        taken.value.save_as(request)
        signed = folder / "signed.json"
        assert office.run("draft", request, "--key", office.key("dana"), "--sign-to", signed) == 0
        dana.go(home)
        sent(dana, "#id_signed", "#in button", "signed.json", signed.read_bytes())
        dana.page.wait_for_selector("#orders tr[data-state='draft']", timeout=LIMIT)
        dana.page.click("#orders a")

        psbt = folder / "roof.psbt"
        drafted = ["psbt", "roof", "--feerate", "2", "--chain", source, "--out", psbt]
        assert office.run(*drafted) == 0
        sent(
            dana, "#id_file", "#transaction button[value=attach-psbt]", "a.psbt", psbt.read_bytes()
        )
        dana.page.wait_for_selector("#log li:nth-of-type(2)", timeout=LIMIT)
        dana.page.click("#steps button[value=check]")
        dana.page.wait_for_selector("#approvals li[data-missing='2']", timeout=LIMIT)
        dana.picture("checked")

        for number, who in enumerate(("amir", "bibi"), 1):
            slip = folder / f"{who}.json"
            words = ["approve", "roof", "--key", office.key(who), "--psbt", psbt, "--out", slip]
            assert office.run(*words) == 0
            bilal.go(f"{home}roof/")
            sent(bilal, "#id_approval", "#approve button", "a.json", slip.read_bytes())
            wait = (
                "#approvals li[data-missing='1']"
                if number == 1
                else "#state[data-state='approved']"
            )
            bilal.page.wait_for_selector(wait, timeout=LIMIT)
        bilal.picture("approved")

        final = signed_by_devices(psbt.read_bytes(), url, "anna", "cia")
        dana.go(f"{home}roof/")
        sent(dana, "#id_file", "#transaction button[value=signed]", "t.hex", final)
        dana.page.wait_for_selector("#state[data-state='signed']", timeout=LIMIT)
        dana.page.click("#steps button[value=broadcast]")
        dana.page.wait_for_selector("#state[data-state='broadcast']", timeout=LIMIT)
        devnet(source, "mine", blocks=1)
        dana.page.click("#steps button[value=confirm]")
        dana.page.wait_for_selector("#state[data-state='confirmed']", timeout=LIMIT)
        dana.picture("confirmed")
        noted = [text for walk in people.values() for text in walk.complaints]
        assert [text for text in noted if "status of 422" not in text] == []

    assert office.run("log") == 0
