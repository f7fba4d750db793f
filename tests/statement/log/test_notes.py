"""Notes, checkpoints, cosignatures and tiles: known examples, round trips, and bad input."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from khazana.statement.keys import public_bytes, signature_fits
from khazana.statement.log.checkpoint import (
    Checkpoint,
    checkpoint_of,
    cosign,
    cosigned_at,
    read_checkpoint,
    sign_checkpoint,
)
from khazana.statement.log.entries import CorrectionEntry, StatementEntry, entry_bytes, read_entry
from khazana.statement.log.errors import EntryRefused, NoteRefused, TileRefused
from khazana.statement.log.notes import (
    ED25519_COSIGNATURE,
    Note,
    NoteKey,
    read_note,
    read_verifier_key,
)
from khazana.statement.log.tiles import Tile, bundle_bytes, edge_tiles, read_bundle, read_path

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x01")
PUBLIC = public_bytes(PRIVATE)
ORIGIN = "drill.example/log"
KEY = NoteKey(ORIGIN, PUBLIC)
AT = datetime(2026, 7, 1, 12, tzinfo=UTC)

# The example of Go's golang.org/x/mod/sumdb/note (facts).
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZ"
    "b6KE6RyyBwJnAM=\n"
).encode()

# The example of C2SP tlog-cosignature (facts).
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv"
    "2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2"
    "oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
).encode()


def signed():
    return sign_checkpoint(Checkpoint(ORIGIN, 3, b"\x07" * 32), PRIVATE, name=ORIGIN)


def test_a_note_signed_by_another_implementation_is_verified():
    key, note = read_verifier_key(PETER), read_note(PETERS_NOTE)
    assert key.verifier_key() == PETER
    assert note.to_bytes() == PETERS_NOTE
    line = note.by(key)
    assert line is not None
    assert signature_fits(public=key.public, signature=line.value, message=note.text.encode())


def test_the_published_example_of_a_checkpoint_is_read_and_written_again():
    note = read_note(SOFA)
    assert note.to_bytes() == SOFA
    read = checkpoint_of(note)
    assert (read.origin, read.size) == ("example.com/behind-the-sofa", 20852163)
    assert read.text() == note.text
    assert int.from_bytes(note.signatures[1].value[:8], "big") == 1679315147


def test_a_checkpoint_and_a_cosignature_come_back():
    note = signed()
    line = cosign(note, PRIVATE, name="partner.example", at=AT)
    witness = NoteKey("partner.example", PUBLIC, ED25519_COSIGNATURE)
    assert cosigned_at(note, witness) is None
    both = read_note(Note(note.text, (*note.signatures, line)).to_bytes())
    assert cosigned_at(both, witness) == AT
    assert read_checkpoint(both.to_bytes(), origin=ORIGIN, key=KEY)[0].size == 3
    moved = Note(both.text.replace("\n3\n", "\n4\n"), both.signatures)
    with pytest.raises(NoteRefused, match="does not fit"):
        cosigned_at(moved, witness)
    with pytest.raises(NoteRefused, match="does not fit"):
        read_checkpoint(moved.to_bytes(), origin=ORIGIN, key=KEY)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"\n3\n", b"\n03\n", "number of entries"),
        (b"\n3\n", b"\n-3\n", "number of entries"),
        (b"\n3\n", b"\n9999999999999999999\n", "2\\^63"),
        (b"\n3\n", b"\n0\n", "empty log"),
        (b"Bwc=\n", b"Bwd=\n", "root"),
        (b"Bwc=\n\n", b"Bwc=\n", "empty line"),
        (b"drill", b"dr\rll", "control character"),
        (b"drill", b"dr\xffll", "UTF-8"),
        ("— ".encode(), b"- ", "signature line"),
    ],
)
def test_a_checkpoint_with_a_fault_is_refused_for_it(old, new, problem):
    raw = signed().to_bytes()
    assert old in raw
    with pytest.raises(NoteRefused, match=problem):
        read_checkpoint(raw.replace(old, new), origin=ORIGIN, key=KEY)


def test_a_note_signed_twice_by_one_key_or_by_nobody_known_is_refused():
    note = signed()
    with pytest.raises(NoteRefused, match="twice"):
        read_note(Note(note.text, note.signatures * 2).to_bytes())
    stranger = NoteKey("stranger.example", PUBLIC)
    with pytest.raises(NoteRefused, match="did not sign"):
        read_checkpoint(note.to_bytes(), origin=ORIGIN, key=stranger)
    with pytest.raises(NoteRefused, match="more than"):
        read_note(bytes(1 << 17))


@pytest.mark.parametrize(
    "text", ["", "a+b", PETER.replace("c74f", "c74e"), PETER + "=", "a b" + PETER]
)
def test_a_verifier_key_with_a_fault_is_refused(text):
    with pytest.raises(NoteRefused):
        read_verifier_key(text)


@given(st.integers(-1, 7), st.integers(0, 10**12), st.integers(1, 256))
def test_the_path_of_a_tile_is_read_back(level, index, width):
    tile = Tile(level, index, width)
    assert read_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    ["tile/0/1", "tile/8/000", "tile/0/x000/001", "tile/0/001.p/256", "tile/0/001.p/0",
     "tile/0/001.p/01", "tile/00/001", "tile/0/../001", "tile/0/001\n", "/tile/0/001", ""],
)  # fmt: skip
def test_what_is_no_path_of_a_tile_is_refused(path):
    with pytest.raises(TileRefused):
        read_path(path)


def test_the_published_example_of_tiles_holds():
    """Tiles of a log of 70,000 entries (C2SP tlog-tiles, Partial Tiles)."""
    assert list(edge_tiles(70_000)) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(edge_tiles(256)) == [Tile(1, 0, 1)]


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=256))
def test_a_bundle_comes_back_and_a_shorter_or_longer_one_is_refused(entries):
    tile, raw = Tile(-1, 0, len(entries)), bundle_bytes(entries)
    assert read_bundle(tile, raw) == tuple(entries)
    for wrong in (raw[:-1], raw + b"\x00"):
        with pytest.raises(TileRefused):
            read_bundle(tile, wrong)


def test_entries_come_back_and_other_spellings_are_refused():
    entry = StatementEntry(office="00" * 32, issued="2026-07-01T12:00:00Z", root="11" * 32)
    raw = entry_bytes(entry)
    assert read_entry(raw) == entry
    correction = CorrectionEntry(
        office="00" * 32, issued="2026-07-01T12:00:00Z", corrects=4, digest="22" * 32
    )
    assert read_entry(entry_bytes(correction)) == correction
    for wrong in (
        raw + b"\n",
        raw.replace(b'"kind":"statement"', b'"kind":"rumour"'),
        raw.replace(b'"format":"khazana.log-entry/1",', b""),
        raw.replace(b"2026-07-01", b"2026-02-30"),
        raw.replace(b'"root"', b'"roof"'),
        bytes(5000),
    ):
        with pytest.raises(EntryRefused):
            read_entry(wrong)
