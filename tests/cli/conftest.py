"""One short demo for all tests of what a demo leaves behind."""

import sys
from collections.abc import Iterator

import pytest

from khazana.cli.commands.demo import ONCE_VARIABLE
from khazana.cli.main import main
from khazana.devnet.network import Devnet
from khazana.devnet.view import DevnetView
from tests.cli.played import Played, words_of


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    directory = tmp_path_factory.mktemp("demo") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ONCE_VARIABLE, "1")
        out = directory.with_name("output.txt")
        with out.open("w", encoding="utf-8") as file:
            patch.setattr(sys, "stdout", file)
            status = main(words_of(directory))
    with Devnet(directory / "devnet") as devnet:
        yield Played(directory, out.read_text("utf-8"), status, DevnetView(devnet))
