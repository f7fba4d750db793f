"""Audits at the desk: every refusal, entries that only grow, and papers that check themselves."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

pytest.importorskip("django")

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from khazana.errors import KhazanaError
from khazana.reserve.auditing.announcement import read_announcement, read_sample
from khazana.reserve.auditing.check import check_papers
from khazana.reserve.auditing.papers import read_papers
from khazana.reserve.auditing.population import population_of
from khazana.reserve.levels import keep_at
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.envelope import disclose, write_statement
from khazana.statement.keys import public_bytes
from khazana.statement.opinions import opinions_in, read_opinion, sign_opinion
from khazana.units import Height
from tests.reserve.simulator import keys
from tests.reserve.world import story

AUDITOR, STRANGER = keys("auditor", 2)
PATH = "/en/desk/audits/"
FORM = {
    "opinion": "qualified", "scope_en": "the period", "scope_ur": "مدت",
    "excluded_en": "wallets that nobody declared", "reasons_en": "one\r\ntwo",
    "reasons_ur": "ایک\r\nدو",
}  # fmt: skip


class YoungChain:
    """The story's chain before its last blocks were found."""

    def __init__(self, tip):
        self.height = tip
        self.network, self.basis = story().world.chain.network, story().world.chain.basis

    def tip(self):
        return self.block_at(Height(self.height))

    def block_at(self, height):
        return story().world.chain.block_at(height)


@pytest.fixture
def office(desk, signed_in, monkeypatch, numbered_from_one):
    """A statement that is signed here, people, and a chain that the test lets grow."""
    from khazana.portal.auditing import samples
    from khazana.portal.desk.models import DraftRow

    root = read_reserve_statement(story().second).root
    DraftRow.objects.create(
        after_name="a", until_name="b", made_by="amina", made_at=timezone.now(), state="signed",
        raw=story().second, signed=story().second, root=root,
    )  # fmt: skip
    chain = YoungChain(story().end.height - 3)
    desk.DESK_SOURCE = "esplora:test"
    monkeypatch.setattr(samples, "open_chain", lambda source: chain)
    people = {role: signed_in(role) for role in ("auditor", "operator", "approver", "viewer")}
    return SimpleNamespace(root=root, chain=chain, settings=desk, **people)


def opened(office, **changes):
    given = {"root": office.root, "auditor": "Examiners", "public": public_bytes(AUDITOR).hex(),
             "scope": "the period", "materiality": "100000"}  # fmt: skip
    return office.auditor.post(PATH, {**given, **changes})


def announced(office, **changes):
    given = {"kind": "postings", "method": "monetary-unit", "size": "3",
             "height": str(story().end.height)}  # fmt: skip
    return office.auditor.post(f"{PATH}1/announce/", {**given, **changes})


def problem(answer):
    assert answer.status_code == 422
    return " ".join(answer.context["problems"])


def acts():
    from khazana.portal.audit.models import ActRow

    return list(ActRow.objects.order_by("number").values_list("action", flat=True))


def papers(office):
    return office.auditor.post(f"{PATH}1/papers/").content


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"root": "00" * 32}, "no such statement"), ({"root": ""}, "no such statement"),
        ({"public": "zz"}, "public key is none"), ({"public": "00" * 32}, "public key is none"),
        ({"materiality": "1.5"}, "whole number"), ({"materiality": "9" * 17}, "whole number"),
        ({"scope": " "}, "the scope has"), ({"auditor": "x" * 201}, "the auditor has"),
    ],
)  # fmt: skip
def test_an_audit_that_cannot_be_is_refused_with_its_reason(office, changes, said):
    from khazana.portal.auditing.models import AuditRow

    assert said in problem(opened(office, **changes))
    assert AuditRow.objects.count() == 0


def test_only_an_auditor_opens_asks_and_signs_and_only_an_approver_publishes(office):
    for client in (office.operator, office.approver, office.viewer):
        assert client.post(PATH, {"root": office.root}).status_code == 403
    assert opened(office).status_code == 302
    for path, who in (
        ("ask/", "auditor"), ("papers/", "auditor"), ("opinion/", "auditor"),
        ("opinion/in/", "auditor"), ("opinion/publish/", "approver"),
        ("samples/1/", "auditor"), ("requests/1/answer/", "operator"),
    ):  # fmt: skip
        for role in ("auditor", "operator", "approver", "viewer"):
            answer = getattr(office, role).post(f"{PATH}1/{path}")
            assert (answer.status_code == 403) == (role != who), (path, role)


def test_requests_grow_by_entries_and_files_keep_their_hash(office):
    from khazana.portal.auditing.models import EntryRow

    opened(office)
    day = (timezone.now() + timedelta(days=7)).date().isoformat()
    assert "a day such as" in problem(office.auditor.post(f"{PATH}1/ask/", {"text": "x"}))
    office.auditor.post(f"{PATH}1/ask/", {"text": "The receipt of May?", "due": day})
    early = office.auditor.post(f"{PATH}1/requests/1/settle/", {"step": "accepted"})
    assert "accepted does not follow" in problem(early)
    nothing = office.operator.post(f"{PATH}1/requests/1/answer/", {"text": " "})
    assert "words, a file or both" in problem(nothing)

    voucher = SimpleUploadedFile("../رسید.txt", b"a receipt\n")
    office.operator.post(f"{PATH}1/requests/1/answer/", {"text": "Here.", "files": voucher})
    unexplained = office.auditor.post(f"{PATH}1/requests/1/settle/", {"step": "asked_again"})
    assert "why you ask again" in problem(unexplained)
    again = {"step": "asked_again", "text": "The other one."}
    office.auditor.post(f"{PATH}1/requests/1/settle/", again)
    office.operator.post(f"{PATH}1/requests/1/answer/", {"text": "This is it."})
    office.auditor.post(f"{PATH}1/requests/1/settle/", {"step": "accepted"})
    steps = ["asked", "answered", "asked_again", "answered", "accepted"]
    assert [row.step for row in EntryRow.objects.all()] == steps
    assert {row.by for row in EntryRow.objects.all()} == {"the-auditor", "the-operator"}
    late = office.operator.post(f"{PATH}1/requests/1/answer/", {"text": "More."})
    assert "answered does not follow" in problem(late)

    sha256 = hashlib.sha256(b"a receipt\n").hexdigest()
    folder = office.settings.OFFICE_DIR / "audit-papers"
    assert [path.name for path in folder.iterdir()] == [sha256]
    before = len(acts())
    taken = office.auditor.post(f"{PATH}1/files/{sha256}/")
    assert taken.content == b"a receipt\n"
    assert taken["Content-Type"] == "application/octet-stream"
    assert acts()[before:] == ["audit file taken"]
    assert office.viewer.post(f"{PATH}1/files/{sha256}/").status_code == 403
    assert office.auditor.post(f"{PATH}1/files/{'00' * 32}/").status_code == 404
    (folder / sha256).write_bytes(b"another receipt\n")
    assert "was changed" in problem(office.auditor.post(f"{PATH}1/files/{sha256}/"))


def test_a_sample_is_announced_before_its_block_and_drawn_by_it(office):
    from khazana.portal.auditing.models import SampleRow

    opened(office)
    for height in (office.chain.height, office.chain.height - 1):
        assert "draws nothing" in problem(announced(office, height=str(height)))
    for changes, said in (
        ({"size": "0"}, "size"), ({"size": "x"}, "the size is a whole number"),
        ({"kind": "rumours"}, "choose what"), ({"method": "picked"}, "choose what"),
        ({"size": "9000", "method": "simple-random"}, "cannot be drawn from"),
    ):  # fmt: skip
        assert said in problem(announced(office, **changes))
    assert SampleRow.objects.count() == 0

    assert announced(office)["Location"] == f"{PATH}1/samples/1/"
    assert acts()[-1] == "audit sample announced"
    waits = office.operator.post(f"{PATH}1/samples/1/draw/")
    assert "6 deep" in problem(waits)
    office.chain.height = story().end.height + 5
    assert office.operator.post(f"{PATH}1/samples/1/draw/").status_code == 302
    sample = read_sample(bytes(SampleRow.objects.get().drawn))
    assert sample.block.hash == story().end.hash
    assert acts()[-1] == "audit sample drawn"
    assert "drawn already" in problem(office.operator.post(f"{PATH}1/samples/1/draw/"))

    item = sample.items[0].id
    find = f"{PATH}1/samples/1/"
    wrong = office.auditor.post(find, {"item": "received nothing", "outcome": "agrees"})
    assert "not drawn" in problem(wrong)
    assert "it differs" in problem(office.auditor.post(find, {"item": item, "outcome": "fine"}))
    silent = office.auditor.post(find, {"item": item, "outcome": "differs"})
    assert "where it disagrees" in problem(silent)
    paper = SimpleUploadedFile("seen.txt", b"seen\n")
    done = office.auditor.post(find, {"item": item, "outcome": "agrees", "paper": paper})
    assert done.status_code == 302
    assert "seen.txt" in office.viewer.get(find).content.decode()


def test_a_population_that_changed_after_the_announcement_draws_nothing(office):
    from khazana.portal.auditing.models import AuditRow, SampleRow

    opened(office)
    announced(office)
    office.chain.height = story().end.height + 5
    AuditRow.objects.update(statement=story().first)  # as whoever owns the database could
    changed = office.auditor.post(f"{PATH}1/samples/1/draw/")
    assert "it changed, and nothing is drawn" in problem(changed)
    assert SampleRow.objects.get().drawn is None


def test_another_chain_without_the_height_draws_nothing(office, monkeypatch):
    opened(office)
    office.settings.DESK_SOURCE = ""
    assert "sees no blocks" in problem(announced(office))


def signed(office, key=AUDITOR, change=None, **form):
    made = office.auditor.post(f"{PATH}1/opinion/", {**FORM, **form})
    assert made.status_code == 200, made.context["problems"]
    opinion = read_opinion(made.content)
    if change is not None:
        opinion = change(opinion)
    return sign_opinion(opinion, key)


def taken(office, raw):
    file = SimpleUploadedFile("signed.json", raw)
    return office.auditor.post(f"{PATH}1/opinion/in/", {"opinion": file})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"opinion": "unqualified"}, "no qualification"), ({"opinion": "perfect"}, "not complete"),
        ({"reasons_ur": "ایک"}, "as many in each language"),
        ({"scope_en": "", "scope_ur": ""}, "not complete"),
        ({"reasons_en": "", "reasons_ur": ""}, "says its reasons"),
    ],
)  # fmt: skip
def test_an_opinion_that_is_not_complete_is_refused(office, changes, said):
    opened(office)
    answer = office.auditor.post(f"{PATH}1/opinion/", {**FORM, **changes})
    assert said in problem(answer)


def test_an_opinion_by_another_key_on_another_root_or_tampered_with_is_refused(office):
    from msgspec.structs import replace as other

    from khazana.portal.auditing.models import OpinionRow

    opened(office)
    stranger = public_bytes(STRANGER).hex()
    by_stranger = signed(office, STRANGER, lambda it: other(it, public=stranger))
    assert "the audit names" in problem(taken(office, by_stranger))
    elsewhere = signed(office, change=lambda it: other(it, root="ab" * 32))
    assert "another root" in problem(taken(office, elsewhere))
    later = signed(office, change=lambda it: other(it, dated="2999-01-01T00:00:00Z"))
    assert "in the future" in problem(taken(office, later))
    document = json.loads(signed(office))
    document["signatures"][0]["sig"] = "A" * 86 + "=="
    tampered = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
    assert "was not made by that key" in problem(taken(office, tampered))
    assert problem(taken(office, b"no json"))
    assert OpinionRow.objects.count() == 0


def published_statement(office):
    """As it was published: with less than the auditor sees."""
    whole = read_reserve_statement(story().second).envelope
    folder = office.settings.PUBLICATION_DIR / "statements"
    folder.mkdir(parents=True)
    path = folder / "statement.json"
    path.write_bytes(write_statement(disclose(whole, keep_at("addresses"))))
    return path


def test_an_opinion_is_published_by_another_person_into_the_published_file(office):
    from khazana.portal.auditing.models import OpinionRow

    opened(office)
    assert taken(office, signed(office)).status_code == 302
    row = OpinionRow.objects.get()
    publish = f"{PATH}1/opinion/publish/"
    early = office.approver.post(publish, {"seen": row.sha256})
    assert "not published yet" in problem(early)
    path = published_statement(office)
    before = read_reserve_statement(path.read_bytes()).envelope
    assert office.approver.post(publish, {"seen": "00" * 32}).status_code == 404
    assert office.approver.post(publish, {"seen": row.sha256}).status_code == 302
    after = read_reserve_statement(path.read_bytes()).envelope
    (shown,) = opinions_in(after)
    assert shown.opinion.opinion == "qualified"
    assert shown.opinion.qualifications == [{"en": "one", "ur": "ایک"}, {"en": "two", "ur": "دو"}]
    assert replace(after, evidence=before.evidence) == before
    twice = office.approver.post(publish, {"seen": row.sha256})
    assert "published already" in problem(twice)
    assert acts()[-1] == "opinion published"


def test_who_took_an_opinion_in_does_not_publish_it_even_with_another_role(office):
    from khazana.portal.auditing.models import OpinionRow
    from khazana.portal.auditing.opinions import publish_opinion

    opened(office)
    taken(office, signed(office))
    published_statement(office)
    row = OpinionRow.objects.get()
    with pytest.raises(KhazanaError, match="who audits does not publish"):
        publish_opinion(row, seen=row.sha256, by="the-auditor", at=timezone.now())


def test_a_published_opinion_is_shown_beside_the_statement_in_four_languages(office, client):
    from khazana.portal.auditing.models import OpinionRow
    from khazana.portal.statement.importing import import_folder

    opened(office)
    taken(office, signed(office))
    published_statement(office)
    office.approver.post(f"{PATH}1/opinion/publish/", {"seen": OpinionRow.objects.get().sha256})
    import_folder(office.settings.PUBLICATION_DIR, own=True)
    heads = {"en": "qualified opinion", "ur": "مشروط رائے", "ar": "رأي متحفظ",
             "es": "opinión con salvedades"}  # fmt: skip
    for language, head in heads.items():
        page = client.get(f"/{language}/statements/{office.root}/").content.decode()
        assert head in page, language
        assert "--auditor " in page
    urdu = client.get(f"/ur/statements/{office.root}/").content.decode()
    assert "ایک" in urdu
    english = client.get(f"/en/statements/{office.root}/").content.decode()
    assert "Nobody vouches for this key here" in english
    assert "wallets that nobody declared" in english


def test_working_papers_hold_and_a_change_in_the_database_shows(office):
    from khazana.portal.auditing.models import FindingRow, OpinionRow, SampleRow

    opened(office)
    announced(office)
    day = timezone.now().date().isoformat()
    office.auditor.post(f"{PATH}1/ask/", {"text": "The receipt?", "due": day})
    files = [SimpleUploadedFile(f"{n}.txt", b"x" * n) for n in range(2)]
    office.operator.post(f"{PATH}1/requests/1/answer/", {"text": "", "files": files})
    office.chain.height = story().end.height + 5
    office.operator.post(f"{PATH}1/samples/1/draw/")
    item = read_sample(bytes(SampleRow.objects.get().drawn)).items[0].id
    office.auditor.post(f"{PATH}1/samples/1/", {"item": item, "outcome": "differs", "note": "why"})
    taken(office, signed(office))
    published_statement(office)
    office.approver.post(f"{PATH}1/opinion/publish/", {"seen": OpinionRow.objects.get().sha256})

    made = papers(office)
    opened_papers, lines = check_papers(made, chain=story().world.chain)
    assert [line.problem for line in lines] == [""] * len(lines)
    assert len(read_papers(made)) == 12
    assert opened_papers.findings.findings[0].outcome == "differs"
    assert acts()[-1] == "working papers taken"

    # Whoever owns the database puts another item in the place of the one that was drawn.
    row = SampleRow.objects.get()
    sample = read_sample(bytes(row.drawn))
    kind = read_announcement(bytes(row.announcement)).population.kind
    listed = population_of(read_reserve_statement(story().second), kind).items
    other = min({each.id for each in listed} - {each.id for each in sample.items})
    row.drawn = bytes(row.drawn).replace(item.encode(), other.encode())
    row.save()
    FindingRow.objects.all().delete()
    _, lines = check_papers(papers(office))
    assert [line.what for line in lines if line.problem] == ["sample 1"]


def test_the_desks_first_page_says_what_waits_for_whom(office):
    def waiting(client):
        return client.get("/en/desk/").content.decode()

    opened(office)
    day = timezone.now().date().isoformat()
    office.auditor.post(f"{PATH}1/ask/", {"text": "The receipt?", "due": day})
    assert "The auditor waits for an answer." in waiting(office.operator)
    office.operator.post(f"{PATH}1/requests/1/answer/", {"text": "Here."})
    assert "The auditor waits for an answer." not in waiting(office.operator)
    assert "A request of yours is answered." in waiting(office.auditor)
    taken(office, signed(office))
    assert "A signed opinion waits to be published." in waiting(office.approver)


@pytest.mark.parametrize("language", ["en", "ur", "ar", "es"])
def test_every_page_of_an_audit_is_there_in_every_language(office, language):
    opened(office)
    announced(office)
    for role in ("auditor", "operator", "approver", "viewer"):
        for path in ("", "1/", "1/samples/1/"):
            answer = getattr(office, role).get(f"/{language}/desk/audits/{path}")
            assert answer.status_code == 200
            assert "style=" not in answer.content.decode()


def test_a_report_is_asked_for_and_none_is_kept_where_the_command_gave_none(office):
    from khazana.portal.auditing.models import AuditRow
    from khazana.portal.auditing.reports import verify_for

    opened(office)
    assert office.operator.post(f"{PATH}1/report/").status_code == 302
    assert acts()[-1] == "audit report asked for"
    office.settings.DESK_SOURCE = "no source"
    with pytest.raises(KhazanaError, match="gave no report"):
        verify_for.func(1)
    assert AuditRow.objects.get().report is None
