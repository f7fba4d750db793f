"""What a printed statement says: every sentence, table and figure, before it is laid out.

The result is plain data. The layout prints texts as they are and computes nothing but places.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from fractions import Fraction
from typing import Any

from khazana.ledger.grades import EvidenceGrade
from khazana.portal.formatting.amounts import btc_text
from khazana.portal.formatting.dates import date_text
from khazana.portal.formatting.numbers import grouped, percent_text
from khazana.portal.formatting.words import btc_words
from khazana.portal.pdf.phrases import phrase, sentence, table
from khazana.portal.pdf.runs import Run, code, figure, name, printable, words
from khazana.portal.words.read import word
from khazana.reserve.parts import BlockBody, FiguresBody, GradesBody, PerimeterBody, WalletBody
from khazana.reserve.reading import ReserveStatement
from khazana.statement.times import read_instant

Json = Any
ATTACHED = "signed.json"
"""What the attached file is called inside the PDF."""


class Content:
    """A statement in one language; each method is a section of the page."""

    def __init__(
        self,
        statement: ReserveStatement,
        *,
        language: str,
        wallet: str | None,
        perimeter: str | None,
    ) -> None:
        self.statement = statement
        self.language = language
        self.wallet_id = wallet
        self.perimeter_id = perimeter

    def say(self, section: str, key: str, **facts: Run | Sequence[Run]) -> list[Json]:
        return plain(sentence(section, key, language=self.language, **facts))

    def named(self, names: Mapping[str, str], id: str) -> Run:
        """A name in the page's language, else in English, else the id."""
        return name(names.get(self.language) or names.get("en") or id)

    def date_of(self, instant: str) -> list[Run]:
        """A block's median time past: its day in words, its time in digits."""
        at = read_instant(instant)
        day = date_text(at.date(), language=self.language)
        pieces = [piece for piece in re.split("([0-9]+)", day) if piece]
        runs = [figure(piece) if piece.isdecimal() else words(piece) for piece in pieces]
        return [*runs, words(" "), figure(f"{at:%H:%M} UTC")]

    @property
    def perimeter(self) -> PerimeterBody | None:
        """The perimeter asked for, else the one with most members, the first of equals."""
        perimeters = self.statement.perimeters
        if self.perimeter_id is not None:
            return perimeters[self.perimeter_id]
        return max(perimeters.values(), key=lambda body: len(body.members), default=None)

    @property
    def filled_wallet(self) -> WalletBody | None:
        """The wallet asked for, else the one that others paid most into, the first of equals."""
        wallets = self.statement.wallets
        if self.wallet_id is not None:
            return wallets[self.wallet_id]
        return max(wallets.values(), key=lambda body: body.figures.inflow, default=None)

    def summary(self) -> Json:
        body = self.perimeter
        if body is None:
            return None
        header = self.statement.header
        figures = body.figures
        held = self.say(
            "summary",
            "held",
            height=figure(grouped(header.period.until.height)),
            time=self.date_of(header.period.until_mtp),
            name=self.named(body.name, body.id),
        )
        in_words = words(btc_words(figures.closing, language=self.language))
        change = figure(btc_text(figures.closing - figures.opening, signed=True))
        lines = [
            self.say("summary", "words", words=in_words),
            self.say("summary", "change", amount=change),
        ]
        if figures.closing > 0:
            share = percent_text(
                Fraction(figures.grades.a, figures.closing), language=self.language
            )
            lines.append(self.say("summary", "derivable", share=figure(share)))
        if figures.immature:
            amount = figure(btc_text(figures.immature))
            lines.append(self.say("summary", "immature", amount=amount))
        if figures.corrections.closing:
            recognised = figure(btc_text(figures.closing + figures.corrections.closing))
            lines.append(self.say("summary", "recognised", amount=recognised))
        return {"lead": held, "figure": plain([figure(btc_text(figures.closing))]), "lines": lines}

    def period(self) -> Iterator[Json]:
        header = self.statement.header
        office = self.named(header.office.name, header.office.id)
        for key, lines in (
            ("office", [[office]]),
            ("network", [[figure(header.network.name)]]),
            ("after", self._block(header.period.after, header.period.after_mtp)),
            ("until", self._block(header.period.until, header.period.until_mtp)),
            ("tip", self._block(header.tip, None)),
            ("min_depth", [[figure(grouped(header.min_depth))]]),
            ("previous", [[self._root(header.previous)]]),
            ("supersedes", [[self._root(header.supersedes)]]),
        ):
            yield {"label": self.say("label", key), "lines": [plain(line) for line in lines]}

    def holdings(self) -> Iterator[Json]:
        statement = self.statement
        for key, rows in (
            ("perimeters", [(p.name, p.id, p.figures) for p in statement.perimeters.values()]),
            ("entities", [(e.name, e.id, e.figures) for e in statement.entities.values()]),
            ("wallets", [(w.name, w.id, w.figures) for w in statement.wallets.values()]),
            ("accounts", [(a.name, a.id, a.figures) for a in statement.accounts.values()]),
        ):
            if rows:
                yield self._table(
                    self.say("label", key),
                    ("name", "opening", "change", "closing"),
                    [self._holding(self.named(names, id), body) for names, id, body in rows],
                )
        if self.perimeter is not None:
            lanes = [
                [
                    words(word("lane", lane.lane, self.language)),
                    *_course(lane.opening, lane.closing),
                ]
                for lane in self.perimeter.lanes
                if lane.opening or lane.closing
            ]
            if lanes:
                title = sentence("label", "lanes", language=self.language)
                of = [words(" · "), self.named(self.perimeter.name, self.perimeter.id)]
                columns = ("name", "opening", "change", "closing")
                yield self._table(plain([*title, *of]), columns, lanes)

    def bars(self) -> Json:
        wallet, perimeter = self.filled_wallet, self.perimeter
        if wallet is None or perimeter is None:
            return None
        gross = wallet.figures.inflow + wallet.figures.coinbase
        net = perimeter.figures.closing - perimeter.figures.opening
        low, high = min(0, gross, net), max(0, gross, net)
        span = high - low or 1
        rows = []
        for key, body, value in (("gross", wallet, gross), ("net", perimeter, net)):
            rows.append(
                {
                    "label": self.say("label", key, name=self.named(body.name, body.id)),
                    "amount": plain([figure(btc_text(value, signed=True))]),
                    "before": float(Fraction(min(0, value) - low, span)),
                    "width": float(Fraction(abs(value), span)),
                }
            )
        return {"rows": rows, "note": self.say("summary", "two_bars")}

    def reasons(self) -> Iterator[Json]:
        """Each perimeter's reasons, fees and changes of membership; they add up to its change."""
        for body in self.statement.perimeters.values():
            figures = body.figures
            lines: list[tuple[str, int, GradesBody | None]] = [
                (word("reason", reason.reason, self.language), reason.amount, reason.grades)
                for reason in figures.reasons
            ]
            if figures.fee:
                lines.append((word("reason", "fee", self.language), -figures.fee, None))
            if figures.perimeter_change:
                changed = word("book", "perimeter_change", self.language)
                lines.append((changed, figures.perimeter_change, None))
            rows = [
                [words(said), figure(btc_text(amount, signed=True)), figure(_grades_of(grades))]
                for said, amount, grades in lines
            ]
            if rows:
                change = figures.closing - figures.opening
                label = words(phrase("label", "change", language=self.language))
                rows.append([label, figure(btc_text(change, signed=True)), figure("")])
            yield self._table(
                plain([self.named(body.name, body.id)]),
                ("reason", "amount", "grade"),
                rows,
                empty="no_reasons",
            )

    def grades(self) -> Iterator[Json]:
        for body in self.statement.perimeters.values():
            carried = {
                grade.value: getattr(body.figures.grades, grade.value.lower())
                for grade in EvidenceGrade
            }
            whole = sum(abs(amount) for amount in carried.values())
            rows = [
                [
                    words(word("grade", letter, self.language)),
                    figure(btc_text(amount)),
                    figure(percent_text(Fraction(abs(amount), whole), language=self.language)),
                ]
                for letter, amount in carried.items()
                if amount
            ]
            title = plain([self.named(body.name, body.id)])
            yield self._table(title, ("grade", "amount", "share"), rows, empty="nothing_held")

    def contents(self) -> Json:
        statement = self.statement
        known = [key for key in table()["part"] if key != "closing_coins"]
        rows = []
        for kind in known:
            counted = statement.header.parts.get(kind, 0)
            withheld = statement.withheld(kind)
            if counted:
                rows.append(
                    [
                        words(phrase("part", kind, language=self.language)),
                        figure(grouped(counted - withheld)),
                        figure(grouped(withheld)),
                    ]
                )
        coins = sum(len(body.closing) for body in statement.coins.values())
        label = words(phrase("part", "closing_coins", language=self.language))
        rows.append([label, figure(grouped(coins)), figure("")])
        return self._table([], ("kind", "disclosed", "withheld"), rows)

    def left_out(self) -> Iterator[list[Json]]:
        """What the office says that it leaves out, and why, in its own words."""
        for body in self.statement.exclusions:
            yield self.say("summary", "left_out", name=name(body.name), reason=name(body.reason))

    def _table(
        self,
        title: list[Json],
        head: Sequence[str],
        rows: Sequence[Sequence[Run]],
        *,
        empty: str = "none",
    ) -> Json:
        return {
            "title": title,
            "head": [self.say("label", key) for key in head],
            "rows": [[plain([cell]) for cell in row] for row in rows],
            "empty": self.say("label", empty),
        }

    def _holding(self, named: Run, body: FiguresBody) -> list[Run]:
        return [named, *_course(body.opening, body.closing)]

    def _block(self, block: BlockBody, mtp: str | None) -> list[list[Run]]:
        height = [figure(grouped(block.height))]
        if mtp is not None:
            height += [words(" · "), *self.date_of(mtp)]
        return [height, [code(block.hash)]]

    def _root(self, root: str | None) -> Run:
        return (
            words(phrase("label", "none", language=self.language)) if root is None else code(root)
        )


def content_of(
    statement: ReserveStatement,
    raw: bytes,
    *,
    language: str,
    made_on: datetime,
    accent: str,
    address: str | None,
    file_name: str,
    wallet: str | None,
    perimeter: str | None,
) -> Json:
    """The whole document as the layout takes it."""
    page = Content(statement, language=language, wallet=wallet, perimeter=perimeter)
    header = statement.header
    office = page.named(header.office.name, header.office.id)
    title = sentence("heading", "title", language=language)
    file = code(ATTACHED)
    notices = [page.say("notice", "signed_file", file=file)]
    if header.office.notice:
        notices.insert(0, plain([name(header.office.notice)]))
    if header.office.fingerprint is None:
        notices.insert(0, page.say("notice", "not_signed"))
    subtitle = [
        *page.date_of(header.period.after_mtp),
        words(" – "),
        *page.date_of(header.period.until_mtp),
    ]
    return {
        "lang": language,
        "rtl": language in ("ar", "ur"),
        "accent": accent,
        "date": {"year": made_on.year, "month": made_on.month, "day": made_on.day},
        "plain_title": f"{phrase('heading', 'title', language=language)}: {office.text}",
        "plain_office": office.text,
        "office": plain([office]),
        "test": page.say("notice", "test") if header.test else None,
        "title": plain(title),
        "subtitle": plain(subtitle),
        "notices": notices,
        "summary": page.summary(),
        "headings": {key: page.say("heading", key) for key in table()["heading"]},
        "period": list(page.period()),
        "holdings": list(page.holdings()),
        "bars": page.bars(),
        "reasons": list(page.reasons()),
        "grades": list(page.grades()),
        "contents": page.contents(),
        "verify": list(_verify(page, file_name=file_name)),
        "prints": list(_prints(page, raw, address=address)),
        "limits": [*(page.say("limit", key) for key in table()["limit"]), *page.left_out()],
        "footer": plain([code(statement.root)]),
        "page": _page_parts(language),
        "qr_alt": phrase("label", "qr", language=language),
    }


def _verify(page: Content, *, file_name: str) -> Iterator[Json]:
    """The exact commands: take the file out, check it, and what to compare."""
    fingerprint = page.statement.header.office.fingerprint
    office = "" if fingerprint is None else " --office FINGERPRINT"
    steps = [
        ("take_out", f"pdfdetach -save 1 -o {file_name}.json {file_name}.pdf"),
        ("command", f"khazana verify {file_name}.json --chain SOURCE{office}"),
    ]
    for key, command in steps:
        yield {"say": page.say("verify", key), "command": [_command(command)]}
    if fingerprint is not None:
        # A page that vouches for itself proves nothing, so its fingerprint is not in the command.
        yield {"say": page.say("verify", "compare"), "command": []}


def _command(line: str) -> list[Json]:
    """A run a word: a long line may be broken between words, and is never turned around."""
    first, *rest = line.split(" ")
    return plain([code(first), *(run for word in rest for run in (words(" "), code(word)))])


def _prints(page: Content, raw: bytes, *, address: str | None) -> Iterator[Json]:
    for key, value in (
        ("root", page.statement.root),
        ("sha256", hashlib.sha256(raw).hexdigest()),
        ("fingerprint", page.statement.header.office.fingerprint),
        ("address", address),
    ):
        if value is not None:
            yield {"label": page.say("label", key), "value": plain([code(value)])}


def _page_parts(language: str) -> list[str]:
    """The words around the page's number and the number of pages, which only the layout knows."""
    template = printable(phrase("label", "page", language=language))
    first, _, rest = template.partition("{page}")
    between, _, last = rest.partition("{pages}")
    return [part for part in (first, "{page}", between, "{pages}", last) if part]


def _course(opening: int, closing: int) -> tuple[Run, Run, Run]:
    return (
        figure(btc_text(opening, unit=False)),
        figure(btc_text(closing - opening, unit=False, signed=True)),
        figure(btc_text(closing)),
    )


def _grades_of(grades: GradesBody | None) -> str:
    """The letters of the grades that carry any of an amount."""
    if grades is None:
        return ""
    carried = zip("ABCD", (grades.a, grades.b, grades.c, grades.d), strict=True)
    return " ".join(letter for letter, amount in carried if amount)


def plain(runs: Sequence[Run]) -> list[Json]:
    """Runs as the layout reads them."""
    return [asdict(run) for run in runs]
