"""Everybody on the demo's chain who is no office: an exchange, a pool, the public. All invented."""

from dataclasses import dataclass

from khazana.cli.demo.purses import Purse
from khazana.cli.demo.signers import SingleKey
from khazana.cli.demo.stage import Stage

EXCHANGE_NAME = "Exchange A"
POOL_NAME = "Pool B"

_POOL_FINDS_EVERY = 5


@dataclass(frozen=True)
class People:
    """exchange: sells coins that miners brought it. holder: whose coins customs will seize."""

    exchange: Purse
    pool: Purse
    public: Purse
    holder: Purse


def people_on(stage: Stage) -> People:
    def single(name: str) -> Purse:
        return stage.purse(name, SingleKey(name))

    return People(
        exchange=single(EXCHANGE_NAME),
        pool=single(POOL_NAME),
        public=single("public"),
        holder=single("holder"),
    )


def usual_miner(people: People, day: int) -> Purse:
    """Who finds the block of a day when no office's miner does."""
    return people.pool if day % _POOL_FINDS_EVERY == 0 else people.exchange
