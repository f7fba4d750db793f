"""One chain, one office, one seed: whatever source is asked, the statement is the same bytes."""

import pytest

from khazana.statement.envelope import write_statement
from tests.bitcoin.chainviews import ADAPTERS
from tests.reserve.world import story


@pytest.mark.parametrize("source", ADAPTERS)
def test_every_source_gives_the_same_statement_byte_for_byte(source):
    told = story()
    honest = write_statement(told.world.made(told.start, told.end).statement)
    with ADAPTERS[source](told.world.chain, lambda: None) as view:
        made = told.world.made(told.start, told.end, chain=view)
    assert write_statement(made.statement) == honest
