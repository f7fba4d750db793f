"""`khazana accord witness`: cosign the partner's log, and publish a verdict on each entry."""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.accord.feed.errors import FeedRefused
from khazana.accord.feed.mirror import open_mirror, read_document
from khazana.accord.feed.paths import MOST_DOCUMENT_BYTES, OFFICE, document_path, witness_path
from khazana.accord.feed.publication import verdict_entry
from khazana.accord.feed.records import BlockFile, SignedRecord, VerdictRecord, sign_record
from khazana.accord.feed.split_view import SplitViewFound
from khazana.accord.feed.verdicts import EntryJudge, verdict_record
from khazana.accord.feed.witnessing import next_cosignature
from khazana.cli.chains import add_chain_argument, chain_of
from khazana.cli.clock import now
from khazana.cli.commands.accord_publish import add_own_feed, read_identity
from khazana.cli.commands.accord_pull import say_split
from khazana.cli.feed_basis import Published
from khazana.cli.feeds import (
    BesideByPeriod,
    ByOurOwnNode,
    Statements,
    office_of,
    own_log,
    proof_path,
)
from khazana.cli.files import MOST_STATEMENT_BYTES, naming, read_bytes
from khazana.cli.keys import read_key
from khazana.cli.log_folder import DiskFolder
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.statement.checks import TEST_NOTICE, Profile
from khazana.statement.identity import Office
from khazana.statement.log.checkpoint import checkpoint_of
from khazana.statement.log.entries import CommitmentEntry, VerdictEntry, entry_bytes
from khazana.statement.log.files import LogFiles, appended
from khazana.statement.log.notes import MOST_NOTE_BYTES, Note, read_note
from khazana.statement.log.office_keys import WITNESS_ROLE, key_in_role, log_origin
from khazana.statement.log.office_log import entries_of
from khazana.statement.office_file import MAX_OFFICE_BYTES, Pin, read_office
from khazana.statement.table import printable
from khazana.statement.times import write_instant

BATCH = 256
"""Verdicts that become durable together; a kill loses at most these, and they are made again."""
MOST_VERDICTS = 10_000
"""In one run: each entry of the partner's makes a document and an entry of ours."""
EXIT_CONTRADICTED = 1


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "witness",
        help="cosign the log you copied, and publish what you find of each entry",
        description="MIRROR is the copy that `khazana accord pull` made. Its checkpoint is "
        "cosigned when its log begins with what you cosigned before; that says nothing about the "
        "entries. What you find of these by your own node goes into your log and feed, one signed "
        "verdict each. Exit status 1: an entry is contradicted, or the office signed two logs.",
    )
    parser.add_argument("mirror", metavar="MIRROR", type=Path)
    add_own_feed(parser)
    parser.add_argument(
        "--witness-key", metavar="FILE", type=Path, required=True, help="a key of your role witness"
    )
    add_chain_argument(parser)
    parser.add_argument(
        "--require",
        choices=[profile.value for profile in Profile],
        default=Profile.ADDRESSES.value,
        help="how much of a statement must hold (default: %(default)s)",
    )
    parser.add_argument(
        "--beside",
        metavar="OTHER",
        type=Path,
        action="append",
        default=[],
        help="a third office's statement: no coin may stand in it too; your own are held anyway",
    )
    parser.add_argument(
        "--again", action="store_true", help="judge again what was not checkable before"
    )
    parser.add_argument(
        "--most-verdicts",
        metavar="N",
        type=int,
        default=MOST_VERDICTS,
        help="in this run; the next one goes on (default: %(default)s)",
    )
    parser.add_argument("--proof", metavar="FILE", type=Path, help="where a proof is written")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    folder, mirror, at = DiskFolder(args.feed), DiskFolder(args.mirror), now()
    office = office_of(folder, read_identity(args.identity))
    feed_key, witness_key = read_key(args.key), read_key(args.witness_key)
    key_in_role(office, witness_key, WITNESS_ROLE, at=at)
    own = own_log(folder, office, feed_key, now=at)
    partner, log, note = _partner(mirror)
    try:
        print(_cosign(folder, partner, log, note, office, witness_key, at=at))
    except SplitViewFound as found:
        return say_split(found, args.proof or proof_path(args.mirror))
    chain = chain_of(args)
    tip = chain.tip()
    block = BlockFile(height=tip.height, hash=tip.hash)
    public = Published(args.chain, chain, tip, [args.mirror, args.feed])
    third = [_statement(path) for path in args.beside]
    node = ByOurOwnNode(
        chain=chain,
        office=partner,
        profile=Profile(args.require),
        now=at,
        beside=BesideByPeriod(Statements(folder, own), third),
        before=Statements(mirror, log),
    )
    judge = EntryJudge(
        office=partner,
        log=log,
        documents=lambda digest: read_document(mirror, digest, most=MOST_DOCUMENT_BYTES),
        statement=lambda raw: public.report(node(raw)),
        now=at,
    )
    origin = log_origin(partner.fingerprint)
    findings = _found_before(own, origin)
    open_ = {index for index, finding in findings.items() if finding == "not-checkable"}
    # A sealed wallet that was shown since is judged again unasked.
    done = set(findings) - (open_ if args.again else _opened(judge, log, open_))
    start = next(i for i in range(len(done) + 1) if i not in done)
    count: Counter[str] = Counter()

    def signed() -> Iterator[tuple[int, SignedRecord]]:
        for index, raw, judged in judge.verdicts(start, skip=frozenset(done)):
            if findings.get(index) == judged.finding:
                continue
            record = verdict_record(
                public.judged(judged),
                witness=office,
                at=at,
                origin=origin,
                index=index,
                entry=raw,
                block=block,
            )
            count[judged.finding] += 1
            if judged.finding == "contradicted":
                print(f"entry {index} contradicted: {printable(judged.reason)}")
            yield index, sign_record(record, witness_key)

    verdicts = islice(signed(), args.most_verdicts)
    head = {"office": office.fingerprint, "issued": write_instant(at)}
    while batch := list(islice(verdicts, BATCH)):
        with folder.alone():
            folder.write_all((document_path(s.digest), s.to_bytes()) for _, s in batch)
        entries = [
            entry_bytes(verdict_entry(s.record, s.digest, head))
            for _, s in batch
            if isinstance(s.record, VerdictRecord)
        ]
        own = appended(own, entries, feed_key)
    print(
        f"{sum(count.values())} verdicts at block {tip.height}: {count['verified']} verified, "
        f"{count['contradicted']} contradicted, {count['not-checkable']} not checkable"
    )
    if sum(count.values()) == args.most_verdicts:
        print("that is as many as one run gives (--most-verdicts); the next run goes on")
    if partner.newest.test:
        print(TEST_NOTICE)
    return EXIT_CONTRADICTED if count["contradicted"] else 0


def _partner(mirror: DiskFolder) -> tuple[Office, LogFiles, Note]:
    """Whose copy it is, pinned when it was pulled; the copy, and its checkpoint."""
    raw = mirror.read(OFFICE, most=MAX_OFFICE_BYTES)
    opened = None
    if raw is not None:
        opened = open_mirror(mirror, Pin(read_office(raw).fingerprint))
    if opened is None:
        problem = f"{mirror.root} holds no copy of a feed; `khazana accord pull` makes one"
        raise FeedRefused(path=OFFICE, problem=problem)
    return opened


def _cosign(
    folder: DiskFolder,
    partner: Office,
    log: LogFiles,
    note: Note,
    office: Office,
    private: Ed25519PrivateKey,
    *,
    at: datetime,
) -> str:
    path = witness_path(partner.fingerprint)
    # Under the lock: two witnesses of one feed would otherwise each extend what the other lacks.
    with folder.alone():
        kept = folder.read(path, most=MOST_NOTE_BYTES)
        new = next_cosignature(
            partner,
            log,
            note,
            None if kept is None else read_note(kept),
            witness=office,
            private=private,
            now=at,
        )
        if new is None:
            return f"the log of {partner.id} is unchanged and cosigned"
        folder.write(path, new.to_bytes())
    size = checkpoint_of(new).size
    return f"cosigned the log of {partner.id} with {size} entries at {write_instant(at)}"


def _found_before(own: LogFiles, origin: str) -> Mapping[int, str]:
    """What our log says of the partner's entries so far; the newest verdict on an entry counts."""
    found: dict[int, str] = {}
    for _, entry in entries_of(own, VerdictEntry):
        if entry.log == origin:
            found[entry.index] = entry.finding
    return found


def _opened(judge: EntryJudge, log: LogFiles, open_: set[int]) -> set[int]:
    """Which of these entries are commitments to wallets that a statement of the log opens."""
    sealed = {i: e.digest for i, e in entries_of(log, CommitmentEntry) if i in open_}
    return (
        {index for index, digest in sealed.items() if digest in judge.opened} if sealed else set()
    )


def _statement(path: Path) -> ReserveStatement:
    with naming(path):
        return read_reserve_statement(read_bytes(path, most=MOST_STATEMENT_BYTES))
