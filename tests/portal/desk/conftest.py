"""The portal with its staff desk, and people of every role who are signed in."""

import pytest

pytest.importorskip("django")

PASSWORD = "quiet-otter-river-77"


@pytest.fixture
def desk(db, settings, tmp_path):
    """Settings of `serve --desk`, as far as a test client sees them."""
    from django.core.cache import cache
    from django.urls import clear_url_caches

    settings.ROOT_URLCONF = "khazana.portal.project.urls_desk"
    settings.MIDDLEWARE = settings.DESK_MIDDLEWARE
    settings.OFFICE_DIR = tmp_path / "office"
    settings.PUBLICATION_DIR = tmp_path / "publication"
    clear_url_caches()
    cache.clear()
    yield settings
    clear_url_caches()


@pytest.fixture
def numbered_from_one(db):
    """Rows of the desk's empty tables are numbered from 1; PostgreSQL counts on between tests."""
    from django.apps import apps
    from django.core.management.color import no_style
    from django.db import connection

    names = ("auditing", "desk", "memoranda", "reconciliation")
    models = [model for name in names for model in apps.get_app_config(name).get_models()]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)


@pytest.fixture
def made_person(desk):
    """A maker of people who have a password and, unless told otherwise, an authenticator app."""
    from allauth.mfa.totp.internal.auth import TOTP
    from django.utils import timezone

    from khazana.portal.accounts.models import Person

    def make(role, username="", *, second=True):
        person = Person(
            username=username or f"the-{role}", name=f"The {role}", role=role,
            created_at=timezone.now(),
        )  # fmt: skip
        person.set_password(PASSWORD)
        person.save()
        if second:
            TOTP.activate(person, "JBSWY3DPEHPK3PXP")
            person.refresh_from_db()  # a new key ends sessions, so it changed the row
        return person

    return make


@pytest.fixture
def signed_in(made_person):
    """A maker of browsers in which a person of a role is signed in."""
    from django.test import Client
    from django.utils import timezone

    def make(role, username="", *, second=True, **options):
        from khazana.portal.accounts.models import Person

        name = username or f"the-{role}"
        person = Person.objects.filter(username=name).first()
        person = person or made_person(role, name, second=second)
        client = Client(**options)
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        session = client.session
        record = {"method": "mfa", "at": timezone.now().timestamp(), "reauthenticated": True}
        session["account_authentication_methods"] = [record]
        session["account_authentication_methods_user"] = str(person.pk)
        session.save()
        client.person = person
        return client

    return make
