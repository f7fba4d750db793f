"""What the two states enter in their logs as the story goes: seals, letters, statements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from khazana.accord.agreement.read import read_agreement
from khazana.accord.agreement.signed import signed_agreement
from khazana.accord.agreement.signing import sign_agreement
from khazana.accord.feed.records import (
    AnyRecord,
    CommitmentsRecord,
    DeclarationRecord,
    said_by,
    sign_record,
    signed_too,
)
from khazana.bitcoin.chain import ChainView
from khazana.cli.demo import directory as lies
from khazana.cli.demo import letters
from khazana.cli.demo.accord import FEED
from khazana.cli.demo.books import Books
from khazana.cli.demo.logbook import LogBook, begun_logbook
from khazana.cli.demo.officers import Officers
from khazana.cli.demo.purses import Purse
from khazana.cli.demo.stage import Stage
from khazana.cli.files import write_whole
from khazana.statement.identity import STATEMENT_ROLE, Office
from khazana.statement.log.office_keys import FEED_ROLE

AGREEMENTS = "agreements"


@dataclass(frozen=True, kw_only=True)
class Signatory:
    """A state whose log it is."""

    folder: Path
    books: Books
    officers: Officers
    identity: Office


@dataclass
class StateLogs:
    """Both states' logs. payer: who pays the fee of a stamp; no office's coin moves for it."""

    stage: Stage
    payer: Purse
    states: dict[str, Signatory] = field(default_factory=dict)
    books: dict[str, LogBook] = field(default_factory=dict)
    declared: dict[str, set[str]] = field(default_factory=dict)
    """Wallets that each state has declared in its log."""

    def begin(self, states: Mapping[str, Signatory]) -> None:
        """Begin each log with the identity and the wallets that are sealed."""
        self.states.update(states)
        at = self.stage.timeline.instant(self.stage.today)
        for office, state in states.items():
            (feed_key,) = state.officers.signers(FEED_ROLE)
            self.books[office] = begun_logbook(state.folder / FEED, state.identity, feed_key)
            sealed = tuple(commitment for commitment, _ in state.books.promised)
            files = []
            if sealed:
                said = said_by(state.identity, at=at)
                files.append(self._signed(office, CommitmentsRecord(**said, commitments=sealed)))
            self.books[office].publish(files, at=at)

    def act(self) -> None:
        """What is entered and stamped on a day, before its block is found."""
        if not self.books:
            return
        day, timeline = self.stage.today, self.stage.timeline
        days = letters.Days.of(timeline)
        if day in (days.signed, days.amended):
            prints = {name: state.identity.fingerprint for name, state in self.states.items()}
            first = letters.letter(timeline, prints)
            if day == days.amended:
                second = letters.amended_letter(first, timeline)
                self._agree("letter-2", second, tuple(self.states), minutes=letters.MINUTES)
            else:
                mine = (lies.PAKISTAN,)
                self._agree("letter-1", first, tuple(self.states))
                company = letters.company_letter(timeline, prints[lies.PAKISTAN])
                self._agree("company-letter", company, mine)
                stablecoin = letters.stablecoin_memorandum(timeline, prints[lies.PAKISTAN])
                self._agree("stablecoin-memorandum", stablecoin, mine)
        for office in self.states:
            self._declare(office)
        for book in self.books.values():
            book.stamp(self.stage, self.payer)

    def confirm(self, chain: ChainView) -> None:
        """The proofs of the stamps in the day's block."""
        for book in self.books.values():
            book.confirm(chain)

    def published(self, office: str, disclosure: Path) -> None:
        """A statement was signed today: what anyone may see of it goes into the log."""
        at = self.stage.timeline.instant(self.stage.today - 1)
        self.books[office].publish([disclosure.read_bytes()], at=at)

    def _declare(self, office: str) -> None:
        """Enter the wallets that the office's books have and its log has not, by their scripts."""
        state, known = self.states[office], self.declared.setdefault(office, set())
        at = self.stage.timeline.instant(self.stage.today)
        wallets = {
            wallet.id: tuple(sorted(script.hex() for script in wallet.purse.places))
            for wallet in state.books.wallets
            if wallet.id not in known and wallet.purse.places
        }
        if wallets:
            record = DeclarationRecord(**said_by(state.identity, at=at), wallets=wallets)
            self.books[office].publish([self._signed(office, record)], at=at)
            known.update(wallets)

    def _agree(
        self, name: str, text: str, parties: tuple[str, ...], *, minutes: str | None = None
    ) -> None:
        """Each of these states signs a text and enters it; a company signs on paper."""
        at = self.stage.timeline.instant(self.stage.today)
        agreement = read_agreement(f"{name}.toml", text.encode())
        for office in parties:
            state = self.states[office]
            signed = signed_agreement(
                text,
                [
                    sign_agreement(agreement, agreement.party(office), state.identity, key, at=at)
                    for key in state.officers.signers(STATEMENT_ROLE)
                ],
                minutes=() if minutes is None else (minutes,),
            )
            folder = state.folder / AGREEMENTS
            write_whole(folder / f"{name}.toml", text.encode())
            write_whole(folder / f"{name}.signed.json", signed.to_bytes())
            if minutes is not None:
                write_whole(folder / f"{name}.minutes.txt", minutes.encode())
            self.books[office].publish([signed.to_bytes()], at=at)

    def _signed(self, office: str, record: AnyRecord) -> bytes:
        first, *others = self.states[office].officers.signers(STATEMENT_ROLE)
        signed = sign_record(record, first)
        for key in others:
            signed = signed_too(signed, key)
        return signed.to_bytes()
