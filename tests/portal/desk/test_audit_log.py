"""The audit log in the database: appended to, never changed, and the same as a file."""

from types import SimpleNamespace

import pytest

pytest.importorskip("django")

from django.db import DatabaseError, IntegrityError, connection, transaction

from khazana.portal.audit.models import ActRow
from khazana.portal.audit.record import export_to, newest_head, record, verified
from khazana.statement.acts import ActsRefused, read_acts


@pytest.fixture
def three_acts(desk):
    for number in range(3):
        record(
            "draft saved", actor="amina", subject=f"office.toml {number}", detail={"n": str(number)}
        )
    return newest_head()


def sql(statement, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_acts_follow_one_another_and_the_file_says_the_same(three_acts, tmp_path):
    assert verified() == three_acts
    export_to(tmp_path / "log.jsonl")
    acts = read_acts((tmp_path / "log.jsonl").read_bytes().splitlines(keepends=True))
    assert [act.subject for act in acts] == [f"office.toml {n}" for n in range(3)]
    assert acts[-1].digest == three_acts.digest


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_actrow SET actor = 'someone' WHERE number = 2",
        "DELETE FROM audit_actrow WHERE number = 3",
        "DELETE FROM audit_actrow",
    ],
)
def test_the_database_itself_refuses_to_change_or_delete_an_act(three_acts, statement):
    with pytest.raises(DatabaseError, match="append-only"):
        sql(statement)
    assert verified() == three_acts


def test_the_database_refuses_to_replace_or_truncate(three_acts):
    if connection.vendor == "sqlite":
        statement = (
            "INSERT OR REPLACE INTO audit_actrow SELECT number, at, 'x', action, subject, detail, "
            "previous, digest FROM audit_actrow WHERE number = 2"
        )
    else:
        statement = "TRUNCATE audit_actrow"
    with pytest.raises(DatabaseError, match="append-only"):
        sql(statement)
    assert verified() == three_acts


def test_the_model_refuses_before_the_database_has_to(three_acts):
    row = ActRow.objects.get(number=2)
    rows = ActRow.objects.all()
    for refused in (
        row.delete, row.save, rows.delete, lambda: rows.update(actor="x"),
        lambda: ActRow.objects.bulk_create([row]), lambda: rows.bulk_update([row], ["actor"]),
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match=r"append-only|one by one"):
            refused()


def test_two_acts_cannot_follow_the_same_one(three_acts):
    row = ActRow.objects.get(number=3)
    fork = ActRow(
        number=4, at=row.at, actor="x", action="x", subject="", detail={}, previous=row.previous,
        digest="0" * 64,
    )  # fmt: skip
    with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic():
        fork.save()


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ("UPDATE audit_actrow SET actor = 'someone' WHERE number = 2", 2),
        ('UPDATE audit_actrow SET detail = \'{"n": "9"}\' WHERE number = 1', 1),
        ("DELETE FROM audit_actrow WHERE number = 1", 2),
        ("DELETE FROM audit_actrow WHERE number = 2", 3),
    ],
)
def test_whoever_takes_the_triggers_away_is_seen_by_the_chain(three_acts, change, number):
    from khazana.portal.audit.triggers import take

    take(None, SimpleNamespace(connection=connection, execute=sql))
    sql(change)
    with pytest.raises(ActsRefused) as refused:
        verified()
    assert refused.value.number == number


def test_an_act_goes_with_the_transaction_that_failed(three_acts):
    def fails():
        with transaction.atomic():
            record("draft saved", actor="amina")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert newest_head() == three_acts


def test_any_text_can_be_recorded_and_still_be_verified(desk, tmp_path):
    for text in ("خزانہ", "e\u0301", "a\u202eb\x00\n", "\ud800", "x" * 5000, "😀"):
        record(text, actor=text, subject=text, detail={"text": text})
    verified()
    export_to(tmp_path / "log.jsonl")
    assert len(read_acts((tmp_path / "log.jsonl").read_bytes().splitlines(keepends=True))) == 6


def test_an_auditor_takes_the_file_and_that_is_an_act_too(three_acts, signed_in):
    client = signed_in("auditor")
    answer = client.post("/en/desk/audit-log/file/")
    lines = answer.content.splitlines(keepends=True)
    acts = read_acts(lines)
    assert (acts[-1].actor, acts[-1].action) == ("the-auditor", "audit log taken")
    assert answer["Content-Disposition"].startswith("attachment;")
    page = client.get("/en/desk/audit-log/?verify=1").content.decode()
    assert "The chain is whole." in page


def test_signing_in_and_failing_to_are_acts_and_mistyped_names_are_not(made_person):
    from django.test import Client

    made_person("viewer")
    for name in ("the-viewer", "my secret password"):
        Client().post("/en/accounts/sign-in/", {"login": name, "password": "wrong horse 12"})
    acts = [(row.action, row.actor) for row in ActRow.objects.all()]
    assert ("sign-in refused", "the-viewer") in acts
    assert "my secret password" not in str(acts)
