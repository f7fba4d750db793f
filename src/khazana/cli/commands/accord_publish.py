"""`khazana accord publish`, `sign` and `attach`: what an office says, in its log and its feed."""

import argparse
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.accord.feed.dated import dated_evidence
from khazana.accord.feed.errors import PublicationRefused
from khazana.accord.feed.mirror import read_document
from khazana.accord.feed.paths import MOST_DOCUMENT_BYTES, OFFICE, digest_of, document_path
from khazana.accord.feed.publication import Publication, not_yet_in, publication_of
from khazana.accord.feed.records import (
    MOST_RECORD_BYTES,
    RECORD_PAYLOAD_TYPE,
    read_record,
    read_unsigned,
    require_may_sign,
    sign_record,
    signed_too,
)
from khazana.cli.clock import now
from khazana.cli.feeds import office_of, own_log
from khazana.cli.files import (
    MOST_OFFICE_BYTES,
    MOST_STATEMENT_BYTES,
    FileNotUsable,
    naming,
    read_bytes,
    write_whole,
)
from khazana.cli.keys import read_key
from khazana.cli.log_folder import DiskFolder
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.envelope import Evidence, with_evidence, write_statement
from khazana.statement.identity import Office
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.log.checkpoint import checkpoint_of
from khazana.statement.log.entries import StatementEntry
from khazana.statement.log.files import LogFiles, appended, new_log, resigned
from khazana.statement.log.inclusion import inclusion_evidence, stamped_digest
from khazana.statement.log.notes import MOST_NOTE_BYTES, Note, read_note
from khazana.statement.log.office_keys import FEED_ROLE, key_in_role, log_origin
from khazana.statement.log.office_log import entries_from, entries_of, note_in, open_office_log
from khazana.statement.office_file import read_office, write_office
from khazana.statement.timestamps.format import MOST_STAMP_BYTES

COSIGNED = "cosigned"
"""Where a feed keeps its own checkpoint as its partners cosigned it."""


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    publish = actions.add_parser(
        "publish",
        help="put statements, records and your identity into your log and feed",
        description="Each FILE is a statement that your office signed, or a signed record "
        "(`khazana accord sign`); the identity is published with them. What is in the log already "
        "is not entered twice. The feed is a folder of static files for any web server.",
    )
    publish.add_argument("files", metavar="FILE", type=Path, nargs="*")
    add_own_feed(publish)
    publish.add_argument("--new", action="store_true", help="begin a log; only ever once")
    publish.add_argument(
        "--resign",
        action="store_true",
        help="go on although a key that is revoked by now signed the log last: compare its number "
        "of entries with your partner's copy first",
    )
    publish.set_defaults(run=run_publish)
    sign = actions.add_parser(
        "sign",
        help="sign a record: a correction, commitments to wallets",
        description="RECORD is the record as JSON, or one that another signer signed already.",
    )
    sign.add_argument("record", metavar="RECORD", type=Path)
    sign.add_argument("--identity", metavar="FILE", type=Path, required=True)
    sign.add_argument("--key", metavar="FILE", type=Path, required=True)
    sign.add_argument("--out", metavar="FILE", type=Path, required=True)
    sign.set_defaults(run=run_sign)
    attach = actions.add_parser(
        "attach",
        help="attach to a statement the proof that it is in your log",
        description="With the first checkpoints that a partner cosigned and that were stamped, "
        "where there are any.",
    )
    attach.add_argument("file", metavar="STATEMENT", type=Path)
    attach.add_argument("--feed", metavar="DIR", type=Path, required=True)
    attach.add_argument("--identity", metavar="FILE", type=Path, required=True)
    attach.add_argument("--out", metavar="FILE", type=Path, required=True)
    attach.set_defaults(run=run_attach)


def add_own_feed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--feed", metavar="DIR", type=Path, required=True, help="your feed")
    parser.add_argument(
        "--identity", metavar="FILE", type=Path, required=True, help="your office.json"
    )
    parser.add_argument(
        "--key", metavar="FILE", type=Path, required=True, help="a key of your role feed"
    )


def read_identity(path: Path) -> Office:
    with naming(path):
        return read_office(read_bytes(path, most=MOST_OFFICE_BYTES))


def run_publish(args: argparse.Namespace) -> int:
    folder, at = DiskFolder(args.feed), now()
    office, private = office_of(folder, read_identity(args.identity)), read_key(args.key)
    log = _log(folder, office, private, at=at, new=args.new)
    left = key_id(log.key.public) if log.key.public != public_bytes(private) else None
    if left in office.revoked and not args.resign:
        problem = (
            f"the revoked key {left} signed the log of {log.checkpoint.size} entries, root "
            f"{log.checkpoint.root.hex()}: compare with your partner's copy, then say --resign"
        )
        raise FileNotUsable(path=str(args.feed), problem=problem)
    said = [_read(path, office, log, at=at) for path in args.files]
    said.append(publication_of(write_office(office), office, now=at, log=log))
    entries = [entry for each in said for entry in each.entries]
    new = not_yet_in((raw for _, raw in entries_from(log)), entries, size=log.checkpoint.size)
    _write_documents(folder, said, office)
    if left is not None:
        log = resigned(log, private)
    log = appended(log, new, private)
    print(
        f"{len(new)} new entries, {len(entries) - len(new)} known before; the log of {office.id} "
        f"has {log.checkpoint.size}, root {log.checkpoint.root.hex()}"
    )
    if office.newest.test:
        print(TEST_NOTICE)
    return 0


def _log(
    folder: DiskFolder, office: Office, private: Ed25519PrivateKey, *, at: datetime, new: bool
) -> LogFiles:
    if not new:
        return own_log(folder, office, private, now=at)
    key_in_role(office, private, FEED_ROLE, at=at)
    if open_office_log(folder, office) is not None:
        problem = "holds a log already: a second one under the same name would be a split view"
        raise FileNotUsable(path=str(folder.root), problem=problem)
    return new_log(folder, private, origin=log_origin(office.fingerprint))


def _read(path: Path, office: Office, log: LogFiles, *, at: datetime) -> Publication:
    with naming(path):
        return publication_of(read_bytes(path, most=MOST_DOCUMENT_BYTES), office, now=at, log=log)


def _write_documents(folder: DiskFolder, said: list[Publication], office: Office) -> None:
    """Before the entries that name them, so that no entry names what is not there."""
    files = {document_path(digest_of(raw)): raw for each in said for raw in each.documents}
    missing = [(path, raw) for path, raw in files.items() if not folder.exists(path)]
    identity = write_office(office)
    if folder.read(OFFICE, most=MOST_OFFICE_BYTES) != identity:
        missing.append((OFFICE, identity))
    with folder.alone():
        folder.write_all(missing)


def run_sign(args: argparse.Namespace) -> int:
    office, private = read_identity(args.identity), read_key(args.key)
    raw = read_bytes(args.record, most=MOST_RECORD_BYTES)
    with naming(args.record):
        if RECORD_PAYLOAD_TYPE.encode() in raw:
            so_far = read_record(raw)
            require_may_sign(so_far.record, office, private)
            signed = signed_too(so_far, private)
        else:
            record = read_unsigned(raw)
            require_may_sign(record, office, private)
            signed = sign_record(record, private)
    write_whole(args.out, signed.to_bytes())
    print(f"signed by {len(signed.envelope.signatures)} keys, written to {args.out}")
    if signed.record.test:
        print(TEST_NOTICE)
    return 0


def run_attach(args: argparse.Namespace) -> int:
    with naming(args.file):
        raw = read_bytes(args.file, most=MOST_STATEMENT_BYTES)
        reserve = read_reserve_statement(raw)
        statement = reserve.envelope
    folder = DiskFolder(args.feed)
    office = office_of(folder, read_identity(args.identity))
    log = open_office_log(folder, office)
    index = None if log is None else _index_of(log, statement.root)
    if log is None or index is None:
        problem = f"the log has no entry of statement {statement.root}; publish it first"
        raise PublicationRefused(problem=problem)
    notes = best_notes(folder, log, index)
    items = [
        inclusion_evidence(statement, log, note, index, stamp=stamp_of(folder, note))
        for note in notes
    ]
    dates = list(_dates(folder, log, reserve))
    write_whole(args.out, write_statement(with_evidence(statement, *items, *dates)))
    for note in notes:
        stamped = "" if stamp_of(folder, note) is None else ", stamped"
        witnesses = len(note.signatures) - 1
        print(f"entry {index} of {checkpoint_of(note).size}, {witnesses} cosignatures{stamped}")
    if dates:
        print(f"{len(dates)} entries that show when wallets were sealed and declared")
    print(f"written to {args.out}")
    if statement.test:
        print(TEST_NOTICE)
    return 0


def _dates(folder: DiskFolder, log: LogFiles, statement: ReserveStatement) -> Iterator[Evidence]:
    """The log's entries about the statement's wallets, under the first checkpoint that shows each.

    A statement that shows no scripts gets no declaration: it would name them.
    """
    promised = [each.commitment for each in statement.sealed]
    promised += [w.seal.commitment for w in statement.wallets.values() if w.seal is not None]

    def document(digest: str) -> bytes | None:
        return read_document(folder, digest, most=MOST_RECORD_BYTES)

    def checkpoint(index: int) -> tuple[Note, bytes | None]:
        note = best_notes(folder, log, index)[0]
        return note, stamp_of(folder, note)

    return dated_evidence(
        statement.envelope,
        log,
        {name: frozenset(listed.scripts) for name, listed in statement.scripts.items()},
        frozenset(promised),
        document=document,
        checkpoints=checkpoint,
    )


def _index_of(log: LogFiles, root: str) -> int | None:
    found = (index for index, entry in entries_of(log, StatementEntry) if entry.root == root)
    return next(found, None)


def stamp_path(note: Note) -> str:
    """Where a feed keeps a checkpoint that is stamped; its time stamp lies beside it, as .ots."""
    return f"stamps/{stamped_digest(note).hex()}"


def stamp_of(folder: DiskFolder, note: Note) -> bytes | None:
    """The time stamp of a checkpoint, if the feed has one."""
    return folder.read(f"{stamp_path(note)}.ots", most=MOST_STAMP_BYTES)


def best_notes(folder: DiskFolder, log: LogFiles, index: int) -> list[Note]:
    """Checkpoints that show the entry: the first that was cosigned and the first that was stamped
    show most about when it was there; without any, the newest.
    """
    cosigned, stamped = _kept(folder, "cosigned", log, index), _kept(folder, "stamps", log, index)
    stamped = [note for note in stamped if stamp_of(folder, note) is not None]
    chosen = {note.text: note for note in (*stamped[:1], *cosigned[:1])}
    if chosen:
        return list(chosen.values())
    own = note_in(folder)
    if own is None:
        raise PublicationRefused(problem="the feed has no checkpoint")
    return [own]


def _kept(folder: DiskFolder, where: str, log: LogFiles, index: int) -> list[Note]:
    """The checkpoints kept there that have the entry, the earliest first."""
    found = []
    for path in sorted((folder.root / where).glob("[0-9a-f]*")):
        raw = folder.read(f"{where}/{path.name}", most=MOST_NOTE_BYTES)
        if raw is not None and path.suffix != ".ots":
            note = read_note(raw)
            if index < checkpoint_of(note).size <= log.checkpoint.size:
                found.append(note)
    return sorted(found, key=lambda note: checkpoint_of(note).size)
