"""The claims register and the lender's conditions, as answers."""

from decimal import Decimal

from django.http import HttpRequest

from khazana.conditions.exact import plain
from khazana.conditions.parts import ConditionsBody, conditions_of
from khazana.conditions.verdicts import Evaluated
from khazana.portal.api import schemas_flows as schemas
from khazana.portal.api.asking import ClaimsFilter, statement_of
from khazana.portal.api.figures import block_of, notice_of
from khazana.portal.api.problems import NoSuchThing
from khazana.portal.reserve.pair import cached_value
from khazana.portal.reserve.views_claims import Row, checked
from khazana.portal.statement.models import StatementRow


def claims_asked(asked: ClaimsFilter) -> list[Row]:
    """Claims with their checks, in the register's order."""
    return [row for row in checked() if asked.subject in (None, row.claim.subject.value)]


def claim_named(ident: str) -> schemas.Claim:
    """One claim with its check."""
    for row in checked():
        if row.claim.id == ident:
            return claim_item(row)
    raise NoSuchThing(kind="claim", named=ident)


def claim_item(row: Row) -> schemas.Claim:
    """Who said what, and what our check makes of it."""
    claim, check, quantity = row.claim, row.check, row.claim.quantity
    return schemas.Claim(
        id=claim.id,
        subject=claim.subject.value,
        country=claim.country,
        speaker=dict(claim.speaker),
        said=claim.said.text,
        as_of=claim.as_of.text,
        text=dict(claim.text),
        quantity=None
        if quantity is None
        else schemas.ClaimFigure(name="claimed", text=quantity.text, unit=quantity.unit),
        qualifier=None if quantity is None else quantity.qualifier.value,
        perimeter=None if quantity is None else quantity.perimeter.value,
        publisher=claim.source.publisher,
        source=claim.source.link,
        mark=claim.source.mark.value,
        grade=claim.grade.value,
        check=check.kind,
        verdict=check.key,
        figures=[
            schemas.ClaimFigure(name=each.name, text=each.text, unit=each.unit)
            for each in check.figures
        ],
        note=None if check.note is None else dict(check.note),
        uses=list(check.uses),
        command=check.command,
    )


def conditions_asked(request: HttpRequest, root: str | None) -> list[schemas.Conditions]:
    """Every memorandum that a statement carries; an empty list where it carries none."""
    row = statement_of(root)
    bodies = conditions_of(cached_value(row.root, row.sha256))
    return [_conditions(row, body) for body in bodies]


def _conditions(row: StatementRow, body: ConditionsBody) -> schemas.Conditions:
    by_condition: dict[str, list[Evaluated]] = {}
    for each in body.evaluated:
        by_condition.setdefault(each.condition, []).append(each)
    return schemas.Conditions(
        memorandum=body.memorandum.id,
        statement=row.root,
        today=body.today,
        conditions=[
            schemas.Condition(
                id=condition.id,
                name=dict(condition.name),
                kind=condition.kind.value,
                quantity=condition.quantity,
                unit=condition.unit,
                direction=condition.direction.value,
                continuous=condition.continuous,
                verdicts=[_verdict(each) for each in by_condition.get(condition.id, ())],
            )
            for condition in body.memorandum.conditions
        ],
        accumulation=[
            schemas.Accumulation(
                perimeter=test.perimeter,
                after=block_of(test.after),
                until=block_of(test.until),
                verdict=test.verdict.value,
                why=test.why,
                gain_sats=test.gain,
                gain_known_sats=test.gain_known,
            )
            for test in body.accumulation
        ],
        test=row.office.test,
        notice=notice_of(row.office),
    )


def _verdict(each: Evaluated) -> schemas.Verdict:
    return schemas.Verdict(
        day=each.day,
        block=None if each.block is None else block_of(each.block),
        measured=_text(each.measured),
        target=_text(each.target),
        adjusted=_text(each.adjusted),
        headroom=_text(each.headroom),
        verdict=each.verdict.value,
        why=each.why,
        grade=None if each.grade is None else each.grade.value,
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{plain(value):f}"
