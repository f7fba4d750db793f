import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.address import address_of
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import OutPoint, Transaction
from khazana.ledger.documents import Document, Reason
from khazana.ledger.entries import Fact
from khazana.ledger.explanations import Matching, explanation_grade
from khazana.ledger.flows import flows
from khazana.ledger.grades import EvidenceGrade
from khazana.ledger.matching import MatchingRules, match
from khazana.ledger.postings import entries_of
from khazana.units import Sats, Txid
from tests.ledger.paper_chain import PaperChain, script, wallet_of

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
WALLETS = [wallet_of(name) for name in ("a", "b", "c")]
RULES = MatchingRules(window_days=3, dust_threshold=Sats(1000))
PAGE = Path(__file__).parents[2] / "docs" / "methods" / "matching.md"


def address(party: str) -> str:
    found = address_of(script(party), REGTEST)
    assert found is not None
    return found


class Case:
    """A paper chain whose blocks all have one time, and the documents about it."""

    def __init__(self) -> None:
        self.chain = PaperChain()
        self.opening = {}

    def coin(self, party: str, amount: int) -> OutPoint:
        coin = self.chain.coin(party, amount)
        if party != "stranger":
            self.opening[coin.outpoint] = coin
        return coin.outpoint

    def pay(self, source: str, *outputs: tuple[str, int], fee: int = 10) -> Transaction:
        if source == "coinbase":
            return self.chain.coinbase(9, outputs)
        coin = self.coin(source, sum(amount for _, amount in outputs) + fee)
        return self.chain.pay(9, [coin], outputs)

    def match(self, *documents: Document, rules: MatchingRules = RULES) -> Matching:
        history = self.chain.history
        self.entries = entries_of(history, WALLETS, self.opening)
        return match(
            self.entries,
            documents,
            wallets={wallet.id for wallet in WALLETS},
            accounts={"custodian"},
            outputs={c.txid: c.transaction.outputs for c in history},
            times={c.block.hash: NOON for c in history},
            network=REGTEST,
            rules=rules,
        )


def document(name: str, reason: str, amount: int, **more: object) -> Document:
    given = {"at": NOON, "account": "a", **more}
    return Document(id=name, reason=Reason(reason), amount=Sats(amount), **given)


def lines(matching: Matching, wallet: str = "a") -> list[str]:
    return [
        f"{line.document or '-'} {line.reason.value} {line.amount} {line.rule}"
        for line in matching.explanations
        if line.wallet == wallet
    ]


def wrong(matching: Matching) -> list[str]:
    return [f"{f.where.removeprefix('document ')} {f.rule}" for f in matching.findings]


def table_rows() -> list[list[str]]:
    rows = [line.strip("|").split("|") for line in PAGE.read_text().splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


@pytest.mark.parametrize("row", table_rows(), ids=lambda row: row[0])
def test_the_worked_table_of_the_method_comes_out(row):
    _, paid, given_documents, explained, findings = row
    case = Case()
    source, target, amount = re.fullmatch(r"(\w+) pays (\w+) (\d+)", paid).groups()
    transaction = case.pay(source, (target, int(amount)))
    documents = []
    for text in parts(given_documents):
        name, reason, claimed, day, *how = text.split()
        documents.append(
            document(
                name,
                reason,
                int(claimed),
                at=NOON.replace(day=int(day[1:])),
                txid=transaction.txid if how == ["tx"] else None,
                address=address(target) if how == ["addr"] else None,
            )
        )
    for listed in (documents, documents[::-1]):
        matching = case.match(*listed)
        assert lines(matching) == parts(explained)
        assert wrong(matching) == parts(findings)
        assert {*matching.unmatched} == {finding.split()[0] for finding in parts(findings)}


def test_the_window_of_m2_and_m3_ends_with_its_last_second():
    for late, rule in ((0, "M3"), (1, "U1")):
        case = Case()
        case.pay("stranger", ("a", 5000))
        at = NOON + timedelta(days=3, seconds=late)
        assert lines(case.match(document("d", "donation", 5000, at=at)))[0].endswith(rule)


def test_one_batch_of_a_pool_is_explained_output_by_output():
    case = Case()
    case.pay("stranger", ("a/0", 3000), ("a/1", 2000), ("stranger", 9000))
    matching = case.match(
        document("first", "mined", 3000, address=address("a/0")),
        document("second", "mined", 2000, address=address("a/1")),
    )
    assert lines(matching) == ["first mined 3000 M2", "second mined 2000 M2"]
    assert not matching.findings


def test_a_paper_handed_in_twice_once_with_and_once_without_its_transaction_counts_once():
    case = Case()
    paid = case.pay("stranger", ("a/0", 3000), ("a/1", 2000))
    matching = case.match(
        document("with", "receipt", 2000, address=address("a/1"), txid=paid.txid),
        document("without", "receipt", 2000, address=address("a/1")),
    )
    assert lines(matching) == ["with receipt 2000 M1", "- unexplained 3000 U1"]
    assert wrong(matching) == ["without M5"]


def test_two_equal_receipts_are_not_told_apart_by_amount():
    case = Case()
    case.pay("stranger", ("a", 5000))
    case.pay("stranger", ("a", 5000))
    matching = case.match(document("d", "donation", 5000))
    assert lines(matching) == ["- unexplained 5000 U1"] * 2
    assert wrong(matching) == ["d M6"]


def test_a_document_cannot_explain_another_wallets_flow():
    case = Case()
    paid = case.pay("stranger", ("b", 5000))
    matching = case.match(document("d", "donation", 5000, txid=paid.txid))
    assert lines(matching, "b") == ["- unexplained 5000 U1"]
    assert wrong(matching) == ["d M5"]


def test_an_address_that_the_transaction_does_not_pay_contradicts_it():
    case = Case()
    paid = case.pay("stranger", ("a/0", 5000))
    matching = case.match(
        document("d", "donation", 5000, txid=paid.txid, address=address("a/1")),
        document("e", "donation", 5000, txid=paid.txid, address="bc1qnotofregtest"),
    )
    assert lines(matching) == ["- unexplained 5000 U1"]
    assert wrong(matching) == ["d M8", "e M8"]


def test_names_that_nobody_declared_are_findings():
    case = Case()
    case.pay("stranger", ("a", 5000))
    matching = case.match(
        document("who", "donation", 5000, account="nobody"),
        document("where", "receipt", 5000, counter_account="nowhere"),
        document("when", "receipt", 5000, txid=Txid("00" * 32)),
    )
    assert wrong(matching) == ["when M5", "where M5", "who M5"]


def test_a_custodial_accounts_documents_stay_off_the_chain_and_name_the_other_end():
    case = Case()
    paid = case.pay("a", ("stranger", 5000))
    inside = document("in", "acquisition", 5000, account="custodian")
    sent = document("out", "to_custodian", 5000, txid=paid.txid, counter_account="custodian")
    matching = case.match(inside, sent)
    assert matching.off_chain == (inside,)
    assert [(e.counterpart, e.amount) for e in matching.explanations] == [("custodian", -5000)]
    assert not matching.findings


def test_a_mixed_payment_is_a_transfer_and_a_disbursement():
    case = Case()
    paid = case.pay("a", ("b", 3000), ("stranger", 5000), ("a", 100))
    matching = case.match(document("d", "disbursement", 5000, txid=paid.txid))
    assert lines(matching) == ["- transfer -3000 T1", "d disbursement -5000 M1"]
    assert lines(matching, "b") == ["- transfer 3000 T1"]


def test_a_missing_block_time_is_our_mistake():
    case = Case()
    case.pay("stranger", ("a", 5000))
    entries = entries_of(case.chain.history, WALLETS, {})
    with pytest.raises(ValueError, match="time of block"):
        match(
            entries,
            [document("d", "donation", 5000)],
            wallets={"a"},
            accounts=(),
            outputs={},
            times={},
            network=REGTEST,
            rules=RULES,
        )


def test_two_documents_with_one_id_are_our_mistake():
    with pytest.raises(ValueError, match="same id"):
        Case().match(document("d", "donation", 1), document("d", "receipt", 2))


def test_a_reason_is_as_good_as_what_it_rests_on():
    case = Case()
    paid = case.pay("b", ("a", 100), ("stranger", 5000))
    told = document("told", "disbursement", 2000, account="b", txid=paid.txid)
    shown = document(
        "shown",
        "disbursement",
        3000,
        account="b",
        txid=paid.txid,
        file_sha256="ab" * 32,
        attested_by="Payee",
        signature="x",
    )
    matching = case.match(told, shown)
    by_id = {"told": told, "shown": shown}
    grades = {
        (e.wallet, e.document): explanation_grade(e, by_id).value for e in matching.explanations
    }
    assert grades == {("a", None): "A", ("b", None): "A", ("b", "told"): "D", ("b", "shown"): "C"}
    (line,) = [e for e in matching.explanations if e.document == "shown"]
    assert explanation_grade(line, by_id, signed={"shown"}) is EvidenceGrade.B


parties = st.sampled_from(["a", "a/1", "b", "c", "stranger"])
payments = st.lists(
    st.tuples(
        st.lists(st.tuples(parties, st.integers(1, 4000)), min_size=1, max_size=3),
        st.lists(st.tuples(parties, st.integers(1, 3)), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=5,
)
claims = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([r.value for r in Reason]),
        st.integers(1, 4000),
        st.sampled_from(["tx", "address", "amount"]),
        st.integers(0, 4),
        parties,
    ),
    max_size=8,
)


@given(payments, claims)
def test_whatever_the_documents_say_explanations_sum_to_the_flows(made, said):
    case = Case()
    for inputs, shares in made:
        coins = [case.coin(party, amount) for party, amount in inputs]
        # Outputs share what the inputs bring, so that nothing is made from nothing.
        unit = sum(amount for _, amount in inputs) // (sum(share for _, share in shares) + 1)
        case.chain.pay(9, coins, [(party, unit * share) for party, share in shares if unit])
    txids = [c.txid for c in case.chain.history]
    documents = [
        document(
            f"d{number}",
            reason,
            amount,
            account=wallet,
            txid=txids[index % len(txids)] if how == "tx" else None,
            address=address(party) if how == "address" else None,
        )
        for number, (wallet, reason, amount, how, index, party) in enumerate(said)
    ]
    matching = case.match(*documents)
    expected: dict[tuple[str, str], int] = {}
    for entry in case.entries:
        for flow in flows(entry):
            if flow.fact is not Fact.FEE:
                for account, sign in ((flow.source, -1), (flow.target, 1)):
                    key = entry.txid, account
                    expected[key] = expected.get(key, 0) + sign * flow.amount
    found: dict[tuple[str, str], int] = {}
    for line in matching.explanations:
        key = line.txid, line.wallet
        found[key] = found.get(key, 0) + line.amount
        assert line.amount
    names = {wallet.id for wallet in WALLETS}
    assert found == {key: amount for key, amount in expected.items() if key[1] in names}
    used = [line.document for line in matching.explanations if line.document]
    assert len(used) == len(set(used))
    assert {*used} | {*matching.unmatched} == {d.id for d in documents}
    assert not {*used} & {*matching.unmatched}
