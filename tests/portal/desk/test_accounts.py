"""Coming in, staying, and going out: links, second factors, throttles, and sessions that end."""

import re

import pytest

pytest.importorskip("django")

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.test import Client
from django.utils import timezone

from khazana.portal.accounts.invitations import (
    StaffRefused,
    add_person,
    change_person,
    confirm_person,
    forget_links,
    reset_person,
    use_link,
)
from khazana.portal.accounts.models import InvitationRow, Person
from khazana.portal.audit.models import ActRow
from tests.portal.desk.conftest import PASSWORD

SECRET = "JBSWY3DPEHPK3PXP"
ENTER = "/en/accounts/sign-in/"


def code_now(secret=SECRET):
    return totp.format_hotp_value(
        totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time())))
    )


def enter(client, username="the-operator", password=PASSWORD, *, code=None):
    """Sign in by the pages: password, then a code."""
    answer = client.post(ENTER, {"login": username, "password": password})
    if answer.status_code == 302 and answer["Location"].endswith("/second/"):
        answer = client.post(answer["Location"], {"code": code or code_now()})
    return answer


def test_a_password_alone_does_not_open_the_desk_and_a_code_does(made_person):
    made_person("operator")
    client = Client()
    answer = client.post(ENTER, {"login": "the-operator", "password": PASSWORD})
    assert answer["Location"] == "/en/accounts/sign-in/second/"
    assert client.get("/en/desk/").status_code == 302
    answer = client.post("/en/accounts/sign-in/second/", {"code": "000000"})
    assert "not right" in answer.content.decode()
    assert client.get("/en/desk/").status_code == 302
    assert (
        client.post("/en/accounts/sign-in/second/", {"code": code_now()})["Location"] == "/en/desk/"
    )
    assert client.get("/en/desk/").status_code == 200


def test_a_code_works_once(made_person):
    made_person("operator")
    code = code_now()
    assert enter(Client(), code=code)["Location"] == "/en/desk/"
    again = enter(Client(), code=code)
    assert again.status_code == 200
    assert "not right" in again.content.decode()


def test_a_one_time_link_makes_a_password_once_and_leads_to_a_second_factor(desk):
    token = add_person("amina", name="Amina Shah", role="operator", by="console:root")
    assert not InvitationRow.objects.filter(token_sha256__contains=token).exists()
    client = Client()
    shown = client.get(f"/en/accounts/begin/{token}/")
    assert "Amina Shah" in shown.content.decode()
    assert not Person.objects.get(username="amina").has_usable_password()
    form = {"password": PASSWORD, "again": PASSWORD}
    done = client.post(f"/en/accounts/begin/{token}/", form)
    assert done["Location"] == "/en/accounts/keys/"
    assert client.get("/en/desk/")["Location"] == "/en/accounts/keys/"
    page = client.get("/en/accounts/keys/app/add/").content.decode()
    secret = re.search(r'role="img" aria-label="([A-Z2-7]+)"', page)[1]
    assert client.post("/en/accounts/keys/app/add/", {"code": code_now(secret)}).status_code == 302
    assert client.get("/en/desk/").status_code == 200
    assert secret not in str(Authenticator.objects.get().data)  # encrypted where it is kept
    assert Client().get(f"/en/accounts/begin/{token}/").status_code == 410
    assert Client().post(f"/en/accounts/begin/{token}/", form).status_code == 410


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        (PASSWORD, PASSWORD + "x", "differ"),
        ("short", "short", "at least 12"),
        ("123456789012345", "123456789012345", "numeric"),
        ("password1234", "password1234", "common"),
        ("amina.shah.x", "amina.shah.x", "similar"),
        ("", "", "twice"),
    ],
)
def test_a_weak_or_mistyped_password_leaves_the_link_as_it_was(desk, password, again, said):
    token = add_person("amina.shah", name="Amina Shah", role="operator", by="console:root")
    client = Client()
    form = {"password": password, "again": again}
    answer = client.post(f"/en/accounts/begin/{token}/", form)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert client.get(f"/en/accounts/begin/{token}/").status_code == 200


def test_a_link_ends_is_replaced_by_a_newer_one_and_is_gone_with_a_closed_account(desk):
    from datetime import timedelta

    add_person("boss", name="Boss", role="administrator", by="console:root")
    first = add_person("amina", name="Amina", role="operator", by="console:root")
    second = reset_person("amina", by="console:root")
    assert Client().get(f"/en/accounts/begin/{first}/").status_code == 410
    assert Client().get(f"/en/accounts/begin/{second}/").status_code == 200
    late = timezone.now() + timedelta(hours=73)
    assert InvitationRow.open_one(second, now=late) is None
    change_person("amina", active=False, by="boss")
    assert Client().get(f"/en/accounts/begin/{second}/").status_code == 410


def test_nobody_signs_up_or_asks_for_a_password_by_mail(desk):
    for path in ("signup/", "password/reset/", "email/", "login/", "confirm-email/"):
        assert Client().get(f"/en/accounts/{path}").status_code == 404, path


def test_whether_a_name_exists_cannot_be_seen_from_the_answer(made_person):
    made_person("operator")
    made_person("viewer", "closed-one")
    Person.objects.filter(username="closed-one").update(is_active=False)

    def said(username):
        answer = Client().post(ENTER, {"login": username, "password": "wrong horse 12"})
        text = re.sub(
            r'(value|name="csrfmiddlewaretoken" value)="[^"]*"', "", answer.content.decode()
        )
        return answer.status_code, text

    assert said("the-operator") == said("nobody-here") == said("closed-one")


def test_guessing_is_slowed_down_for_a_name_and_the_right_password_waits_too(made_person):
    made_person("operator")
    for _ in range(5):
        Client().post(ENTER, {"login": "the-operator", "password": "wrong horse 12"})
    answer = Client().post(ENTER, {"login": "the-operator", "password": PASSWORD})
    assert answer.status_code in (200, 429)
    assert "Too many attempts" in answer.content.decode()


def test_guessing_codes_is_slowed_down(made_person):
    made_person("operator")
    client = Client()
    client.post(ENTER, {"login": "the-operator", "password": PASSWORD})
    answers = [client.post("/en/accounts/sign-in/second/", {"code": "000000"}) for _ in range(12)]
    assert "Too many attempts" in answers[-1].content.decode()
    assert client.get("/en/desk/").status_code == 302


def test_a_session_ends_after_ten_hours_and_without_a_beginning(signed_in):
    client = signed_in("viewer")
    assert client.get("/en/desk/").status_code == 200
    session = client.session
    session["began"] = timezone.now().timestamp() - 10 * 3600 - 1
    session.save()
    assert client.get("/en/desk/").status_code == 302
    other = signed_in("viewer")
    session = other.session
    del session["began"]
    session.save()
    assert other.get("/en/desk/").status_code == 302


def test_a_session_ends_after_half_an_hour_without_a_request(signed_in):
    client = signed_in("viewer")
    answer = client.get("/en/desk/")
    cookie = client.cookies["khazana-desk"]
    assert client.session.get_expiry_age() == 30 * 60
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert "khazana-desk" in answer.cookies  # each request begins the half hour again


def test_signing_out_ends_the_session_on_the_server(signed_in):
    client = signed_in("viewer")
    stolen = client.cookies["khazana-desk"].value
    assert client.post("/en/accounts/sign-out/")["Location"] == ENTER
    thief = Client()
    thief.cookies["khazana-desk"] = stolen
    assert thief.get("/en/desk/").status_code == 302


@pytest.mark.parametrize("change", [{"role": "approver"}, {"active": False}])
def test_another_role_or_a_closed_account_ends_every_session_at_once(
    signed_in, made_person, change
):
    made_person("administrator")
    client = signed_in("operator")
    assert client.get("/en/desk/").status_code == 200
    change_person("the-operator", by="the-administrator", **change)
    assert client.get("/en/desk/").status_code == 302


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(signed_in):
    here, elsewhere = signed_in("operator"), signed_in("operator")
    form = {
        "oldpassword": PASSWORD,
        "password1": "brisk-lantern-mule-78",
        "password2": "brisk-lantern-mule-78",
    }
    assert here.post("/en/accounts/password/", form).status_code == 302
    assert here.get("/en/desk/").status_code == 200
    assert elsewhere.get("/en/desk/").status_code == 302


def test_a_new_key_ends_the_other_sessions(signed_in):
    here, elsewhere = signed_in("operator", second=False), signed_in("operator", second=False)
    page = here.get("/en/accounts/keys/app/add/").content.decode()
    secret = re.search(r'role="img" aria-label="([A-Z2-7]+)"', page)[1]
    assert here.post("/en/accounts/keys/app/add/", {"code": code_now(secret)}).status_code == 302
    assert here.get("/en/desk/").status_code == 200
    assert elsewhere.get("/en/accounts/keys/").status_code == 302


def test_the_last_second_factor_cannot_be_removed(signed_in):
    client = signed_in("operator")
    answer = client.post("/en/accounts/keys/app/remove/")
    assert answer.status_code == 200
    assert "cannot be removed" in answer.content.decode()
    assert Authenticator.objects.filter(type="totp").count() == 1


def test_keys_and_staff_need_a_recent_second_look(signed_in):
    client = signed_in("administrator")
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "mfa", "at": timezone.now().timestamp() - 301, "reauthenticated": True}
    ]
    session.save()
    for path in ("keys/app/remove/", "keys/passkeys/add/"):
        answer = client.get(f"/en/accounts/{path}")
        assert "/en/accounts/again/code/?next=" in answer["Location"], path
    answer = client.post(
        "/en/accounts/staff/add/", {"username": "new", "name": "New", "role": "viewer"}
    )
    assert "/en/accounts/again/code/?next=" in answer["Location"]
    assert not Person.objects.filter(username="new").exists()
    # Nor is the password enough for who has more than that.
    assert "/again/code/" in client.get("/en/accounts/again/")["Location"]
    assert "/again/code/" in client.post("/en/accounts/again/", {"password": PASSWORD})["Location"]


def test_an_administrator_makes_accounts_and_sees_each_link_once(signed_in):
    client = signed_in("administrator")
    form = {"username": "new", "name": "New Person", "role": "viewer"}
    page = client.post("/en/accounts/staff/add/", form).content.decode()
    token = re.search(r"/en/accounts/begin/([\w-]+)/", page)[1]
    assert Client().get(f"/en/accounts/begin/{token}/").status_code == 200
    assert token not in client.get("/en/accounts/staff/").content.decode()
    again = client.post("/en/accounts/staff/add/", form)
    assert (again.status_code, "there is such an account" in again.content.decode()) == (422, True)
    log = " ".join(str(row.value()) for row in ActRow.objects.all())
    assert "account made" in log
    assert token not in log


CONFIRM = "/en/accounts/staff/confirm/"


def test_one_administrator_is_never_both_people_of_four_eyes(signed_in, made_person):
    administrator, viewer = signed_in("administrator"), signed_in("viewer")
    form = {"username": "bilal", "name": "Bilal", "role": "operator"}
    assert administrator.post("/en/accounts/staff/add/", form).status_code == 200
    totp.TOTP.activate(Person.objects.get(username="bilal"), SECRET)
    bilal = signed_in("operator", "bilal")
    period = {"after": "1", "until": "9"}
    refused = bilal.post("/en/desk/statements/", period)
    assert (refused.status_code, "Your account waits" in refused.content.decode()) == (403, True)
    assert bilal.get("/en/desk/statements/").status_code == 200
    who = {"username": "bilal"}
    assert administrator.post(CONFIRM, who).status_code == 422
    assert bilal.post(CONFIRM, who).status_code == 403
    assert "waits for a second person" in viewer.get("/en/accounts/staff/").content.decode()
    assert viewer.post(CONFIRM, who).status_code == 302
    assert viewer.post(CONFIRM, who).status_code == 422
    assert bilal.post("/en/desk/statements/", period).status_code == 302
    assert "account confirmed" in {row.action for row in ActRow.objects.all()}


@pytest.mark.parametrize("what", ["reset", "approver", "open"])
def test_who_is_reset_moved_or_opened_again_waits_for_a_second_person(signed_in, made_person, what):
    made_person("operator", "bilal")
    administrator = signed_in("administrator")
    form = {"username": "bilal", "what": what}
    assert administrator.post("/en/accounts/staff/change/", form).status_code in (200, 302)
    assert Person.objects.get(username="bilal").unconfirmed_by == "the-administrator"
    confirm_person("bilal", by="console:root")
    assert Person.objects.get(username="bilal").unconfirmed_by == ""


def test_what_the_console_makes_needs_no_second_person(desk):
    add_person("amina", name="Amina", role="operator", by="console:root")
    assert Person.objects.get(username="amina").unconfirmed_by == ""
    with pytest.raises(StaffRefused, match="waits for nobody"):
        confirm_person("amina", by="console:root")


def test_a_one_time_link_never_stands_in_a_log(desk, caplog):
    token = add_person("amina", name="Amina", role="operator", by="console:root")
    client = Client(enforce_csrf_checks=True)
    assert Client().post(f"/en/accounts/begin/{token}/", {"password": "x"}).status_code == 422
    assert client.post(f"/en/accounts/begin/{token}/", {"password": "x"}).status_code == 403
    assert token not in caplog.text
    assert caplog.text.count("/en/accounts/begin/.../") == 2


def test_the_console_writes_no_log_without_that_filter(settings):
    handlers = settings.LOGGING["handlers"].values()
    assert all("tokens" in handler["filters"] for handler in handlers)


def test_a_key_added_while_an_account_is_reset_does_not_outlive_the_link(made_person):
    person = made_person("operator", "bilal")
    token = reset_person("bilal", by="console:root")
    totp.TOTP.activate(person, "JBSWY3DPEHPK3PXP")  # a thief's request that was on its way
    assert use_link(token, PASSWORD, now=timezone.now()) is not None
    assert not Authenticator.objects.filter(user=person).exists()


def test_links_and_sessions_end_with_a_restore(desk, signed_in):
    client = signed_in("viewer")
    token = add_person("amina", name="Amina", role="operator", by="console:root")
    assert forget_links() == 1
    assert Client().get(f"/en/accounts/begin/{token}/").status_code == 410
    assert client.get("/en/desk/").status_code == 302


def test_nobody_changes_their_own_rights_and_one_administrator_stays(signed_in, made_person):
    client = signed_in("administrator")
    own = {"username": "the-administrator", "what": "viewer"}
    assert client.post("/en/accounts/staff/change/", own).status_code == 422
    own["what"] = "reset"
    assert client.post("/en/accounts/staff/change/", own).status_code == 422
    with pytest.raises(StaffRefused, match="last administrator"):
        change_person("the-administrator", active=False, by="console:root")
    made_person("administrator", "second-one")
    change_person("the-administrator", active=False, by="second-one")
    assert client.get("/en/desk/").status_code == 302


@pytest.mark.parametrize(
    ("username", "name", "role"),
    [
        ("A", "x", "viewer"), ("a", "x", "viewer"), ("a/b", "x", "viewer"),
        ("x" * 33, "x", "viewer"),
        ("ok", "", "viewer"), ("ok", "x" * 101, "viewer"), ("ok", "a\u202eb", "viewer"),
        ("ok", "x", "king"),
    ],
)  # fmt: skip
def test_an_account_that_is_not_sound_is_refused_by_name(desk, username, name, role):
    with pytest.raises(StaffRefused):
        add_person(username, name=name, role=role, by="console:root")
    assert not Person.objects.exists()
    assert not ActRow.objects.exists()


def test_a_form_from_elsewhere_is_refused(signed_in):
    client = signed_in("administrator", enforce_csrf_checks=True)
    form = {"username": "new", "name": "New", "role": "viewer"}
    assert client.post("/en/accounts/staff/add/", form).status_code == 403
    assert Client(enforce_csrf_checks=True).post(ENTER, {"login": "x"}).status_code == 403


def test_signing_in_leads_to_no_address_elsewhere(made_person):
    made_person("operator")
    client = Client()
    evil = {"login": "the-operator", "password": PASSWORD, "next": "https://evil.example/"}
    answer = client.post(ENTER, evil)
    assert answer["Location"].startswith("/en/accounts/sign-in/second/")
    answer = client.post(answer["Location"], {"code": code_now()})
    assert answer["Location"] == "/en/desk/"
