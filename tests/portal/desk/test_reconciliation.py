"""Reconciliation at the desk: what is suggested, every refusal, and files that only grow."""

import hashlib
from types import SimpleNamespace

import pytest

pytest.importorskip("django")

from django.core.files.uploadedfile import SimpleUploadedFile

from khazana.ledger.new_office import new_office_values
from khazana.ledger.rows import DOCUMENT_COLUMNS
from khazana.ledger.toml_writing import write_toml
from khazana.statement.four_eyes import ConfirmationRefused
from tests.reserve.simulator import BTC, World, script

PATH = "/en/desk/reconciliation/"
PAPER = b"receipt of the treasury, page 1"
SHA = hashlib.sha256(PAPER).hexdigest()
PRIVATE = "cVt4o7BGAig1UXywgGSmARhxMdzP5qvQsxKkSsc1XEkw3tDTQFpy"


@pytest.fixture
def house(desk, signed_in, monkeypatch):
    """An office with one wallet that received three payments, its people, and a worker."""
    from khazana.portal.reconciliation import proposals, reading

    world = World()
    world.mine(10)
    txids = [world.fund(script("cold"), amount) for amount in (BTC, 2 * BTC, 2 * BTC)]
    world.mine()
    world.mine(8)
    monkeypatch.setattr(reading, "open_chain", lambda source: world.chain)
    monkeypatch.setattr(proposals, "open_chain", lambda source: world.chain)
    desk.DESK_SOURCE = "esplora:test"
    values = new_office_values(
        id_="new-office", names={"en": "New Office"}, network="regtest",
        timezone="Asia/Karachi", currency="USD",
    )  # fmt: skip
    values |= {
        "entity": [{"id": "fund", "name": {"en": "Fund"}, "sector": "central government"}],
        "wallet": [
            {"id": "cold", "entity": "fund", "name": {"en": "Cold"}, "declared": 1,
             "raw": [f"raw({script('cold').hex()})"], "lane": [{"lane": "owned"}]}
        ],
    }  # fmt: skip
    desk.OFFICE_DIR.mkdir(parents=True)
    (desk.OFFICE_DIR / "office.toml").write_bytes(write_toml(values))
    people = {
        name: signed_in(role, name)
        for name, role in (
            ("amina", "operator"), ("bilal", "approver"), ("carla", "approver"),
            ("otto", "auditor"), ("vera", "viewer"),
        )
    }  # fmt: skip
    made = SimpleNamespace(folder=desk.OFFICE_DIR, world=world, txids=txids, **people)
    work(made)
    made.at = postings()[0].time.strftime("%Y-%m-%dT%H:%M:%SZ")
    return made


def work(house):
    """What a worker does: the queue until it is empty, then one reading."""
    from khazana.portal.reconciliation.reading import ask_for_reading
    from khazana.portal.tasks.worker import Worker

    ask_for_reading()
    while Worker("test").step():
        pass


def postings():
    from khazana.portal.reconciliation.models import PostingRow

    return list(PostingRow.objects.order_by("position"))


def newest():
    from khazana.portal.reconciliation.models import ProposalRow

    return ProposalRow.objects.first()


def acts():
    from khazana.portal.audit.models import ActRow

    return list(ActRow.objects.order_by("number").values_list("action", flat=True))


def file(raw=PAPER, name="buy-1.pdf"):
    return SimpleUploadedFile(name, raw)


def entered(house, client=None, **changes):
    given = {
        "id": "buy-1", "reason": "receipt", "account": "cold", "amount_btc": "1", "at": house.at,
        "txid": house.txids[0], "attested_by": "Treasury", "papers": file(),
    }  # fmt: skip
    given |= changes
    sent = {key: value for key, value in given.items() if value is not None}
    return (client or house.amina).post(f"{PATH}documents/add/", sent)


def by_csv(house, text, *papers, table="documents"):
    raw = text if isinstance(text, bytes) else text.encode()
    sent = {"table": table, "csv": SimpleUploadedFile("t.csv", raw), "papers": list(papers)}
    return house.amina.post(f"{PATH}tables/in/", sent)


def confirmed(house, client, seen=None, pk=None):
    row = newest()
    pk = row.pk if pk is None else pk
    return client.post(f"{PATH}proposals/{pk}/confirm/", {"seen": seen or row.digest})


def written(house, **changes):
    """One document all the way."""
    assert entered(house, **changes).status_code == 302
    work(house)
    for client in (house.bilal, house.carla):
        assert confirmed(house, client).status_code == 302
    work(house)
    assert newest().state == "confirmed"


def problem(answer):
    assert answer.status_code == 422
    return " ".join(answer.context["problems"])


def table(house):
    path = house.folder / "documents.csv"
    return path.read_text() if path.exists() else ""


def test_a_receipt_is_unexplained_until_two_others_confirmed_its_document(house):
    assert [(p.amount, p.unexplained) for p in postings()] == [
        (BTC, True), (2 * BTC, True), (2 * BTC, True),
    ]  # fmt: skip
    page = house.vera.get(PATH)
    assert (page.context["open_count"], page.context["open_sum"]) == (3, 5 * BTC)
    assert "Postings are unexplained" in house.amina.get("/en/desk/").content.decode()
    assert entered(house).status_code == 302
    assert newest().state == "waiting"
    work(house)
    row = newest()
    assert (row.state, row.effect["before"], row.effect["after"]) == ("open", 5 * BTC, 4 * BTC)
    assert [(e["txid"], e["rule"]) for e in row.effect["explained"]] == [(house.txids[0], "M1")]
    assert "wait to be confirmed" in house.bilal.get("/en/desk/").content.decode()
    assert table(house) == ""
    assert confirmed(house, house.bilal).status_code == 302
    assert (newest().state, table(house)) == ("open", "")
    assert confirmed(house, house.carla).status_code == 302
    assert "buy-1" in table(house)
    assert SHA in table(house)
    assert 'documents = ["documents.csv"]' in (house.folder / "office.toml").read_text()
    assert (house.folder / "papers" / SHA).read_bytes() == PAPER
    work(house)
    assert [p.unexplained for p in postings()] == [False, True, True]
    assert [acts().count(each) for each in ("rows proposed", "rows appended")] == [1, 1]
    assert acts().count("proposal confirmed") == 2
    assert newest().ended_by == "carla"


def test_nobody_counts_twice_and_who_prepared_it_not_at_all(house):
    from django.utils import timezone

    from khazana.portal.reconciliation.proposals import confirm

    entered(house)
    work(house)
    assert confirmed(house, house.amina).status_code == 403
    confirmed(house, house.bilal)
    assert "the same person counts once" in problem(confirmed(house, house.bilal))
    # Whatever role the author has by then.
    with pytest.raises(ConfirmationRefused, match="its author is never one of the two"):
        confirm(newest().pk, by="amina", seen=newest().digest, at=timezone.now())
    assert (newest().state, table(house)) == ("open", "")


@pytest.mark.parametrize("who", ["otto", "vera", "bilal"])
def test_only_an_operator_proposes(house, who):
    assert entered(house, client=getattr(house, who)).status_code == 403


def test_what_was_not_seen_is_not_confirmed(house):
    entered(house)
    work(house)
    assert "has changed" in problem(confirmed(house, house.bilal, seen="00" * 32))
    from khazana.portal.reconciliation.models import ProposalRow

    confirmed(house, house.bilal)
    row = newest()
    rows = [{**row.rows[0], "amount_btc": "1.5"}]
    ProposalRow.objects.filter(pk=row.pk).update(rows=rows)  # behind everybody's back
    assert "not those that were confirmed" in problem(confirmed(house, house.carla))
    assert table(house) == ""
    assert acts().count("proposal confirmed") == 1


def test_a_paper_that_changed_in_its_folder_stops_the_writing(house):
    entered(house)
    work(house)
    confirmed(house, house.bilal)
    (house.folder / "papers" / SHA).write_bytes(b"another paper")
    assert "missing or was changed" in problem(confirmed(house, house.carla))
    assert (newest().state, table(house)) == ("open", "")
    assert "missing or was changed" in problem(house.carla.post(f"{PATH}papers/{SHA}/"))


def test_when_the_files_changed_meanwhile_everybody_is_asked_again(house):
    entered(house)
    work(house)
    first = newest()
    confirmed(house, house.bilal)
    office = house.folder / "office.toml"
    office.write_text(office.read_text() + "\n# another hand\n")
    assert "look again" in problem(confirmed(house, house.carla))
    work(house)
    row = newest()
    assert (row.state, row.digest != first.digest) == ("open", True)
    page = house.carla.get(f"{PATH}proposals/{row.pk}/")
    assert (page.context["agreed"], page.context["missing"]) == ((), 2)
    confirmed(house, house.carla)
    confirmed(house, house.bilal)
    assert "buy-1" in table(house)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"papers": None}, "there is no paper"),
        ({"papers": None, "file_sha256": "ab" * 32}, "no paper with the hash"),
        ({"papers": SimpleUploadedFile("e.pdf", b"")}, "is empty"),
        ({"amount_btc": "0"}, "amount_btc"),
        ({"amount_btc": "1.123456789"}, "amount_btc"),
        ({"reason": "transfer"}, "derived from the chain"),
        ({"account": "nobody"}, "no such account"),
        ({"at": "yesterday"}, "not a time with a zone"),
        ({"txid": "zz"}, "64 lower-case hex digits"),
        ({"currency": "XXY", "paid": "1"}, "not a currency"),
        ({"corrects": "nothing"}, "stands before this row"),
        ({"id": "a b"}, "letters, digits"),
        ({"note": PRIVATE}, "wallet import format"),
        ({"papers": SimpleUploadedFile("k.txt", PRIVATE.encode())}, "wallet import format"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_is_refused_with_its_reason(house, changes, said):
    from khazana.portal.reconciliation.models import PaperRow, ProposalRow

    answer = entered(house, **changes)
    assert said in problem(answer)
    assert PRIVATE not in answer.content.decode()
    assert (ProposalRow.objects.count(), PaperRow.objects.count()) == (0, 0)
    assert not list(house.folder.glob("papers/*"))


def test_a_paper_that_is_too_large_is_refused(house, monkeypatch):
    from khazana.portal.reconciliation import papers

    monkeypatch.setattr(papers, "MOST_PAPER_BYTES", 10)
    assert "more than 10 bytes" in problem(entered(house))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"txid": None, "amount_btc": "0.5"}, "M5"),
        ({"txid": "00" * 32}, "M5"),
        ({"txid": None, "amount_btc": "2"}, "M6"),
        ({"amount_btc": "1.5"}, "M7"),
        ({"reason": "disbursement"}, "M8"),
    ],
)
def test_a_document_that_fits_nothing_is_put_before_nobody(house, changes, said):
    entered(house, **changes)
    work(house)
    row = newest()
    assert row.state == "refused"
    assert said in row.problems[0]
    assert "it is refused" in problem(confirmed(house, house.bilal, seen="x"))
    assert said in house.amina.get(f"{PATH}proposals/{row.pk}/").content.decode()
    assert table(house) == ""


def test_rows_that_take_an_explanation_away_are_refused(house):
    written(house)
    entered(house, id="buy-2", amount_btc="0.5")
    work(house)
    row = newest()
    assert row.state == "refused"
    assert sorted(f["where"] for f in row.effect["findings"]) == [
        "document buy-1", "document buy-2",
    ]  # fmt: skip
    assert len(row.effect["opened"]) == 1


def test_many_come_by_csv_each_with_its_paper(house):
    text = "id,reason,at,account,amount_btc,txid,file_sha256\n" + "".join(
        f"d{n},receipt,{house.at},cold,{amount},{txid},{sha}\n"
        for n, (amount, txid, sha) in enumerate(
            zip((1, 2, 2), house.txids, ("", hashlib.sha256(b"two").hexdigest(), ""), strict=True)
        )
    )
    answer = by_csv(house, text, file(b"one", "d0.pdf"), file(b"two", "x"), file(b"3", "d2.txt"))
    assert answer.status_code == 302, answer.context["problems"]
    work(house)
    confirmed(house, house.bilal)
    confirmed(house, house.carla)
    work(house)
    assert [p.document for p in postings()] == ["d0", "d1", "d2"]
    assert hashlib.sha256(b"3").hexdigest() in table(house)


def test_a_csv_with_problems_is_refused_whole_with_line_and_field_of_each(house):
    written(house)
    head = "id,reason,at,account,amount_btc\n"
    good = f"ok,receipt,{house.at},cold,2\n"
    papers = [file(b"a", f"{name}.pdf") for name in ("ok", "bad", "buy-1")]
    said = problem(
        by_csv(
            house,
            head + good + f"\nbad,gift,soon,cold,x\nbuy-1,receipt,{house.at},cold,2\n"
            f"lone,receipt,{house.at},cold,2\n",
            *papers,
        )
    )
    for expected in (
        "upload.csv, line 4, reason", "upload.csv, line 4, at", "upload.csv, line 4, amount_btc",
        "upload.csv, line 5, id", "upload.csv, line 6, file_sha256: there is no paper",
    ):  # fmt: skip
        assert expected in said
    assert "line 2" not in said.replace("documents.csv, line 2", "")
    assert newest().state == "confirmed"  # nothing was proposed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,reason,at,account,colour\n", "upload.csv, line 1, colour: no such column"),
        ("id;reason;at\n", "semicolons"),
        ("id,reason,at,account\n", "has no rows"),
        ("id,reason,at,account\na,b\n", "upload.csv, line 2, (row): has 2 cells"),
        (b"id,reason,at,account\n\xff,b,c,d\n", "not UTF-8"),
        (f"id,reason,at,account,note\na,receipt,x,cold,{PRIVATE}\n", "wallet import format"),
    ],
)
def test_a_file_that_is_no_table_is_refused(house, text, said):
    answer = by_csv(house, text)
    assert said in problem(answer)
    assert PRIVATE not in answer.content.decode()


def test_a_csv_that_is_too_large_is_refused(house):
    assert "more than" in problem(by_csv(house, b"x" * ((1 << 20) + 1)))
    assert "no such table" in problem(by_csv(house, "a\n", table="office"))


def test_a_correction_is_a_new_row_and_both_are_shown(house):
    written(house)
    before = table(house)
    form = house.amina.get(f"{PATH}documents/add/?corrects=buy-1").context["given"]
    assert (form["corrects"], form["amount_btc"], form["reason"]) == (
        "buy-1", "1.00000000", "receipt",
    )  # fmt: skip
    entered(house, id="buy-1b", reason="donation", corrects="buy-1", papers=None, file_sha256=SHA)
    work(house)
    row = newest()
    assert (row.state, row.effect["before"], row.effect["after"]) == ("open", 4 * BTC, 4 * BTC)
    assert [e["document"] for e in row.effect["replaced"]] == ["buy-1b"]
    page = house.bilal.get(f"{PATH}proposals/{row.pk}/").content.decode()
    assert "It corrects" in page
    confirmed(house, house.bilal)
    confirmed(house, house.carla)
    after = table(house)
    assert after.splitlines()[1].startswith(before.splitlines()[1])  # not a cell of it changed
    work(house)
    assert postings()[0].document == "buy-1b"
    assert postings()[0].reason == "donation"
    listed = house.vera.get(f"{PATH}documents/").content.decode()
    assert "corrected by" in listed
    assert "buy-1b" in listed
    assert "correct buy-1b instead" in problem(entered(house, id="again", corrects="buy-1"))


def test_an_open_line_is_shown_with_what_might_explain_it_by_which_rule_and_why_not(house):
    columns = ",".join(DOCUMENT_COLUMNS)
    rows = [
        {"id": "two-a", "amount_btc": "2"}, {"id": "late", "amount_btc": "1",
         "at": "2030-01-01T00:00:00Z"}, {"id": "short", "amount_btc": "0.9"},
    ]  # fmt: skip
    base = {"reason": "receipt", "at": house.at, "account": "cold"}
    lines = [",".join({**base, **row}.get(c, "") for c in DOCUMENT_COLUMNS) for row in rows]
    (house.folder / "documents.csv").write_text("\n".join([columns, *lines]) + "\n")
    office = house.folder / "office.toml"
    office.write_text(office.read_text() + '\n[files]\ndocuments = ["documents.csv"]\n')
    work(house)
    found = [{c["document"]: (c["rule"], c["misfits"]) for c in p.candidates} for p in postings()]
    assert found[0]["short"] == ("M3", ["amount"])
    assert found[0]["late"] == ("M3", ["time"])
    assert found[1]["two-a"] == found[2]["two-a"] == ("M3", [])
    page = house.amina.get(PATH).content.decode()
    assert "too far in time" in page
    assert "fits, but not alone" in page
    wallet = f"{PATH}postings/{house.txids[1]}/cold/"
    assert "fits, but not alone" in house.vera.get(wallet).content.decode()
    # The match is made by a new row that names the transaction.
    form = house.amina.get(
        f"{PATH}documents/add/?corrects=two-a&txid={house.txids[1]}&wallet=cold"
    ).context["given"]
    assert (form["txid"], form["corrects"], form["amount_btc"]) == (
        house.txids[1], "two-a", "2.00000000",
    )  # fmt: skip


def test_a_book_entry_goes_the_same_way(house):
    given = {"kind": "loss", "block": "12", "account": "cold", "amount_btc": "0.1", "note": "lost"}
    assert "write a negative amount" in problem(house.amina.post(f"{PATH}book/add/", given))
    assert house.amina.post(f"{PATH}book/add/", {**given, "amount_btc": "-0.1"}).status_code == 302
    work(house)
    assert newest().effect["before"] == newest().effect["after"]
    confirmed(house, house.bilal)
    confirmed(house, house.carla)
    assert "loss,12,cold,-0.1" in (house.folder / "book.csv").read_text()
    from khazana.portal.desk.office_store import stored

    assert stored().office.book_entries[0].note == "lost"


def test_a_block_that_is_not_there_is_found_by_the_copy(house):
    given = {"kind": "loss", "block": "99999", "account": "cold", "amount_btc": "-1"}
    house.amina.post(f"{PATH}book/add/", given)
    work(house)
    assert newest().state == "refused"
    assert "book.csv, line 2, block" in newest().problems[0]


def test_a_declined_proposal_says_why_and_is_written_nowhere(house):
    entered(house)
    work(house)
    path = f"{PATH}proposals/{newest().pk}/decline/"
    assert "say why" in problem(house.bilal.post(path, {"word": " "}))
    assert house.bilal.post(path, {"word": "wrong paper"}).status_code == 302
    assert newest().state == "declined"
    assert "it is declined" in problem(confirmed(house, house.carla, seen="x"))
    assert "wrong paper" in house.amina.get(f"{PATH}proposals/{newest().pk}/").content.decode()
    assert table(house) == ""


def test_a_paper_is_taken_by_staff_only_and_that_is_an_act(house):
    written(house)
    path = f"{PATH}papers/{SHA}/"
    assert house.vera.post(path).status_code == 403
    assert house.otto.post(path).content == PAPER
    assert acts()[-1] == "paper taken"
    assert house.otto.post(f"{PATH}papers/{'00' * 32}/").status_code == 404


def test_nothing_is_read_where_there_is_no_office_or_no_chain(desk):
    from khazana.portal.reconciliation.models import ReadingRow

    desk.DESK_SOURCE = ""
    work(None)
    desk.DESK_SOURCE = "esplora:test"
    work(None)
    assert ReadingRow.objects.count() == 0


def test_a_reading_of_the_same_files_and_block_changes_nothing(house):
    from khazana.portal.reconciliation.models import ReadingRow

    first = [p.pk for p in postings()], ReadingRow.objects.get().at
    work(house)
    assert ([p.pk for p in postings()], ReadingRow.objects.get().at) == first
    house.world.mine()
    work(house)
    assert ReadingRow.objects.get().at > first[1]
