"""Three quorums on a real chain: receive, split, rotate, recover, sign the quarter's statement.

Wallets and devices are BDK's; the network is the devnet, judged by Core's own validation code; the
office uses commands alone. Then every way to cheat is tried on the same quarter.
"""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("pbk", reason="the devnet extra is not installed")
pytest.importorskip("bdkpython", reason="the office profile brings BDK")

from khazana.bitcoin.adapters.source import open_chain
from khazana.bitcoin.bip322.encoding import write_simple
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import OutPoint, TxOut
from khazana.cli.campaigns import campaign_of
from khazana.cli.control import closing_of
from khazana.cli.keys import read_key
from khazana.cli.main import main
from khazana.custody.campaign import Campaign, CampaignWallet, plan_campaign
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.collect import collect
from khazana.custody.control_evidence import control_evidence
from khazana.custody.message import control_message
from khazana.custody.psbt_files import written_psbt
from khazana.devnet.admission import TransactionRefused
from khazana.devnet.network import Devnet
from khazana.devnet.view import DevnetView
from khazana.reserve.case import Case
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.statement.envelope import Evidence, with_evidence, write_statement
from khazana.statement.keys import public_bytes
from khazana.units import SATS_PER_BTC, Height, Sats, Txid
from tests.cli.serving import served
from tests.custody.quorum_wallets import NUMS, QuorumWallet, submitted
from tests.custody.signing import fingerprint, maps, signed

BTC = SATS_PER_BTC
CAP = 500 * BTC
START = 1_760_000_000
WAIT = 144
QUORUM = ("anna", "bo", "cia")
OUTLINES = {
    "vault": ("wsh(sortedmulti(2,{},{},{}))", QUORUM),
    "vault-2": ("wsh(sortedmulti(2,{},{},{}))", ("anna", "cia", "dara")),
    "deep": (
        "wsh(or_d(multi(3,{},{},{},{},{}),and_v(v:pk({}),older(144))))",
        (*QUORUM, "dara", "esa", "fay"),
    ),
    "modern": (
        f"tr({NUMS},{{{{multi_a(2,{{}},{{}},{{}}),and_v(v:pk({{}}),older(144))}}}})",
        (*QUORUM, "dara"),
    ),
}
SIGNERS = {"vault-2": ("anna", "dara"), "deep": ("bo", "cia", "esa"), "modern": ("anna", "bo")}

OFFICE = """\
format = "khazana.office/1"
[office]
id = "drill-office"
name = {{ en = "Drill Office" }}
network = "regtest"
test = true
timezone = "UTC"
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
{wallets}
[[perimeter]]
id = "public-sector"
name = {{ en = "Public sector" }}
[[perimeter.member]]
entity = "treasury"
{keys}
"""
WALLET = """\
[[wallet]]
id = "{id}"
entity = "treasury"
name = {{ en = "{id}" }}
declared = 1
descriptor = "{descriptor}"
range = [{{ branch = 0, stop = 12 }}, {{ branch = 1, stop = 12 }}]
gap = 3
[[wallet.lane]]
lane = "owned"
"""


def run(*words: object) -> int:
    return main([str(word) for word in words])


def office_text(folder: Path, wallets: dict[str, QuorumWallet]) -> str:
    publics = []
    for n in range(2):
        assert run("office", "keygen", "--out", folder / f"key-{n}.pem") == 0
        publics.append(public_bytes(read_key(folder / f"key-{n}.pem")).hex())
    keys = "".join(f'[[key]]\nid = "k{n}"\npublic = "{p}"\n' for n, p in enumerate(publics))
    keys += "".join(
        f'[[role]]\nrole = "{role}"\nthreshold = 2\nkeys = ["k0", "k1"]\n'
        for role in ("root", "statement")
    )
    described = "".join(WALLET.format(id=i, descriptor=w.text) for i, w in wallets.items())
    return OFFICE.format(wallets=described, keys=keys)


@dataclass
class Quarter:
    """What happened, and the files of the office."""

    folder: Path
    source: str
    devnet: Devnet
    wallets: dict[str, QuorumWallet]
    happened: SimpleNamespace

    @property
    def chain(self):
        return open_chain(self.source)

    @cached_property
    def statement(self) -> ReserveStatement:
        """Signed by the office's officers, without proofs."""
        return read_reserve_statement((self.folder / "statement.json").read_bytes())

    @cached_property
    def closing(self) -> Closing:
        case = Case(statement=self.statement, chain=self.chain, engine=best_engine())
        return closing_of(case)

    def campaign(self, *, batch: tuple[str, ...] = ()) -> Campaign:
        return campaign_of(self.statement, self.chain, batch=batch)


def live(devnet: Devnet, url: str) -> tuple[dict[str, QuorumWallet], SimpleNamespace]:
    """The quarter itself. Every transaction is signed by devices, one by one."""
    wallets = {name: QuorumWallet(url, o, *names) for name, (o, names) in OUTLINES.items()}
    vault, new, deep, modern = wallets.values()
    happened = SimpleNamespace(time=START + 300 * 600)

    def mined(transaction):
        happened.time += 600
        return submitted(devnet, transaction, time=happened.time)

    def given(wallet, amount):
        script = wallet.receive()
        happened.time += 600
        txid = devnet.pay([TxOut(Sats(amount), script)])
        devnet.mine(time=happened.time)
        wallet.sync()
        return OutPoint(txid, 0), script

    happened.opening = devnet.tip()
    given(vault, 1_200 * BTC)
    _, happened.deep_script = given(deep, 300 * BTC)
    given(modern, 200 * BTC)
    # Split under the cap: no address of the vault holds more than 500 BTC afterwards.
    happened.split = vault.spend(
        [(vault.receive(), 400 * BTC), (vault.receive(), 400 * BTC)],
        "anna",
        "cia",
        drain_to=vault.receive(),
    )
    mined(happened.split)
    vault.sync()
    # Bo leaves: the new quorum is filled by the old one, still under the cap.
    happened.rotation = vault.spend(
        [(new.receive(), 400 * BTC), (new.receive(), 400 * BTC)],
        "anna",
        "bo",
        drain_to=new.receive(),
    )
    mined(happened.rotation)
    happened.since = devnet.tip()
    new.sync()
    # The quorum of the deep wallet is gone; the recovery key must wait.
    happened.premature = deep.spend([(new.receive(), 100 * BTC)], "fay", path=[1])
    with pytest.raises(TransactionRefused, match="non-BIP68-final"):
        devnet.submit_transaction(happened.premature)
    devnet.mine(WAIT, time=happened.time + 600)
    happened.time += WAIT * 600
    happened.recovery = happened.premature
    mined(happened.recovery)
    # The taproot quorum pays by its leaf.
    modern.sync()
    happened.leaf = modern.spend([(modern.receive(), 50 * BTC)], "bo", "cia", path=[1])
    mined(happened.leaf)
    happened.closing = devnet.tip()
    devnet.mine(6, time=happened.time + 600)
    return wallets, happened


@pytest.fixture(scope="module")
def quarter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("office")
    devnet = Devnet(tmp_path_factory.mktemp("devnet") / "data")
    devnet.mine(260, time=START)
    with served(devnet) as url:
        wallets, happened = live(devnet, url)
        made = Quarter(folder, f"esplora:{url}", devnet, wallets, happened)
        publish(made)
        yield made
    devnet.close()


def publish(quarter: Quarter) -> None:
    """office.toml, rotation.toml, office.json and the statement, signed by two officers."""
    folder, happened = quarter.folder, quarter.happened
    office, rotations = folder / "office.toml", folder / "rotation.toml"
    office.write_text(office_text(folder, quarter.wallets))
    rotate = ("custody", "rotate", rotations, "--office", office, "--old", "vault")
    reason = ("--reason", "Bo left the office.")
    assert run(*rotate, "--new", "vault-2", "--since", happened.since.height, *reason) == 0
    keys = ("--key", folder / "key-0.pem", "--key", folder / "key-1.pem")
    assert (
        run("office", "identity", "--office", office, "--out", folder / "office.json", *keys) == 0
    )
    period = ("--from", happened.opening.height, "--to", happened.closing.height)
    given = ("--office", office, "--identity", folder / "office.json", "--rotation", rotations)
    out = folder / "unsigned.json"
    make = ("statement", "make", *given, *period, "--chain", quarter.source, "--out", out)
    assert run(*make, "--salt-seed", "07" * 32) == 0
    for n in range(2):
        identity = ("--identity", folder / "office.json", "--key", folder / f"key-{n}.pem")
        target = folder / f"signed-{n}.json"
        assert run("statement", "sign", out, *identity, "--out", target) == 0
        out = target
    out.rename(folder / "statement.json")


def devices(quarter: Quarter, out: Path, *, without: str = "") -> list[Path]:
    """What comes back from BDK's devices; for taproot leaves one file goes from hand to hand."""
    back = []
    for psbt in sorted(out.glob("*.psbt")):
        name = psbt.stem.rpartition("-")[0]
        wallet, raw = quarter.wallets[name], psbt.read_bytes()
        signers = [who for who in SIGNERS[name] if who != without]
        for who in signers:
            last = who == signers[-1]
            made = wallet.proof(who, raw, finish=name == "modern" and last)
            if name == "modern":
                raw = made
            if name != "modern" or last:
                back.append(out / f"{psbt.stem}-{who}.signed")
                back[-1].write_bytes(made)
    return back[::-1]


@pytest.fixture(scope="module")
def proved(quarter, tmp_path_factory):
    """The statement with the proofs of all three quorums, by commands and devices alone."""
    folder = tmp_path_factory.mktemp("proofs")
    file = quarter.folder / "statement.json"
    chain = ("--chain", quarter.source)
    batch = ("--batch", "vault-2", "--batch", "modern")
    assert run("custody", "prove", file, *chain, "--out-dir", folder, *batch) == 0
    back = devices(quarter, folder)
    assert run("custody", "collect", file, *back, *chain, "--out", folder / "proved.json") == 0
    return folder / "proved.json"


def held_by_address(quarter: Quarter) -> dict[bytes, int]:
    held: dict[bytes, int] = {}
    for coin in quarter.closing.coins:
        held[coin.script] = held.get(coin.script, 0) + coin.amount
    return held


def test_every_address_stays_under_the_cap(quarter):
    assert len(held_by_address(quarter)) == 7
    assert max(held_by_address(quarter).values()) <= CAP
    assert sum(held_by_address(quarter).values()) > 3 * CAP
    assert all(output.amount <= CAP for output in quarter.happened.split.outputs)


def test_the_old_quorum_holds_nothing_and_its_story_is_in_the_statement(quarter, capsys):
    assert quarter.statement.wallets["vault"].figures.closing == 0
    assert run("statement", "show", quarter.folder / "statement.json") == 0
    shown = capsys.readouterr().out
    assert "rotation: vault-2 stands in for vault" in shown
    assert "0 sat left behind" in shown
    words = ("--office", quarter.folder / "office.toml", "--chain", quarter.source)
    assert run("custody", "story", quarter.folder / "rotation.toml", *words) == 0
    assert "vault holds nothing; it stays watched" in capsys.readouterr().out


def test_the_recovery_key_moved_a_coin_after_its_wait_and_not_before(quarter):
    recovery = quarter.happened.recovery
    assert [spent.sequence for spent in recovery.inputs] == [WAIT]
    placed = DevnetView(quarter.devnet)
    (found,) = [
        confirmed
        for confirmed in placed.history([quarter.happened.deep_script], None, placed.tip())
        if confirmed.transaction.txid == recovery.txid
    ]
    assert found.block.height - quarter.happened.opening.height > WAIT


def test_a_stranger_requires_control_and_gets_it(quarter, proved, capsys):
    pin = ("--office", quarter.folder / "office.json")
    words = ("verify", proved, "--chain", quarter.source, *pin, "--require", "control")
    assert run(*words) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "(100.0 %), 7 of 7 addresses" in shown
    assert "Rotations as they were: vault to vault-2: 1199" in shown
    assert "test network, invented figures" in shown


def test_without_proofs_nobody_gets_it(quarter):
    given = ("--chain", quarter.source, "--require", "control")
    assert run("verify", quarter.folder / "statement.json", *given) == 2


# Every wrong, on the same quarter. First those that the office meets when files come back.


@pytest.fixture
def sent(quarter, tmp_path):
    """The files of a campaign, and what `custody collect` says of others than it should get."""
    file = quarter.folder / "statement.json"
    assert run("custody", "prove", file, "--chain", quarter.source, "--out-dir", tmp_path) == 0

    def collected(*files: tuple[str, bytes]) -> int:
        paths = [tmp_path / name for name, _ in files]
        for path, (_, raw) in zip(paths, files, strict=True):
            path.write_bytes(raw)
        words = ("--chain", quarter.source, "--out", tmp_path / "out.json")
        assert run("custody", "collect", file, *paths, *words) == 1
        assert not (tmp_path / "out.json").exists()
        return len(paths)

    return collected


def rounds_of(quarter: Quarter, wallet: str):
    return [r for r in quarter.campaign().rounds if r.wallet.id == wallet]


def test_a_missing_cosigner_is_named(quarter, sent, capsys):
    sent(*((f"{r.name}.x", signed(r, "cia")) for r in rounds_of(quarter, "vault-2")))
    shown = capsys.readouterr().out
    assert f"signed by {fingerprint('cia')}, 2 must sign; missing: " in shown
    assert fingerprint("dara") in shown


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"high_s": True}, "(high_s)"),
        ({"hash_type": 0x02}, "SIGHASH_NONE"),
        ({"hash_type": 0x81}, "ANYONECANPAY"),
    ],
    ids=["high-S", "SIGHASH_NONE", "ANYONECANPAY"],
)
@pytest.mark.parametrize("wallet", ["vault-2", "deep"])
def test_a_bad_signature_is_named_with_its_cosigner(quarter, sent, wallet, how, said, capsys):
    round_ = rounds_of(quarter, wallet)[0]
    sent(("good.x", signed(round_, "cia")), ("bad.x", signed(round_, "dara", **how)))
    (line,) = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith(round_.name + ":")
    ]
    assert f"bad signature of {fingerprint('dara')} in" in line
    assert said in line


def test_an_altered_psbt_is_named(quarter, sent, capsys):
    round_ = rounds_of(quarter, "vault-2")[0]
    for field, change in (
        (b"\x00", lambda raw: raw[:-5] + b"\x51" + raw[-4:]),
        (b"\x09", lambda raw: b"pay everything to me"),
    ):
        changed = maps(signed(round_, "anna"))
        changed[0][field] = change(changed[0][field])
        sent(("back.x", written_psbt(changed)))
        assert "back.x: altered PSBT: " in capsys.readouterr().out


# Then those that a dishonest office would publish: `verify` is the one to notice.


def planned(
    quarter: Quarter,
    wallet: str,
    *,
    root: str | None = None,
    block: BlockRef | None = None,
    more: tuple[ClosingCoin, ...] = (),
    batch: bool = False,
) -> Campaign:
    """A campaign of a dishonest office, with a message or coins of its choice."""
    message = control_message(
        office="drill-office",
        network=REGTEST,
        test=True,
        root=root or quarter.statement.root,
        block=block or quarter.closing.block,
    )
    coins = [coin for coin in quarter.closing.coins if coin.wallet == wallet]
    descriptor = parse_descriptor(quarter.wallets[wallet].text, REGTEST)
    return plan_campaign(
        [CampaignWallet(wallet, descriptor, ((0, 12), (1, 12)), batch)],
        Closing(quarter.closing.block, [*coins, *more]),
        message=message,
        engine=best_engine(),
    )


def published(quarter: Quarter, campaign: Campaign, change=lambda rows: rows) -> Path:
    """The signed statement with this campaign's proofs, all of them signed by its quorum."""
    files = [
        (f"{who}-{r.name}", signed(r, who)) for r in campaign.rounds for who in SIGNERS[r.wallet.id]
    ]
    done = collect(campaign, files)
    assert done.complete, [state.words for state in done.rounds]
    envelope = quarter.statement.envelope
    item = control_evidence(done, replace(envelope, root=campaign.message.root), REGTEST)
    fields = {**item.fields, "subject_root": envelope.root}
    fields["proofs"] = change([dict(row) for row in fields["proofs"]])
    evidence = Evidence(item.type, envelope.root, fields)
    file = quarter.folder / "lie.json"
    file.write_bytes(write_statement(with_evidence(envelope, evidence)))
    return file


def caught(quarter: Quarter, file: Path, capsys) -> str:
    """What the check `control` says of it; every other check passes."""
    pin = ("--office", quarter.folder / "office.json")
    words = ("verify", file, "--chain", quarter.source, *pin, "--require", "control", "--json")
    capsys.readouterr()
    assert run(*words) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    (line,) = [check for check in checks if check["verdict"] == "failed"]
    assert line["name"] == "control"
    return json.dumps(line)


def test_the_lies_below_start_from_proofs_that_hold(quarter, capsys):
    file = published(quarter, planned(quarter, "vault-2"))
    words = ("verify", file, "--chain", quarter.source, "--require", "control", "--json")
    capsys.readouterr()
    # Two wallets are not proved in this file, and that is all that is amiss.
    assert run(*words) == 2
    checks = {c["name"]: c for c in json.loads(capsys.readouterr().out)["checks"]}
    assert "failed" not in {check["verdict"] for check in checks.values()}
    assert "4 of 7 addresses" in json.dumps(checks["control"])


def test_a_wrong_root_is_caught(quarter, capsys):
    file = published(quarter, planned(quarter, "vault-2", root="cd" * 32))
    assert "wrong root" in caught(quarter, file, capsys)


def test_a_proof_before_the_closing_block_is_caught(quarter, capsys):
    block = quarter.chain.block_at(Height(quarter.closing.block.height - 1))
    file = published(quarter, planned(quarter, "vault-2", block=block))
    assert "before the closing block" in caught(quarter, file, capsys)


def test_a_reused_proof_is_caught(quarter, capsys):
    def reused(rows):
        rows[1]["proof"] = rows[0]["proof"]
        return rows

    file = published(quarter, planned(quarter, "vault-2"), reused)
    assert "the proof is reused" in caught(quarter, file, capsys)


@pytest.mark.parametrize("kind", ["foreign", "spent"])
def test_a_foreign_or_spent_coin_in_a_proof_of_funds_is_caught(quarter, kind, capsys):
    spent = quarter.happened.recovery.inputs[0].outpoint
    outpoint = spent if kind == "spent" else OutPoint(Txid("66" * 32), 1)
    extra = ClosingCoin("deep", outpoint, Sats(300 * BTC), quarter.happened.deep_script)
    file = published(quarter, planned(quarter, "deep", more=(extra,), batch=True))
    assert f"{kind}_coin" in caught(quarter, file, capsys)


@pytest.mark.parametrize(
    ("how", "reason"),
    [({"high_s": True}, "high_s"), ({"hash_type": 2}, "sighash"), ({"hash_type": 0x81}, "sighash")],
    ids=["high-S", "SIGHASH_NONE", "ANYONECANPAY"],
)
def test_a_forged_signature_in_a_published_proof_is_caught(quarter, how, reason, capsys):
    campaign = planned(quarter, "vault-2")
    round_ = campaign.rounds[0]
    made = {}
    for who in SIGNERS["vault-2"]:
        pairs = maps(signed(round_, who, **how))[1]
        made.update({key[1:]: value for key, value in pairs.items() if key[0] == 2})
    scripts = round_.inputs[0].scripts
    ordered = [made[key] for key in sorted(made)]
    forged = write_simple([b"", *ordered, scripts.witness])

    def put(rows):
        for row in rows:
            if row["script"] == round_.script.hex():
                row["proof"] = forged
        return rows

    assert reason in caught(quarter, published(quarter, campaign, put), capsys)
