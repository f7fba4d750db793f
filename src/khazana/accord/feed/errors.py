"""How a feed, or a file that is to go into one, can be wrong."""

from dataclasses import dataclass

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class RecordRefused(KhazanaError):
    """A signed record does not follow the format, or its signatures do not count."""

    problem: str
    code = "feed_record_refused"
    words = "The signed record is refused: {problem}."


@dataclass(eq=False, kw_only=True)
class PublicationRefused(KhazanaError):
    """A file cannot be published."""

    problem: str
    code = "feed_publication_refused"
    words = "It is not published: {problem}."


@dataclass(eq=False, kw_only=True)
class FeedRefused(KhazanaError):
    """What a feed serves does not fit together; nothing shows who did it."""

    path: str
    problem: str
    code = "feed_refused"
    words = (
        "The feed's {path} is refused: {problem}. Your copy stays as it was; try again, and tell "
        "the office if it goes on."
    )


@dataclass(eq=False, kw_only=True)
class FeedTooLarge(KhazanaError):
    """A feed has more than the reader takes at once."""

    what: str
    found: int
    limit: int
    code = "feed_too_large"
    words = (
        "The feed has {found} {what}, and at most {limit} are taken. If you expect as many, raise "
        "the limit."
    )


@dataclass(eq=False, kw_only=True)
class FileTooLarge(KhazanaError):
    """One file of a feed has more bytes than the reader takes."""

    address: str
    limit: int
    code = "feed_file_too_large"
    words = "{address}: it is larger than {limit} bytes; not read."


@dataclass(eq=False, kw_only=True)
class FeedBehind(KhazanaError):
    """A feed shows an earlier state of a log than the reader has."""

    shown: int
    known: int
    code = "feed_behind"
    words = (
        "The feed shows its log with {shown} entries, and you have {known} of it already, which "
        "begin with these: an old copy is being served, or the office put a backup in place. Your "
        "copy stays as it was."
    )


@dataclass(eq=False, kw_only=True)
class ClockWentBack(KhazanaError):
    """What is to be signed now would be dated before what was signed last."""

    now: str
    last: str
    code = "feed_clock_went_back"
    words = (
        "This machine's clock says {now}, and the last signature is dated {last}: set the clock "
        "right. Nothing was signed."
    )
