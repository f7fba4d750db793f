"""Pools' statements and own coinbases: what the chain does not bear out is named with its line."""

from dataclasses import replace

import pytest

from khazana.bitcoin.address import address_of
from khazana.bitcoin.block import Header, merkle_branch, merkle_root
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.network import MAINNET, REGTEST
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.mining.arrivals import MinedPosting, arrival_findings
from khazana.mining.evidence.coinbases import own_block_findings, own_blocks
from khazana.mining.evidence.pools import audit_payouts, read_payouts
from khazana.mining.evidence.problems import EvidenceRefused
from khazana.units import BlockHash, Height, Sats, Txid
from tests.mining.shares import THIEF, template

OURS = bytes.fromhex("0014") + bytes(range(20))
SECOND = bytes.fromhex("0014") + bytes(range(1, 21))
ADDRESS, OTHER = (address_of(s, REGTEST) for s in (OURS, SECOND))
STRANGER = address_of(THIEF, REGTEST)
SCRIPTS = frozenset({OURS, SECOND})
HEAD = "pool,document,site,from,until,txid,vout,address,amount_btc\n"


def pay(*outputs: tuple[bytes, int]) -> Transaction:
    spent = TxIn(OutPoint(Txid("11" * 32), len(outputs)), b"", 0xFFFFFFFF, (b"w",))
    return Transaction(2, (spent,), tuple(TxOut(Sats(a), s) for s, a in outputs), 0)


FIRST = pay((OURS, 1_000_000), (SECOND, 500_000))
TWIN = pay((OURS, 2_000_000), (OURS, 2_000_000), (THIEF, 5))


def history():
    chain = SimulatedChain()
    chain.add_block([FIRST, TWIN])
    return chain.history(SCRIPTS, None, chain.tip())


def line(document="d1", site="site-1", *, txid="", vout="", address=ADDRESS, amount="0.01", day=1):
    times = f"2026-01-{day:02d}T00:00:00Z,2026-01-{day + 1:02d}T00:00:00Z"
    return f"pool-a,{document},{site},{times},{txid},{vout},{address},{amount}\n"


def audited(*lines):
    payouts = read_payouts("payouts.csv", (HEAD + "".join(lines)).encode(), network=REGTEST)
    return audit_payouts(payouts, history(), scripts=SCRIPTS, file="payouts.csv")


def only(*lines):
    (finding,) = audited(*lines).findings
    return finding.rule, finding.text, finding.where


def test_payouts_are_laid_to_the_outputs_that_paid_them():
    audit = audited(
        line(txid=FIRST.txid, vout=0),
        line("d2", "site-2", address=OTHER, amount="0.005"),
    )
    assert audit.findings == ()
    assert [str(a.outpoint) for a in audit.arrivals] == [f"{FIRST.txid}:0", f"{FIRST.txid}:1"]
    claims = audit.claims({OURS: "main", SECOND: "second"})
    assert [(c.site, c.month, c.posting.account, c.posting.amount) for c in claims] == [
        ("site-1", "2026-01", "main", 1_000_000),
        ("site-2", "2026-01", "second", 500_000),
    ]
    postings = [MinedPosting(FIRST.txid, "main", Sats(1_000_000)), claims[1].posting]
    accounts = {"site-1": frozenset({"main"}), "site-2": frozenset({"second"})}
    assert list(arrival_findings(claims, postings, accounts=accounts)) == []
    (missing,) = arrival_findings(claims[:1], postings, accounts=accounts)
    assert missing.text.startswith("no site counts 500000 sat to second")


def test_outputs_of_one_transaction_to_one_account_are_one_posting():
    audit = audited(
        line(txid=TWIN.txid, vout=0, amount="0.02"),
        line("d2", txid=TWIN.txid, vout=1, amount="0.02"),
    )
    (claim,) = audit.claims({OURS: "main"})
    assert claim.posting == MinedPosting(TWIN.txid, "main", Sats(4_000_000))


@pytest.mark.parametrize(
    ("fields", "rule", "said"),
    [
        ({"txid": "22" * 32, "vout": 0}, "E15", "the chain shows no output 2222"),
        ({"amount": "0.03"}, "E15", "the chain shows no output of 3000000 sat to"),
        (
            {"txid": FIRST.txid, "vout": 0, "amount": "0.01000001"},
            "E15",
            "holds 1000000 sat, stated are 1000001 sat",
        ),
        ({"txid": FIRST.txid, "vout": 1, "amount": "0.005"}, "E15", "pays another address"),
        ({"address": STRANGER}, "E17", "which is none of the programme's"),
        ({"amount": "0.02"}, "E16", "2 outputs fit it"),
    ],
)
def test_a_payout_that_the_chain_does_not_bear_out_is_named(fields, rule, said):
    found, text, where = only(line(**fields))
    assert found == rule
    assert said in text
    assert where == "payouts.csv, line 2, d1 of pool-a"


@pytest.mark.parametrize(
    ("site", "said"),
    [("site-2", "it matches two sites, site-1 and site-2"), ("site-1", "counted twice for site-1")],
)
def test_a_payout_that_matches_two_sites_is_named_and_counts_for_neither(site, said):
    for txid, vout in ((FIRST.txid, 0), ("", "")):
        audit = audited(line(txid=txid, vout=vout), line("d2", site, txid=txid, vout=vout, day=3))
        (finding,) = audit.findings
        assert (finding.rule, finding.where) == ("E16", "payouts.csv, line 3, d2 of pool-a")
        assert said in finding.text
        assert audit.arrivals == ()


def test_a_line_without_output_that_fits_only_anothers_output_is_named():
    audit = audited(line(txid=FIRST.txid, vout=0), line("d2", "site-2"))
    (finding,) = audit.findings
    assert finding.rule == "E16"
    assert "is line 2's (it matches two sites, site-1 and site-2)" in finding.text
    assert len(audit.arrivals) == 1


def test_a_line_takes_the_only_output_that_no_line_names():
    audit = audited(
        line(txid=TWIN.txid, vout=1, amount="0.02"), line("d2", "site-2", amount="0.02")
    )
    assert [(a.payout.document, a.outpoint.vout) for a in audit.arrivals] == [("d1", 1), ("d2", 0)]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (line(amount="-0.01"), "line 2, amount_btc: '-0.01': a payout is not negative"),
        (line(amount="1e-2"), "write BTC as 0.12345678"),
        (line(amount="0.00000000"), "amount_btc: is nothing"),
        (line(amount="99999999"), "more than will ever exist"),
        (line(txid="22" * 32), "line 2, vout: is empty"),
        (line(vout="1"), "line 2, txid: is empty"),
        (line(txid="22" * 32, vout="01"), "'01' is not the number of an output"),
        (line(address="bcrt1qxyz"), "line 2, address:"),
        (line(address=address_of(OURS, MAINNET)), "line 2, address:"),
        (line().replace("2026-01-02", "2025-01-02"), "until: is not after the beginning"),
        (line() + line(), "line 3, document: d1 of pool-a stands in line 2 already"),
        (line(site="a/b"), "line 2, site: 'a/b'"),
    ],
)
def test_a_malformed_statement_is_refused_with_line_and_column(bad, said):
    with pytest.raises(EvidenceRefused) as refused:
        audited(bad)
    assert said in str(refused.value)


# Own blocks


def block_of(coinbase: Transaction, *, position: int = 0):
    """A block of three with this transaction in it, as a chain shows it."""
    from khazana.bitcoin.chain import ConfirmedTransaction

    leaves = [FIRST.txid_le, TWIN.txid_le]
    leaves.insert(position, coinbase.txid_le)
    header = Header(2, BlockHash("00" * 32), merkle_root(leaves), 1, 0x1D00FFFF, 0)
    block = BlockRef(Height(665_301), header.hash)
    branch = merkle_branch(leaves, position)
    return ConfirmedTransaction(coinbase, block, position, branch), header


def found(coinbase, *, sites=("site-1", "site-2"), **fields):
    confirmed, header = block_of(coinbase, **fields)
    findings = own_block_findings(
        [confirmed], [header], sites=sites, scripts=SCRIPTS, network=MAINNET
    )
    return [(f.rule, f.text) for f in findings]


def test_the_reward_of_an_own_block_is_its_coinbases():
    coinbase = template().coinbase(7)
    assert found(coinbase) == []
    confirmed, _ = block_of(coinbase)
    (row,) = own_blocks([confirmed], sites=["site-1", "site-2"], scripts=SCRIPTS)
    assert (row.site, row.reward, row.ours) == ("site-1", 640_000_000, 640_000_000)


def test_a_coinbase_that_pays_somebody_else_or_too_little_is_named():
    outputs = (TxOut(Sats(600_000_000), OURS), TxOut(Sats(40_000_000), THIEF))
    ((rule, text),) = found(template(outputs=outputs).coinbase(1))
    assert (rule, text) == (
        "E18",
        "40000000 of 640000000 sat go to scripts not the programme's",
    )
    poor = template(outputs=(TxOut(Sats(5), OURS),)).coinbase(1)
    assert found(poor) == [("E18", "it takes 5 sat where the subsidy alone is 625000000")]


def test_a_coinbase_that_names_no_site_is_named():
    assert found(template("site-9").coinbase(1)) == [
        ("E18", "its coinbase names none of the sites, or several")
    ]


def test_what_is_no_coinbase_or_not_in_its_block_is_named():
    assert found(FIRST) == [("E18", "it is no coinbase")]
    assert found(template().coinbase(1), position=1) == [("E18", "it is no coinbase")]
    confirmed, header = block_of(template().coinbase(1))
    other = replace(header, merkle_root_le=bytes(32))
    for headers in ([], [other]):
        (finding,) = own_block_findings(
            [confirmed], headers, sites=["site-1"], scripts=SCRIPTS, network=MAINNET
        )
        assert finding.text == "nothing shows that it is in this block"
