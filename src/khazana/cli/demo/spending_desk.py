"""An office's spending desk in the demo: rules, people with keys, orders, and the log of them."""

import csv
import hashlib
import io
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from khazana.bitcoin.address import address_of
from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import Transaction
from khazana.cli.demo.books import LIABILITIES, STATISTICS, Books
from khazana.cli.demo.deriving import resolved
from khazana.cli.demo.officers import ROLES, Officers
from khazana.cli.files import write_whole
from khazana.cli.memoranda import closings_of, figures_from, linted
from khazana.cli.offices import office_file
from khazana.conditions.as_if_booked import LenderConditions
from khazana.conditions.parts import custody_of
from khazana.conditions.verdicts import Inputs
from khazana.custody.orders import events as ev
from khazana.custody.orders.booking import booked_event, document_rows, documents_of
from khazana.custody.orders.checks import CheckOutcome, Situation, check, checked_event
from khazana.custody.orders.log import OrderLog, appended, new_log
from khazana.custody.orders.machine import publication_day
from khazana.custody.orders.order import Order
from khazana.custody.orders.order_file import write_order
from khazana.custody.orders.rules_file import read_spending
from khazana.custody.orders.signing import Parties, approve, override, sign_order
from khazana.custody.orders.state import OrderState
from khazana.custody.orders.transaction import TransactionFacts
from khazana.ledger.office import Office as OfficeBooks
from khazana.reserve.gather import gather_period
from khazana.reserve.office_books import books_of
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.dsse import joined
from khazana.statement.identity import Office
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.times import write_instant
from khazana.units import Height, Sats, btc_from_sats

RULES, LOG = "spending.toml", "orders.jsonl"
ASIDE, RESTATED = "desk", "restated"
DRAFTER, APPROVERS = "drafter-1", ("approver-1", "approver-2")
MINISTERS = ("minister-1", "minister-2")


@dataclass
class SpendingDesk:
    """cap: of each own address, in satoshis. payees: whom the office may pay, by address.

    publish_after_days: by when the public is told of an override.
    """

    folder: Path
    books: Books
    officers: Officers
    identity: Office
    cap: int
    payees: tuple[bytes, ...]
    publish_after_days: int = 30
    log: OrderLog = field(init=False)

    def __post_init__(self) -> None:
        self.log = new_log(self.identity)
        raw = "\n".join(self._rules()).encode()
        write_whole(self.folder / RULES, raw)
        self.rules = read_spending(RULES, raw, network=REGTEST)

    @property
    def parties(self) -> Parties:
        return Parties(self.identity, self.rules.holders)

    @property
    def drafter(self) -> str:
        """The id of the drafter's key."""
        return key_id(public_bytes(self.officers.private[DRAFTER]))

    def draft(self, order: Order, *, at: datetime) -> OrderState:
        envelope = sign_order(order, self.officers.private[DRAFTER])
        return self._add(
            ev.Drafted(**_heading(order.id, DRAFTER, at), envelope=ev.envelope_file(envelope))
        )

    def attach(
        self, id_: str, facts: TransactionFacts, *, at: datetime, replacement: bool = False
    ) -> OrderState:
        return self._add(
            ev.Attached(
                **_heading(id_, DRAFTER, at),
                purpose="replacement" if replacement else "original",
                unsigned=facts.unsigned.serialize(witness=False).hex(),
                spent=[ev.SpentFile(o.amount, o.script.hex()) for o in facts.spent],
                change=sorted(facts.change),
                psbt_sha256=facts.psbt_sha256,
            )
        )

    def check(
        self, id_: str, conditions: LenderConditions, chain: ChainView, *, at: datetime
    ) -> CheckOutcome:
        """Every rule and every condition, as if the order were booked; the outcome is logged."""
        state, tip = self.log.order(id_), chain.tip()
        wallets = self._described(chain).wallets
        scripts = {script: wallet.id for wallet in wallets for script in wallet.scripts}
        held: dict[bytes, Sats] = {}
        for coin in chain.coins_at(frozenset(scripts), tip):
            held[coin.script] = Sats(held.get(coin.script, 0) + coin.amount)
        books = conditions.inputs.books
        outcome = check(
            state,
            self.rules,
            Situation(
                at=at,
                zone=ZoneInfo(self.books.timezone),
                version=self.identity.newest,
                scripts=scripts,
                lanes={wallet.id: wallet.lane_at(tip.height) for wallet in wallets},
                others=self.log.others(id_),
                held=held,
                conditions=conditions,
                books_height=None if books is None else books.until.height,
            ),
        )
        self._add(checked_event(state, outcome, self.rules, at=at, by="rules of the office"))
        return outcome

    def _described(self, chain: ChainView) -> OfficeBooks:
        """The office as the file aside says, unused addresses of its wallets included."""
        return resolved(office_file(str(self.folder / ASIDE / "office.toml")), chain)

    def override(self, id_: str, reason: str, *, at: datetime) -> None:
        """Two ministers let the order pass against exactly the rules that refuse it."""
        state = self.log.order(id_)
        envelopes = [
            override(
                state.order,
                state.facts,
                self.officers.private[name],
                self.parties,
                rules=state.failed,
                reason=reason,
                at=at,
            )
            for name in MINISTERS
        ]
        days = self.rules.override.publish_after_days if self.rules.override else 0
        self._add(
            ev.Overridden(
                **_heading(id_, ", ".join(MINISTERS), at),
                envelope=ev.envelope_file(joined(envelopes)),
                publish_on=publication_day(at, days).isoformat(),
            )
        )

    def publish(self, id_: str, where: str, *, at: datetime) -> None:
        self._add(ev.Published(**_heading(id_, DRAFTER, at), where=where))

    def approve(self, id_: str, *, at: datetime) -> None:
        """By as many as the rules ask for, none of them the drafter; overridden rules are named."""
        for number, name in enumerate(APPROVERS):
            state, then = self.log.order(id_), at + timedelta(minutes=number)
            envelope = approve(
                state.order,
                state.facts,
                self.officers.private[name],
                self.parties,
                overridden=state.relied_on,
                at=then,
            )
            self._add(ev.Approved(**_heading(id_, name, then), envelope=ev.envelope_file(envelope)))

    def release(self, id_: str, final: Transaction, *, at: datetime) -> None:
        """Signed by the quorum, and sent."""
        self._add(ev.Signed(**_heading(id_, DRAFTER, at), raw=final.serialize().hex()))
        then = at + timedelta(minutes=1)
        self._add(ev.Broadcast(**_heading(id_, DRAFTER, then), txid=final.txid, where="own node"))

    def pay(self, id_: str, reference: str, *, at: datetime) -> None:
        """The money of a purchase leaves, as much as was decided."""
        cost = self.log.order(id_).order.cost
        if cost is None:
            raise ValueError(f"{id_} costs nothing")
        heading = _heading(id_, DRAFTER, at)
        self._add(ev.Paid(**heading, currency=cost.currency, minor=cost.minor, reference=reference))

    def deliver(self, id_: str, came: Transaction, block: BlockRef, *, at: datetime) -> None:
        """The coins of a purchase stand in a block."""
        bought = self.log.order(id_).order.purchase
        scripts = [output.script for output in came.outputs]
        self._add(
            ev.Delivered(
                **_heading(id_, DRAFTER, at),
                raw=came.serialize().hex(),
                vout=-1 if bought is None else scripts.index(bought.script),
                height=block.height,
                block=block.hash,
            )
        )

    def receipt(self, id_: str, paper: str, *, at: datetime) -> None:
        """The dealer's receipt is filed."""
        self.books.papers[f"receipt-{id_}.txt"] = paper
        digest = hashlib.sha256(paper.encode()).hexdigest()
        self._add(ev.Receipted(**_heading(id_, DRAFTER, at), file_sha256=digest))

    def confirm(self, id_: str, final: Transaction, block: BlockRef, *, at: datetime) -> None:
        heading, raw = _heading(id_, DRAFTER, at), final.serialize().hex()
        self._add(ev.Confirmed(**heading, raw=raw, height=block.height, block=block.hash))

    def book(self, id_: str, *, at: datetime, moved: datetime) -> None:
        """The documents that explain it go to the office's books. moved: the block's time."""
        state = self.log.order(id_)
        documents = documents_of(state, at=moved)
        table = document_rows(documents, header=True).decode()
        for cells in csv.DictReader(io.StringIO(table)):
            row = {name: value for name, value in cells.items() if value}
            amount = Sats(int(row.pop("amount_sat")))
            self.books.documents.append({**row, "amount_btc": btc_from_sats(amount)})
        self.books.papers[f"order-{id_}.json"] = write_order(state.order).decode()
        self._add(booked_event(state, documents, at=at, by=DRAFTER))

    def lender(
        self,
        memorandum: str,
        chain: ChainView,
        *,
        after: int,
        until: int,
        at: datetime,
        into: str = ASIDE,
    ) -> LenderConditions:
        """The conditions as they stand: the books from a block to another, and entered figures.

        What it reads lies in a folder `into` aside, so that what was published stays as it was.
        """
        aside = self.folder / into
        office_toml = self.books.write(aside, closed=at)
        path = aside / "memorandum.toml"
        write_whole(path, memorandum.encode())
        office = resolved(office_file(str(office_toml)), chain)
        facts = gather_period(
            chain,
            {script for wallet in office.wallets for script in wallet.scripts},
            after=chain.block_at(Height(after)),
            until=chain.block_at(Height(until)),
        )
        memoranda, zone = (linted(str(path)),), office.rules.timezone
        statistics, liabilities = aside / STATISTICS, aside / LIABILITIES
        figures = figures_from(
            statistics if statistics.exists() else None,
            liabilities if liabilities.exists() else None,
            chain=chain,
            zone=zone,
        )
        inputs = Inputs(
            books=books_of(office, facts),
            perimeters=office.perimeters,
            custody=custody_of(office),
            figures=figures,
            closings=closings_of(memoranda, chain, zone=zone),
            today=at.astimezone(ZoneInfo(zone)).date(),
        )
        return LenderConditions(memoranda, inputs)

    def _add(self, event: ev.Event) -> OrderState:
        self.log = appended(self.log, event, self.parties)
        write_whole(self.folder / LOG, self.log.to_bytes())
        return self.log.order(event.order)

    def _rules(self) -> list[str]:
        lines = [
            f"# Who may spend what: {TEST_NOTICE}",
            'format = "khazana.spending/1"',
            "check_valid_hours = 72",
            "expires_within_days = 14",
            'conditions = "required"',
            "most_fee_sat = 50_000",
            f'per_address_btc = "{btc_from_sats(Sats(self.cap))}"',
            "confirmations = 1",
            "allow_list = true",
            "",
            "[drafting]",
            'role = "drafter"',
            "",
            "[[approval]]",
            'role = "approver"',
            "approvals = 2",
            'from_btc = "0"',
            "",
            "[override]",
            'role = "minister"',
            f"publish_after_days = {self.publish_after_days}",
            "",
            "[purchase]",
            "least_quotes = 2",
            "quote_hours = 48",
            "",
            "[[limit]]",
            'id = "one-payment"',
            'on = "payment"',
            'per = "order"',
            'most_btc = "5"',
        ]
        for number, script in enumerate(self.payees, 1):
            found = address_of(script, REGTEST)
            lines += ["", "[[payee]]", f'id = "supplier-{number}"']
            lines += [f'name = "Supplier {number} (invented)"', f'addresses = ["{found}"]']
        for role in ("drafter", "approver", "minister"):
            for name in ROLES[role][1]:
                key = key_id(public_bytes(self.officers.private[name]))
                lines += ["", "[[holder]]", f'id = "{name}"', f'keys = ["{key}"]']
        return [*lines, ""]


def _heading(id_: str, by: str, at: datetime) -> dict[str, str]:
    return {"order": id_, "at": write_instant(at), "by": by}


def quote_paper(dealer: str, sats: int, price: str) -> tuple[str, str]:
    """An invented quote: its text, and the text's SHA-256 in hex."""
    text = f"{dealer}: quote for {btc_from_sats(Sats(sats))} BTC\n{TEST_NOTICE}\n\n{price}\n"
    return text, hashlib.sha256(text.encode()).hexdigest()
