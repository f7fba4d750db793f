"""Two offices that publish, copy, witness and judge each other, as commands between folders."""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from khazana.accord.feed.paths import document_path
from khazana.accord.feed.records import SignedRecord, read_record, said_by
from khazana.cli.clock import now
from khazana.cli.main import main
from khazana.ledger.canonical import canonical_bytes
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.envelope import write_statement
from khazana.statement.keys import private_key_to_pem
from khazana.statement.log.tiles import bundle_bytes, read_bundle, read_path
from khazana.statement.tree import leaf_hash
from khazana.units import Height
from tests.accord.offices import FOREVER, AccordWorld
from tests.bitcoin.block_file_writer import write_blocks
from tests.cli.accord_desk import two_desks
from tests.reserve.simulator import BTC, NOW, keys, rerooted, script


def declared(desk, wallet, *, amount=5 * BTC):
    """A wallet with a coin, and the honest statement over it."""
    world = desk.world
    world.wallet(wallet, entity="treasury")
    world.perimeter("all", *[w.id for w in world.wallets])
    start = world.mine(2)
    world.fund(script(wallet), amount)
    end = world.mine(3)
    world.mine(8)
    return world.made(start, end).statement


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The story that several tests read: statements on both sides, one of them false."""
    folder = tmp_path_factory.mktemp("accord")
    drill, partner, blocks = two_desks(folder)
    honest = declared(drill, "fund")
    theirs = declared(partner, "treasury")

    def lie(parts):
        coins = parts["coins/fund"]["closing"]
        coins[0]["amount"] += BTC

    false = rerooted(honest, lie)
    write_blocks(blocks, drill.world.chain.blocks)
    honest_file = drill.write("honest.json", drill.world.signed(honest))
    false_file = drill.write("false.json", drill.world.signed(false))
    theirs_file = partner.write("theirs.json", partner.world.signed(theirs))
    assert drill.publish("--new") == 0
    assert partner.publish("--new") == 0
    return drill, partner, blocks, honest_file, false_file, theirs_file


def test_the_happy_path_ends_in_verified_verdicts_and_cosigned_logs(told, capsys, tmp_path):
    drill, partner, blocks, honest, _, theirs = told
    assert drill.publish(honest) == 0
    assert "2 new entries, 1 known before" in capsys.readouterr().out
    assert drill.publish(honest) == 0
    assert "0 new entries, 3 known before" in capsys.readouterr().out
    assert partner.publish(theirs) == 0
    assert partner.pull(drill) == 0
    assert "3 new entries, 3 in all; 1 documents fetched, 0 not served" in capsys.readouterr().out
    assert partner.witness(drill, blocks) == 0
    said = capsys.readouterr().out
    assert "cosigned the log of drill-office with 3 entries" in said
    assert "3 verdicts at block" in said
    assert "3 verified, 0 contradicted" in said
    assert "test network, invented figures" in said
    assert [e.finding for _, e in partner.entries("verdict")] == ["verified"] * 3
    # Again: nothing new is said.
    assert partner.pull(drill) == 0
    assert partner.witness(drill, blocks) == 0
    assert "unchanged and cosigned" in capsys.readouterr().out
    # The first office takes the cosignature, attaches it, and a stranger verifies it.
    assert drill.pull(partner, "--own", drill.feed) == 0
    assert "partner-office cosigned your log with 3 entries" in capsys.readouterr().out
    out = tmp_path / "attached.json"
    words = ["accord", "attach", honest, "--feed", drill.feed, "--identity", drill.identity]
    assert main([str(w) for w in [*words, "--out", out]]) == 0
    capsys.readouterr()
    words = ["verify", out, "--chain", f"blocks:{blocks}", "--office", drill.identity]
    assert main([str(w) for w in [*words, "--witness", partner.identity]]) == 0
    assert "cosigned by partner-office" in capsys.readouterr().out
    words = ["accord", "show", str(drill.feed), "--witness", str(partner.identity)]
    assert main(words) == 0
    assert "cosigned by partner-office at 3 entries" in capsys.readouterr().out
    assert main(["accord", "show", str(partner.feed)]) == 0
    shown = capsys.readouterr().out
    assert "verified: entry 0 of khazana.log/" in shown
    assert "every tile and entry gives the root" in shown


def test_a_false_statement_is_contradicted_by_name_with_both_figures(told, capsys):
    drill, partner, blocks, _, false, _ = told
    before = drill.checkpoint().size
    assert drill.publish(false) == 0
    assert partner.pull(drill) == 0
    capsys.readouterr()
    assert partner.witness(drill, blocks) == 1
    said = capsys.readouterr().out
    assert f"entry {before} contradicted: check " in said
    _, entry = partner.entries("verdict")[-1]
    assert (entry.finding, entry.index) == ("contradicted", before + 1)
    record = read_record((partner.feed / document_path(entry.digest)).read_bytes()).record
    failed = {each.check for each in record.failed}
    assert "closing_coins" in failed
    text = " ".join(each.text for each in record.failed)
    assert str(5 * BTC) in text
    assert str(6 * BTC) in text
    assert record.block.hash == drill.world.chain.tip().hash
    # Nothing of it makes the log less consistent: it stays cosigned, and the honest one verified.
    assert main(["accord", "show", str(partner.feed)]) == 0
    assert "contradicted: entry" in capsys.readouterr().out


def test_a_coin_that_both_offices_claim_is_contradicted(told, capsys):
    drill, partner, blocks, honest, _, _ = told
    assert drill.publish(honest) == 0
    world = AccordWorld("partner-office", chain=drill.world.chain)
    world.wallet("fund", entity="treasury")  # the same scripts as the other office's wallet
    world.perimeter("all", "fund")
    chain = world.chain
    made = world.made(chain.block_at(Height(12)), chain.block_at(Height(20))).statement
    claimed = partner.write("claimed.json", world.signed(made))
    assert partner.publish(claimed) == 0
    assert drill.pull(partner) == 0
    capsys.readouterr()
    assert drill.witness(partner, blocks) == 1
    entry = drill.entries("verdict")[-1][1]
    record = read_record((drill.feed / document_path(entry.digest)).read_bytes()).record
    assert {each.check for each in record.failed} == {"beside"}
    assert "drill-office" in record.failed[0].text


def test_what_is_not_signed_or_not_readable_is_refused_with_its_name(told, capsys, tmp_path):
    drill, _, _, honest, _, theirs = told
    size = drill.checkpoint().size
    raw = honest.read_bytes()
    unsigned = read_reserve_statement(raw).envelope
    unsigned = write_statement(replace(unsigned, evidence=unsigned.evidence[-1:]))
    for name, content, said in (
        ("foreign.json", theirs.read_bytes(), "check identity failed"),
        ("unsigned.json", unsigned, "check signatures failed"),
        ("spaced.json", raw.replace(b'"test":true', b'"test": true', 1), "canonical form"),
        ("moved.json", raw.replace(str(5 * BTC).encode(), str(6 * BTC).encode()), "check root"),
        ("cut.json", raw[:-9], "JSON refused"),
        ("other.json", b'{"format":"khazana.report/1"}\n', "none of a statement"),
        ("text.json", b"hello", "JSON refused"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        assert drill.publish(path) == 2, name
        shown = capsys.readouterr().err
        assert name in shown
        assert said in shown
    assert drill.checkpoint().size == size


def test_records_are_published_only_when_enough_keys_signed_them(told, capsys, tmp_path):
    drill, partner, blocks, *_ = told
    correction = drill.correction(0)
    signed = read_record(correction.read_bytes())
    alone = replace(signed.envelope, signatures=signed.envelope.signatures[:1])
    half = tmp_path / "half.json"
    half.write_bytes(SignedRecord(signed.record, alone).to_bytes())
    assert drill.publish(half) == 2
    assert "1 of the 2 signatures of role statement" in capsys.readouterr().err
    for changes, said in (
        ({"entry": "00" * 32}, "has the hash"),
        ({"corrects": 9999}, "it corrects entry 9999"),
        ({"test": False}, "another network or test flag"),
        ({"signed_at": "2001-01-01T00:00:00Z"}, "was not in force"),
        ({"signed_at": "2999-01-01T00:00:00Z"}, "in the future"),
        ({"office": "00" * 32}, "it is said by the office"),
    ):
        assert drill.publish(drill.correction(0, **changes)) == 2, changes
        assert said in capsys.readouterr().err
    assert drill.publish(drill.correction(0)) == 0
    assert partner.pull(drill) == 0
    partner.witness(drill, blocks)
    assert partner.entries("verdict")[-1][1].finding == "verified"


def test_a_record_is_signed_by_one_after_another(told, capsys, tmp_path):
    drill = told[0]
    plain = tmp_path / "record.json"
    fields = said_by(drill.office, at=now())
    fields["network"] = {"name": fields["network"].name, "genesis": fields["network"].genesis}
    record = {"type": "khazana.wallet-commitments/1", "commitments": ["ab" * 32], **fields}
    plain.write_text(json.dumps(record, indent=1))
    for number, key in enumerate(keys("drill-office")[:2]):
        (tmp_path / f"{number}.pem").write_bytes(private_key_to_pem(key))
    words = ["accord", "sign", "--identity", str(drill.identity)]
    one, two = str(tmp_path / "one.json"), str(tmp_path / "two.json")
    assert main([*words, str(plain), "--key", str(tmp_path / "0.pem"), "--out", one]) == 0
    assert main([*words, one, "--key", str(tmp_path / "1.pem"), "--out", two]) == 0
    assert "signed by 2 keys" in capsys.readouterr().out
    assert drill.publish(two) == 0
    feed_key = str(drill.root / "feed 1.pem")
    assert main([*words, str(plain), "--key", feed_key, "--out", str(tmp_path / "x")]) == 2
    assert "is not in the role statement" in capsys.readouterr().err
    plain.write_text(json.dumps({**record, "type": "khazana.rumour/1"}))
    assert main([*words, str(plain), "--key", feed_key, "--out", str(tmp_path / "x")]) == 2
    assert "record.json" in capsys.readouterr().err


def test_a_log_is_begun_once_and_only_by_a_feed_key(told, tmp_path, capsys):
    drill = told[0]
    assert drill.publish("--new") == 2
    assert "a second one under the same name would be a split view" in capsys.readouterr().err
    words = ["accord", "publish", "--feed", str(tmp_path / "feed"), "--identity"]
    witness = [str(drill.identity), "--key", str(drill.root / "witness 1.pem")]
    assert main([*words, *witness, "--new"]) == 2
    assert "does not have that role" in capsys.readouterr().err
    feed = [str(drill.identity), "--key", str(drill.root / "feed 1.pem")]
    assert main([*words, *feed]) == 2
    assert "takes --new" in capsys.readouterr().err
    assert not (tmp_path / "feed" / "checkpoint").exists()


def test_a_document_that_is_not_served_is_not_checkable_and_comes_later(tmp_path, capsys):
    drill, partner, blocks = two_desks(tmp_path)
    honest = drill.write("honest.json", drill.world.signed(declared(drill, "fund")))
    write_blocks(blocks, drill.world.chain.blocks)
    assert drill.publish("--new", honest) == 0
    assert partner.publish("--new") == 0
    served = next((drill.feed / "documents").glob("[0-9a-f]*"))
    content = served.read_bytes()
    served.write_bytes(content[:-1] + b" ")
    assert partner.pull(drill) == 0
    assert "1 not served" in capsys.readouterr().out
    assert partner.witness(drill, blocks) == 0
    found = [entry.finding for _, entry in partner.entries("verdict")]
    assert found == ["not-checkable", "not-checkable", "verified"]
    served.write_bytes(content)
    assert partner.pull(drill) == 0
    assert "1 documents fetched, 0 not served" in capsys.readouterr().out
    # Judged once already; asked again, the newest verdict counts.
    assert partner.witness(drill, blocks) == 0
    assert len(partner.entries("verdict")) == 3
    assert partner.witness(drill, blocks, "--again") == 0
    assert [e.finding for _, e in partner.entries("verdict")][3:] == ["verified"] * 2
    assert partner.witness(drill, blocks, "--again") == 0
    assert len(partner.entries("verdict")) == 5


def test_an_expired_clock_or_office_signs_nothing(told, capsys, monkeypatch):
    drill, partner, blocks, *_ = told
    for module in ("accord_publish", "accord_witness", "accord_pull"):
        monkeypatch.setattr(f"khazana.cli.commands.{module}.now", lambda: NOW - timedelta(days=30))
    size = drill.checkpoint().size
    assert drill.publish(drill.commitments(1, 2)) == 2
    assert "this machine's clock says" in capsys.readouterr().err.lower()
    assert partner.witness(drill, blocks) == 2
    assert "clock" in capsys.readouterr().err
    for module in ("accord_publish", "accord_witness", "accord_pull"):
        monkeypatch.setattr(
            f"khazana.cli.commands.{module}.now", lambda: FOREVER + timedelta(days=2)
        )
    assert drill.publish() == 2
    assert "no version of its identity is in force" in capsys.readouterr().err
    assert partner.pull(drill) == 2
    assert "no key that is not revoked has that role" in capsys.readouterr().err
    assert drill.checkpoint().size == size


def test_a_stamped_checkpoint_shows_the_block_by_which_a_statement_was_logged(tmp_path, capsys):
    drill, _, blocks = two_desks(tmp_path)
    honest = drill.write("honest.json", drill.world.signed(declared(drill, "fund")))
    assert drill.publish("--new", honest) == 0
    own = ["accord", "stamp", "--feed", str(drill.feed), "--identity", str(drill.identity)]
    capsys.readouterr()
    assert main(own) == 0
    digest = capsys.readouterr().out.split("\n")[1]
    world = drill.world
    carrier = b"\x6a\x20" + bytes.fromhex(digest)
    txid = world.fund(carrier, 0)
    block = world.mine(1)
    world.mine(7)
    write_blocks(blocks, world.chain.blocks)
    chain = f"blocks:{blocks}"
    # The log goes on; the stamp is of the earlier checkpoint.
    assert drill.publish(drill.commitments(1, 9)) == 0
    place = [*own, "--digest", digest, "--chain", chain, "--transaction"]
    assert main([*place, f"{txid}@{block.height}"]) == 0
    assert f"3 entries, stamped in block {block.height}" in capsys.readouterr().out
    attach = ["accord", "attach", str(honest), *own[2:], "--out", str(tmp_path / "out.json")]
    assert main(attach) == 0
    assert "entry 0 of 3, 0 cosignatures, stamped" in capsys.readouterr().out
    words = ["verify", str(tmp_path / "out.json"), "--chain", chain, "--office"]
    assert main([*words, str(drill.identity)]) == 0
    assert f"its checkpoint existed at block {block.height}" in capsys.readouterr().out
    # A stamp that does not lead to the block it names fails the log, and the log alone.
    raw = (tmp_path / "out.json").read_bytes()
    document = json.loads(raw)
    stamp = bytearray(base64.b64decode(document["evidence"][-1]["timestamp"]))
    stamp[-1] ^= 1  # the height of the attested block
    document["evidence"][-1]["timestamp"] = base64.b64encode(bytes(stamp)).decode()
    (tmp_path / "out.json").write_bytes(canonical_bytes(document) + b"\n")
    assert main([*words, str(drill.identity), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [c["name"] for c in report["checks"] if c["verdict"] == "failed"] == ["log"]
    for wrong, said in (
        ([*own, "--digest", digest], "go together"),
        ([*place, "here"], "TXID@HEIGHT"),
        ([*place, f"{txid}@1"], str(txid)),
        ([*own, "--digest", "ab" * 32, *place[8:], f"{txid}@{block.height}"], "is kept"),
    ):
        assert main(wrong) == 2
        assert said in capsys.readouterr().err


def test_no_verdict_names_a_place_on_the_witness_machine(told):
    drill, partner, blocks, *_ = told
    records = [path.read_bytes() for path in (partner.feed / "documents").iterdir()]
    signed = [raw for raw in records if b"khazana.record" in raw]
    verdicts = [r for r in (read_record(raw).record for raw in signed) if hasattr(r, "basis")]
    assert any(f"block files, {drill.world.chain.network.name} up to" in r.basis for r in verdicts)
    text = repr(verdicts)
    assert str(blocks.parent) not in text
    assert "/tmp" not in text


def test_a_run_gives_so_many_verdicts_and_the_next_one_goes_on(tmp_path, capsys):
    drill, partner, blocks = two_desks(tmp_path)
    assert drill.publish("--new", drill.commitments(0, 7)) == 0
    assert partner.publish("--new") == 0
    assert partner.pull(drill) == 0
    before = len(partner.entries("verdict"))
    size = drill.checkpoint().size
    for _ in range(3):
        assert partner.witness(drill, blocks, "--most-verdicts", "3") == 0
    judged = [entry.index for _, entry in partner.entries("verdict")][before:]
    assert sorted(judged) == list(range(size))
    assert "the next run goes on" in capsys.readouterr().out


def test_a_log_whose_full_tiles_were_exchanged_is_neither_shown_nor_compared(tmp_path, capsys):
    drill, partner, _ = two_desks(tmp_path)
    assert drill.publish("--new", drill.commitments(0, 300)) == 0
    assert partner.pull(drill) == 0
    copy = partner.mirror(drill)
    bundle = copy / "tile" / "entries" / "000"
    entries = list(read_bundle(read_path("tile/entries/000"), bundle.read_bytes()))
    entries[5] = entries[6]
    bundle.write_bytes(bundle_bytes(entries))
    (copy / "tile" / "0" / "000").write_bytes(b"".join(map(leaf_hash, entries)))
    assert main(["accord", "show", str(copy)]) == 2
    assert main(["accord", "compare", str(drill.feed), str(copy), "--proof", "none"]) == 2
    assert main(["accord", "compare", str(copy), str(drill.feed), "--proof", "none"]) == 2
    assert "tile" in capsys.readouterr().err
