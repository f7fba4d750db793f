"""Working papers as one archive: a tar file with one spelling, and a manifest of every hash.

    manifest.json          every other file with its SHA-256 and length
    engagement.json        who audits, what, to which materiality
    statement.json         the statement as the auditor was given it
    published.json         what the public sees of it, where it is published
    report.json            what `khazana verify --json` said
    announcements/ populations/ samples/   N.json, numbered from 1
    requests.json, findings.json, files/SHA256
    opinion.json           the signed opinion
    audit-log.jsonl        the desk's log, as exported with the papers

The same papers give the same bytes: names in order, no times, no owners.
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.reserve.parts import Hash

MANIFEST: Final = "manifest.json"
MANIFEST_FORMAT: Final = "khazana.audit-papers/1"
ENGAGEMENT, STATEMENT, PUBLISHED = "engagement.json", "statement.json", "published.json"
REPORT, REQUESTS, FINDINGS = "report.json", "requests.json", "findings.json"
OPINION, LOG = "opinion.json", "audit-log.jsonl"
ALWAYS = (ENGAGEMENT, STATEMENT, REQUESTS, FINDINGS, LOG)
MOST_PAPERS_BYTES = 1 << 31
MOST_FILES = 20_000
_NUMBERED = re.compile(r"(announcements|populations|samples)/[1-9][0-9]{0,3}\.json")
_FILE = re.compile(r"files/[0-9a-f]{64}")
_SINGLE = frozenset({*ALWAYS, PUBLISHED, REPORT, OPINION})


@dataclass(eq=False, kw_only=True)
class PapersRefused(KhazanaError):
    """An archive that is not whole working papers. file: inside it, or empty."""

    file: str
    problem: str
    code = "papers_refused"
    words = "The working papers are refused at {file}: {problem}."


class ListedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file of the archive."""

    name: str
    sha256: Hash
    bytes: Annotated[int, msgspec.Meta(ge=0)]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything in the archive beside the manifest, in the order of names."""

    format: Literal["khazana.audit-papers/1"] = MANIFEST_FORMAT
    files: list[ListedFile]


def write_papers(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files, by name; the manifest is added."""
    for name in files:
        if not _is_paper(name):
            raise ValueError(f"{name!r} is no name of a working paper")
    missing = [name for name in ALWAYS if name not in files]
    if missing:
        raise ValueError(f"working papers have a file {missing[0]}")
    listed = [
        ListedFile(name=name, sha256=hashlib.sha256(raw).hexdigest(), bytes=len(raw))
        for name, raw in sorted(files.items())
    ]
    manifest = canonical_bytes(msgspec.to_builtins(Manifest(files=listed))) + b"\n"
    return _tar({MANIFEST: manifest, **dict(sorted(files.items()))})


def read_papers(raw: bytes) -> dict[str, bytes]:
    """The files of an archive by name, every hash compared; the manifest is not among them."""
    files = _untar(raw)
    manifest = files.pop(MANIFEST, None)
    if manifest is None:
        raise PapersRefused(file=MANIFEST, problem="there is none")
    try:
        listed = msgspec.convert(parse_strict(manifest), Manifest).files
    except msgspec.ValidationError as error:
        raise PapersRefused(file=MANIFEST, problem=str(error)) from error
    for each in listed:
        found = files.get(each.name)
        if found is None:
            raise PapersRefused(file=each.name, problem="the manifest lists it, and it is missing")
        if hashlib.sha256(found).hexdigest() != each.sha256:
            problem = f"it has not the SHA-256 {each.sha256} that the manifest lists"
            raise PapersRefused(file=each.name, problem=problem)
    names = {each.name for each in listed}
    for name in files:
        if name not in names:
            raise PapersRefused(file=name, problem="the manifest does not list it")
        if not _is_paper(name):
            raise PapersRefused(file=name, problem="working papers have no such file")
    for name in ALWAYS:
        if name not in files:
            raise PapersRefused(file=name, problem="there is none")
    if write_papers(files) != raw:
        raise PapersRefused(file="the archive", problem="it is not written in its one spelling")
    return files


def _is_paper(name: str) -> bool:
    return name in _SINGLE or bool(_NUMBERED.fullmatch(name) or _FILE.fullmatch(name))


def _tar(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, raw in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(raw), 0o644
            archive.addfile(member, io.BytesIO(raw))
    return out.getvalue()


def _untar(raw: bytes) -> dict[str, bytes]:
    """Regular files alone, each name once: nothing of an archive is ever written to a disk."""
    if len(raw) > MOST_PAPERS_BYTES:
        problem = f"it has more than {MOST_PAPERS_BYTES} bytes"
        raise PapersRefused(file="the archive", problem=problem)
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
            for member in archive:
                reader = archive.extractfile(member) if member.isfile() else None
                if reader is None or member.name in files or len(files) >= MOST_FILES:
                    raise PapersRefused(file=ascii(member.name), problem="it is no plain file here")
                files[member.name] = reader.read()
    except (tarfile.TarError, EOFError, ValueError, OSError) as error:
        raise PapersRefused(file="the archive", problem=f"it is no tar file: {error}") from error
    return files
