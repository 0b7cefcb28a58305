"""On a terminal: questions, a picture that is drawn again, and the receipt."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress


def test_a_person_on_a_terminal_is_asked_and_sees_how_far_it_is(emulator, reviews, home, tmp_path):
    _, told = emulator("--turnaround", "1", "--retry-after", "0")
    address = told.splitlines()[0].rpartition(" ")[2]
    environment = {
        **os.environ,
        "ANTHROPIC_API_KEY": "any-key",
        "ANTHROPIC_BASE_URL": address,
        "BACKBURNER_HOME": str(home),
        "COLUMNS": "100",
        "TERM": "xterm",
    }
    words = ["run", str(reviews), "--prompt", "{{ text }}", "-o", str(tmp_path / "out.csv")]
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "backburner", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    ) as command:
        os.close(theirs)
        os.write(ours, b"claude-haiku-4-5\n\n")
        shown = b"".join(pieces(ours)).decode()
    os.close(ours)

    assert command.returncode == 0
    assert "Model [1-" in shown
    assert "Send 3 requests? [Y/n]" in shown
    assert "with Anthropic, sent " in shown
    assert "of 3 requests back" in shown
    assert "you may close this window, the work goes on" in shown
    assert "4: 4 ok" in shown
    assert "\x1b[" in shown


def pieces(terminal: int) -> Iterator[bytes]:
    """What a command writes, until it ends: then the terminal is gone."""
    with suppress(OSError):
        while piece := os.read(terminal, 4096):
            yield piece
