"""Arguments that are each fine but do not go together."""

from dataclasses import dataclass

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class WrongArguments(KhazanaError):
    """What was asked for makes no sense. Exit status 2: nothing was decided."""

    command: str
    problem: str
    code = "wrong_arguments"
    words = "{command}: {problem}"
