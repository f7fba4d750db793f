"""`khazana accord show` and `compare`: look at a feed; hold two views of a log together."""

import argparse
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from khazana.accord.feed.errors import FeedRefused
from khazana.accord.feed.mirror import read_document
from khazana.accord.feed.paths import MOST_DOCUMENT_BYTES, OFFICE
from khazana.accord.feed.records import VerdictRecord, read_record, require_signed
from khazana.accord.feed.split_view import (
    MOST_PROOF_BYTES,
    SplitView,
    SplitViewFound,
    SplitViewRefused,
    read_split_view,
    require_one_log,
)
from khazana.cli.chains import CHAIN_HELP, chain_of
from khazana.cli.clock import now
from khazana.cli.commands.accord_publish import read_identity
from khazana.cli.commands.accord_pull import say_split
from khazana.cli.files import FileNotUsable, naming, read_bytes
from khazana.cli.log_folder import DiskFolder
from khazana.cli.stamps_shown import stamps_shown
from khazana.errors import KhazanaError
from khazana.ledger.canonical import JsonRefused
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.identity import Office, grouped
from khazana.statement.log.checkpoint import checkpoint_of
from khazana.statement.log.entries import (
    AgreementEntry,
    AnyEntry,
    CommitmentEntry,
    CorrectionEntry,
    DeclarationEntry,
    IdentityEntry,
    StatementEntry,
    VerdictEntry,
    read_entry,
)
from khazana.statement.log.errors import EntryRefused
from khazana.statement.log.files import LogFiles, verify_whole
from khazana.statement.log.notes import MOST_NOTE_BYTES, Note, read_note
from khazana.statement.log.office_keys import cosigned_by, read_office_checkpoint
from khazana.statement.log.office_log import entries_from, note_in, open_office_log
from khazana.statement.office_file import MAX_OFFICE_BYTES, read_office
from khazana.statement.table import printable
from khazana.statement.times import write_instant

EXIT_REFUSED = 1


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    show = actions.add_parser(
        "show",
        help="show a feed or a copy of one, or verify the proof of a split view",
        description="TARGET is the folder of a feed or of a copy, or a proof that somebody gives "
        "you. Exit status 1: the proof proves nothing, a time stamp is false, or the log is "
        "damaged.",
    )
    show.add_argument("target", metavar="TARGET", type=Path)
    show.add_argument("--entries", type=int, default=10, metavar="N", help="how many of the newest")
    show.add_argument(
        "--witness", metavar="FILE", type=Path, action="append", default=[],
        help="office.json of a witness whose cosignature to look for",
    )  # fmt: skip
    show.add_argument("--chain", metavar="SOURCE", help=f"hold time stamps to it; {CHAIN_HELP}")
    show.set_defaults(run=run_show)
    compare = actions.add_parser(
        "compare",
        help="hold two views of one log against each other",
        description="ONE is a feed, or a copy of one. OTHER is another copy of it, or a file with "
        "a checkpoint of it that somebody was shown, such as witness/FINGERPRINT of a third "
        "office's feed. Exit status 1: the office signed two logs; the proof is written.",
    )
    compare.add_argument("one", metavar="ONE", type=Path)
    compare.add_argument("other", metavar="OTHER", type=Path)
    compare.add_argument("--proof", metavar="FILE", type=Path, required=True)
    compare.set_defaults(run=run_compare)


def run_show(args: argparse.Namespace) -> int:
    if args.target.is_dir():
        return _show_feed(args, DiskFolder(args.target))
    try:
        split = read_split_view(read_bytes(args.target, most=MOST_PROOF_BYTES))
    except (FileNotUsable, JsonRefused):
        raise  # it is no proof at all, true or false
    except KhazanaError as error:
        print(f"{args.target} proves nothing: {printable(str(error))}")
        return EXIT_REFUSED
    for line in _proof_lines(split):
        print(line)
    return 0


def _proof_lines(split: SplitView) -> Iterator[str]:
    older, newer = checkpoint_of(split.older), checkpoint_of(split.newer)
    yield f"PROVED: {split.office.id} signed two logs that contradict each other"
    yield f"fingerprint {grouped(split.office.fingerprint)}"
    for what, note, checkpoint in (("older", split.older, older), ("newer", split.newer, newer)):
        key = split.signed(note)[1]
        yield f"{what}: {checkpoint.size} entries, root {checkpoint.root.hex()}"
        yield f"       signed by {key.public.hex()}"
    yield f"the newer log's first {older.size} entries have the root {split.beginning.hex()}"
    for key_id in sorted(split.revoked):
        yield f"limit: the office has revoked key {key_id} since; who used it, no proof can show"
    yield "limit: whose fingerprint this is rests on where you got it"
    if split.office.newest.test:
        yield TEST_NOTICE


def _show_feed(args: argparse.Namespace, folder: DiskFolder) -> int:
    office, log, note = _opened(folder)
    at = now()
    print(f"{office.id}, version {office.newest.version}, {grouped(office.fingerprint)}")
    checkpoint = log.checkpoint
    print(f"log {checkpoint.origin}: {checkpoint.size} entries, root {checkpoint.root.hex()}")
    _, _, key = read_office_checkpoint(note.to_bytes(), office)
    print(f"signed by {key.public.hex()}")
    for path in args.witness:
        print(_cosigned(folder, office, log, read_identity(path), at=at))
    print("every tile and entry gives the root")
    stamps = list(stamps_shown(folder, log, office, chain_of(args) if args.chain else None))
    for _, line in stamps:
        print(printable(line))
    print()
    start = max(checkpoint.size - max(args.entries, 0), 0)
    for index, raw in entries_from(log, start):
        print(f"{index:>6}  {printable(_entry_line(folder, office, raw, at=at))}")
    if office.newest.test:
        print(TEST_NOTICE)
    return 0 if all(good for good, _ in stamps) else EXIT_REFUSED


def _opened(folder: DiskFolder) -> tuple[Office, LogFiles, Note]:
    raw, note = folder.read(OFFICE, most=MAX_OFFICE_BYTES), note_in(folder)
    office = None if raw is None else read_office(raw)
    log = None if office is None else open_office_log(folder, office)
    if office is None or log is None or note is None:
        raise FeedRefused(path=OFFICE, problem=f"{folder.root} is no feed, nor a copy of one")
    # Full tiles are held to the root only here: else whoever gave us the folder could exchange an
    # entry, or hide that two logs differ.
    verify_whole(log)
    return office, log, note


def _cosigned(
    folder: DiskFolder, office: Office, log: LogFiles, witness: Office, *, at: datetime
) -> str:
    """What the witness cosigned of this log, as far as this folder holds it."""
    paths = (folder.root / "cosigned").glob(f"{witness.fingerprint}.*")
    kept = (folder.read(f"cosigned/{path.name}", most=MOST_NOTE_BYTES) for path in paths)
    notes = [read_note(raw) for raw in kept if raw is not None]
    for note in sorted(notes, key=lambda each: checkpoint_of(each).size, reverse=True):
        checkpoint, _, _ = read_office_checkpoint(note.to_bytes(), office)
        when = cosigned_by(note, witness, now=at)
        size = checkpoint.size
        if when is not None and size <= log.checkpoint.size:
            if log.tree.root(size) != checkpoint.root:
                raise FeedRefused(path="cosigned", problem=f"{witness.id} cosigned another log")
            return f"cosigned by {witness.id} at {size} entries, {write_instant(when)}"
    return f"not cosigned by {witness.id}, as far as this folder shows"


def _entry_line(folder: DiskFolder, office: Office, raw: bytes, *, at: datetime) -> str:
    try:
        entry = read_entry(raw)
    except EntryRefused as error:
        return f"not readable: {error.problem}"
    line = f"{entry.issued}  {_described(entry)}"
    if isinstance(entry, VerdictEntry):
        line += f"; {_verdict(folder, office, entry, at=at)}"
    return line


def _described(entry: AnyEntry) -> str:
    match entry:
        case StatementEntry():
            return f"statement {entry.root}"
        case VerdictEntry():
            return f"{entry.finding}: entry {entry.index} of {entry.log}"
        case IdentityEntry():
            return f"identity, version {entry.version}"
        case CorrectionEntry():
            return f"correction of entry {entry.corrects}"
        case DeclarationEntry():
            return f"wallets declared, {entry.digest}"
        case AgreementEntry():
            return f"agreement {entry.agreement}, version {entry.version}"
    sealed = isinstance(entry, CommitmentEntry)
    return f"wallet sealed, {entry.digest}" if sealed else f"disclosure {entry.digest}"


def _verdict(folder: DiskFolder, office: Office, entry: VerdictEntry, *, at: datetime) -> str:
    """What the signed verdict says, if it is there and says what the entry says."""
    try:
        raw = read_document(folder, entry.digest, most=MOST_DOCUMENT_BYTES)
        if raw is None:
            return "the signed verdict is not here"
        signed = read_record(raw)
        require_signed(signed, office, now=at)
    except KhazanaError as error:
        return f"its record is false: {error}"
    record = signed.record
    if not isinstance(record, VerdictRecord):
        return "its record is no verdict"
    said = (record.log, record.index, record.finding)
    if said != (entry.log, entry.index, entry.finding):
        return "its record says something else"
    block = "" if record.block is None else f" at block {record.block.height}"
    return f"{record.reason}{block} ({record.basis})"


def run_compare(args: argparse.Namespace) -> int:
    office, log, note = _opened(DiskFolder(args.one))
    with naming(args.other):
        if args.other.is_dir():
            _, other_log, other = _opened(DiskFolder(args.other))
        else:
            other_log, other = None, read_note(read_bytes(args.other, most=MOST_NOTE_BYTES))
        read_office_checkpoint(other.to_bytes(), office, revoked_too=True)
    size = checkpoint_of(other).size
    try:
        if size <= log.checkpoint.size:
            require_one_log(office, other, newer=note, tree=log.tree)
        elif other_log is not None:
            require_one_log(office, note, newer=other, tree=other_log.tree)
        else:
            problem = (
                f"it has {size} entries and {args.one} has {log.checkpoint.size}: pull first, or "
                "give the copy that it is of"
            )
            raise SplitViewRefused(problem=problem)
    except SplitViewFound as found:
        return say_split(found, args.proof)
    print(
        f"one log: of {log.checkpoint.size} and {size} entries the longer begins with the shorter"
    )
    if office.newest.test:
        print(TEST_NOTICE)
    return 0
