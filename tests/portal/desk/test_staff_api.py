"""The staff API: made-up requests by each role, each answered as its description says."""

import json
from itertools import pairwise

import hypothesis
import pytest

pytest.importorskip("allauth")

from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone

from khazana.portal.accounts.roles import Role
from khazana.portal.audit.models import ActRow
from khazana.portal.desk.models import DraftRow
from khazana.portal.tasks.models import TipRow

API = "/desk/api/v1"
EXAMPLES = 4
TOKEN = "k" * 32
DRAFT = {"after": "100", "until": "2026-10-01"}
JSON = "application/json"
SIGNALS = (request_started, request_finished)


@pytest.fixture
def application(desk):
    # As Django's own test client does: the test's connection is inside its transaction.
    desk.ALLOWED_HOSTS = ["*"]
    yield get_wsgi_application()
    for signal in SIGNALS:
        signal.connect(close_old_connections)


def sent_by(client, desk):
    """What each request carries; the application's test server takes cookies apart from headers."""
    session = client.cookies[desk.SESSION_COOKIE_NAME].value
    return {
        "cookies": {desk.SESSION_COOKIE_NAME: session, desk.CSRF_COOKIE_NAME: TOKEN},
        "headers": {"X-CSRFToken": TOKEN, "Accept-Encoding": "identity"},
    }


def without_sessions(client):
    """The API's description of itself, but for the session, which is not to be made up here:
    that nobody comes in without one is what test_permissions tries at every address.
    """
    document = client.get(f"{API}/openapi.json").json()
    del document["components"]["securitySchemes"]
    for path in document["paths"].values():
        for operation in path.values():
            assert operation.pop("security")
    return document


@pytest.mark.parametrize("role", list(Role))
def test_every_answer_to_every_role_is_as_described(application, desk, signed_in, role):
    schemathesis = pytest.importorskip("schemathesis")
    client = signed_in(role)
    described = schemathesis.openapi.from_dict(without_sessions(client))
    described.app = application
    for signal in SIGNALS:
        signal.disconnect(close_old_connections)  # Django's test client connects them again
    sent = sent_by(client, desk)
    tried = [
        run(each.ok(), mode, sent=sent)
        for mode in ("positive", "negative")
        for each in described.get_all_operations()
        if mode == "positive" or each.ok().query or each.ok().path_parameters or each.ok().body
    ]
    assert len(tried) >= 12
    acts = ActRow.objects.filter(action="statement asked for")
    assert acts.exists() == (role == Role.OPERATOR)


def run(operation, mode, *, sent):
    schemathesis = pytest.importorskip("schemathesis")

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)))
    def answered(case):
        case.call_and_validate(**sent)

    answered()
    return operation.label


def test_an_operator_asks_for_a_draft_and_everybody_reads_it(signed_in):
    operator = signed_in("operator")
    asked = operator.post(f"{API}/drafts", json.dumps(DRAFT), content_type=JSON)
    assert asked.status_code == 201
    number = asked.json()["number"]
    row = DraftRow.objects.get(pk=number)
    assert (row.after_name, row.until_name, row.made_by) == ("100", "2026-10-01", "the-operator")
    viewer = signed_in("viewer")
    assert viewer.get(f"{API}/drafts").json()["items"][0] == asked.json()
    assert viewer.get(f"{API}/drafts/{number}").json()["state"] == "waiting"
    assert viewer.get(f"{API}/drafts/{number + 1}").json()["code"] == "no_such_draft"
    tasks = viewer.get(f"{API}/background").json()["tasks"]
    assert [(each["name"], each["state"]) for each in tasks] == [("make_draft", "waiting")]
    refused = viewer.post(f"{API}/drafts", json.dumps(DRAFT), content_type=JSON)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


def test_the_tip_says_which_blocks_were_replaced(signed_in):
    client = signed_in("viewer")
    assert client.get(f"{API}/chain").json() == {"tip": None}
    TipRow.objects.create(
        network="regtest", height=7, hash="ab" * 32, seen_at=timezone.now(), replaced_from=6
    )
    tip = client.get(f"{API}/chain").json()["tip"]
    assert (tip["height"], tip["hash"], tip["replaced_from"]) == (7, "ab" * 32, 6)


def test_the_log_is_for_those_who_may_read_it(signed_in):
    acts = signed_in("auditor").get(f"{API}/audit-log").json()["items"]
    assert [each["number"] for each in acts] == list(range(1, len(acts) + 1))
    assert all(later["previous"] == act["digest"] for act, later in pairwise(acts))
    assert signed_in("operator").get(f"{API}/audit-log").json()["code"] == "not_allowed"


def test_nothing_changes_without_a_session_a_token_or_a_second_persons_word(signed_in):
    client = Client(enforce_csrf_checks=True)
    refused = client.post(f"{API}/drafts", json.dumps(DRAFT), content_type=JSON)
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in")
    operator = signed_in("operator", enforce_csrf_checks=True)
    refused = operator.post(f"{API}/drafts", json.dumps(DRAFT), content_type=JSON)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
    operator.person.unconfirmed_by = "the-administrator"
    operator.person.save()
    refused = operator.post(f"{API}/drafts", json.dumps(DRAFT), content_type=JSON)
    assert (refused.status_code, refused.json()["code"]) == (403, "unconfirmed")
    assert not DraftRow.objects.exists()
    keyless = signed_in("operator", "keyless", second=False)
    assert keyless.get(f"{API}/drafts").json()["code"] == "no_key"
