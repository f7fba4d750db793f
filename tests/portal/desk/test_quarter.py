"""The steps of a statement at the desk: each refusal, and what is bound to what."""

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

pytest.importorskip("django")

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from khazana.portal.audit.models import ActRow
from khazana.portal.desk.models import CampaignRow, CampaignState, DraftRow, DraftState, ReturnedRow
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.envelope import Evidence, disclose, with_evidence, write_statement
from khazana.statement.identity import STATEMENT_ROLE, OfficeVersion, Role, new_office
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.office_file import write_office
from khazana.statement.signatures import joined_evidence, sign_statement
from tests.reserve.world import story


@pytest.fixture
def operator(signed_in):
    return signed_in("operator")


@pytest.fixture
def draft(desk):
    raw = write_statement(replace(read_reserve_statement(story().first).envelope, evidence=()))
    return DraftRow.objects.create(
        state=DraftState.MADE, made_by="the-operator", made_at=timezone.now(), after_name="1",
        until_name="2", raw=raw, root=read_reserve_statement(raw).root,
    )  # fmt: skip


def handed_in(client, draft, raw):
    file = SimpleUploadedFile("signed.json", raw)
    return client.post(f"/en/desk/statements/{draft.pk}/signed/", {"statement": file})


def test_quarters_are_those_that_are_over_and_touch_each_other():
    from khazana.portal.desk.drafting import quarters_before

    found = list(quarters_before(date(2026, 1, 1), count=5))
    assert [each.name for each in found] == ["2025-Q4", "2025-Q3", "2025-Q2", "2025-Q1", "2024-Q4"]
    assert all(new.after == old.until for new, old in pairwise(found))
    assert found[0].until == date(2025, 12, 31)
    assert next(quarters_before(date(2026, 3, 31))).name == "2025-Q4"


def test_a_period_without_its_blocks_and_a_quarter_that_is_not_over_are_refused(operator, desk):
    for given in (
        {"after": "", "until": "tip"},
        {"after": "1", "until": " "},
        {"what": "quarter", "quarter": "2999-Q1"},
    ):
        answer = operator.post("/en/desk/statements/", given)
        assert (answer.status_code, 'class="problems"' in answer.content.decode()) == (422, True)
    assert not DraftRow.objects.exists()


def test_a_correction_names_a_statement_that_stands_and_a_reason(operator, desk):
    given = {"what": "correction", "root": "0" * 64, "reason": "Because."}
    answer = operator.post("/en/desk/statements/", given)
    assert (answer.status_code, "that stands" in answer.content.decode()) == (422, True)
    assert not DraftRow.objects.exists()


def test_a_draft_is_discarded_or_made_anew_once_and_nothing_is_lost(operator, draft):
    path, kept = f"/en/desk/statements/{draft.pk}/discard/", draft.raw
    answer = operator.post(path, {"what": "anew"})
    made = DraftRow.objects.exclude(pk=draft.pk).get()
    assert answer["Location"] == f"/en/desk/statements/{made.pk}/"
    assert (made.after_name, made.until_name, made.state) == ("1", "2", DraftState.WAITING)
    draft.refresh_from_db()
    assert (draft.state, bytes(draft.raw)) == (DraftState.DISCARDED, kept)
    assert operator.post(path, {"what": "anew"}).status_code == 422
    assert DraftRow.objects.count() == 2
    draft.state = DraftState.PUBLISHED
    draft.save()
    assert operator.post(path).status_code == 422


@pytest.fixture
def identity(desk):
    """An office.json of two keys, both needed; gives the office and the keys."""
    keys = [Ed25519PrivateKey.generate() for _ in range(2)]
    publics = {key_id(public_bytes(key)): public_bytes(key) for key in keys}
    role = Role(frozenset(publics), 2)
    begins = timezone.now().replace(microsecond=0) - timedelta(days=1)
    network = read_reserve_statement(story().first).envelope.network
    version = OfficeVersion(
        version=1, id="bitcoin-office", names={"en": "Office"}, network=network,
        test=True, keys=publics,
        roles={"root": role, STATEMENT_ROLE: role}, valid_from=begins,
        valid_until=begins + timedelta(days=9), previous=None,
    )  # fmt: skip
    office = new_office(version, keys)
    desk.OFFICE_DIR.mkdir()
    (desk.OFFICE_DIR / "office.json").write_bytes(write_office(office))
    return office, keys, begins


def signed(draft, identity, *numbers, hours=1):
    """The draft's file with signatures of these keys, each stating the same time."""
    office, keys, begins = identity
    statement = read_reserve_statement(bytes(draft.raw)).envelope
    for number in numbers:
        at = begins + timedelta(hours=hours)
        statement = joined_evidence(
            statement, sign_statement(statement, office, keys[number], at=at)
        )
    return statement


def other_part(statement):
    name = statement.parts[-1].name
    return disclose(statement, lambda part: part != name)


def more_evidence(statement):
    fields = {"type": "khazana.other/1", "subject_root": statement.root}
    return with_evidence(statement, Evidence(fields["type"], fields["subject_root"], fields))


def broken_signature(statement):
    fields = dict(statement.evidence[-1].fields)
    envelope = dict(fields["envelope"])
    mark = dict(envelope["signatures"][0])
    mark["sig"] = "A" * 86 + "=="
    fields["envelope"] = {**envelope, "signatures": [mark]}
    item = Evidence(fields["type"], fields["subject_root"], fields)
    return replace(statement, evidence=(*statement.evidence[:-1], item))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (other_part, "withheld or changed"),
        (more_evidence, "that the draft has not: khazana.other/1"),
        (broken_signature, "signature"),
    ],
)
def test_what_comes_back_is_the_draft_and_good_signatures_and_nothing_else(
    operator, draft, identity, change, why
):
    raw = write_statement(change(signed(draft, identity, 0, 1)))
    answer = handed_in(operator, draft, raw)
    assert (answer.status_code, why in answer.content.decode()) == (422, True)
    draft.refresh_from_db()
    assert (draft.state, draft.signed) == (DraftState.MADE, None)


def test_signatures_come_one_by_one_and_a_file_without_a_new_one_is_refused(
    operator, draft, identity
):
    unsigned = handed_in(operator, draft, draft.raw)
    assert (unsigned.status_code, "no signature" in unsigned.content.decode()) == (422, True)
    second = write_statement(signed(draft, identity, 1))
    assert handed_in(operator, draft, second).status_code == 302
    draft.refresh_from_db()
    assert draft.state == DraftState.MADE
    page = operator.get(f"/en/desk/statements/{draft.pk}/").content.decode()
    assert (page.count('<tr class="signed">'), page.count('<tr class="missing">')) == (1, 1)
    assert handed_in(operator, draft, second).status_code == 422
    assert (
        handed_in(operator, draft, write_statement(signed(draft, identity, 0))).status_code == 302
    )
    draft.refresh_from_db()
    assert draft.state == DraftState.SIGNED


def test_who_publishes_publishes_the_bytes_that_were_shown(
    operator, signed_in, draft, identity, desk
):
    from khazana.portal.desk.readers import choose_level
    from khazana.portal.desk.statements import publish
    from khazana.portal.desk.steps import DraftRefused

    handed_in(operator, draft, write_statement(signed(draft, identity, 0, 1)))
    choose_level(draft.pk, "full", hide_proofs=False, by="the-operator")
    approver = signed_in("approver")
    path = f"/en/desk/statements/{draft.pk}"
    shown = approver.post(f"{path}/public/").content
    seen = hashlib.sha256(shown).hexdigest()
    choose_level(draft.pk, "totals", hide_proofs=False, by="the-operator")
    with pytest.raises(DraftRefused, match="it has changed since this page was shown"):
        publish(draft, by="the-approver", seen=seen, now=timezone.now())
    assert not desk.PUBLICATION_DIR.exists()
    choose_level(draft.pk, "full", hide_proofs=False, by="the-operator")
    publish(draft, by="the-approver", seen=seen, now=timezone.now())
    (file,) = (desk.PUBLICATION_DIR / "statements").iterdir()
    assert file.read_bytes() == shown
    act = ActRow.objects.get(action="statement published")
    assert (act.detail["sha256"], act.detail["level"]) == (seen, "full")
    with pytest.raises(DraftRefused, match="it is published"):
        publish(draft, by="the-approver", seen=seen, now=timezone.now())


def test_a_publication_that_was_cut_off_is_in_the_log_and_is_made_good_by_publishing_again(
    operator, signed_in, draft, identity, desk, monkeypatch
):
    from khazana.portal.desk import statements
    from khazana.portal.desk.office_store import write_file
    from khazana.portal.desk.readers import choose_level

    handed_in(operator, draft, write_statement(signed(draft, identity, 0, 1)))
    choose_level(draft.pk, "full", hide_proofs=False, by="the-operator")
    shown = signed_in("approver").post(f"/en/desk/statements/{draft.pk}/public/").content
    seen = hashlib.sha256(shown).hexdigest()

    def full_disk(path, raw):
        if path.name == "publication.json":
            raise OSError("no space left")
        write_file(path, raw)

    with monkeypatch.context() as patched:
        patched.setattr(statements, "write_file", full_disk)
        with pytest.raises(OSError, match="no space left"):
            statements.publish(draft, by="the-approver", seen=seen, now=timezone.now())
    draft.refresh_from_db()
    assert draft.state == DraftState.SIGNED
    begun = ActRow.objects.get(action="statement being published")
    assert (begun.actor, begun.detail["sha256"]) == ("the-approver", seen)
    assert not ActRow.objects.filter(action="statement published").exists()
    statements.publish(draft, by="the-approver", seen=seen, now=timezone.now())
    (file,) = (desk.PUBLICATION_DIR / "statements").iterdir()
    assert file.read_bytes() == shown
    assert ActRow.objects.filter(action="statement published").count() == 1


def test_the_public_sees_a_level_of_the_public_that_somebody_chose(operator, draft, desk):
    path = f"/en/desk/statements/{draft.pk}/readers/"
    page = operator.get(path).content.decode()
    assert " checked" not in page  # no constant stands in for the office's choice
    for level in ("auditor", "", "everything"):
        assert operator.post(path, {"level": level}).status_code == 422
    assert operator.post(path, {"level": "totals"}).status_code == 302
    draft.refresh_from_db()
    assert (draft.level, draft.level_by) == ("totals", "the-operator")
    act = ActRow.objects.get(action="disclosure chosen")
    assert act.detail == {"level": "totals", "proofs": "shown"}


def test_each_preview_is_the_bytes_that_are_given_out(operator, signed_in, draft, desk):
    page = operator.get(f"/en/desk/statements/{draft.pk}/readers/").content.decode()
    auditor = signed_in("auditor")
    sizes = []
    for level in ("totals", "addresses", "full", "auditor"):
        raw = auditor.post(f"/en/desk/statements/{draft.pk}/shown/", {"level": level}).content
        assert hashlib.sha256(raw).hexdigest() in page
        assert read_reserve_statement(raw).root == draft.root
        sizes.append(len(read_reserve_statement(raw).envelope.parts))
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    assert ActRow.objects.filter(action="disclosure taken", actor="the-auditor").count() == 4
    strange = auditor.post(f"/en/desk/statements/{draft.pk}/shown/", {"level": "x"})
    assert strange.status_code == 422


def test_the_usual_level_is_what_the_office_published_last(operator, draft, desk):
    from khazana.portal.desk.readers import usual_level

    assert usual_level() == ""
    draft.state, draft.level = DraftState.PUBLISHED, "addresses"
    draft.save()
    assert usual_level() == "addresses"


def test_files_come_back_only_for_files_that_went_out_and_never_twice(operator, draft, desk):
    path = f"/en/desk/statements/{draft.pk}/proofs/in/"

    def sent(*contents):
        files = [SimpleUploadedFile("x.psbt", raw) for raw in contents]
        return operator.post(path, {"files": files})

    assert (sent(b"a").status_code, sent().status_code) == (422, 422)
    campaign = CampaignRow.objects.create(
        draft=draft, made_by="the-operator", made_at=timezone.now(), state=CampaignState.PLANNED
    )
    assert sent(b"a", b"a").status_code == 422
    assert not ReturnedRow.objects.exists()
    assert sent(b"a", b"b").status_code == 302
    assert sent(b"c", b"b").status_code == 422  # refused whole
    assert ReturnedRow.objects.count() == 2
    campaign.evidence = [{"type": "x", "subject_root": draft.root}]
    campaign.save()
    assert sent(b"d").status_code == 422


def test_a_campaign_batches_only_wallets_that_the_draft_describes(operator, draft, desk):
    path = f"/en/desk/statements/{draft.pk}/proofs/"
    assert operator.post(path, {"batch": "nobody's"}).status_code == 422
    assert not CampaignRow.objects.exists()
    assert operator.post(path).status_code == 302
    assert CampaignRow.objects.get().state == CampaignState.WAITING
    draft.state = DraftState.PUBLISHED
    draft.save()
    assert operator.post(path).status_code == 422


def test_a_campaign_without_a_chain_says_why_it_has_no_files(operator, draft, desk):
    from khazana.portal.tasks.worker import Worker

    desk.DESK_SOURCE = "blocks:/nowhere"
    path = f"/en/desk/statements/{draft.pk}/proofs/"
    operator.post(path)
    assert Worker("w").step()
    campaign = CampaignRow.objects.get()
    assert campaign.state == CampaignState.FAILED
    assert campaign.problem
    assert operator.get(path).status_code == 200
