"""THE table of permissions: for every address of the portal, who may read and who may change.

Rooms of public pages have one row each, everything else a row by its name. An address without a
row is refused, and a test walks over every address of every process to see
that it has one. `EVERYBODY` needs no account; a set of roles needs one of them; `NOBODY` is for a
method that the address has not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from khazana.portal.accounts.roles import (
    ADMINISTERS,
    AUDITS,
    CONFIRMS,
    PREPARES,
    STAFF,
    Role,
)

EVERYBODY = None
PUBLIC_API = "api-1:"
NOBODY: frozenset[Role] = frozenset()
Who = frozenset[Role] | None


@dataclass(frozen=True, slots=True)
class Permission:
    """read: GET, HEAD. change: POST. begun: also for an account that has no sign-in key yet."""

    read: Who
    change: Who = NOBODY
    begun: bool = False


PUBLIC = Permission(EVERYBODY)
ENTRANCE = Permission(EVERYBODY, EVERYBODY, begun=True)
OWN_PAGE = Permission(STAFF, begun=True)
OWN_ACCOUNT = Permission(STAFF, STAFF, begun=True)

ROOMS: Mapping[str, Permission] = {
    # Rooms whose pages are public as a whole: what a stranger reads, and nothing that changes.
    f"khazana.portal.{room}": PUBLIC
    for room in (
        "accord", "api", "conditions", "explainers", "inclusion", "lab", "learn", "mining",
        "payments", "project", "reserve", "statement", "supervision",
    )
} | {"ninja": PUBLIC}  # fmt: skip
"""By the package of the view. A desk or anything else that changes never stands in one of these."""

PERMISSIONS: Mapping[str, Permission] = {
    # The API's description of itself
    "api-1:api-root": PUBLIC,
    "api-1:openapi-json": PUBLIC,
    # Coming in and going out
    "account_login": ENTRANCE,
    "mfa_authenticate": ENTRANCE,
    "mfa_login_webauthn": ENTRANCE,
    "begin": ENTRANCE,
    "account_inactive": PUBLIC,
    "account_logout": OWN_ACCOUNT,
    # One's own account
    "account_reauthenticate": OWN_ACCOUNT,
    "account_change_password": OWN_ACCOUNT,
    "mfa_reauthenticate": OWN_ACCOUNT,
    "mfa_reauthenticate_webauthn": OWN_ACCOUNT,
    "mfa_index": OWN_PAGE,
    "mfa_activate_totp": OWN_ACCOUNT,
    "mfa_deactivate_totp": OWN_ACCOUNT,
    "mfa_list_webauthn": OWN_PAGE,
    "mfa_add_webauthn": OWN_ACCOUNT,
    "mfa_remove_webauthn": OWN_ACCOUNT,
    # The desk
    "desk-home": Permission(STAFF),
    "first-day": Permission(STAFF),
    "first-day-screen": Permission(STAFF, PREPARES),
    "office-file": Permission(NOBODY, PREPARES | AUDITS),
    "identity-in": Permission(NOBODY, PREPARES),
    "drafts": Permission(STAFF, PREPARES),
    "draft": Permission(STAFF),
    "draft-file": Permission(NOBODY, PREPARES | AUDITS),
    "draft-signed": Permission(NOBODY, PREPARES),
    "draft-discard": Permission(NOBODY, PREPARES),
    "draft-readers": Permission(STAFF, PREPARES),
    "draft-shown": Permission(NOBODY, PREPARES | CONFIRMS | AUDITS),
    "draft-public": Permission(NOBODY, CONFIRMS | AUDITS),
    "draft-publish": Permission(NOBODY, CONFIRMS),
    "campaign": Permission(STAFF, PREPARES),
    "campaign-in": Permission(NOBODY, PREPARES),
    "campaign-file": Permission(NOBODY, PREPARES),
    "campaign-codes": Permission(NOBODY, PREPARES),
    "audit-log": Permission(AUDITS | ADMINISTERS),
    "audit-log-file": Permission(NOBODY, AUDITS),
    # Reconciliation
    "reconciliation": Permission(STAFF),
    "reconciliation-read": Permission(NOBODY, PREPARES),
    "posting": Permission(STAFF),
    "documents": Permission(STAFF),
    "document-add": Permission(PREPARES, PREPARES),
    "table-in": Permission(PREPARES, PREPARES),
    "book-add": Permission(PREPARES, PREPARES),
    "paper": Permission(NOBODY, PREPARES | CONFIRMS | AUDITS),
    "proposal": Permission(STAFF),
    "proposal-confirm": Permission(NOBODY, CONFIRMS),
    "proposal-decline": Permission(NOBODY, PREPARES | CONFIRMS),
    # Orders
    "orders": Permission(STAFF),
    "order-new": Permission(PREPARES, PREPARES),
    "order-in": Permission(NOBODY, PREPARES),
    "orders-files": Permission(NOBODY, PREPARES | CONFIRMS | AUDITS),
    "order": Permission(STAFF),
    "order-act": Permission(NOBODY, PREPARES),
    "order-word": Permission(NOBODY, PREPARES | CONFIRMS),
    # Audits
    "audits": Permission(STAFF, AUDITS),
    "audit": Permission(STAFF),
    "audit-ask": Permission(NOBODY, AUDITS),
    "audit-answer": Permission(NOBODY, PREPARES),
    "audit-settle": Permission(NOBODY, AUDITS),
    "audit-file": Permission(NOBODY, PREPARES | AUDITS),
    "audit-report": Permission(NOBODY, PREPARES | AUDITS),
    "audit-papers": Permission(NOBODY, AUDITS),
    "audit-announce": Permission(NOBODY, PREPARES | AUDITS),
    "audit-sample": Permission(STAFF, AUDITS),
    "announcement": Permission(NOBODY, PREPARES | AUDITS),
    "audit-draw": Permission(NOBODY, PREPARES | AUDITS),
    "opinion-form": Permission(AUDITS, AUDITS),
    "opinion-in": Permission(NOBODY, AUDITS),
    "opinion-publish": Permission(NOBODY, CONFIRMS),
    # The lender's conditions
    "memoranda": Permission(STAFF),
    "memorandum-edit": Permission(PREPARES, PREPARES),
    "memorandum": Permission(STAFF),
    "memorandum-confirm": Permission(NOBODY, CONFIRMS),
    "memorandum-decline": Permission(NOBODY, PREPARES | CONFIRMS),
    "what-if": Permission(NOBODY, PREPARES | CONFIRMS),
    "what-if-answer": Permission(STAFF),
    # Work in the background
    "background": Permission(STAFF),
    "task-again": Permission(NOBODY, PREPARES | ADMINISTERS),
    "news": Permission(STAFF),
    # The staff's API
    "staff-api:api-root": Permission(STAFF),
    "staff-api:openapi-json": Permission(STAFF),
    "staff-api:chain": Permission(STAFF),
    "staff-api:drafts": Permission(STAFF, PREPARES),
    "staff-api:draft": Permission(STAFF),
    "staff-api:background": Permission(STAFF),
    "staff-api:audit-log": Permission(AUDITS | ADMINISTERS),
    "staff-api:staff": Permission(STAFF),
    # Staff
    "staff": Permission(STAFF),
    "staff-add": Permission(ADMINISTERS, ADMINISTERS),
    "staff-change": Permission(NOBODY, ADMINISTERS),
    "staff-confirm": Permission(NOBODY, STAFF),
}  # fmt: skip
"""By the name of the address (Django's view name), and before the rooms."""


def row_of(name: str, view: Callable[..., object]) -> Permission | None:
    """The row of an address, or None where nobody wrote one."""
    if name in PERMISSIONS:
        return PERMISSIONS[name]
    if ":" in name and not name.startswith(PUBLIC_API):
        return None  # a view of another API comes from the same library as those of the public one
    package = ".".join(view.__module__.split(".")[:3])
    return ROOMS.get(package) or ROOMS.get(package.split(".")[0])
