"""What a verification has in hand: the statement, a chain, and what else the reader brought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from khazana.bitcoin.chain import ChainView, Coin
from khazana.bitcoin.descriptor import DescriptorEngine
from khazana.bitcoin.network import Network, network_of_genesis
from khazana.bitcoin.transaction import OutPoint
from khazana.errors import KhazanaError
from khazana.ledger.accounts import Wallet
from khazana.ledger.counted import Counted
from khazana.ledger.documents import Document
from khazana.ledger.entries import ChainEntry, HeldCoin
from khazana.ledger.postings import coins_after_entries, entries_of, held_coins
from khazana.ledger.valuation import PricePoint
from khazana.reserve.answers import Answer
from khazana.reserve.bodies import block_ref, coin_of, wallet_of
from khazana.reserve.gather import ChainFacts, gather_period
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.valuation_document import ValuationDocument
from khazana.statement.identity import Office
from khazana.units import Txid


@dataclass(eq=False, kw_only=True)
class PartsWithheld(KhazanaError):
    """A question needs parts that this disclosure does not show."""

    kind: str
    missing: int
    code = "parts_withheld"
    words = (
        "{missing} parts of kind {kind} are withheld in this disclosure; ask the office for one "
        "that shows them"
    )


@dataclass(eq=False, kw_only=True)
class ScriptsUnsound(KhazanaError):
    """Nothing can be asked of a chain about a wallet that declares no script, or one twice."""

    wallet: str
    code = "scripts_unsound"
    words = "wallet {wallet} declares no script, or one of them twice"


@dataclass(eq=False, kw_only=True)
class NoChainGiven(KhazanaError):
    """A question needs a chain, and the reader gave none."""

    code = "no_chain_given"
    words = "no chain was given; say --chain core:URL, esplora:URL or blocks:DIR"


@dataclass(eq=False, kw_only=True)
class NoDocumentsGiven(KhazanaError):
    """The statement commits to documents, and the reader was given none."""

    stated: int
    code = "no_documents_given"
    words = "the statement commits to {stated} documents, and none was given (--documents FILE)"


@dataclass(eq=False, kw_only=True)
class NoPreviousGiven(KhazanaError):
    """The statement follows another one, which the reader did not give."""

    previous: str
    code = "no_previous_given"
    words = "the statement before this one (root {previous}) was not given (--previous FILE)"


@dataclass(eq=False, kw_only=True)
class NoValuationGiven(KhazanaError):
    """What the coins were worth is said in a file of its own, which the reader did not give."""

    code = "no_valuation_given"
    words = "no valuation was given (--valuation FILE)"


@dataclass(eq=False, kw_only=True)
class NoProofOfControl(KhazanaError):
    """Nothing in the statement shows who can move the coins."""

    code = "no_proof_of_control"
    words = "the statement carries no proof of control over its coins"


@dataclass(eq=False, kw_only=True)
class OffChainBalances(KhazanaError):
    """Balances that no chain shows."""

    sats: int
    accounts: int
    code = "off_chain_balances"
    words = (
        "{accounts} custodial accounts hold {sats} sat at closing; that is the custodians' word, "
        "no chain shows it"
    )


@dataclass(frozen=True)
class Given:
    """A document that the office handed to the reader, with the salt that opens its commitment."""

    document: Document
    salt: bytes


@dataclass(frozen=True)
class Case:
    """A statement under verification.

    pin: the fingerprint of the office the reader expects; None when nobody said.
    office: the identity that goes with it, from the reader's file or from the statement.
    previous: the statement of the period before, if the reader has it.
    beside: other publishers' statements, in which no coin of this one may stand.
    accept_opening: take the opening coins from `previous` instead of the chain's whole history.
    valuation: what the statement's holdings are said to be worth. prices: the reader's own.
    """

    statement: ReserveStatement
    chain: ChainView | None
    engine: DescriptorEngine
    pin: str | None = None
    office: Office | None = None
    previous: ReserveStatement | None = None
    beside: Sequence[ReserveStatement | Counted] = ()
    accept_opening: bool = False
    documents: Mapping[str, Given] | None = None
    valuation: ValuationDocument | None = None
    prices: Sequence[PricePoint] | None = None
    answers: dict[str, Answer] = field(default_factory=dict, compare=False)
    """What has been answered so far, by the question's name: later questions build on it."""

    @property
    def network(self) -> Network:
        """The network that the statement names; a reader without a chain may still know it."""
        known = network_of_genesis(self.statement.header.network.genesis)
        return known or self.required_chain().network

    def required_chain(self) -> ChainView:
        if self.chain is None:
            raise NoChainGiven()
        return self.chain

    def require(self, *kinds: str) -> None:
        """Refuse to go on when parts of these kinds are withheld."""
        for kind in kinds:
            if missing := self.statement.withheld(kind):
                raise PartsWithheld(kind=kind, missing=missing)

    @cached_property
    def wallets(self) -> tuple[Wallet, ...]:
        """The stated wallets with their disclosed scripts."""
        self.require("wallet", "scripts")
        found = []
        for body in self.statement.wallets.values():
            listed = self.statement.scripts.get(body.id)
            texts = listed.scripts if listed is not None else []
            if not texts or len(set(texts)) != len(texts):
                raise ScriptsUnsound(wallet=body.id)
            found.append(wallet_of(body, [bytes.fromhex(text) for text in texts]))
        return tuple(found)

    @cached_property
    def stated_wallets(self) -> tuple[Wallet, ...]:
        """The stated wallets without their scripts, which figures do not need."""
        self.require("wallet")
        return tuple(wallet_of(body, ()) for body in self.statement.wallets.values())

    @cached_property
    def facts(self) -> ChainFacts:
        """Everything the chain shows about the declared scripts up to the closing block."""
        period = self.statement.header.period
        after, until = block_ref(period.after), block_ref(period.until)
        return gather_period(
            self.required_chain(),
            {script for wallet in self.wallets for script in wallet.scripts},
            after=after,
            until=until,
            since_birth=not self.accept_opening,
        )

    @cached_property
    def chain_opening(self) -> Mapping[OutPoint, Coin]:
        """The opening coins: re-derived from the chain, or accepted from the previous statement."""
        if self.accept_opening:
            return self.accepted_opening
        return self.facts.opening_coins()

    @cached_property
    def accepted_opening(self) -> Mapping[OutPoint, Coin]:
        """The previous statement's closing coins; those of wallets it did not have, from the chain.

        A coin's script is not in the file, so each takes its wallet's first: which of a wallet's
        scripts holds a coin changes no posting.
        """
        if self.previous is None:
            raise PartsWithheld(kind="previous statement", missing=1)
        if missing := self.previous.withheld("coins"):
            raise PartsWithheld(kind="coins of the previous statement", missing=missing)
        scripts = {wallet.id: wallet.scripts[0] for wallet in self.wallets}
        coins = {
            coin.outpoint: coin
            for wallet, body in self.previous.coins.items()
            if wallet in scripts
            for coin in (coin_of(c, scripts[wallet]) for c in body.closing)
        }
        new = {s for w in self.wallets if w.id not in self.previous.coins for s in w.scripts}
        if new:
            after = block_ref(self.statement.header.period.after)
            coins.update((c.outpoint, c) for c in self.required_chain().coins_at(new, after))
        return coins

    @cached_property
    def chain_entries(self) -> tuple[ChainEntry, ...]:
        """The period's entries as the chain shows them."""
        return entries_of(self.facts.during, self.wallets, self.chain_opening)

    @cached_property
    def chain_entry(self) -> Mapping[Txid, ChainEntry]:
        return {entry.txid: entry for entry in self.chain_entries}

    @cached_property
    def chain_closing(self) -> Mapping[OutPoint, HeldCoin]:
        """The coins at the end of the closing block as the chain shows them."""
        opening = held_coins(self.chain_opening.values(), self.wallets)
        return coins_after_entries(opening, self.chain_entries)

    @cached_property
    def stated_opening(self) -> Mapping[OutPoint, HeldCoin]:
        """The opening coins as stated; of a coin that stands twice, the first."""
        self.require("coins")
        coins: dict[OutPoint, HeldCoin] = {}
        for wallet, body in self.statement.coins.items():
            for coin in (coin_of(c) for c in body.opening):
                coins.setdefault(
                    coin.outpoint,
                    HeldCoin(wallet, coin.outpoint, coin.amount, coin.block, coin.is_coinbase),
                )
        return coins
