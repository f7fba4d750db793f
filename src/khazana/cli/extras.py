"""What to say when a command needs an install profile that is not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class ExtraNotInstalled(KhazanaError):
    """A command needs packages that the base profile leaves out."""

    extra: str
    module: str
    code = "extra_not_installed"
    words = "this command needs {module}; install it with: pip install 'khazana[{extra}]'"


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Imports inside belong to this extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        # A module of ours that is missing is our own mistake and must show itself as one.
        if error.name is None or error.name.split(".")[0] == "khazana":
            raise
        raise ExtraNotInstalled(extra=extra, module=error.name) from error
