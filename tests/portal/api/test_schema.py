"""Requests made up from the API's own description: each is answered as the description says."""

import hypothesis
import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from khazana.portal.reserve.models import CoinRow
from khazana.portal.statement.models import StatementRow
from tests.reserve.world import story

EXAMPLES = 12
PLAIN = {"Accept-Encoding": "identity"}
"""The application compresses; schemathesis calls it without a client that would unpack."""


@pytest.fixture
def described(published, settings):
    schemathesis = pytest.importorskip("schemathesis")
    settings.API_RATE = ""
    settings.ALLOWED_HOSTS = ["*"]
    # As Django's own test client does: the test's connection is inside its transaction.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_every_answer_is_as_described(described, mode):
    """Positive requests have the described shape; negative ones break it and must be refused."""
    tried = [run(operation, mode) for operation in operations(described, mode)]
    assert len(tried) >= 15


def test_answers_about_what_is_published_are_as_described(described):
    """Made-up names are hardly ever published: here the names are real, the rest is made up."""
    row = StatementRow.objects.first()
    real = {
        "root": row.root,
        "office": "office",
        "txid": story().transfer,
        "outpoint": CoinRow.objects.filter(statement=row).first().outpoint,
        "kind": "perimeter",
        "ident": "public-sector",
        "claim": "sv_over_6000_btc",
    }
    answers = {}
    for operation in operations(described, "positive"):
        run(operation, "positive", real=real, seen=answers)
    unseen = [label for label, codes in answers.items() if 200 not in codes]
    assert unseen == ["GET /api/v1/valuation"]  # the story has none


def operations(described, mode):
    """A request without parameters cannot be made wrong."""
    found = [each.ok() for each in described.get_all_operations()]
    if mode == "positive":
        return found
    return [each for each in found if each.query or each.path_parameters]


def run(operation, mode, *, real=None, seen=None):
    """Seeded examples of one operation; the first that is answered wrongly ends the test."""
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
        if real is not None:
            case.path_parameters = {name: real[name] for name in case.path_parameters or {}}
            for name in ("statement", "set", "watched", "stock", "office", "wallet", "subject"):
                (case.query or {}).pop(name, None)
            if "at" in (case.query or {}):
                case.query["at"] = "2011-05-01"
        answer = case.call_and_validate(headers=PLAIN)
        if seen is not None:
            seen.setdefault(operation.label, set()).add(answer.status_code)

    answered()
    return operation.label
