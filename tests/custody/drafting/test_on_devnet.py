"""Orders on an embedded network: a quorum pays, is stuck, is replaced or lifted, and books it."""

from datetime import UTC, datetime

import pytest

pytest.importorskip("pbk", reason="the devnet profile is not installed")
pytest.importorskip("bdkpython", reason="the office profile is not installed")

from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import TxOut
from khazana.cli.offices import resolved
from khazana.custody.drafting.assemble import Ground
from khazana.custody.drafting.batch import read_batch
from khazana.custody.drafting.booking import document_rows, documents_of
from khazana.custody.drafting.child import Stuck, child_of
from khazana.custody.drafting.lookalikes import NONE_KNOWN
from khazana.custody.drafting.make import draft_consolidation, draft_payment, draft_split
from khazana.custody.drafting.replace import replacement_of
from khazana.custody.drafting.signing import finalize
from khazana.custody.drafting.wallet import Place, previous_of
from khazana.devnet.admission import TransactionRefused
from khazana.devnet.network import Devnet
from khazana.devnet.view import DevnetView
from khazana.ledger.office_file import load_office
from khazana.reserve.gather import gather_period
from khazana.reserve.make import make
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.envelope import write_statement
from khazana.units import Height, Sats
from tests.custody.drafting.safes import ENGINE, STOP, address, rules, safe, signed_by
from tests.custody.quorums import TWO_OF_THREE

START, DAY = 1_760_000_000, 86_400

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
documents = ["documents.csv"]
[[entity]]
id = "treasury"
name = {{ en = "Treasury" }}
sector = "budgetary central government"
[[wallet]]
id = "safe"
entity = "treasury"
name = {{ en = "Cold storage" }}
declared = 1
descriptor = "{DESCRIPTOR}"
range = [{{ branch = 0, stop = {STOP} }}, {{ branch = 1, stop = {STOP} }}]
gap = 2
[[wallet.lane]]
lane = "owned"
[[perimeter]]
id = "public-sector"
name = {{ en = "Public sector" }}
[[perimeter.member]]
wallet = "safe"
[[key]]
id = "key-0"
public = "{PUBLIC}"
[[role]]
role = "statement"
threshold = 1
keys = ["key-0"]
"""


class World:
    """A devnet whose faucet has filled a 2-of-3 with three coins."""

    def __init__(self, directory):
        self.devnet = Devnet(directory)
        self.view = DevnetView(self.devnet)
        self.wallet = safe(TWO_OF_THREE)
        self.day = 0
        self.mine(110)
        self.bought = []
        for index, amount in enumerate((30_000_000, 20_000_000, 10_000_000)):
            script = self.wallet.script_at(Place(0, index), ENGINE)
            bought = self.devnet.pay([TxOut(Sats(amount), script)])
            self.bought.append((bought, amount))
            self.mine()

    def mine(self, count=1, **more):
        mined = self.devnet.mine(count, time=START + self.day * DAY, spacing=DAY, **more)
        self.day += count
        return mined

    @property
    def tip(self):
        return self.devnet.tip()

    def coins(self):
        return self.view.coins_at(list(self.wallet.places), self.tip)

    def facts(self, feerate, **more):
        coins = self.coins()
        return {
            "coins": coins,
            "previous": previous_of(self.view, coins),
            "tip": self.tip,
            "rules": rules(feerate, **more),
            "engine": ENGINE,
        }

    def ground(self, feerate):
        facts = self.facts(feerate)
        facts.pop("coins")
        return Ground(wallet=self.wallet, **facts)

    def sign(self, draft, *names):
        files = signed_by(self.wallet, names or ("bo", "cia"), draft.psbt)
        return finalize(draft, self.wallet, files, engine=ENGINE)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path / "net")
    yield made
    made.devnet.close()


TABLE = (
    "address,amount_btc,label,reference\n"
    f"{address('school')},0.12,School board,S-1\n"
    f"{address('clinic')},0.07,Clinic,S-2\n"
    f"{address('road')},0.005,Road works,S-3\n"
)


def paid_batch(world, feerate):
    payments = read_batch("pay.csv", TABLE.encode(), network=REGTEST, known=NONE_KNOWN)
    return draft_payment(world.wallet, payments, change_index=0, **world.facts(feerate))


def booked(world, tmp_path, documents):
    """The statement over everything so far: (reason, document, amount) of each explanation."""
    purchases = [
        f"buy-{n},acquisition,2025-10-09T00:00:00Z,safe,{amount},{txid},,Exchange,,\r\n"
        for n, (txid, amount) in enumerate(world.bought)
    ]
    (tmp_path / "documents.csv").write_text(document_rows(documents) + "".join(purchases))
    (tmp_path / "office.toml").write_text(
        OFFICE.format(
            DESCRIPTOR=world.wallet.descriptor.text,
            STOP=STOP,
            PUBLIC="cc125cee8eb032497a668a2a7831b4ab274f8aaf2cdd8f5dea8f3a74ee7b5844",
        )
    )
    office = resolved(load_office(tmp_path / "office.toml"), world.view)
    scripts = {script for wallet in office.wallets for script in wallet.scripts}
    until = world.view.block_at(Height(world.tip.height - 5))
    facts = gather_period(world.view, scripts, after=world.view.block_at(Height(1)), until=until)
    made = make(office, facts, salt_seed=bytes(32), fingerprint=None, previous=None)
    assert made.findings == ()
    statement = read_reserve_statement(write_statement(made.statement))
    return [
        (body.txid, line.reason, line.amount)
        for body in statement.explanations.values()
        for line in body.lines
    ]


def lines_of(told, txid):
    return sorted((reason, amount) for of, reason, amount in told if of == txid)


def test_a_quorum_pays_a_batch_replaces_it_while_stuck_and_the_books_explain_it(world, tmp_path):
    stuck = paid_batch(world, 1)
    slow = world.sign(stuck, "anna", "cia")
    assert world.devnet.submit_transaction(slow) == slow.txid
    world.mine(transactions=())  # a block that has no room for it
    assert slow.txid in world.devnet.mempool
    new = replacement_of(stuck, world.ground(20))
    fast = world.sign(new)
    assert world.devnet.submit_transaction(fast) == fast.txid
    assert slow.txid not in world.devnet.mempool
    [block] = world.mine()
    assert world.devnet.index.placed(fast.txid).height == block.height
    with pytest.raises(TransactionRefused):
        world.devnet.submit_transaction(slow)
    documents = documents_of(
        new, fast, order="order-1", at=datetime(2026, 2, 1, tzinfo=UTC), authority="Budget act"
    )
    world.mine(8)
    told = booked(world, tmp_path, documents)
    assert lines_of(told, fast.txid) == [
        ("disbursement", -12_000_000),
        ("disbursement", -7_000_000),
        ("disbursement", -500_000),
    ]
    assert "unexplained" not in {reason for _, reason, _ in told}
    # Without its documents the same movement is what nobody has explained.
    bare = booked(world, tmp_path, ())
    assert lines_of(bare, fast.txid) == [("unexplained", -19_500_000)]


def test_a_replacement_below_the_relay_rules_is_refused_by_us_as_by_the_network(world):
    stuck = paid_batch(world, 10)
    world.devnet.submit_transaction(world.sign(stuck))
    barely = replacement_of(stuck, world.ground("10.01"))
    assert barely.fee_sats == stuck.fee_sats + barely.vsize
    world.devnet.submit_transaction(world.sign(barely))
    # One satoshi less than rule 4 of BIP-125 asks is what the network refuses.
    bumped = replacement_of(barely, world.ground(20))
    world.devnet.submit_transaction(world.sign(bumped))
    with pytest.raises(TransactionRefused, match="insufficient fee"):
        world.devnet.submit_transaction(world.sign(barely))


def test_a_child_lifts_its_stuck_parent_and_both_confirm(world, tmp_path):
    stuck = paid_batch(world, 1)
    slow = world.sign(stuck)
    world.devnet.submit_transaction(slow)
    child = child_of(Stuck.of_draft(stuck, slow), world.ground(30), change_index=1)
    lifting = world.sign(child, "anna", "bo")
    world.devnet.submit_transaction(lifting)
    fees = stuck.fee_sats + child.fee_sats
    waiting = [world.devnet.mempool.get(txid) for txid in (slow.txid, lifting.txid)]
    assert sum(each.fee for each in waiting) == fees
    assert fees >= 30 * sum(each.vsize for each in waiting)
    world.mine()
    assert world.devnet.index.placed(lifting.txid) is not None
    documents = documents_of(stuck, slow, order="o", at=datetime(2026, 2, 1, tzinfo=UTC))
    assert documents_of(child, lifting, order="c", at=datetime(2026, 2, 1, tzinfo=UTC)) == ()
    world.mine(8)
    told = booked(world, tmp_path, documents)
    assert "unexplained" not in {reason for _, reason, _ in told}
    assert lines_of(told, lifting.txid) == []


def test_a_split_under_the_cap_and_a_consolidation_stay_inside_the_wallet(world, tmp_path):
    before = sum(coin.amount for coin in world.coins())
    cap = Sats(8_000_000)
    split = draft_split(
        world.wallet,
        amount=Sats(25_000_000),
        first_index=3,
        change_index=0,
        **world.facts(2, cap_per_address=cap),
    )
    spreading = world.sign(split)
    world.devnet.submit_transaction(spreading)
    world.mine()
    assert max(output.amount for output in spreading.outputs) <= cap
    merged = draft_consolidation(
        world.wallet, first_index=8, **world.facts(3, cap_per_address=Sats(100_000_000))
    )
    gathering = world.sign(merged)
    world.devnet.submit_transaction(gathering)
    world.mine()
    [coin] = world.coins()
    assert coin.amount == before - split.fee_sats - merged.fee_sats
    assert coin.script == world.wallet.script_at(Place(0, 8), ENGINE)
    world.mine(8)
    told = booked(world, tmp_path, ())
    assert "unexplained" not in {reason for _, reason, _ in told}
