"""THE table of permissions: for every address of the portal, who may read and who may change.

An address without a row is refused, and a test walks over every address of every process to see
that it has one. `EVERYBODY` needs no account; a set of roles needs one of them; `NOBODY` is for a
method that the address has not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from khazana.portal.accounts.roles import (
    ADMINISTERS,
    AUDITS,
    STAFF,
    Role,
)

EVERYBODY = None
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

PERMISSIONS: Mapping[str, Permission] = {
    # The public pages and what programs read
    **dict.fromkeys(
        (
            "language-chosen", "font-faces", "font", "statement-file", "statement-pdf",
            "browser-file", "disclosure-file", "browser-page", "other-file", "table", "feed",
            "feed-in", "home", "holding", "two-bars", "corrections", "movements", "movement",
            "claims", "coins", "statements", "statement", "check", "cite", "conditions",
            "explainers", "explainer",
        ),
        PUBLIC,
    ),
    **dict.fromkeys(
        (
            "api-1:openapi-json", "api-1:start", "api-1:offices", "api-1:office",
            "api-1:statements", "api-1:statement", "api-1:files", "api-1:sets", "api-1:set",
            "api-1:movements", "api-1:movement", "api-1:coins", "api-1:coin", "api-1:addresses",
            "api-1:documents", "api-1:series", "api-1:holdings", "api-1:valuation",
            "api-1:two-bars", "api-1:corrections", "api-1:claims", "api-1:claim",
            "api-1:conditions", "api-1:api-root", "api-nothing",
        ),
        PUBLIC,
    ),
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
    "audit-log": Permission(AUDITS | ADMINISTERS),
    "audit-log-file": Permission(NOBODY, AUDITS),
    # Staff
    "staff": Permission(STAFF),
    "staff-add": Permission(ADMINISTERS, ADMINISTERS),
    "staff-change": Permission(NOBODY, ADMINISTERS),
}  # fmt: skip
"""By the name of the address (Django's view name)."""
