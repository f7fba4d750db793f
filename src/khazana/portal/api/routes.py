"""Every address of the API; each finds what was asked and puts it into its shape."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Query
from ninja.errors import HttpError, Throttled, ValidationError

import khazana
from khazana.portal.api import (
    holdings,
    logs,
    mining,
    movements,
    providers,
    register,
    schemas,
    statements,
)
from khazana.portal.api import schemas_flows as flows
from khazana.portal.api import schemas_mining as mined
from khazana.portal.api.answers import problem_answer
from khazana.portal.api.asking import (
    ClaimsAsked,
    FiguresAsked,
    HoldingsAsked,
    Ident,
    MovementsAsked,
    OfStatement,
    OfWallet,
    OutPoint,
    PagedOfStatement,
    Root,
    SeriesAsked,
    StatementsAsked,
    TwoBarsAsked,
    Txid,
    names_asked,
    refuse_others,
    require_set,
    statement_of,
)
from khazana.portal.api.figures import Source
from khazana.portal.api.lists import page_of, page_of_rows
from khazana.portal.api.problems import NoSuchAddress, NotGiven, TooManyRequests, WrongParameters
from khazana.portal.api.throttle import Rate
from khazana.portal.reserve.models import SetKind

View = TypeVar("View", bound=Callable[..., Any])

api = NinjaAPI(
    title="Khazana",
    version=khazana.__version__,
    description="What an office published, for programs: read-only. Amounts are satoshis; every "
    "figure names its block, its evidence grades, its statement's root and a permanent address.",
    urls_namespace="api-1",
    docs_url=None,
    throttle=[Rate()],
)


def reads(address: str, answer: Any, *, name: str, tag: str) -> Callable[[View], View]:
    """Register a view that only reads; parameters that it does not know are refused."""

    def registered(view: View) -> View:
        allowed = names_asked(view)

        @functools.wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refuse_others(request, allowed)
            return view(request, *args, **kwargs)

        problems = dict.fromkeys((404, 422, 429), schemas.Problem)
        api.get(
            address,
            response={200: answer, **problems},
            url_name=name,
            operation_id=name.replace("-", "_"),
            tags=[tag],
        )(checked)
        return view

    return registered


@api.exception_handler(NotGiven)
def not_given(request: HttpRequest, problem: NotGiven | type[NotGiven]) -> HttpResponse:
    if isinstance(problem, type):
        raise TypeError(problem)
    return problem_answer(problem)


@api.exception_handler(ValidationError)
def not_understood(
    request: HttpRequest, error: ValidationError | type[ValidationError]
) -> HttpResponse:
    """Names each parameter by where it stands: query.limit, path.root."""
    found = [] if isinstance(error, type) else error.errors
    wrong = tuple(
        (_where(each["loc"]), str(each["msg"]).removeprefix("Value error, ")) for each in found
    )
    return problem_answer(WrongParameters(wrong=wrong))


def _where(place: tuple[object, ...]) -> str:
    """("query", "asked", "limit") names query.limit: `asked` is our own word."""
    named = place[:1] + (place[2:] if len(place) > 2 else place[1:])
    return ".".join(str(each) for each in named)


@api.exception_handler(Throttled)
def throttled(request: HttpRequest, error: Throttled | type[Throttled]) -> HttpResponse:
    return problem_answer(TooManyRequests(rate=settings.API_RATE))


@api.exception_handler(Http404)
@api.exception_handler(HttpError)
def not_there(request: HttpRequest, error: Any) -> HttpResponse:
    return problem_answer(NoSuchAddress())


@reads("", schemas.Start, name="start", tag="Office")
def start(request: HttpRequest) -> schemas.Start:
    """Where to begin: the offices, the newest statement, this description, the feed."""
    return statements.start(request)


@reads("/offices", list[schemas.Office], name="offices", tag="Office")
def offices(request: HttpRequest) -> list[schemas.Office]:
    """The portal's own office and its partners."""
    return statements.offices(request)


@reads("/offices/{office}", schemas.Office, name="office", tag="Office")
def office(request: HttpRequest, office: Ident) -> schemas.Office:
    """One office with the address of its identity file."""
    return statements.office_named(request, office)


@reads("/statements", schemas.Page[schemas.Statement], name="statements", tag="Statements")
def statement_list(
    request: HttpRequest, asked: Query[StatementsAsked]
) -> schemas.Page[schemas.Statement]:
    """Every statement, the newest first, with those that were replaced."""
    replaced = statements.replaced_roots()
    return page_of_rows(
        request,
        statements.statements_asked(asked),
        asked,
        lambda row: statements.statement_item(request, row, replaced),
    )


@reads("/statements/{root}", schemas.StatementFull, name="statement", tag="Statements")
def statement(request: HttpRequest, root: Root) -> schemas.StatementFull:
    """One statement with its files, how to check it, and what the portal's own check said."""
    return statements.statement_full(request, root)


@reads("/statements/{root}/files", list[schemas.File], name="files", tag="Statements")
def files(request: HttpRequest, root: Root) -> list[schemas.File]:
    """The statement's files with their hashes."""
    return statements.files_of(request, statement_of(root))


@reads("/figures", schemas.Page[schemas.SetFigures], name="sets", tag="Figures")
def figures(request: HttpRequest, asked: Query[FiguresAsked]) -> schemas.Page[schemas.SetFigures]:
    """The account of a statement's period for every perimeter, entity, wallet and account."""
    row, found = statements.figures_asked(asked)
    source = Source.of(request, row)
    return page_of_rows(request, found, asked, lambda each: statements.set_item(source, each))


@reads("/figures/{kind}/{ident}", schemas.SetFigures, name="set", tag="Figures")
def one_set(
    request: HttpRequest, kind: SetKind, ident: Ident, asked: Query[OfStatement]
) -> schemas.SetFigures:
    """The account of a statement's period for one set."""
    row = statement_of(asked.statement)
    return statements.set_item(Source.of(request, row), require_set(row, f"{kind}/{ident}"))


@reads("/movements", schemas.Page[flows.Movement], name="movements", tag="Movements")
def movement_list(
    request: HttpRequest, asked: Query[MovementsAsked]
) -> schemas.Page[flows.Movement]:
    """Transactions that touch declared wallets, the newest first, and why."""
    return page_of_rows(
        request,
        movements.movements_asked(asked),
        asked,
        lambda row: movements.movement_item(request, row),
    )


@reads("/movements/{txid}", flows.MovementFull, name="movement", tag="Movements")
def movement(request: HttpRequest, txid: Txid, asked: Query[OfStatement]) -> flows.MovementFull:
    """One movement through its stops: transaction, wallets, documents, statement."""
    return movements.movement_full(request, txid, asked.statement)


@reads("/coins", schemas.Page[flows.Coin], name="coins", tag="Coins and addresses")
def coins(request: HttpRequest, asked: Query[OfWallet]) -> schemas.Page[flows.Coin]:
    """Coins held at a statement's closing block, the largest first."""
    row, found = movements.coins_asked(asked)
    source = Source.of(request, row)
    return page_of_rows(request, found, asked, lambda each: movements.coin_item(source, each))


@reads("/coins/{outpoint}", flows.Coin, name="coin", tag="Coins and addresses")
def coin(request: HttpRequest, outpoint: OutPoint, asked: Query[OfStatement]) -> flows.Coin:
    """One coin at a statement's closing block."""
    return movements.coin_named(request, outpoint, asked.statement)


@reads("/addresses", schemas.Page[flows.Address], name="addresses", tag="Coins and addresses")
def addresses(request: HttpRequest, asked: Query[OfWallet]) -> schemas.Page[flows.Address]:
    """Every output script that the wallets declare: completeness is relative to this list."""
    row, found = movements.addresses_asked(asked)
    return page_of_rows(request, found, asked, lambda each: movements.address_item(row, each))


@reads("/documents", schemas.Page[flows.Document], name="documents", tag="Movements")
def documents(request: HttpRequest, asked: Query[PagedOfStatement]) -> schemas.Page[flows.Document]:
    """Business records that a statement names and commits to."""
    row = statement_of(asked.statement)
    return page_of(
        request,
        movements.documents_of(row),
        asked,
        lambda body: movements.document_item(row, body),
    )


@reads("/series/{kind}/{ident}", schemas.Page[flows.BalancePoint], name="series", tag="Over time")
def series(
    request: HttpRequest, kind: SetKind, ident: Ident, asked: Query[SeriesAsked]
) -> schemas.Page[flows.BalancePoint]:
    """What a set held after every block that changed it, in order of height."""
    return page_of_rows(
        request,
        holdings.series_asked(kind, ident, asked),
        asked,
        lambda row: holdings.balance_item(request, row),
    )


@reads("/holdings", flows.Holdings, name="holdings", tag="Over time")
def holdings_at(request: HttpRequest, asked: Query[HoldingsAsked]) -> flows.Holdings:
    """What a set held at the end of a day, and which statement and block say so."""
    return holdings.holdings_asked(request, asked)


@reads("/valuation", flows.Valuation, name="valuation", tag="Figures")
def valuation(request: HttpRequest, asked: Query[OfStatement]) -> flows.Valuation:
    """What the state's own holdings were worth at the closing block, at cited prices."""
    return holdings.valuation_of(request, asked.statement)


@reads("/two-bars", flows.TwoBars, name="two-bars", tag="Figures")
def two_bars(request: HttpRequest, asked: Query[TwoBarsAsked]) -> flows.TwoBars:
    """One set's gross inflow beside another's net change, with the story of each coin."""
    return holdings.two_bars_asked(request, asked)


@reads("/corrections", flows.Corrections, name="corrections", tag="Statements")
def corrections(request: HttpRequest) -> flows.Corrections:
    """Statements that were replaced, and entries of the books that corrected figures."""
    return holdings.corrections(request)


@reads("/claims", schemas.Page[flows.Claim], name="claims", tag="Claims")
def claims(request: HttpRequest, asked: Query[ClaimsAsked]) -> schemas.Page[flows.Claim]:
    """Public claims with our check of each."""
    return page_of(request, register.claims_asked(asked), asked, register.claim_item)


@reads("/claims/{claim}", flows.Claim, name="claim", tag="Claims")
def claim(request: HttpRequest, claim: Ident) -> flows.Claim:
    """One claim with our check."""
    return register.claim_named(claim)


@reads("/providers", schemas.Page[providers.ProviderEpoch], name="providers", tag="Supervision")
def providers_epochs(
    request: HttpRequest, asked: Query[providers.ProvidersAsked]
) -> schemas.Page[providers.ProviderEpoch]:
    """What supervised providers owed at each of their blocks, and what covered it."""
    return page_of_rows(request, providers.epochs_asked(asked), asked, providers.epoch_item)


@reads("/logs", list[logs.Log], name="logs", tag="Accord")
def logs_known(request: HttpRequest) -> list[logs.Log]:
    """The office's log and its copies of others', with who cosigned them."""
    return [logs.log_item(row) for row in logs.logs_asked()]


@reads("/logs/entries", schemas.Page[logs.LogEntry], name="log-entries", tag="Accord")
def log_entries(
    request: HttpRequest, asked: Query[logs.EntriesAsked]
) -> schemas.Page[logs.LogEntry]:
    """What offices entered into their logs, in the order of each log."""
    return page_of_rows(request, logs.entries_asked(asked), asked, logs.entry_item)


@reads("/verdicts", schemas.Page[logs.LogVerdict], name="verdicts", tag="Accord")
def log_verdicts(
    request: HttpRequest, asked: Query[logs.VerdictsAsked]
) -> schemas.Page[logs.LogVerdict]:
    """What offices found of entries of each other's logs, newest first."""
    return page_of_rows(request, logs.verdicts_asked(asked), asked, logs.verdict_item)


@reads("/conditions", list[flows.Conditions], name="conditions", tag="Conditions")
def conditions(request: HttpRequest, asked: Query[OfStatement]) -> list[flows.Conditions]:
    """A lender's conditions with every verdict that a statement carries."""
    return register.conditions_asked(request, asked.statement)


@reads("/mining", mined.Mining, name="mining", tag="Mining")
def mining_programme(request: HttpRequest, asked: Query[OfStatement]) -> mined.Mining:
    """All mining sites of a statement: energy in, bitcoin expected, bitcoin arrived, limits."""
    return mining.mining_asked(request, asked)


@reads("/mining/months", schemas.Page[mined.MiningMonth], name="mining-months", tag="Mining")
def mining_months(
    request: HttpRequest, asked: Query[mining.MonthsAsked]
) -> schemas.Page[mined.MiningMonth]:
    """The months of the sites, each finding with its detection limit."""
    found = mining.months_asked(asked)
    return page_of(request, found, asked, lambda each: mining.month_item(request, each))


@reads("/mining/arrivals", schemas.Page[mined.MiningArrival], name="mining-arrivals", tag="Mining")
def mining_arrivals(
    request: HttpRequest, asked: Query[mining.ArrivalsAsked]
) -> schemas.Page[mined.MiningArrival]:
    """The payouts that the sites' months name, with the grades of the books' lines."""
    found = mining.arrivals_asked(asked)
    return page_of(request, found, asked, lambda each: mining.arrival_item(request, each))
