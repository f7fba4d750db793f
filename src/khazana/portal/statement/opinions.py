"""Auditors' opinions as the public pages show them: what is said, by which key, who knows it."""

from datetime import datetime
from typing import Any

import msgspec

from khazana.statement.envelope import Statement
from khazana.statement.opinions import named_as_auditor, opinions_in


def opinions_shown(statement: Statement, *, now: datetime) -> list[dict[str, Any]]:
    """The opinions whose signature holds. named: the office's identity calls the key an auditor's.

    That is the office's word. No page can say more: only a reader knows their auditor's key.
    """
    named = named_as_auditor(statement)
    return [
        {
            **msgspec.to_builtins(each.opinion),
            "key": each.opinion.key,
            "named": each.opinion.key in named,
        }
        for each in opinions_in(statement, now=now)
    ]
