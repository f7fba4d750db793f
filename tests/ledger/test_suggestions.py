from datetime import timedelta

from khazana.bitcoin.network import REGTEST
from khazana.ledger.documents import Document
from khazana.ledger.suggestions import Candidate, Misfit, suggestions
from tests.ledger.test_matching import NOON, RULES, Case, address, document


def suggested(case: Case, *documents: Document) -> list[tuple[Candidate, ...]]:
    found = case.match(*documents)
    return list(
        suggestions(
            found,
            documents,
            entries=case.entries,
            outputs={c.txid: c.transaction.outputs for c in case.chain.history},
            times={c.block.hash: NOON for c in case.chain.history},
            network=REGTEST,
            rules=RULES,
        ).values()
    )


def paid(amount: int = 5000) -> Case:
    case = Case()
    case.pay("stranger", ("a", amount))
    return case


def test_two_documents_that_both_fit_are_both_suggested_by_their_rule():
    (found,) = suggested(paid(), document("d1", "receipt", 5000), document("d2", "donation", 5000))
    assert [(c.document, c.rule, c.fits) for c in found] == [("d1", "M3", True), ("d2", "M3", True)]


def test_what_nearly_fits_says_why_not():
    (found,) = suggested(
        paid(),
        document("short", "receipt", 4990),
        document("late", "receipt", 5000, at=NOON + timedelta(days=5)),
        document("away", "disbursement", 5000),
        document("elsewhere", "receipt", 5000, address=address("b")),
        document("other", "receipt", 5000, txid="00" * 32),
    )
    assert {c.document: (c.rule, c.misfits) for c in found} == {
        "short": ("M3", (Misfit.AMOUNT,)),
        "late": ("M3", (Misfit.TIME,)),
        "away": ("M3", (Misfit.DIRECTION,)),
        "elsewhere": ("M2", (Misfit.ADDRESS,)),
        "other": ("M1", (Misfit.TRANSACTION,)),
    }
    by_id = {c.document: c for c in found}
    assert (by_id["short"].difference, by_id["late"].days) == (-10, 5)


def test_a_document_by_address_with_another_amount_is_near_and_says_so():
    (found,) = suggested(paid(), document("d", "receipt", 4999, address=address("a")))
    assert [(c.rule, c.misfits) for c in found] == [("M2", (Misfit.AMOUNT,))]


def test_the_closest_comes_first_and_what_has_nothing_in_common_is_left_out():
    (found,) = suggested(
        paid(),
        document("far", "disbursement", 1, at=NOON + timedelta(days=400)),
        document("near", "receipt", 4000),
        document("nearer", "receipt", 4999),
        document("of-b", "receipt", 5000, account="b"),
    )
    assert [c.document for c in found] == ["nearer", "near"]


def test_documents_that_claim_too_much_together_are_suggested_one_by_one():
    case = Case()
    txid = case.pay("stranger", ("a", 5000)).txid
    (found,) = suggested(
        case, document("d1", "receipt", 5000, txid=txid), document("d2", "receipt", 1, txid=txid)
    )
    assert [(c.document, c.rule, c.fits) for c in found] == [("d1", "M1", True), ("d2", "M1", True)]


def test_a_rest_is_explained_by_its_transaction_only_and_a_coinbase_is_not_bought():
    case = Case()
    txid = case.pay("stranger", ("a", 5000)).txid
    (found,) = suggested(
        case, document("d1", "receipt", 2000, txid=txid), document("d2", "receipt", 3000)
    )
    assert [(c.document, c.misfits) for c in found] == [("d2", (Misfit.PARTLY,))]
    mined = Case()
    mined.pay("coinbase", ("a", 5000))
    (found,) = suggested(mined, document("d", "acquisition", 5000))
    assert [c.misfits for c in found] == [(Misfit.COINBASE,)]


def test_what_is_explained_gets_no_suggestions():
    assert suggested(paid(), document("d", "receipt", 5000)) == []
