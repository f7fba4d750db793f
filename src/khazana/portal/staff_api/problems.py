"""What the staff API answers when it cannot do what was asked."""

from dataclasses import dataclass

from khazana.portal.api.problems import NotGiven


@dataclass(eq=False, kw_only=True)
class NoSuchDraft(NotGiven):
    """No draft has this number."""

    number: int
    code = "no_such_draft"
    words = "There is no draft {number}; /desk/api/v1/drafts has all."


@dataclass(eq=False, kw_only=True)
class NotReadable(NotGiven):
    """The body is no JSON."""

    code = "not_readable"
    words = "The body cannot be read: it has to be one JSON object."
    status = 400


@dataclass(eq=False, kw_only=True)
class WithoutToken(NotGiven):
    """What changes something carries the session's CSRF token."""

    code = "csrf"
    words = "The CSRF token is missing or wrong. Send the cookie's value as X-CSRFToken."
    status = 403
