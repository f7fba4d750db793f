"""`khazana report`: a lender's wallet statement made, signed, verified, and lied about."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from khazana.cli.keys import read_key
from khazana.cli.main import main
from khazana.statement.keys import public_bytes

pytest.importorskip("pbk", reason="the devnet extra is not installed")

from khazana.bitcoin.address import script_of
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import TxOut
from khazana.devnet.network import Devnet
from khazana.reserve.wallet_report.document import (
    WalletReportFile,
    is_nil,
    problems_of,
    read_wallet_report,
    wallet_report_json_schema,
    write_wallet_report,
)
from khazana.reserve.wallet_report.errors import RolesCollide, WalletReportRefused
from khazana.reserve.wallet_report.signing import signatures_of
from khazana.statement.office_file import read_office
from khazana.units import Sats
from tests.cli.serving import served
from tests.cli.test_first_statement import ADDRESS, DAY, OTHER, START
from tests.devnet.keys import Key

FRESH, AGENCYS = Key("fresh").address, Key("agency").address
BASE, LATER = (
    (datetime.fromtimestamp(START, UTC) + timedelta(days=n)).date().isoformat() for n in (105, 118)
)

OFFICE = """\
format = "khazana.office/1"
[office]
id = "small-office"
name = {{ en = "Small Office" }}
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
[files]
attestations = ["attestations.csv"]
[[entity]]
id = "fund"
name = {{ en = "Fund" }}
sector = "budgetary central government"
[[account]]
id = "custodian-1"
entity = "fund"
name = {{ en = "Account at a custodian" }}
custodian = "Custodian One"
lane = "owned"
[[entity]]
id = "treasury"
name = {{ en = "Treasury" }}
sector = "budgetary central government"
[[entity]]
id = "Water.Agency"
name = {{ en = "Water Agency" }}
sector = "extrabudgetary unit"
[[wallet]]
id = "cold"
entity = "treasury"
name = {{ en = "Cold storage" }}
declared = 1
storage = "cold"
addresses = ["{ADDRESS}", "{FRESH}"]
[[wallet.lane]]
lane = "owned"
[[wallet]]
id = "till"
entity = "treasury"
name = {{ en = "Till" }}
declared = 1
{TILL}
addresses = ["{OTHER}"]
[[wallet.lane]]
lane = "owned"
[[wallet]]
id = "agency"
entity = "Water.Agency"
name = {{ en = "Agency" }}
declared = 1
storage = "hot"
addresses = ["{AGENCYS}"]
[[wallet.lane]]
lane = "owned"
[[exclusion]]
name = "Police evidence"
reason = "held for courts"
[[perimeter]]
id = "public-sector"
name = {{ en = "Public sector" }}
[[perimeter.member]]
entity = "treasury"
{KEYS}
"""


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    devnet = Devnet(tmp_path_factory.mktemp("devnet") / "data")
    devnet.mine(104, time=START, spacing=DAY)
    devnet.pay([TxOut(Sats(150_000_000), script_of(ADDRESS, REGTEST))])
    devnet.mine(time=START + 104 * DAY)
    devnet.mine(7, time=START + 105 * DAY, spacing=DAY)
    devnet.pay([TxOut(Sats(70_000_000), script_of(OTHER, REGTEST))])
    devnet.pay([TxOut(Sats(30_000_000), script_of(ADDRESS, REGTEST))])
    devnet.mine(20, time=START + 112 * DAY, spacing=DAY)
    with served(devnet) as url:
        yield f"esplora:{url}"
    devnet.close()


def office_text(publics, till='storage = "hot"'):
    keys = "\n".join(
        f'[[key]]\nid = "key-{n}"\npublic = "{public}"\n' for n, public in enumerate(publics)
    )
    roles = (
        '[[role]]\nrole = "root"\nthreshold = 2\nkeys = ["key-0", "key-1"]\n'
        '[[role]]\nrole = "statement"\nthreshold = 2\nkeys = ["key-0", "key-1"]\n'
        '[[role]]\nrole = "entity-water-agency"\nthreshold = 1\nkeys = ["key-2"]\n'
    )
    return OFFICE.format(
        ADDRESS=ADDRESS, OTHER=OTHER, FRESH=FRESH, AGENCYS=AGENCYS, KEYS=keys + roles, TILL=till
    )


def run(*words):
    assert main([str(word) for word in words]) == 0


@pytest.fixture(scope="module")
def published(chain, tmp_path_factory):
    """The folder of an office with its signed report, nil return included."""
    folder = tmp_path_factory.mktemp("report")
    publics = []
    for n in range(3):
        run("office", "keygen", "--out", folder / f"key-{n}.pem")
        publics.append(public_bytes(read_key(folder / f"key-{n}.pem")).hex())
    (folder / "office.toml").write_text(office_text(publics))
    (folder / "attestations.csv").write_text(
        "account,as_of,amount_btc,document,attested_by,file_sha256\n"
        f"custodian-1,{BASE},5,letter-1,Custodian One,{'cd' * 32}\n"
    )
    (folder / "silent.toml").write_text(office_text(publics, till=""))
    identity = ["office", "identity", "--office", folder / "office.toml"]
    run(*identity, "--out", folder / "office.json", "--key", folder / "key-0.pem", "--key",
        folder / "key-1.pem")  # fmt: skip
    made = ["report", "wallets", "--office", folder / "office.toml", "--chain", chain]
    run(*made, "--date", LATER, "--date", BASE, "--identity", folder / "office.json",
        "--arrangement", "Drill facility", "--out", folder / "unsigned.json",
        "--csv", folder / "report.csv")  # fmt: skip
    signed_by_all(folder, folder / "unsigned.json", folder / "report.json")
    return folder


def signed_by_all(folder, source, target):
    for n, entity in ((0, None), (1, None), (2, "Water.Agency")):
        named = [] if entity is None else ["--entity", entity]
        run("report", "sign", source, "--identity", folder / "office.json", "--key",
            folder / f"key-{n}.pem", *named, "--out", target)  # fmt: skip
        source = target


def verified(chain, folder, capsys, file="report.json", *more):
    words = ["report", "verify", str(folder / file), "--chain", chain, *map(str, more), "--json"]
    capsys.readouterr()
    status = main(words)
    report = json.loads(capsys.readouterr().out)
    return status, {line["name"]: line for line in report["checks"]}


def with_all(folder):
    return ["--office", folder / "office.toml", "--identity", folder / "office.json"]


def test_every_address_stands_in_it_with_its_amount_at_each_date(published):
    report = read_wallet_report((published / "report.json").read_bytes()).report
    assert [each.day for each in report.dates] == [BASE, LATER]
    fund, treasury, agency = report.entities
    cold, till = treasury.wallets
    [held] = cold.addresses
    assert (held.address, held.amounts) == (ADDRESS, [150_000_000, 180_000_000])
    assert cold.unused == 1
    assert [each.amounts for each in till.addresses] == [[0, 70_000_000]]
    assert (report.cold, report.hot) == ([150_000_000, 180_000_000], [0, 70_000_000])
    assert agency.nil
    assert not treasury.nil
    # What nobody attests is not nought.
    [account] = fund.accounts
    assert (account.amounts, account.documents) == ([500_000_000, None], ["letter-1", None])
    assert not fund.nil
    assert report.attested == [500_000_000, 0]


def test_the_table_has_a_line_per_address_and_nil_return_and_says_that_it_is_a_test(published):
    rows = list(csv.reader((published / "report.csv").read_text().splitlines()))
    assert rows[0][-2:] == [f"sat_{BASE}", f"sat_{LATER}"]
    assert rows[1][:4] == ["fund", "custodian-1", "at Custodian One", "owned"]
    assert rows[1][-2:] == ["500000000", "not attested"]
    assert rows[2][:5] == ["treasury", "cold", "cold", "owned", ADDRESS]
    assert rows[2][-2:] == ["150000000", "180000000"]
    assert ["Water.Agency", "nil return", "", "", "", "", "0", "0"] in rows
    assert rows[-1] == ["test network, invented figures"]


def test_a_stranger_derives_it_again_and_sees_who_signed(chain, published, capsys):
    status, checks = verified(chain, published, capsys, "report.json", *with_all(published))
    assert status == 0
    assert {line["verdict"] for line in checks.values()} == {"passed"}
    status, checks = verified(chain, published, capsys)
    assert status == 0
    assert checks["report_amounts"]["verdict"] == "passed"
    assert checks["report_signed"]["verdict"] == "not checkable"
    assert checks["report_complete"]["verdict"] == "not checkable"


def test_the_same_report_is_the_same_bytes(chain, published, tmp_path):
    run("report", "wallets", "--office", published / "office.toml", "--chain", chain, "--date",
        BASE, "--date", LATER, "--identity", published / "office.json", "--arrangement",
        "Drill facility", "--out", tmp_path / "again.json")  # fmt: skip
    assert (tmp_path / "again.json").read_bytes() == (published / "unsigned.json").read_bytes()


def rewritten(published, tmp_path, change):
    """The report with a lie, its sums and digest made right again and signed by the valid keys."""
    file = read_wallet_report((published / "unsigned.json").read_bytes())
    content = msgspec.to_builtins(file.report)
    change(content)
    count = len(content["dates"])
    for entity in content["entities"]:
        for wallet in entity["wallets"]:
            wallet["amounts"] = [
                sum(address["amounts"][n] for address in wallet["addresses"]) for n in range(count)
            ]
        for name in ("hot", "cold"):
            entity[name] = [
                sum(w["amounts"][n] for w in entity["wallets"] if w["storage"] == name)
                for n in range(count)
            ]
    for name in ("hot", "cold", "attested"):
        content[name] = [sum(e[name][n] for e in content["entities"]) for n in range(count)]
    report = msgspec.convert(content, type(file.report))
    for number, entity in enumerate(report.entities):
        content["entities"][number]["nil"] = is_nil(entity)
    lie = WalletReportFile(
        format=file.format, report=msgspec.convert(content, type(file.report)), signatures=[]
    )
    assert list(problems_of(lie.report)) == []
    (tmp_path / "lie.json").write_bytes(write_wallet_report(lie))
    return tmp_path / "lie.json"


def wallet_in(content, id_):
    return next(w for e in content["entities"] for w in e["wallets"] if w["id"] == id_)


def less(content):
    wallet_in(content, "cold")["addresses"][0]["amounts"][1] -= 1


def hide(content):
    wallet_in(content, "till")["addresses"] = []
    wallet_in(content, "till")["unused"] = 1


def cool(content):
    wallet_in(content, "till")["storage"] = "cold"


def earlier(content):
    content["dates"][0]["block"] = dict(content["dates"][0]["block"], hash="ab" * 32)


def forget(content):
    content["entities"] = content["entities"][:2]


def unlist(content):
    content["exclusions"] = []


def attest(content):
    fund = content["entities"][0]
    fund["accounts"][0]["amounts"][0] += 1
    fund["attested"][0] += 1


@pytest.mark.parametrize(
    ("change", "fails", "words"),
    [
        (attest, {"report_complete"}, "its accounts are not those of the office file"),
        (less, {"report_amounts"}, "held 180000000 sat, the report says 179999999"),
        (hide, {"report_complete"}, "is left out (0, 70000000 sat)"),
        (cool, {"report_complete"}, "storage is hot in the office file"),
        (earlier, {"report_dates"}, "the report names"),
        (forget, {"report_complete"}, "the office file has it, the report does not"),
        (unlist, {"report_complete"}, "the office file says otherwise"),
    ],
)
def test_a_lie_signed_with_valid_keys_fails_its_one_check(
    chain, published, tmp_path, capsys, change, fails, words
):
    path = rewritten(published, tmp_path, change)
    for n in (0, 1):
        run("report", "sign", path, "--identity", published / "office.json", "--key",
            published / f"key-{n}.pem", "--out", path)  # fmt: skip
    if change is not forget:
        run("report", "sign", path, "--identity", published / "office.json", "--key",
            published / "key-2.pem", "--entity", "Water.Agency", "--out", path)  # fmt: skip
    status, checks = verified(chain, tmp_path, capsys, "lie.json", *with_all(published))
    assert status == 1
    failed = {name for name, line in checks.items() if line["verdict"] == "failed"}
    assert failed == fails
    said = [finding["text"] for name in fails for finding in checks[name]["findings"]]
    assert any(words in text for text in said), said


def test_signatures_that_are_missing_or_about_another_report_are_named(
    chain, published, tmp_path, capsys
):
    half = tmp_path / "half.json"
    run("report", "sign", published / "unsigned.json", "--identity", published / "office.json",
        "--key", published / "key-0.pem", "--out", half)  # fmt: skip
    status, checks = verified(chain, tmp_path, capsys, "half.json", *with_all(published))
    assert status == 1
    assert "1 of 2 signatures" in checks["report_signed"]["findings"][0]["text"]
    [missing] = checks["report_nil_returns"]["findings"]
    assert missing["where"] == "entity Water.Agency"
    # The good signatures of one report stand under another.
    lie = read_wallet_report(rewritten(published, tmp_path, less).read_bytes())
    good = read_wallet_report((published / "report.json").read_bytes())
    moved = msgspec.structs.replace(lie, signatures=good.signatures)
    (tmp_path / "moved.json").write_bytes(write_wallet_report(moved))
    status, checks = verified(chain, tmp_path, capsys, "moved.json", *with_all(published))
    assert status == 1
    texts = [finding["text"] for finding in checks["report_signed"]["findings"]]
    assert any("it signs another report" in text for text in texts)


def test_a_key_of_another_role_or_office_signs_nothing(published, tmp_path, capsys):
    words = ["report", "sign", str(published / "unsigned.json"), "--identity",
             str(published / "office.json"), "--out", str(tmp_path / "out.json")]  # fmt: skip
    assert main([*words, "--key", str(published / "key-2.pem")]) != 0
    assert "is not in role statement" in capsys.readouterr().err
    given = [*words, "--key", str(published / "key-0.pem"), "--entity", "Water.Agency"]
    assert main(given) != 0
    assert "is not in role entity-water-agency" in capsys.readouterr().err
    assert main([*words, "--key", str(published / "key-0.pem"), "--entity", "nobody"]) != 0
    assert not (tmp_path / "out.json").exists()


def test_a_wallet_without_hot_or_cold_and_a_date_too_young_make_no_report(
    chain, published, tmp_path, capsys
):
    words = ["report", "wallets", "--chain", chain, "--out", str(tmp_path / "out.json")]
    silent = ["--office", str(published / "silent.toml")]
    assert main([*words, *silent, "--date", BASE]) != 0
    assert "till" in capsys.readouterr().err
    office = ["--office", str(published / "office.toml")]
    young = (datetime.fromtimestamp(START, UTC) + timedelta(days=124)).date().isoformat()
    assert main([*words, *office, "--date", young]) != 0
    assert "are needed" in capsys.readouterr().err
    assert main([*words, *office, "--date", "2030-01-01"]) != 0
    assert not (tmp_path / "out.json").exists()


def test_a_statement_that_closes_at_a_date_is_named_and_must_agree(
    chain, published, tmp_path, capsys
):
    office = (published / "office.toml").read_text()
    swapped = office.replace(ADDRESS, "HELD").replace(OTHER, ADDRESS).replace("HELD", OTHER)
    (published / "swapped.toml").write_text(swapped)
    for name in ("office", "swapped"):
        run("statement", "make", "--office", published / f"{name}.toml", "--chain", chain,
            "--from", "1", "--to", LATER, "--out", tmp_path / f"{name}.json", "--salt-seed",
            "07" * 32)  # fmt: skip
    words = ["report", "wallets", "--office", str(published / "office.toml"), "--chain", chain,
             "--date", BASE, "--date", LATER, "--out", str(tmp_path / "out.json")]  # fmt: skip
    run(*words, "--statement", tmp_path / "office.json")
    report = read_wallet_report((tmp_path / "out.json").read_bytes()).report
    [named] = report.statements
    assert named.day == LATER
    assert named.root == json.loads((tmp_path / "office.json").read_bytes())["root"]
    capsys.readouterr()
    words[-1] = str(tmp_path / "none.json")
    assert main([*words, "--statement", str(tmp_path / "swapped.json")]) != 0
    assert "held 70000000 sat at the close" in capsys.readouterr().err
    assert not (tmp_path / "none.json").exists()


def test_entities_whose_roles_would_be_one_cannot_sign(published, tmp_path):
    file = read_wallet_report((published / "unsigned.json").read_bytes())
    entities = [
        msgspec.structs.replace(entity, id="water-agency") if entity.id == "fund" else entity
        for entity in file.report.entities
    ]
    report = msgspec.structs.replace(file.report, entities=entities)
    twin = msgspec.structs.replace(file, report=report)
    (tmp_path / "twin.json").write_bytes(write_wallet_report(twin))
    identity = read_office((published / "office.json").read_bytes())
    with pytest.raises(RolesCollide, match=r"water-agency and Water\.Agency"):
        list(signatures_of(twin, identity, now=datetime(2026, 11, 1, tzinfo=UTC)))


def _with_a_wallet_twice(content):
    entity = next(each for each in content["report"]["entities"] if each["wallets"])
    wallet = entity["wallets"][0]
    nothing = [0] * len(wallet["amounts"])
    entity["wallets"].append({**wallet, "addresses": [], "amounts": nothing})


def test_a_file_that_contradicts_itself_is_refused_with_its_place(published):
    raw = (published / "report.json").read_bytes()
    content = json.loads(raw)
    for change, words in (
        (lambda c: c["report"]["hot"].__setitem__(0, 1), "hot"),
        (lambda c: c["report"]["entities"][1].__setitem__("nil", True), "nil"),
        (lambda c: c["report"].__setitem__("test", False), "test"),
        (lambda c: c["report"]["dates"].reverse(), "dates"),
        (lambda c: c["report"]["entities"].append(c["report"]["entities"][0]), "twice"),
        (lambda c: c["report"].__setitem__("extra", 1), "extra"),
        # Under the name of a wallet that is checked, another one would be looked at by nobody.
        (_with_a_wallet_twice, "a wallet stands here twice"),
    ):
        lie = json.loads(raw)
        change(lie)
        text = json.dumps(lie, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
        with pytest.raises(WalletReportRefused, match=words):
            read_wallet_report(text.encode())
    with pytest.raises(WalletReportRefused, match="canonical"):
        read_wallet_report(json.dumps(content).encode())


def test_the_schema_in_the_docs_is_the_one_the_types_give_and_accepts_a_report(published):
    page = Path(__file__).resolve().parents[2] / "docs" / "spec" / "wallet-report.schema.json"
    assert json.loads(page.read_text(encoding="utf-8")) == wallet_report_json_schema()
    jsonschema = pytest.importorskip("jsonschema")
    content = json.loads((published / "report.json").read_bytes())
    jsonschema.validate(content, wallet_report_json_schema())
