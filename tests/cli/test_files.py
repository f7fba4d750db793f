"""Writing files: whole or not at all, and never in place of what is no file."""

import os
import threading
from pathlib import Path

from khazana.cli.files import write_whole


def test_a_pipe_or_device_is_written_to_and_never_replaced(tmp_path):
    """`--out /dev/null` as root once made a plain file of the machine's null device."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"content")
    reader.join(30)
    assert read == [b"content"]
    assert pipe.is_fifo()
    write_whole(Path(os.devnull), b"content")
    assert not Path(os.devnull).is_file()
