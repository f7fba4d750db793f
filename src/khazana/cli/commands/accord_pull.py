"""`khazana accord pull`: bring a copy of another office's feed up to date."""

import argparse
import json
from pathlib import Path

from khazana.accord.feed.documents import Limits
from khazana.accord.feed.errors import FeedRefused
from khazana.accord.feed.mirror import Pulled, pull
from khazana.accord.feed.paths import MOST_DOCUMENT_BYTES, OFFICE, witness_path
from khazana.accord.feed.split_view import SplitViewFound, require_one_log
from khazana.cli.clock import now
from khazana.cli.commands.accord_publish import COSIGNED
from khazana.cli.feed_source import FolderFeed, Manners, WebFeed, folder_feed, is_web_address
from khazana.cli.feeds import proof_path
from khazana.cli.files import MOST_OFFICE_BYTES, naming, read_bytes, write_whole
from khazana.cli.log_folder import DiskFolder
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.log.checkpoint import checkpoint_of
from khazana.statement.log.files import CHECKPOINT
from khazana.statement.log.notes import MOST_NOTE_BYTES, read_note
from khazana.statement.log.office_keys import cosigned_by, read_office_checkpoint
from khazana.statement.log.office_log import note_in, open_office_log
from khazana.statement.office_file import (
    MAX_OFFICE_BYTES,
    Pin,
    pin_by_file,
    pin_by_fingerprint,
    read_office,
)
from khazana.statement.times import write_instant

TAGS = ".tags.json"
EXIT_SPLIT = 1


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "pull",
        help="copy another office's feed, and hold it to what you saw of it before",
        description="FEED is a web address or a folder. The copy moves on only to a log that "
        "begins with the one you have. Exit status 1: the office signed two logs; the proof is "
        "written.",
    )
    parser.add_argument("feed", metavar="FEED")
    parser.add_argument("--mirror", metavar="DIR", type=Path, required=True, help="your copy")
    parser.add_argument(
        "--office",
        metavar="FILE|FINGERPRINT",
        help="whose feed it must be; needed the first time",
    )
    parser.add_argument(
        "--own", metavar="DIR", type=Path, help="your own feed: take their cosignature of it"
    )
    parser.add_argument("--proof", metavar="FILE", type=Path, help="where a proof is written")
    parser.add_argument(
        "--private", action="store_true", help="ask addresses of this machine and inner networks"
    )
    parser.add_argument("--most-entries", type=int, default=Limits().entries, metavar="N")
    parser.add_argument("--most-document-bytes", type=int, default=MOST_DOCUMENT_BYTES, metavar="N")
    parser.add_argument("--most-bytes", type=int, default=Limits().whole, metavar="N",
                        help="of your whole copy")  # fmt: skip
    parser.add_argument("--most-seconds", type=float, default=Manners().whole, metavar="S")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    folder = DiskFolder(args.mirror)
    pin = _pin(args.office, folder)
    source = _source(args, folder)
    limits = Limits(
        entries=args.most_entries, document=args.most_document_bytes, whole=args.most_bytes
    )
    try:
        pulled = pull(source, folder, pin, now=now(), limits=limits)
        if isinstance(source, WebFeed):
            with folder.alone():
                folder.write(TAGS, json.dumps(source.tags, sort_keys=True).encode())
        cosigned = _cosigned(source, args.own, pulled) if args.own else None
    except SplitViewFound as found:
        return say_split(found, args.proof or proof_path(args.mirror))
    finally:
        source.close()
    size = pulled.log.checkpoint.size
    print(
        f"{pulled.office.id}: {size - pulled.before} new entries, {size} in all; "
        f"{pulled.documents} documents fetched, {len(pulled.missing)} not served"
    )
    if pulled.left:
        print(f"documents of {pulled.left} entries are left for the next pull")
    if cosigned:
        print(cosigned)
    if pulled.office.newest.test:
        print(TEST_NOTICE)
    return 0


def say_split(found: SplitViewFound, path: Path) -> int:
    """Write the proof, and say so."""
    write_whole(path, found.proof)
    print(f"{found}\nproof: {path}")
    return EXIT_SPLIT


def _pin(given: str | None, folder: DiskFolder) -> Pin:
    """Who is meant: as said now, or as said at the first pull."""
    if given is None:
        kept = folder.read(OFFICE, most=MAX_OFFICE_BYTES)
        if kept is None:
            problem = "say whose it must be (--office FILE or FINGERPRINT): nothing was pulled yet"
            raise FeedRefused(path=OFFICE, problem=problem)
        return Pin(read_office(kept).fingerprint)
    if Path(given).exists() or given.endswith(".json"):
        with naming(Path(given)):
            return pin_by_file(read_bytes(Path(given), most=MOST_OFFICE_BYTES))
    return pin_by_fingerprint(given)


def _source(args: argparse.Namespace, folder: DiskFolder) -> WebFeed | FolderFeed:
    if not is_web_address(args.feed):
        return folder_feed(args.feed)
    return WebFeed(
        args.feed,
        private=args.private,
        manners=Manners(whole=args.most_seconds),
        kept=lambda path: folder.read(path, most=MAX_OFFICE_BYTES),
        tags=_tags(folder),
    )


def _tags(folder: DiskFolder) -> dict[str, str]:
    """What the server called the files that we have; without it they are fetched once more."""
    try:
        found = json.loads(folder.read(TAGS, most=1 << 16) or b"{}")
    except ValueError:
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {path: tag for path, tag in pairs if isinstance(tag, str) and tag.isascii()}


def _cosigned(source: WebFeed | FolderFeed, own: Path, pulled: Pulled) -> str:
    """Their cosignature of our checkpoint, which must be one of our log."""
    ours = DiskFolder(own)
    raw = ours.read(OFFICE, most=MAX_OFFICE_BYTES)
    note, office = note_in(ours), None if raw is None else read_office(raw)
    log = None if office is None else open_office_log(ours, office)
    if office is None or log is None or note is None:
        raise FeedRefused(path=CHECKPOINT, problem=f"there is no feed in {own}")
    served = source.get(witness_path(office.fingerprint), most=MOST_NOTE_BYTES)
    if served is None:
        return f"{pulled.office.id} has not cosigned your log yet"
    seen = read_note(served)
    checkpoint, _, _ = read_office_checkpoint(served, office)
    at = cosigned_by(seen, pulled.office, now=now())
    if at is None:
        problem = f"no witness key of {pulled.office.id} that counts cosigned it"
        raise FeedRefused(path=witness_path(office.fingerprint), problem=problem)
    if checkpoint.size > log.checkpoint.size:
        problem = (
            f"{pulled.office.id} saw your log with {checkpoint.size} entries, and yours has "
            f"{log.checkpoint.size}: was a backup put in place, or is your feed key in other hands?"
        )
        raise FeedRefused(path=witness_path(office.fingerprint), problem=problem)
    require_one_log(office, seen, newer=note, tree=log.tree)
    size = checkpoint_of(seen).size
    # Each is kept: the earliest that has an entry says most about when it was there.
    with ours.alone():
        ours.write(f"{COSIGNED}/{pulled.office.fingerprint}.{size}", served)
    return f"{pulled.office.id} cosigned your log with {size} entries at {write_instant(at)}"
