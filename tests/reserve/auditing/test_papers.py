"""Working papers: one spelling, and every way in which they can have been tampered with."""

import io
import tarfile

import pytest

from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.reserve.auditing import papers
from khazana.reserve.auditing.check import ANNOUNCED, DREW, check_papers
from khazana.reserve.auditing.engagement import (
    Requests,
    StepRefused,
    read_paper,
    require_follows,
    write_paper,
)
from khazana.reserve.auditing.papers import PapersRefused, read_papers, write_papers
from tests.reserve.auditing.archive import (
    STATEMENT,
    VOUCHER_SHA256,
    acts_of,
    announced,
    files,
    opinion_on,
)
from tests.reserve.simulator import keys
from tests.reserve.world import story

SAMPLE = "samples/1.json"


def problems(changed, *, chain=None):
    """Which questions fail when somebody writes the archive anew with these files."""
    _, lines = check_papers(write_papers(changed), chain=chain)
    return {line.what: line.problem for line in lines if line.problem}


def edited(name, change):
    made = files()
    document = parse_strict(made[name])
    change(document)
    return {**made, name: canonical_bytes(document) + b"\n"}


def test_whole_papers_hold_with_a_chain_and_without():
    opened, lines = check_papers(write_papers(files()), chain=story().world.chain)
    assert [line.problem for line in lines] == [""] * 8
    said = {line.what: line.said for line in lines}
    assert "announced in act 1, drawn in 2" in said["sample 1"]
    assert said["requests"] == "1 requests, 1 accepted"
    assert said["findings"].startswith("1 agrees, 0 differs, 0 not seen")
    assert said["opinion"].startswith("unqualified")
    assert opened.engagement.root == STATEMENT.root
    assert problems(files()) == {}


def test_the_same_papers_are_the_same_bytes_in_whatever_order_they_came():
    made = files()
    assert write_papers(made) == write_papers(dict(reversed(made.items())))
    assert read_papers(write_papers(made)) == made


@pytest.mark.parametrize("name", sorted(files()))
def test_a_changed_byte_in_any_file_is_found_by_its_hash(name):
    raw = bytearray(write_papers(files()))
    place = raw.index(files()[name])
    raw[place] ^= 1
    with pytest.raises(PapersRefused) as refused:
        check_papers(bytes(raw))
    assert refused.value.file == name


def added(name, content):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        manifest = read_manifest(write_papers(files()))
        for each, raw in {"manifest.json": manifest, **files(), name: content}.items():
            member = tarfile.TarInfo(each)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return out.getvalue()


def read_manifest(raw):
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        return archive.extractfile("manifest.json").read()


@pytest.mark.parametrize("name", ["files/" + "00" * 32, "../outside", "/etc/passwd"])
def test_a_file_beside_the_manifest_is_refused(name):
    with pytest.raises(PapersRefused, match="does not list it"):
        read_papers(added(name, b"smuggled"))


def test_no_archive_and_no_link_and_no_second_spelling_is_read():
    with pytest.raises(PapersRefused, match="no tar file"):
        read_papers(b"not an archive")
    with pytest.raises(PapersRefused, match="one spelling"):
        read_papers(write_papers(files()) + bytes(512))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        link = tarfile.TarInfo("statement.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(PapersRefused, match="no plain file"):
        read_papers(out.getvalue())


@pytest.mark.parametrize("name", papers.ALWAYS)
def test_papers_without_a_file_that_they_always_have_are_refused(name):
    made = files()
    del made[name]
    with pytest.raises(ValueError, match=name):
        write_papers(made)


# Rewritten whole, every hash right: the content contradicts itself.


def test_another_item_in_the_sample_does_not_follow():
    changed = edited(SAMPLE, lambda sample: sample["items"].pop())
    assert "another sample follows" in problems(changed)["sample 1"]


def test_another_block_gives_another_sample_and_the_chain_knows_it():
    def other(sample):
        sample["block"]["hash"] = "00" * 32

    changed = edited(SAMPLE, other)
    assert "another sample follows" in problems(changed)["sample 1"]
    assert "the chain has another block" in problems(changed, chain=story().world.chain)["sample 1"]


def test_a_population_that_the_statement_does_not_give_is_found():
    changed = edited("populations/1.json", lambda listed: listed["items"].pop())
    assert "not what the statement gives" in problems(changed)["sample 1"]


@pytest.mark.parametrize(
    ("acts", "problem"),
    [
        ([(ANNOUNCED, "00" * 32)], "does not know it"),
        ([(DREW, announced().sha256), (ANNOUNCED, announced().sha256)], "after it was announced"),
        ([(ANNOUNCED, announced().sha256)], "after it was announced"),
    ],
)
def test_the_log_has_to_tell_of_the_announcement_before_the_draw(acts, problem):
    assert problem in problems({**files(), papers.LOG: acts_of(*acts)})["sample 1"]


def test_a_log_whose_chain_is_broken_is_found():
    log = files()[papers.LOG].replace(b"anna", b"anne", 1)
    found = problems({**files(), papers.LOG: log})
    assert "digest" in found["audit log"]


def test_an_opinion_by_another_key_or_on_another_root_is_found():
    by_another = opinion_on(STATEMENT.root, keys("stranger", 1)[0])[1]
    assert "the engagement names" in problems({**files(), papers.OPINION: by_another})["opinion"]
    elsewhere = opinion_on("ab" * 32)[1]
    assert "another root" in problems({**files(), papers.OPINION: elsewhere})["opinion"]


def test_another_statement_or_report_is_found():
    found = problems({**files(), papers.STATEMENT: story().first})
    assert "its root is not" in found["statement"]
    report = {"checks": [{"name": "root", "summary": "3 parts give the root " + "ab" * 32}]}
    changed = {**files(), papers.REPORT: canonical_bytes(report)}
    assert "another root" in problems(changed)["report"]


def test_a_file_that_an_entry_names_has_to_be_there():
    changed = files()
    del changed[f"files/{VOUCHER_SHA256}"]
    assert "it is missing" in problems(changed)["requests"]


def test_a_finding_on_what_was_not_drawn_is_found():
    def other(findings):
        findings["findings"][0]["item"] = "received nothing"

    assert "was not drawn" in problems(edited(papers.FINDINGS, other))["findings"]


def test_a_sample_without_its_announcement_is_found():
    changed = files()
    del changed["announcements/1.json"]
    assert "nothing announced it" in problems(changed)["sample 1"]


@pytest.mark.parametrize(
    ("before", "step"),
    [(None, "answered"), ("asked", "accepted"), ("accepted", "answered"), ("asked", "asked")],
)
def test_steps_that_do_not_follow_are_refused(before, step):
    with pytest.raises(StepRefused, match="does not follow"):
        require_follows(before, step)


def test_requests_in_an_order_that_cannot_be_are_found():
    def swapped(document):
        document["requests"][0]["entries"].reverse()

    assert "does not follow" in problems(edited(papers.REQUESTS, swapped))["requests"]


def test_a_paper_reads_back_and_in_no_other_shape():
    requests = Requests(requests=[])
    assert read_paper(write_paper(requests), Requests) == requests
    with pytest.raises(StepRefused, match="malformed"):
        read_paper(b'{"format":"other"}\n', Requests)
