"""Saving at the desk: judged whole, by the ledger; nothing lost, nothing secret taken in."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

pytest.importorskip("django")

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from khazana.ledger.office_file import load_office
from khazana.portal.audit.models import ActRow
from khazana.portal.desk.models import DraftRow, DraftState
from khazana.portal.desk.office_store import stored
from khazana.portal.desk.uploads import MOST_OFFICE_BYTES
from khazana.statement.identity import new_office, succeeded
from khazana.statement.keys import public_bytes
from khazana.statement.office_file import read_office, write_office
from khazana.statement.office_plan import next_version

OFFICE = {
    "id": "new-office", "name_en": "New Office", "name_ur": "نیا دفتر", "network": "regtest",
    "timezone": "Asia/Karachi", "currency": "USD",
}  # fmt: skip
FUND = {"id": "fund", "name_en": "Fund", "sector": "budgetary central government"}
DESCRIPTOR = (
    "wpkh([6d77ff55/84h/1h/0h]tpubDDyfHdkMepL1qMjuTXFNXREXwjM2h3YadCb6YDodKnGpvgfzjFg5btwBnmBWah"
    "fZioGQy1AAvx6aHXfi1uFEdyJgAfs3G6VDjiCxmLwHKRe/<0;1>/*)"
)
XPRV = (
    "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcM"
    "RvmDUjyEmNUWwx8UbK"
)


@pytest.fixture
def operator(signed_in):
    return signed_in("operator")


def posted(client, screen, **form):
    path = f"/en/desk/first-day/{screen}/"
    return client.post(path, {"seen": stored().sha256, **form})


def described(client):
    assert posted(client, "office", **OFFICE).status_code == 302
    assert posted(client, "entities", **FUND).status_code == 302


def first_address(descriptor=DESCRIPTOR):
    from khazana.bitcoin.address import address_of
    from khazana.bitcoin.descriptor import parse_descriptor
    from khazana.bitcoin.descriptor_engines import best_engine
    from khazana.bitcoin.network import NETWORKS

    parsed = parse_descriptor(descriptor, NETWORKS["regtest"])
    return address_of(
        best_engine().derive(parsed, branch=0, start=0, stop=1)[0], NETWORKS["regtest"]
    )


def wallet(**other):
    form = {
        "id": "cold", "name_en": "Cold", "entity": "fund", "descriptor": DESCRIPTOR,
        "declared": "2026-01-31", "device": "device-1", "address": first_address(),
    }  # fmt: skip
    return {**form, **other}


def test_each_save_is_a_file_that_the_ledger_reads_and_an_act(operator, desk):
    described(operator)
    assert posted(operator, "wallets", **wallet()).status_code == 302
    office = load_office(desk.OFFICE_DIR / "office.toml")
    assert (office.id, office.name["ur"]) == ("new-office", "نیا دفتر")
    assert [each.id for each in office.wallets] == ["cold"]
    acts = list(ActRow.objects.filter(action="office saved").order_by("number"))
    raw = (desk.OFFICE_DIR / "office.toml").read_bytes()
    assert acts[-1].detail["after"] == hashlib.sha256(raw).hexdigest()
    # What was there before each save is still there, under its hash.
    for act in acts[1:]:
        kept = desk.OFFICE_DIR / "history" / f"{act.detail['before']}-office.toml"
        assert hashlib.sha256(kept.read_bytes()).hexdigest() == act.detail["before"]


def test_a_wallet_whose_device_shows_another_address_is_not_saved(operator):
    described(operator)
    other = first_address(DESCRIPTOR.replace("<0;1>", "<2;3>"))
    answer = posted(operator, "wallets", **wallet(address=other))
    assert answer.status_code == 422
    assert "device-1" in answer.content.decode()
    assert "wallet" not in stored().values


@pytest.mark.parametrize("field", ["descriptor", "name_en", "address", "device", "id", "extra"])
def test_a_key_that_could_spend_is_neither_taken_nor_shown_again_nor_written_anywhere(
    operator, desk, field
):
    described(operator)
    answer = posted(operator, "wallets", **wallet(**{field: f"wpkh({XPRV}/0/*)"}))
    assert answer.status_code == 422
    assert XPRV not in answer.content.decode()
    for path in desk.OFFICE_DIR.rglob("*"):
        assert not path.is_file() or XPRV.encode() not in path.read_bytes()
    assert XPRV not in str([row.value() for row in ActRow.objects.all()])


def test_who_saves_on_top_of_somebody_elses_save_is_told(operator, signed_in):
    described(operator)
    seen = stored().sha256
    second = signed_in("operator", "second-one")
    central = {**FUND, "id": "bank", "name_en": "Bank"}
    assert second.post("/en/desk/first-day/entities/", {**central, "seen": seen}).status_code == 302
    late = operator.post("/en/desk/first-day/entities/", {**central, "id": "late", "seen": seen})
    assert (late.status_code, "saved by somebody else" in late.content.decode()) == (422, True)
    assert [each["id"] for each in stored().values["entity"]] == ["fund", "bank"]


def test_what_is_wrong_is_refused_whole_with_its_place_and_nothing_is_written(operator, desk):
    described(operator)
    before = (desk.OFFICE_DIR / "office.toml").read_bytes()
    for screen, form, said in (
        ("entities", {**FUND}, "entity"),  # the same name twice
        ("entities", {**FUND, "id": "../x"}, "entity"),
        ("perimeters", {"id": "p", "name_en": "P"}, "member"),
        ("custodians", {"id": "c", "name_en": "C", "entity": "nobody", "custodian": "X"}, "nobody"),
        ("identity", {"id": "k", "public": "00"}, "public"),
        ("wallets", wallet(declared="yesterday"), "declared"),
        ("entities", {"remove": "fund", "x": "y"}, None),
    ):
        answer = posted(operator, screen, **form)
        if said is None:
            assert answer.status_code == 302
        else:
            assert (answer.status_code, said in answer.content.decode()) == (422, True), screen
            assert (desk.OFFICE_DIR / "office.toml").read_bytes() == before, screen
    assert "entity" not in stored().values


def test_hostile_words_are_shown_as_words(operator):
    described(operator)
    posted(
        operator, "entities", **{**FUND, "id": "x", "name_en": "<script>alert(1)</script>\u202e"}
    )
    page = operator.get("/en/desk/first-day/entities/").content.decode()
    assert "<script>alert" not in page
    assert "\u202e" not in page


def identity(office, key, *, begins):
    """office.json for this description, signed by this key."""
    version = next_version(office, None, valid_from=begins, valid_until=begins + timedelta(days=9))
    return write_office(new_office(version, [key]))


def test_only_an_identity_of_this_office_with_these_keys_that_is_valid_now_is_taken(operator, desk):
    described(operator)
    keys = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2)]
    mine, other = (public_bytes(key).hex() for key in keys)
    posted(operator, "identity", id="k", public=mine, threshold="1")
    office = load_office(desk.OFFICE_DIR / "office.toml")
    now = timezone.now().replace(microsecond=0)
    foreign = replace(office, keys=(replace(office.keys[0], public_hex=other),))
    good = identity(office, keys[0], begins=now - timedelta(minutes=1))
    for raw, said in (
        (b"{}", "office.json"),
        (b"\xff", ""),
        (b"", ""),
        (b"x" * (MOST_OFFICE_BYTES + 1), "more than"),
        (identity(foreign, keys[1], begins=now), "keys are not those"),
        (identity(replace(office, id="other"), keys[0], begins=now), "it is of other"),
        (identity(office, keys[0], begins=now - timedelta(days=10)), "not valid now"),
        (good.replace(b"New Office", b"Old Office"), ""),
    ):
        file = SimpleUploadedFile("office.json", raw)
        answer = operator.post("/en/desk/first-day/identity-in/", {"identity": file})
        assert (answer.status_code, said in answer.content.decode()) == (422, True), raw[:40]
        assert not (desk.OFFICE_DIR / "office.json").exists()
    file = SimpleUploadedFile("office.json", good)
    assert operator.post("/en/desk/first-day/identity-in/", {"identity": file}).status_code == 302
    assert (desk.OFFICE_DIR / "office.json").read_bytes() == good
    # Another first version is another identity, even by the same key.
    file = SimpleUploadedFile("office.json", identity(office, keys[0], begins=now - timedelta(1)))
    again = operator.post("/en/desk/first-day/identity-in/", {"identity": file})
    assert (again.status_code, "its fingerprint is" in again.content.decode()) == (422, True)
    # Nor does an older version come back: it would revive what was revoked since.
    first, until = read_office(good), now + timedelta(days=9)
    second = next_version(office, first, valid_from=now, valid_until=until)
    newer = write_office(succeeded(first, second, [keys[0]]))
    file = SimpleUploadedFile("office.json", newer)
    assert operator.post("/en/desk/first-day/identity-in/", {"identity": file}).status_code == 302
    file = SimpleUploadedFile("office.json", good)
    older = operator.post("/en/desk/first-day/identity-in/", {"identity": file})
    assert (older.status_code, "it ends at version 1" in older.content.decode()) == (422, True)
    assert (desk.OFFICE_DIR / "office.json").read_bytes() == newer


def test_a_statement_is_made_by_a_worker_or_says_why_not(operator, desk):
    from khazana.portal.tasks.worker import Worker

    described(operator)
    desk.DESK_SOURCE = "blocks:/nowhere"
    answer = operator.post("/en/desk/statements/", {"after": "tip-20", "until": "--out=/tmp/x"})
    assert answer.status_code == 302
    assert Worker("w").step()
    draft = DraftRow.objects.get()
    assert draft.state == DraftState.FAILED
    assert draft.findings
    assert operator.get(answer["Location"]).status_code == 200


def test_only_signed_statements_are_published_and_not_by_who_prepared_them(
    operator, signed_in, desk
):
    from khazana.portal.desk.statements import DraftRefused, publish
    from tests.reserve.world import story

    approver = signed_in("approver")
    draft = DraftRow.objects.create(
        state=DraftState.MADE, made_by="the-operator", made_at=timezone.now(), after_name="a",
        until_name="b", raw=story().first, root="0" * 64,
    )  # fmt: skip
    path = f"/en/desk/statements/{draft.pk}"
    assert approver.post(f"{path}/publish/").status_code == 422
    file = SimpleUploadedFile("signed.json", story().first)
    other = operator.post(f"{path}/signed/", {"statement": file})
    assert (other.status_code, "root" in other.content.decode()) == (422, True)
    broken = SimpleUploadedFile("signed.json", b"{")
    assert operator.post(f"{path}/signed/", {"statement": broken}).status_code == 422
    draft.state, draft.signed = DraftState.SIGNED, story().first
    draft.save()
    with pytest.raises(DraftRefused, match="who prepared it"):
        publish(draft, by="the-operator", seen="", now=timezone.now())
    with pytest.raises(DraftRefused, match="nobody has chosen yet"):
        publish(draft, by="the-approver", seen="", now=timezone.now())
    draft.level = "full"
    draft.save()
    public = approver.post(f"{path}/public/").content
    seen = hashlib.sha256(public).hexdigest()
    assert f'name="seen" value="{seen}"' in approver.get(f"{path}/").content.decode()
    with pytest.raises(DraftRefused, match="it has changed since this page was shown"):
        publish(draft, by="the-approver", seen="0" * 64, now=timezone.now())
    with pytest.raises(DraftRefused, match=r"no office.json|keys that it takes count today"):
        publish(draft, by="the-approver", seen=seen, now=timezone.now())
    taken = operator.post(f"{path}/file/")
    assert taken["Content-Disposition"].startswith("attachment;")
    assert taken["Content-Type"] == "application/octet-stream"
    assert taken["X-Content-Type-Options"] == "nosniff"
    assert ActRow.objects.filter(action="statement taken", actor="the-operator").count() == 1
    assert not desk.PUBLICATION_DIR.exists()
