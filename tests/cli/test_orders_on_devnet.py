"""2-of-3 pays a batch, replaces it while it is stuck and books it; a purchase is held back."""

import pytest

pytest.importorskip("pbk", reason="the devnet profile is not installed")
pytest.importorskip("bdkpython", reason="the office profile is not installed")

from datetime import timedelta

from khazana.bitcoin.address import address_of
from khazana.bitcoin.network import REGTEST
from khazana.cli import clock
from khazana.cli.offices import resolved
from khazana.custody.drafting.replace import replacement_of
from khazana.custody.drafting.wallet import Place
from khazana.ledger.office_file import load_office
from khazana.reserve.gather import gather_period
from khazana.reserve.make import make
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.envelope import write_statement
from khazana.units import Height
from tests.cli.order_office import Office
from tests.cli.serving import served
from tests.conditions.memoranda import RIGHT
from tests.custody.drafting.safes import ENGINE, STOP, address, signed_by
from tests.custody.drafting.test_on_devnet import OFFICE, World, paid_batch

REQUEST = f"""\
format = "khazana.order-request/1"
id = "batch"
wallet = "safe"
reason = "disbursement"
purpose = "Schools, clinics, roads"
authority = "Budget act"
expires_in_days = 7
[[pay]]
address = "{address("school")}"
btc = "0.12"
label = "School board"
[[pay]]
address = "{address("clinic")}"
btc = "0.07"
label = "Clinic"
[[pay]]
address = "{address("road")}"
btc = "0.005"
label = "Road works"
"""


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path / "net")
    yield made
    made.devnet.close()


@pytest.fixture
def office(world, tmp_path) -> Office:
    folder = tmp_path / "office"
    folder.mkdir()
    text = OFFICE.split("[[key]]")[0].format(DESCRIPTOR=world.wallet.descriptor.text, STOP=STOP)
    (folder / "documents.csv").write_text(
        "id,reason,at,account,amount_sat,txid,address,counterparty,authority,file_sha256,"
        "attested_by,note\n"
        + "".join(
            f"buy-{n},acquisition,2025-10-09T00:00:00Z,safe,{amount},{txid},,Exchange,,,,\n"
            for n, (txid, amount) in enumerate(world.bought)
        )
    )
    return Office(folder, text)


def approved(office: Office) -> None:
    assert office.run("check", "batch", by="dana") == 0
    for name in ("amir", "bibi"):
        assert office.run("approve", "batch", "--key", office.key(name)) == 0


def sent(office: Office, world: World, draft, names: tuple[str, str], chain: str) -> str:
    """Attach, check, approve, sign by two devices, broadcast; the transaction's id."""
    purpose = "original" if draft.replaces is None else "replacement"
    psbt = office.write(f"{purpose}.psbt", draft.psbt)
    attach = ["attach-psbt", "batch", psbt, "--purpose", purpose, "--chain", chain]
    assert office.run(*attach, by="dana") == 0
    approved(office)
    final = world.sign(draft, *names)
    raw = office.write(f"{purpose}.hex", final.serialize().hex())
    assert office.run("signed", "batch", raw, by="dana") == 0
    assert office.run("broadcast", "batch", "--chain", chain, by="dana") == 0
    return final.txid


def test_a_quorum_pays_a_batch_replaces_it_and_the_statement_explains_it(world, office, capsys):
    with served(world.devnet) as url:
        chain = f"esplora:{url}"
        request = office.write("batch.toml", REQUEST)
        assert office.run("draft", request, "--key", office.key("dana")) == 0
        stuck = paid_batch(world, 1)
        slow = sent(office, world, stuck, ("anna", "cia"), chain)
        world.mine(transactions=())  # a block that has no room for it
        assert office.run("confirm", "batch", "--chain", chain, by="dana") == 2
        assert "the chain shows 0" in capsys.readouterr().err
        fast = sent(office, world, replacement_of(stuck, world.ground(20)), ("bo", "cia"), chain)
        assert fast != slow
        world.mine()
        assert office.run("confirm", "batch", "--chain", chain, by="dana") == 0
        book = ["book", "batch", "--documents", office.folder / "documents.csv", "--chain", chain]
        assert office.run(*book, by="dana") == 0
        assert "batch is booked: 3 documents" in capsys.readouterr().out
        assert office.run(*book, by="dana") == 2
        assert office.run("log") == 0
        world.mine(8)
        made_office = resolved(load_office(office.folder / "office.toml"), world.view)
        scripts = {script for wallet in made_office.wallets for script in wallet.scripts}
        until = world.view.block_at(Height(world.tip.height - 5))
        facts = gather_period(
            world.view, scripts, after=world.view.block_at(Height(1)), until=until
        )
        made = make(made_office, facts, salt_seed=bytes(32), fingerprint=None, previous=None)
    assert made.findings == ()
    statement = read_reserve_statement(write_statement(made.statement))
    lines = [
        (line.reason, line.amount)
        for body in statement.explanations.values()
        for line in body.lines
        if body.txid == fast
    ]
    assert sorted(lines) == [
        ("disbursement", -12_000_000),
        ("disbursement", -7_000_000),
        ("disbursement", -500_000),
    ]


def test_rows_written_before_a_crash_are_not_written_twice(world, office, capsys):
    """The table grows before the log says so; a second run finds the rows in place."""
    with served(world.devnet) as url:
        chain = f"esplora:{url}"
        request = office.write("batch.toml", REQUEST)
        assert office.run("draft", request, "--key", office.key("dana")) == 0
        sent(office, world, paid_batch(world, 5), ("anna", "bo"), chain)
        world.mine()
        assert office.run("confirm", "batch", "--chain", chain, by="dana") == 0
        before = office.log.read_bytes()
        table = office.folder / "documents.csv"
        book = ["book", "batch", "--documents", table, "--chain", chain]
        assert office.run(*book, by="dana") == 0
        grown = table.read_bytes()
        office.log.write_bytes(before)
        assert office.run(*book, by="dana") == 0
        assert table.read_bytes() == grown
        office.log.write_bytes(before)
        table.write_bytes(grown.replace(b"12000000", b"12000001"))
        assert office.run(*book, by="dana") == 2
        assert "other rows called" in capsys.readouterr().err


def test_what_the_network_refuses_is_not_logged_as_sent(world, office, capsys):
    with served(world.devnet) as url:
        chain = f"esplora:{url}"
        request = office.write("batch.toml", REQUEST)
        assert office.run("draft", request, "--key", office.key("dana")) == 0
        draft = paid_batch(world, 5)
        assert office.run("attach-psbt", "batch", office.write("a", draft.psbt), by="dana") == 0
        approved(office)
        final = world.sign(draft)
        broken = bytearray(final.serialize())
        place = bytes(broken).index(final.inputs[0].witness[1])
        broken[place + 20] ^= 1
        assert office.run("signed", "batch", office.write("x", bytes(broken)), by="dana") == 0
        assert office.run("broadcast", "batch", "--chain", chain, by="dana") == 2
        assert "it was refused" in capsys.readouterr().err
        assert office.run("show") == 0
        assert "batch  signed" in capsys.readouterr().out


def test_a_source_that_only_reads_sends_nothing(world, office, capsys, tmp_path):
    request = office.write("batch.toml", REQUEST)
    assert office.run("draft", request, "--key", office.key("dana")) == 0
    draft = paid_batch(world, 5)
    assert office.run("attach-psbt", "batch", office.write("a", draft.psbt), by="dana") == 0
    approved(office)
    raw = office.write("x", world.sign(draft).serialize().hex())
    assert office.run("signed", "batch", raw, by="dana") == 0
    assert office.run("broadcast", "batch", "--chain", f"blocks:{tmp_path}", by="dana") == 2
    assert "only reads the chain" in capsys.readouterr().err


def test_signatures_of_another_psbt_are_refused(world, office, capsys):
    """2-of-3 signed a transaction with one satoshi less of change: not the one approved."""
    request = office.write("batch.toml", REQUEST)
    assert office.run("draft", request, "--key", office.key("dana")) == 0
    draft, other = paid_batch(world, 5), paid_batch(world, 6)
    assert signed_by(world.wallet, ("anna",), other.psbt)
    assert office.run("attach-psbt", "batch", office.write("a", draft.psbt), by="dana") == 0
    approved(office)
    raw = office.write("x", world.sign(other).serialize().hex())
    assert office.run("signed", "batch", raw, by="dana") == 2
    assert "were approved" in capsys.readouterr().err


def test_the_program_drafts_the_psbt_takes_the_devices_files_and_replaces(world, office, capsys):
    with served(world.devnet) as url:
        chain = f"esplora:{url}"
        request = office.write("batch.toml", REQUEST)
        assert office.run("draft", request, "--key", office.key("dana")) == 0
        slow, fast = office.folder / "slow.psbt", office.folder / "fast.psbt"
        make = ["psbt", "batch", "--chain", chain, "--feerate"]
        assert office.run(*make, "1", "--out", slow) == 0
        attach = ["attach-psbt", "batch", "--chain", chain]
        assert office.run(*attach, slow, by="dana") == 0
        approved(office)
        files = [
            office.write(name, raw)
            for name, raw in signed_by(world.wallet, ("anna", "cia"), slow.read_bytes())
        ]
        capsys.readouterr()
        assert office.run("signed", "batch", files[0], "--psbt", slow, by="dana") == 1
        assert "missing are signatures of" in capsys.readouterr().out
        assert office.run("signed", "batch", *files, "--psbt", slow, by="dana") == 0
        assert office.run("broadcast", "batch", "--chain", chain, by="dana") == 0
        assert office.run(*make, "15", "--replace", slow, "--out", fast) == 0
        assert office.run(*attach, fast, "--purpose", "replacement", by="dana") == 0
        approved(office)
        assert office.run("signed", "batch", *files, "--psbt", slow, by="dana") == 2
        assert "not the PSBT that was attached" in capsys.readouterr().err
        files = [
            office.write(name, raw)
            for name, raw in signed_by(world.wallet, ("bo", "cia"), fast.read_bytes())
        ]
        assert office.run("signed", "batch", *files, "--psbt", fast, by="dana") == 0
        assert office.run("broadcast", "batch", "--chain", chain, by="dana") == 0
        world.mine()
        assert office.run("confirm", "batch", "--chain", chain, by="dana") == 0


def purchase(world: World, btc: str) -> str:
    """A request to buy for the quorum's wallet, with fresh quotes."""
    script = world.wallet.script_at(Place(0, 5), ENGINE)
    now = clock.now()
    at, until = (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=2)).isoformat()
    quotes = "".join(
        f'[[purchase.quote]]\nid = "{dealer}"\ndealer = "{dealer}"\nat = {at}\n'
        f'valid_until = {until}\ncurrency = "USD"\nprice = "{price}"\n'
        for dealer, price in (("alfa", 1000), ("beta", 1001))
    )
    return f"""\
format = "khazana.order-request/1"
id = "buy"
wallet = "safe"
purpose = "Reserve"
paid_from = "budget"
expires_in_days = 2
[purchase]
address = "{address_of(script, REGTEST)}"
btc = "{btc}"
chosen = "alfa"
deliver_by = {(now + timedelta(days=3)).date()}
{quotes}"""


CEILING = (
    ('quantity = "bitcoin_accumulation"', 'quantity = "bitcoin_stock"'),
    ('sign = "zero"', 'sign = "positive"'),
    ("cumulative_from = 2026-01-01\nsource", "source"),
    ("value = 0\n", 'value = "0.75"\n'),
)
"""The public sector may hold 0.75 BTC; it holds 0.6."""


def test_a_purchase_above_the_lenders_headroom_is_refused_with_its_figures(world, office, capsys):
    rules = office.folder / "spending.toml"
    text = rules.read_text().replace('conditions = "none"', 'conditions = "required"')
    rules.write_text(text)
    drill = RIGHT
    for old, new in CEILING:
        assert old in drill, old
        drill = drill.replace(old, new, 1)
    memorandum = office.write("drill.toml", drill)
    request = office.write("buy.toml", purchase(world, "0.5"))
    assert office.run("draft", request, "--key", office.key("dana")) == 0
    world.mine(8)
    liabilities = office.write(
        "liabilities.csv",
        "perimeter,as_of,amount_sat,document,attested_by,entered\n"
        "public-sector,115,0,letter,Company,2026-02-11T00:00:00Z\n",
    )
    with served(world.devnet) as url:
        check = ["check", "buy", "--memorandum", memorandum, "--chain", f"esplora:{url}"]
        check += ["--from", "1", "--to", "115", "--liabilities", liabilities]
        assert office.run("check", "buy", by="dana") == 1
        assert "no memorandum was handed in" in capsys.readouterr().out
        assert office.run(*check, by="dana") == 1
        printed = capsys.readouterr().out
    assert "refused: condition:drill/no-accumulation" in printed
    assert "over by 0.35 BTC; at most 15000000 sat would pass" in printed
    assert "the largest order that would pass everything: 15000000 sat" in printed
    assert (
        office.run(
            "override",
            "buy",
            "--reason",
            "the cabinet decided",
            "--key",
            office.key("mina"),
            "--key",
            office.key("musa"),
        )
        == 0
    )
    assert office.run("show", "buy") == 0
    assert "overridden by mina, musa: condition:drill/no-accumulation" in capsys.readouterr().out
