"""The lender's conditions at the desk: linted, saved by another person, asked before paying."""

import pytest

pytest.importorskip("allauth")

from khazana.conditions.parts import conditions_of
from khazana.conditions.shipped import shipped_bytes
from khazana.conditions.standing import standing_of
from khazana.portal.audit.models import ActRow
from khazana.portal.memoranda.log import verdict_log
from khazana.portal.memoranda.models import ProposedRow, QuestionRow
from khazana.portal.statement.importing import import_folder
from khazana.reserve.reading import read_reserve_statement
from tests.conditions.test_parts import told
from tests.portal.desk.house import described_office

pytestmark = pytest.mark.django_db
BASE = "/en/desk/conditions/"
READY = shipped_bytes("el_salvador_2025").decode()


@pytest.fixture
def operator(signed_in):
    return signed_in("operator")


@pytest.fixture
def approver(signed_in):
    return signed_in("approver")


def proposed(client, text=READY, *, why="the first one", seen=""):
    return client.post(f"{BASE}edit/", {"text": text, "why": why, "seen": seen})


def test_a_memorandum_is_written_by_one_person_and_saved_by_another(operator, approver, desk):
    page = operator.get(f"{BASE}edit/?ready=el_salvador_2025").content.decode()
    assert "khazana.memorandum/1" in page
    answer = proposed(operator)
    assert answer.status_code == 302
    row = ProposedRow.objects.get()
    path = f"{BASE}{row.pk}/"
    assert operator.post(f"{path}confirm/", {"seen": row.sha256}).status_code == 403
    assert approver.post(f"{path}confirm/", {"seen": "0" * 64}).status_code == 422
    assert not (desk.OFFICE_DIR / "memorandum.toml").exists()
    assert row.sha256 in approver.get(path).content.decode()
    assert "A memorandum waits for another person." in approver.get("/en/desk/").content.decode()
    assert approver.post(f"{path}confirm/", {"seen": row.sha256}).status_code == 302
    assert (desk.OFFICE_DIR / "memorandum.toml").read_text() == READY
    assert approver.post(f"{path}confirm/", {"seen": row.sha256}).status_code == 422
    acts = [act.action for act in ActRow.objects.filter(action__startswith="memorandum")]
    assert acts == ["memorandum proposed", "memorandum saved"]
    page = operator.get(BASE).content.decode()
    assert 'id="conditions"' in page


def test_the_file_before_is_kept_and_what_somebody_else_saved_is_not_overwritten(
    operator, approver, desk
):
    proposed(operator)
    first = ProposedRow.objects.get()
    assert proposed(operator, why="another", seen="").status_code == 302
    second = ProposedRow.objects.first()
    assert approver.post(f"{BASE}{first.pk}/confirm/", {"seen": first.sha256}).status_code == 302
    late = approver.post(f"{BASE}{second.pk}/confirm/", {"seen": second.sha256})
    assert (late.status_code, "write it anew" in late.content.decode()) == (422, True)
    assert approver.post(f"{BASE}{second.pk}/decline/", {"word": ""}).status_code == 422
    assert approver.post(f"{BASE}{second.pk}/decline/", {"word": "late"}).status_code == 302
    changed = READY + "\n# a remark\n"
    assert proposed(operator, changed, seen="").status_code == 422
    assert proposed(operator, changed, seen=first.sha256).status_code == 302
    third = ProposedRow.objects.first()
    assert approver.post(f"{BASE}{third.pk}/confirm/", {"seen": third.sha256}).status_code == 302
    kept = desk.OFFICE_DIR / "history" / f"{first.sha256}-memorandum.toml"
    assert kept.read_text() == READY


@pytest.mark.parametrize(
    ("text", "why", "said"),
    [
        ("", "x", "format"),
        ("format = ", "x", "memorandum.toml"),
        (READY.replace("[memorandum]", "[memorandum]\nodd = 1", 1), "x", "odd"),
        (READY, "   ", "say what changes and why"),
    ],
)
def test_a_file_that_is_no_memorandum_is_refused_with_its_place(operator, text, why, said):
    answer = proposed(operator, text, why=why)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not ProposedRow.objects.exists()


def test_an_error_of_the_lint_refuses_the_whole_file(operator):
    first = READY.index("[[condition]]")
    broken = READY[:first] + READY[first:].replace('page = "', 'page = "" # "', 1)
    answer = proposed(operator, broken)
    assert answer.status_code == 422
    assert "condition" in answer.content.decode()
    assert not ProposedRow.objects.exists()


def test_what_if_asks_for_what_can_be_computed_and_nothing_else(operator, desk, tmp_path):
    described_office(tmp_path)
    desk.OFFICE_DIR = tmp_path / "data" / "office"
    desk.DESK_SOURCE = "esplora:http://127.0.0.1:9"
    good = {"reason": "acquisition", "account": "cold", "btc": "5"}
    without = operator.post(f"{BASE}what-if/", good)
    assert (without.status_code, "has none yet" in without.content.decode()) == (422, True)
    (desk.OFFICE_DIR / "memorandum.toml").write_text(READY)
    for wrong, said in (
        ({"btc": "0"}, "above zero"),
        ({"btc": "1.123456789"}, "at most 8 decimals"),
        ({"btc": "NaN"}, "bitcoin"),
        ({"account": "nowhere"}, "a wallet or account"),
        ({"reason": "fee"}, "reason: one of"),
        ({"cost": "5"}, "come together"),
        ({"currency": "USD", "cost": "--out=x" * 9}, "plain letters"),
    ):
        answer = operator.post(f"{BASE}what-if/", good | wrong)
        assert (answer.status_code, said in answer.content.decode()) == (422, True), wrong
    assert not QuestionRow.objects.exists()
    assert operator.post(f"{BASE}what-if/", good).status_code == 302
    question = QuestionRow.objects.get()
    assert question.state == "waiting"
    page = operator.get(f"{BASE}what-if/{question.pk}/").content.decode()
    assert "A worker is computing it." in page


def test_the_log_has_the_verdict_of_every_condition_of_every_statement(operator, tmp_path):
    world, *_, statement = told()
    (tmp_path / "publication" / "statements").mkdir(parents=True)
    file = tmp_path / "publication" / "statements" / "0001.json"
    file.write_bytes(world.signed(statement))
    import_folder(tmp_path / "publication", own=True, chain=world.chain)
    (body,) = conditions_of(read_reserve_statement(file.read_bytes()))
    due = {
        (each.condition.id, each.newest.verdict.value, each.newest.why)
        for each in standing_of(body)
        if each.newest is not None
    }
    assert due
    assert {(each.condition, each.verdict, each.why) for each in verdict_log()} == due
    page = operator.get(BASE).content.decode()
    assert 'id="verdicts"' in page
    assert all(condition in page for condition, _, _ in due)
