"""How an order, an approval, a transaction or a log can be wrong."""

from dataclasses import dataclass

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class OrderRefused(KhazanaError):
    """Something that was to happen to an order may not. order: its id."""

    order: str
    code = "order_refused"
    words = "Order {order} is refused."


@dataclass(eq=False, kw_only=True)
class OrderFileRefused(KhazanaError):
    """An order, or a file that travels with one, does not have the format."""

    place: str
    problem: str
    code = "order_file_refused"
    words = "The order file is refused: at {place}, {problem}."


@dataclass(eq=False, kw_only=True)
class TransitionImpossible(OrderRefused):
    """An event that cannot follow the state that the order is in. after: the states it can."""

    event: str
    status: str
    after: str
    code = "order_transition_impossible"
    words = (
        "Order {order} is {status}, and {event} cannot follow that: it follows {after}. "
        "Nothing was changed."
    )


@dataclass(eq=False, kw_only=True)
class OrderHasExpired(OrderRefused):
    """The order was to be broadcast or paid before a time that has passed."""

    expired: str
    code = "order_has_expired"
    words = "Order {order} expired at {expired}: draft a new one."


@dataclass(eq=False, kw_only=True)
class OrderIdTaken(OrderRefused):
    """A second order with an id that the log has already."""

    code = "order_id_taken"
    words = "The log has an order {order} already: give the new one another id."


@dataclass(eq=False, kw_only=True)
class OrderUnknown(OrderRefused):
    """No order of this id was drafted in the log."""

    code = "order_unknown"
    words = "The log has no order {order}."


@dataclass(eq=False, kw_only=True)
class OrderAltered(OrderRefused):
    """What was signed is another text of the order than the one in hand."""

    signed: str
    found: str
    code = "order_altered"
    words = (
        "Order {order} was altered: the signature is over {signed}, and the order's hash is "
        "{found}. Every approval has to be given again."
    )


@dataclass(eq=False, kw_only=True)
class ApprovalRefused(OrderRefused):
    """An approval that counts for nothing."""

    problem: str
    code = "approval_refused"
    words = "The approval of order {order} is refused: {problem}."


@dataclass(eq=False, kw_only=True)
class ApprovalForAnotherOrder(OrderRefused):
    """A signature over an order of another id, office or network."""

    what: str
    signed: str
    found: str
    code = "approval_for_another_order"
    words = "The signature is for the {what} {signed}; order {order} has {found}."


@dataclass(eq=False, kw_only=True)
class NotInTheRole(OrderRefused):
    """The key may not do this, or is revoked."""

    key: str
    role: str
    code = "not_in_the_role"
    words = "Order {order}: key {key} is not in the role {role}, or no longer."


@dataclass(eq=False, kw_only=True)
class DrafterMayNotApprove(OrderRefused):
    """Segregation of duties: whoever drafted an order neither approves nor overrides it."""

    holder: str
    code = "drafter_may_not_approve"
    words = "Order {order} was drafted by {holder}, who therefore cannot approve or override it."


@dataclass(eq=False, kw_only=True)
class ApprovedAlready(OrderRefused):
    """One person counts once, whatever the number of their keys."""

    holder: str
    code = "approved_already"
    words = "{holder} has approved order {order} already, and counts once."


@dataclass(eq=False, kw_only=True)
class TransactionDiffers(OrderRefused):
    """A transaction is not the one that the order asks for, or that was approved.

    name: which kind of difference, for programs.
    """

    name: str
    difference: str
    code = "transaction_differs"
    words = "The transaction is not order {order}'s ({name}): {difference}."


@dataclass(eq=False, kw_only=True)
class CheckIsOld(OrderRefused):
    """The check has to be made again: it is too old, or of another transaction."""

    problem: str
    code = "check_is_old"
    words = "Order {order} must be checked again: {problem}."


@dataclass(eq=False, kw_only=True)
class CheckDisagrees(OrderRefused):
    """The approver's own machine finds a rule broken that the logged check let pass."""

    rules: str
    code = "check_disagrees"
    words = (
        "Order {order} breaks {rules} by a check made here, and the logged check let it pass: have "
        "it checked again. Nothing was signed."
    )


@dataclass(eq=False, kw_only=True)
class CoolingOff(OrderRefused):
    """The time that has to pass between draft and release has not passed."""

    not_before: str
    code = "cooling_off"
    words = "Order {order} may not be released before {not_before}."


@dataclass(eq=False, kw_only=True)
class OverrideRefused(OrderRefused):
    """An override without two people, without a reason, or of what no one may override."""

    problem: str
    code = "override_refused"
    words = "The override of order {order} is refused: {problem}."


@dataclass(eq=False, kw_only=True)
class MoneyDiffers(OrderRefused):
    """What was paid or delivered is not what was decided."""

    problem: str
    code = "money_differs"
    words = "Order {order}: {problem}."


@dataclass(eq=False, kw_only=True)
class OrderLogRefused(KhazanaError):
    """The log of orders is not what it was. line: from 1."""

    line: int
    problem: str
    code = "order_log_refused"
    words = (
        "The log of orders is refused at line {line}: {problem}. Compare it with a copy whose "
        "last hash somebody else noted."
    )
