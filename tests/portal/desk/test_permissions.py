"""The one table of permissions, held against every address of the portal."""

import pytest

pytest.importorskip("django")

from django.test import Client
from django.urls import URLResolver, get_resolver

from khazana.portal.accounts.permissions import EVERYBODY, NOBODY, PERMISSIONS, row_of
from khazana.portal.accounts.roles import Role

PUBLIC = "khazana.portal.project.urls"
DESK = "khazana.portal.project.urls_desk"
SAMPLES = {
    "int": 1,
    "slug": "x",
    "str": "x",
    "path": "x",
    "uuid": "0" * 8 + "-0000-4000-8000-" + "0" * 12,
}


def addresses(resolver, before="", namespace=""):
    """View name, whole pattern and row of every address below a resolver."""
    for each in resolver.url_patterns:
        pattern = before + str(each.pattern)
        if isinstance(each, URLResolver):
            inner = f"{namespace}{each.namespace}:" if each.namespace else namespace
            yield from addresses(each, pattern, inner)
        else:
            name = f"{namespace}{each.name}"
            yield name, pattern, row_of(name, each.callback)


def sample(pattern):
    """A path that the pattern matches; what stands there need not exist."""
    import re

    path = re.sub(r"<(\w+):\w+>", lambda found: str(SAMPLES[found[1]]), pattern)
    path = re.sub(r"<\w+>", "x", path)
    return "/" + path.replace("^", "")


def asked(client, path, method):
    return getattr(client, method)(path)


@pytest.mark.parametrize("urlconf", [PUBLIC, DESK])
def test_every_address_has_a_row_in_the_table(urlconf):
    found = list(addresses(get_resolver(urlconf)))
    assert len(found) > 40
    missing = {(name, pattern) for name, pattern, row in found if row is None}
    assert not missing, "add them to khazana.portal.accounts.permissions"


def test_every_row_of_the_table_has_an_address():
    known = {name for name, _, _ in addresses(get_resolver(DESK))}
    assert PERMISSIONS.keys() <= known


def test_the_public_portal_has_nothing_that_needs_an_account_or_changes_anything():
    for name, _, row in addresses(get_resolver(PUBLIC)):
        assert row.read is EVERYBODY, name
        assert row.change == NOBODY, name


def test_a_page_of_a_room_that_nobody_wrote_down_has_no_row():
    def view(request):
        raise AssertionError

    view.__module__ = "khazana.portal.desk.new"
    assert row_of("new", view) is None
    view.__module__ = "khazana.portal.reserve_too.views"
    assert row_of("new", view) is None
    view.__module__ = "ninja.operation"
    assert row_of("api-1:new", view) is not None
    assert row_of("staff-api:new", view) is None


def test_every_role_gets_what_the_table_says_at_every_address_and_nothing_else(signed_in):
    clients = {role: signed_in(role) for role in Role} | {None: Client()}
    checked = 0
    for name, pattern, permission in addresses(get_resolver(DESK)):
        if permission.read is EVERYBODY and permission.change == NOBODY:
            continue  # public pages: the tests of those pages
        if name in ("account_logout", "mfa_authenticate", "mfa_login_webauthn"):
            continue  # end the session or belong to a half-finished sign-in: tests of their own
        for role, client in clients.items():
            for method, who in (("get", permission.read), ("post", permission.change)):
                answer = asked(client, sample(pattern), method)
                where = f"{method} {sample(pattern)} as {role}: {answer.status_code}"
                allowed = who is EVERYBODY or role in who
                other = permission.change if method == "get" else permission.read
                if allowed:
                    assert answer.status_code not in (401, 403, 405), where
                elif role is not None and role in (other or ()) and not who:
                    assert answer.status_code == 405, where
                elif role is None and name.startswith("staff-api:"):
                    assert answer.status_code == 401, where
                elif role is None:
                    assert answer.status_code == 302, where
                    assert answer["Location"].startswith("/en/accounts/sign-in/?"), where
                else:
                    assert answer.status_code in (403, 405), where
                checked += 1
    assert checked > 150


def test_an_address_without_a_row_is_refused_to_everybody(signed_in, monkeypatch):
    from khazana.portal.accounts import guard

    monkeypatch.setattr(guard, "row_of", lambda name, view: None)
    for role in Role:
        assert signed_in(role).get("/en/desk/").status_code == 403
    assert Client().get("/en/desk/").status_code == 302


def test_who_has_no_second_factor_reaches_only_their_own_account(signed_in):
    client = signed_in("operator", second=False)
    answer = client.get("/en/desk/")
    assert (answer.status_code, answer["Location"]) == (302, "/en/accounts/keys/")
    assert client.get("/en/accounts/keys/").status_code == 200


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options", "trace"])
def test_other_methods_are_refused_before_any_view(signed_in, method):
    assert getattr(signed_in("operator"), method)("/en/desk/").status_code == 405


def test_what_staff_saw_is_kept_by_nobody(signed_in):
    client = signed_in("viewer")
    for path in ("/en/desk/", "/en/", "/en/accounts/keys/", "/en/desk/nothing/"):
        assert client.get(path)["Cache-Control"] == "no-store, private", path
