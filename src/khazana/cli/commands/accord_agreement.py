"""`khazana accord agreement`: show, compare, sign and check the text that offices agree on."""

import argparse
from datetime import datetime
from pathlib import Path

from khazana.accord.agreement.changes import changes
from khazana.accord.agreement.model import Agreement, PartyKind
from khazana.accord.agreement.read import read_agreement
from khazana.accord.agreement.shipped import SHIPPED_AGREEMENTS, shipped_agreement
from khazana.accord.agreement.signing import (
    PartySigned,
    judge_agreement_signature,
    sign_agreement,
    unsigned_parties,
)
from khazana.cli.clock import now
from khazana.cli.commands import accord_agreement_log
from khazana.cli.files import MOST_OFFICE_BYTES, naming, read_bytes, write_whole
from khazana.cli.keys import read_key
from khazana.cli.usage import WrongArguments
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.dsse import Envelope, joined, read_envelope
from khazana.statement.errors import SignatureRefused
from khazana.statement.identity import Office
from khazana.statement.office_file import read_office
from khazana.statement.table import printable
from khazana.statement.times import read_instant, write_instant

EXIT_UNSIGNED = 2
EXIT_STALE = 1


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "agreement",
        help="show, compare, sign and check an agreement",
        description="FILE is an agreement in TOML, or the name of one that comes with the "
        f"program: {', '.join(SHIPPED_AGREEMENTS)}.",
    )
    steps = parser.add_subparsers(title="steps", metavar="STEP", required=True)
    show = steps.add_parser("show", help="the text in one language, with its hash")
    show.add_argument("file", metavar="FILE")
    show.add_argument("--language", metavar="CODE")
    show.set_defaults(run=run_show)
    compare = steps.add_parser(
        "compare",
        help="what a version changed, and which translations did not follow",
        description="Exit status 1 where a translation still says what the version before said.",
    )
    compare.add_argument("before", metavar="FILE")
    compare.add_argument("after", metavar="FILE")
    compare.set_defaults(run=run_compare)
    sign = steps.add_parser(
        "sign",
        help="sign it in the name of a party",
        description="Signers of one party state the same --at; `check` takes all their files.",
    )
    sign.add_argument("file", metavar="FILE")
    sign.add_argument("--party", metavar="ID", required=True)
    sign.add_argument("--identity", metavar="FILE", type=Path, required=True)
    sign.add_argument("--key", metavar="FILE", type=Path, required=True)
    sign.add_argument("--at", metavar="TIME", help="time of signing; all signers state the same")
    sign.add_argument("--out", metavar="FILE", type=Path, required=True)
    sign.set_defaults(run=run_sign)
    check = steps.add_parser(
        "check",
        help="which parties are bound by signatures",
        description="Exit status 0: every office among the parties signed; 1: a signature is "
        "refused; 2: one is missing, or its office was not given.",
    )
    check.add_argument("file", metavar="FILE")
    check.add_argument("--signature", metavar="FILE", type=Path, action="append", default=[])
    check.add_argument("--identity", metavar="FILE", type=Path, action="append", default=[])
    check.set_defaults(run=run_check)
    accord_agreement_log.register(steps)


def run_show(args: argparse.Namespace) -> int:
    agreement = _agreement(args.file)
    language = args.language or agreement.authentic
    if language not in agreement.languages:
        problem = f"it is given in {', '.join(agreement.languages)}, not in {language!r}"
        raise WrongArguments(command="accord agreement show", problem=problem)
    _head(agreement, language)
    for party in agreement.parties:
        print(f"party {party.id} ({party.kind.value}): {printable(party.names[language])}")
        for word, items in (("owner", party.owners), ("interest", party.interests)):
            for item in items:
                print(f"  {word}: {printable(f'{item.who}: {item.what} ({item.source})')}")
        for text in party.open:
            print(f"  open: {printable(text[language])}")
    for article in agreement.articles:
        print(f"{article.id} [{article.field.value}] {printable(article.headings[language])}")
        for number, sentence in enumerate(article.sentences[language], 1):
            print(f"  {number}. {printable(sentence)}")
    for each in agreement.commitments:
        wanted = f"{each.proof.count} {each.proof.kind} entries of {each.proof.by}"
        print(f"commitment {each.id}, {each.owner}, due {each.due}: {printable(wanted)}")
        print(f"  {printable(each.words[language])}")
    for visit in agreement.visits:
        place = printable(visit.place[language])
        print(f"visit {visit.id}, {visit.on}, {place}: {printable(visit.summary[language])}")
        print(f"  minutes {visit.minutes}; led to: {', '.join(visit.actions) or 'nothing'}")
    for text in agreement.open:
        print(f"open: {printable(text[language])}")
    return 0


def run_compare(args: argparse.Namespace) -> int:
    before, after = _agreement(args.before), _agreement(args.after)
    found = changes(before, after)
    _head(after, after.authentic)
    for each in found:
        print(f"{each.article}, sentence {each.number}:")
        print(f"  was: {printable(each.before or '(nothing)')}")
        print(f"  is:  {printable(each.after or '(nothing)')}")
        if each.stale:
            print(f"  did not follow: {', '.join(each.stale)}")
    if not found:
        print("no sentence changed")
    return EXIT_STALE if any(each.stale for each in found) else 0


def run_sign(args: argparse.Namespace) -> int:
    agreement = _agreement(args.file)
    try:
        party = agreement.party(args.party)
        at = read_instant(args.at) if args.at else now()
    except ValueError as wrong:
        raise WrongArguments(command="accord agreement sign", problem=str(wrong)) from None
    office = _office(args.identity)
    envelope = sign_agreement(agreement, party, office, read_key(args.key), at=at)
    write_whole(args.out, canonical_bytes(envelope.to_json()) + b"\n", replace=False)
    _head(agreement, agreement.authentic)
    print(f"signed for {party.id} at {write_instant(at)} by key {envelope.signatures[0].key}")
    return 0


def run_check(args: argparse.Namespace) -> int:
    agreement = _agreement(args.file)
    offices = [_office(path) for path in args.identity]
    _head(agreement, agreement.authentic)
    signed, refused = _judged(agreement, args.signature, offices, now=now())
    for each in signed:
        keys = ", ".join(sorted(each.keys))
        print(f"{each.party} is bound since {write_instant(each.at)}, by {keys}")
    for problem in refused:
        print(f"refused: {printable(problem)}")
    missing = unsigned_parties(agreement, signed)
    for party in missing:
        paper = " on paper, which nothing here checks" if party.kind is PartyKind.COMPANY else ""
        print(f"{party.id} has not signed{paper}")
    if refused:
        return 1
    return EXIT_UNSIGNED if any(p.kind is PartyKind.OFFICE for p in missing) else 0


def _judged(
    agreement: Agreement, paths: list[Path], offices: list[Office], *, now: datetime
) -> tuple[list[PartySigned], list[str]]:
    """Signature files put together by what they sign, and judged."""
    together: dict[tuple[str, bytes], list[Envelope]] = {}
    for path in paths:
        with naming(path):
            envelope = read_envelope(parse_strict(read_bytes(path, most=MOST_OFFICE_BYTES)))
        together.setdefault((envelope.payload_type, envelope.payload), []).append(envelope)
    signed, refused = [], []
    for envelopes in together.values():
        try:
            signed.append(judge_agreement_signature(agreement, joined(envelopes), offices, now=now))
        except SignatureRefused as error:
            refused.append(str(error))
    return signed, refused


def _head(agreement: Agreement, language: str) -> None:
    if agreement.test:
        print(TEST_NOTICE)
    print(f"{printable(agreement.titles[language])}, version {agreement.version}")
    print(f"hash of all {len(agreement.languages)} languages: {agreement.digest}")
    print(f"authentic: {agreement.authentic}; {'binding' if agreement.binding else 'not binding'}")
    if agreement.notice:
        print(printable(agreement.notice[language]))


def _agreement(name: str) -> Agreement:
    if name in SHIPPED_AGREEMENTS:
        return shipped_agreement(name)
    path = Path(name)
    raw = read_bytes(path, most=MOST_OFFICE_BYTES)
    with naming(path):
        return read_agreement(path.name, raw)


def _office(path: Path) -> Office:
    with naming(path):
        return read_office(read_bytes(path, most=MOST_OFFICE_BYTES))
