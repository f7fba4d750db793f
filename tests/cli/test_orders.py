"""`khazana orders` on a machine without a network: files in, files out, everything logged."""

import json
import multiprocessing
from datetime import timedelta

import pytest

from khazana.bitcoin.network import REGTEST, SIGNET
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import Transaction, TxIn, TxOut
from khazana.cli import clock, order_desk
from khazana.cli.order_desk import desk_of
from khazana.custody.orders import events as ev
from khazana.custody.orders.order_file import read_order
from khazana.ledger.canonical import canonical_bytes
from khazana.units import Sats
from tests.cli.order_office import Office
from tests.custody.orders.desk import BTC, address, funding, psbt_of
from tests.reserve.simulator import OUTSIDER, World, script

HOT = ", ".join(f'"{address("hot", n)}"' for n in range(6))
OFFICE = f"""\
format = "khazana.office/1"
[office]
id = "desk"
name = {{ en = "Desk" }}
network = "regtest"
test = true
timezone = "Asia/Karachi"
[rules]
close = "median_time_past"
min_depth = 6
dust_threshold_sat = 1_000
match_window_days = 3
currency = "USD"
cost_method = "weighted_average"
unpaid_cost = "fair_value"
impairment = "never_reversed"
[[entity]]
id = "treasury"
name = {{ en = "Treasury" }}
sector = "budgetary central government"
[[wallet]]
id = "hot"
entity = "treasury"
name = {{ en = "Hot" }}
declared = 1
addresses = [{HOT}]
[[wallet.lane]]
lane = "owned"
[[perimeter]]
id = "public-sector"
name = {{ en = "Public sector" }}
[[perimeter.member]]
wallet = "hot"
"""
REQUEST = f"""\
format = "khazana.order-request/1"
id = "roof"
wallet = "hot"
reason = "disbursement"
purpose = "School roofs"
expires_in_days = 7
[[pay]]
address = "{address("payee")}"
btc = "0.3"
"""
PAID = TxOut(Sats(30_000_000), script("payee"))


def transaction(*outputs: TxOut, fee: int = 500) -> tuple[bytes, bytes]:
    """A PSBT that pays, with its change, and the same as a device returns it, in hex."""
    came = funding("hot", BTC)
    paid = outputs or (PAID,)
    change = TxOut(Sats(BTC - fee - sum(o.amount for o in paid)), script("hot", 5))
    point = came.outpoint(0)
    unsigned = Transaction(2, (TxIn(point, b"", 0xFFFFFFFD),), (*paid, change), 0)
    final = Transaction(2, (TxIn(point, b"", 0xFFFFFFFD, (b"\x30",)),), unsigned.outputs, 0)
    return psbt_of(unsigned, came), final.serialize().hex().encode()


@pytest.fixture
def office(tmp_path) -> Office:
    return Office(tmp_path, OFFICE)


def drafted(office: Office, request: str = REQUEST) -> None:
    assert office.run("draft", office.write("r.toml", request), "--key", office.key("dana")) == 0


def test_an_order_is_drafted_checked_approved_and_signed_with_files_alone(office, capsys):
    out = office.folder / "order.json"
    request = office.write("r.toml", REQUEST)
    assert office.run("draft", request, "--key", office.key("dana"), "--out", out) == 0
    printed = capsys.readouterr().out
    assert "test network, invented figures" in printed
    assert read_order(out.read_bytes()).digest in printed
    psbt, final = transaction()
    assert office.run("attach-psbt", "roof", office.write("a.psbt", psbt), by="dana") == 0
    assert office.run("check", "roof", by="dana") == 0
    # Amir's key never comes to this machine: his signature does.
    slip = office.folder / "amir.json"
    assert office.run("approve", "roof", "--key", office.key("amir"), "--out", slip) == 0
    assert "checked" in status(office, "roof")
    assert office.run("approve", "roof", "--envelope", slip) == 0
    capsys.readouterr()
    assert office.run("approve", "roof", "--key", office.key("bibi")) == 0
    assert "roof is approved; approved by amir, bibi" in capsys.readouterr().out
    assert office.run("signed", "roof", office.write("t.hex", final), by="dana") == 0
    assert office.run("broadcast", "roof", "--where", "courier to the node", by="dana") == 0
    assert office.run("log") == 0
    assert "7 events, every line and signature judged" in capsys.readouterr().out
    assert office.run("show", "roof") == 0
    assert "2 of 2 approver: amir, bibi" in capsys.readouterr().out
    assert office.run("show", "--json") == 0
    (shown,) = json.loads(capsys.readouterr().out)["orders"]
    assert (shown["status"], shown["approved_by"]) == ("broadcast", ["amir", "bibi"])


def status(office: Office, id_: str) -> str:
    class Args:
        office = ""
        identity = rules = log = None

    Args.office = str(office.folder / "office.toml")
    return desk_of(Args).log().order(id_).status.value  # type: ignore[arg-type]


def test_a_refusal_says_by_how_much_and_what_would_pass_and_is_logged(office, capsys):
    drafted(office, REQUEST.replace('"0.3"', '"0.8"'))
    capsys.readouterr()
    assert office.run("check", "roof", by="dana") == 1
    printed = capsys.readouterr().out
    assert "refused: limit:one-payment: 80000000 sat exceed the limit of 50000000 sat" in printed
    assert "the largest order that would pass everything: 50000000 sat, 0.50000000 BTC" in printed
    assert office.run("log") == 0
    assert "checked by dana: refused by limit:one-payment" in capsys.readouterr().out


def test_what_was_tried_and_refused_is_logged_with_its_name(office, capsys):
    drafted(office)
    psbt, _ = transaction(PAID, TxOut(Sats(1_000), OUTSIDER))
    assert office.run("attach-psbt", "roof", office.write("bad.psbt", psbt), by="dana") == 2
    assert "foreign_output" in capsys.readouterr().err
    good, _ = transaction()
    assert office.run("attach-psbt", "roof", office.write("good.psbt", good), by="dana") == 0
    assert office.run("check", "roof", by="dana") == 0
    assert office.run("approve", "roof", "--key", office.key("dana")) == 2
    assert office.run("approve", "roof", "--key", office.key("amir")) == 0
    assert office.run("approve", "roof", "--key", office.key("amir")) == 2
    assert "amir has approved order roof already" in capsys.readouterr().err
    assert office.run("log", "--order", "roof") == 0
    printed = capsys.readouterr().out
    for code in ("transaction_differs", "not_in_the_role", "approved_already"):
        assert f"refused ({code})" in printed


def test_a_table_of_payments_joins_the_request_and_is_refused_whole(office, capsys):
    request = office.write("r.toml", REQUEST)
    good = f"address,amount_btc,label,reference\n{address('payee', 1)},0.1,Clinic,S-2\n"
    draft = ["draft", request, "--key", office.key("dana"), "--batch"]
    bad = good + f"{address('payee', 2)},-1,Road,S-3\nbc1qxyz,0.1,Road,S-4\n"
    assert office.run(*draft, office.write("bad.csv", bad)) == 2
    refused = capsys.readouterr().err
    assert "bad.csv, line 3" in refused
    assert "bad.csv, line 4" in refused
    twice = good + f"{address('payee', 1)},0.1,Clinic,S-2\n"
    assert office.run(*draft, office.write("twice.csv", twice)) == 2
    assert not office.log.exists()
    assert office.run(*draft, office.write("good.csv", good)) == 0
    capsys.readouterr()
    assert office.run("show", "roof") == 0
    assert "10000000 sat to" in capsys.readouterr().out


def test_an_approver_does_not_sign_what_only_a_false_check_let_pass(office, capsys):
    """Rule O36: the limit was tightened after the check."""
    drafted(office)
    psbt, _ = transaction()
    assert office.run("attach-psbt", "roof", office.write("a.psbt", psbt), by="dana") == 0
    assert office.run("check", "roof", by="dana") == 0
    rules = office.folder / "spending.toml"
    rules.write_text(rules.read_text().replace('most_btc = "0.5"', 'most_btc = "0.2"'))
    assert office.run("approve", "roof", "--key", office.key("amir")) == 2
    assert "breaks limit:one-payment" in capsys.readouterr().err


def test_a_check_that_asks_for_fewer_people_opens_no_way(office, capsys):
    """Rule O6: whoever can write the log writes a check that asks for one key of another role."""
    drafted(office)
    psbt, _ = transaction()
    assert office.run("attach-psbt", "roof", office.write("a.psbt", psbt), by="dana") == 0
    assert office.run("check", "roof", by="dana") == 0
    lines = office.log.read_bytes().splitlines()
    forged = json.loads(lines[-1])
    forged["event"]["needed"] = [{"role": "statement", "count": 1}]
    lines[-1] = canonical_bytes(forged)
    office.log.write_bytes(b"".join(line + b"\n" for line in lines))
    assert office.run("log") == 0
    assert office.run("approve", "roof", "--key", office.key("root")) == 2
    assert "asks for other people than spending.toml does" in capsys.readouterr().err


def test_an_override_takes_two_people_who_sign_the_same_words(office, capsys):
    drafted(office, REQUEST.replace('"0.3"', '"0.8"'))
    psbt, _ = transaction(TxOut(Sats(80_000_000), script("payee")))
    assert office.run("attach-psbt", "roof", office.write("a.psbt", psbt), by="dana") == 0
    assert office.run("check", "roof", by="dana") == 1
    slip = office.folder / "mina.json"
    first = ["override", "roof", "--key", office.key("mina"), "--reason", "the roof fell in"]
    assert office.run(*first) == 2
    assert "1 of the 2 people" in capsys.readouterr().err
    assert office.run(*first, "--out", slip) == 0
    assert office.run("override", "roof", "--envelope", slip, "--key", office.key("musa")) == 0
    printed = capsys.readouterr().out
    assert "to pass against limit:one-payment, because: the roof fell in" in printed
    assert "is checked; to be published by" in printed
    assert office.run("due") == 0
    assert office.run("publish", "roof", "--where", "Gazette 12", by="press") == 0
    assert office.run("publish", "roof", "--where", "Gazette 12", by="press") == 2


def test_nobody_signs_an_override_of_another_order_than_the_one_named(office, capsys):
    """Rule O27: a slip about a large order, handed over with the words of a small one."""
    slips = {}
    for number, name in enumerate(("roof", "wall")):
        request = REQUEST.replace('"0.3"', f'"0.{8 + number}"').replace('"roof"', f'"{name}"')
        drafted(office, request)
        psbt, _ = transaction(TxOut(Sats((8 + number) * 10_000_000), script("payee")))
        assert office.run("attach-psbt", name, office.write("a.psbt", psbt), by="dana") == 0
        office.run("check", name, by="dana")
        slips[name] = office.folder / f"{name}.json"
        first = ["override", name, "--key", office.key("mina"), "--reason", "rain"]
        assert office.run(*first, "--out", slips[name]) == 0
    capsys.readouterr()
    out = office.folder / "both.json"
    second = ["--key", office.key("musa"), "--out", out]
    assert office.run("override", "roof", "--envelope", slips["wall"], *second) == 2
    assert "wall" in capsys.readouterr().err
    approval = office.folder / "amir.json"
    small = REQUEST.replace('"roof"', '"hut"')
    drafted(office, small)
    psbt, _ = transaction()
    office.run("attach-psbt", "hut", office.write("b.psbt", psbt), by="dana")
    assert office.run("check", "hut", by="dana") == 0
    assert office.run("approve", "hut", "--key", office.key("amir"), "--out", approval) == 0
    assert office.run("override", "hut", "--envelope", approval, *second) == 2
    assert "order-approval+json, not a" in capsys.readouterr().err
    assert not out.exists()


def bought(office: Office) -> None:
    """A purchase of 5 BTC, drafted, checked and approved by two."""
    now = clock.now()
    quote = """
[[purchase.quote]]
id = "{id}"
dealer = "{id}"
at = {at}
valid_until = {until}
currency = "USD"
price = "{price}"
"""
    at, until = (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=2)).isoformat()
    text = f"""\
format = "khazana.order-request/1"
id = "buy"
wallet = "hot"
purpose = "Reserve"
expires_in_days = 2
[purchase]
address = "{address("hot", 1)}"
btc = "5"
chosen = "alfa"
deliver_by = {(now - timedelta(days=3)).date()}
"""
    text += quote.format(id="alfa", at=at, until=until, price="500000")
    text += quote.format(id="beta", at=at, until=until, price="505000")
    drafted(office, text)
    assert office.run("check", "buy", by="dana") == 0
    for name in ("amir", "bibi"):
        assert office.run("approve", "buy", "--key", office.key(name)) == 0


def test_a_purchase_that_is_paid_and_not_delivered_is_late(office, capsys):
    bought(office)
    assert office.run("due") == 0
    paid = ["paid", "buy", "--currency", "USD", "--reference", "SWIFT 1", "--amount"]
    assert office.run(*paid, "499999.99", by="dana") == 2
    assert "was decided" in capsys.readouterr().err
    assert office.run(*paid, "500000.00", by="dana") == 0
    assert office.run("due") == 1
    assert "500000000 sat were not delivered" in capsys.readouterr().out
    receipt = office.write("receipt.pdf", b"paper")
    assert office.run("receipt", "buy", receipt, by="dana") == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["approve", "roof"], "give --key"),
        (["approve", "roof", "--envelope", "x", "--psbt", "y"], "--psbt is for the machine"),
        (["override", "roof"], "give --key with --reason"),
        (["override", "roof", "--envelope", "x", "--reason", "y"], "first signer gives --reason"),
        (["broadcast", "roof", "--by", "x"], "give --chain"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(office, capsys, words, problem):
    drafted(office)
    assert office.run(*words) == 2
    assert problem in capsys.readouterr().err


def test_a_log_that_was_changed_stops_every_command(office, capsys):
    drafted(office)
    office.log.write_bytes(office.log.read_bytes().replace(b'"by":"dana"', b'"by":"bibi"'))
    assert office.run("check", "roof", by="dana") == 2
    assert "orders.jsonl" in capsys.readouterr().err
    assert office.run("log") == 2


def test_the_log_of_another_identity_is_refused(office, tmp_path, capsys):
    drafted(office)
    (tmp_path / "other").mkdir()
    other = Office(tmp_path / "other", OFFICE)
    other.log.write_bytes(office.log.read_bytes())
    capsys.readouterr()
    assert other.run("show") == 2
    assert "another office" in capsys.readouterr().err


def test_an_unknown_order_is_named(office, capsys):
    assert office.run("check", "nothing", by="dana") == 2
    assert "no order nothing" in capsys.readouterr().err


def _decline(folder: str, number: int) -> None:
    class Args:
        office = f"{folder}/office.toml"
        identity = rules = log = None

    desk = desk_of(Args)  # type: ignore[arg-type]
    desk.add(
        ev.Attempted(
            **desk.heading("roof", f"p{number}"), what="approved", code="x", why=f"w{number}"
        )
    )


def test_several_commands_at_once_lose_no_line(office):
    drafted(office)
    start = multiprocessing.get_context("spawn")
    running = [start.Process(target=_decline, args=(str(office.folder), n)) for n in range(3)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert {process.exitcode for process in running} == {0}
    assert office.log.read_bytes().count(b"attempted") == 3
    assert office.run("log") == 0


def test_a_chain_of_another_network_is_not_asked(office, capsys, monkeypatch):
    """What an esplora server of the wrong network shows must never confirm anything."""
    chain = SimulatedChain(network=SIGNET)
    monkeypatch.setattr(order_desk, "chain_of", lambda args: chain)
    drafted(office)
    assert office.run("check", "roof", "--chain", "esplora:x", by="dana") == 2
    assert "The office is on regtest, and the chain source shows signet" in capsys.readouterr().err


def test_coins_of_the_offices_own_deliver_no_purchase(office, capsys, monkeypatch):
    """Rule O29: else who was paid sends nothing, and another wallet stands in for them."""
    world = World(chain=SimulatedChain(network=REGTEST))
    monkeypatch.setattr(order_desk, "chain_of", lambda args: world.chain)
    bought(office)
    world.fund(script("hot", 0), 6 * BTC)
    world.mine()
    shuffled = world.spend(script("hot", 0), [(script("hot", 1), 5 * BTC)])
    true = world.fund(script("hot", 1), 5 * BTC)
    world.mine(3)
    came = ["delivered", "buy", "--chain", "esplora:x"]
    assert office.run(*came, shuffled, by="dana") == 2
    assert "a coin of the office's own: it is no delivery" in capsys.readouterr().err
    assert office.run(*came, true, by="dana") == 0
    assert "500000000 sat came" in capsys.readouterr().out
    assert office.run("log") == 0
    assert "delivered refused (money_differs)" in capsys.readouterr().out


def test_a_write_that_fails_leaves_the_log_as_it_was(office, monkeypatch):
    """Rule O31: a line is written whole or not at all."""
    drafted(office)
    before = office.log.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("khazana.cli.files.os.replace", full)
    assert office.run("check", "roof", by="dana") == 2
    monkeypatch.undo()
    assert office.log.read_bytes() == before
    assert [p.name for p in office.folder.glob(".orders.jsonl.*") if p.suffix != ".lock"] == []
    assert office.run("check", "roof", by="dana") == 0


def test_an_approver_with_the_psbt_sees_what_the_inputs_spend(office, capsys):
    """Rule O38: whoever keeps the log can understate a coin, and so hide a fee."""
    drafted(office)
    psbt = office.write("a.psbt", transaction(fee=9_500)[0])
    assert office.run("attach-psbt", "roof", psbt, by="dana") == 0
    lines = office.log.read_bytes().splitlines()
    forged = json.loads(lines[-1])
    forged["event"]["spent"][0]["sats"] -= 9_000
    lines[-1] = canonical_bytes(forged)
    office.log.write_bytes(b"".join(line + b"\n" for line in lines))
    assert office.run("check", "roof", by="dana") == 0
    capsys.readouterr()
    words = ("approve", "roof", "--key", office.key("amir"))
    assert office.run(*words, "--psbt", psbt, "--out", office.folder / "never.json") == 2
    assert "the log says that input 0 spends 99991000 sat" in capsys.readouterr().err
    assert not (office.folder / "never.json").exists()
    assert office.run(*words, "--out", office.folder / "blind.json") == 0
    assert "is the log's word" in capsys.readouterr().out


def test_an_approver_with_the_right_psbt_signs_and_with_another_does_not(office, capsys):
    drafted(office)
    psbt = office.write("a.psbt", transaction()[0])
    assert office.run("attach-psbt", "roof", psbt, by="dana") == 0
    assert office.run("check", "roof", by="dana") == 0
    words = ("approve", "roof", "--key", office.key("amir"))
    other = office.write("b.psbt", transaction(fee=700)[0])
    assert office.run(*words, "--psbt", other) == 2
    assert "were approved" in capsys.readouterr().err
    assert office.run(*words, "--psbt", office.write("c.psbt", b"no psbt")) == 2
    assert "c.psbt" in capsys.readouterr().err
    assert office.run(*words, "--psbt", psbt) == 0
    assert "every input spends what the log says" in capsys.readouterr().out
