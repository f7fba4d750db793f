"""Orders at the desk: judged at once, signed elsewhere, refused with the reason and logged."""

import base64
import io
import json
import zipfile

import pytest

pytest.importorskip("django")

from khazana.cli.main import main
from tests.cli.order_office import Office
from tests.cli.test_orders import OFFICE, REQUEST, transaction
from tests.custody.orders.desk import address

pytestmark = pytest.mark.django_db
FIELDS = {
    "id": "roof", "wallet": "hot", "reason": "disbursement", "purpose": "School roofs",
    "address": address("payee"), "btc": "0.3", "expires_in_days": "7",
}  # fmt: skip


@pytest.fixture
def office(desk):
    desk.OFFICE_DIR.mkdir()
    desk.DESK_SOURCE = ""
    return Office(desk.OFFICE_DIR, OFFICE)


@pytest.fixture
def operator(signed_in):
    return signed_in("operator")


def file(raw, name="file.json"):
    content = io.BytesIO(raw)
    content.name = name
    return content


def signed_order(office, request=REQUEST):
    out = office.folder / "signed.json"
    out.unlink(missing_ok=True)
    path = office.write("r.toml", request)
    assert office.run("draft", path, "--key", office.key("dana"), "--sign-to", out) == 0
    return out.read_bytes()


def handed_in(operator, raw):
    return operator.post("/en/desk/orders/in/", {"signed": file(raw)})


def step(client, name, where="act", **fields):
    return client.post(f"/en/desk/orders/roof/{where}/", {"step": name, **fields})


def approval(office, who):
    out = office.folder / f"{who}.json"
    assert office.run("approve", "roof", "--key", office.key(who), "--out", out) == 0
    return file(out.read_bytes())


def test_a_request_is_judged_at_once_and_its_file_is_what_the_drafter_signs(office, operator):
    page = operator.post("/en/desk/orders/new/", FIELDS)
    assert page.status_code == 200
    assert 'data-passed="yes"' in page.content.decode()
    taken = operator.post("/en/desk/orders/new/", {**FIELDS, "step": "file"})
    assert taken.headers["Content-Disposition"] == 'attachment; filename="roof.toml"'
    assert handed_in(operator, signed_order(office, taken.content.decode())).status_code == 302
    assert 'data-state="draft"' in operator.get("/en/desk/orders/roof/").content.decode()


def test_a_request_above_a_limit_is_refused_with_the_rule_and_the_largest_that_passes(
    office, operator
):
    page = operator.post("/en/desk/orders/new/", {**FIELDS, "btc": "0.8"})
    said = page.content.decode()
    assert page.status_code == 422
    assert 'data-rule="limit:one-payment" data-passed="no"' in said
    assert "80000000 sat exceed the limit of 50000000 sat" in said
    assert "0.50000000" in said.split('id="largest"')[1].split("</p>")[0]


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("btc", "0.123456789", "pay"),
        ("btc", "-1", "pay"),
        ("btc", "", "pay"),
        ("address", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "pay"),
        ("expires_in_days", "0", "expires_in_days"),
        ("expires_in_days", "soon", "expires_in_days"),
        ("expires_in_days", "9" * 5000, "expires_in_days"),
        ("wallet", "cold", "no wallet cold"),
        ("reason", "gift", "reason"),
        ("id", "a b", "id"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_with_the_place(
    office, operator, field, value, why
):
    page = operator.post("/en/desk/orders/new/", {**FIELDS, field: value})
    assert page.status_code == 422
    assert why in page.content.decode().split('class="problems"')[1].split("</div>")[0]


def test_an_order_is_approved_by_signatures_of_the_role_and_by_nothing_else(
    office, operator, signed_in
):
    approver = signed_in("approver")
    assert handed_in(operator, signed_order(office)).status_code == 302
    psbt, final = transaction()
    other, _ = transaction(fee=60_000)
    refused = step(operator, "attach-psbt", file=file(b"no psbt"))
    assert refused.status_code == 422
    assert step(operator, "attach-psbt", file=file(psbt)).status_code == 302
    assert step(operator, "check").status_code == 302
    assert 'data-missing="2"' in operator.get("/en/desk/orders/roof/").content.decode()
    assert step(approver, "approve", "word").status_code == 422  # a click without a file
    amir = approval(office, "amir")
    assert step(approver, "approve", "word", file=amir).status_code == 302
    page = approver.get("/en/desk/orders/roof/").content.decode()
    assert 'data-missing="1"' in page
    assert 'data-state="checked"' in page
    amir.seek(0)
    again = step(approver, "approve", "word", file=amir)
    assert again.status_code == 422  # the same person
    drafters = office.folder / "dana.json"
    assert office.run("approve", "roof", "--key", office.key("dana"), "--out", drafters) == 0
    wrong = step(approver, "approve", "word", file=file(drafters.read_bytes()))
    assert wrong.status_code == 422  # a key outside the role
    assert step(approver, "approve", "word", file=approval(office, "bibi")).status_code == 302
    assert 'data-state="approved"' in approver.get("/en/desk/orders/roof/").content.decode()
    assert step(operator, "attach-psbt", file=file(other)).status_code == 422
    assert step(operator, "signed", file=file(final, "t.hex")).status_code == 302
    assert 'data-state="signed"' in operator.get("/en/desk/orders/roof/").content.decode()
    assert main(["orders", "log", "--office", str(office.folder / "office.toml")]) == 0


def test_an_approval_of_another_transaction_is_refused(office, operator, signed_in):
    assert handed_in(operator, signed_order(office)).status_code == 302
    assert step(operator, "attach-psbt", file=file(transaction()[0])).status_code == 302
    assert step(operator, "check").status_code == 302
    old = approval(office, "amir")
    # A transaction with another fee takes the place of the one that Amir signed.
    assert step(operator, "attach-psbt", file=file(transaction(fee=700)[0])).status_code == 302
    assert step(operator, "check").status_code == 302
    refused = step(signed_in("approver"), "approve", "word", file=old)
    assert refused.status_code == 422
    assert 'data-state="checked"' in operator.get("/en/desk/orders/roof/").content.decode()


def test_an_order_changed_after_its_signature_is_not_taken(office, operator):
    envelope = json.loads(signed_order(office))
    payload = base64.b64decode(envelope["payload"]).replace(b"School roofs", b"School doors")
    envelope["payload"] = base64.b64encode(payload).decode()
    assert handed_in(operator, json.dumps(envelope).encode()).status_code == 422
    assert not office.log.exists()


def test_an_order_is_declined_with_its_reason_and_cannot_expire_before_its_time(
    office, operator, signed_in
):
    assert handed_in(operator, signed_order(office)).status_code == 302
    assert step(operator, "expire").status_code == 422
    declined = step(signed_in("approver"), "decline", "word", reason="the roofs are paid")
    assert declined.status_code == 302
    page = operator.get("/en/desk/orders/roof/").content.decode()
    assert 'data-state="refused"' in page
    assert "the roofs are paid" in page


def test_the_files_to_sign_go_out_and_that_is_an_act(office, operator):
    assert handed_in(operator, signed_order(office)).status_code == 302
    from khazana.portal.audit.models import ActRow

    answer = operator.post("/en/desk/orders/files/")
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert names == ["office.toml", "office.json", "spending.toml", "orders.jsonl"]
    assert ActRow.objects.filter(action="order files taken").exists()


def test_without_rules_the_page_says_which_file_is_missing(desk, operator):
    page = operator.get("/en/desk/orders/")
    assert page.status_code == 200
    assert "office.toml is not in the office" in page.content.decode()
