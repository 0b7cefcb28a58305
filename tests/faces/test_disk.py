"""Real processes on a disk that takes no more bytes, or none at all."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Makes root heed permissions as everybody else does."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that any user of the machine can reach."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    for path in made.rglob("*"):
        path.chmod(0o755)
    shutil.rmtree(made)


def backburner(home: Path, *words: object, file_bytes: int = -1, before: tuple[str, ...] = ()):
    """A process whose files may have so many bytes; the kernel refuses more, like a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    return subprocess.run(
        [*before, sys.executable, "-m", "backburner", *map(str, words), "--home", home],
        preexec_fn=limit,  # this process has no threads
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if key.startswith(("PYTHON", "PATH"))},
        cwd=home.parent,
        check=False,
    )


def test_enqueueing_without_room_is_told_and_goes_on_when_there_is(folder):
    home, source = folder / "home", folder / "list.jsonl"
    params = {"model": "claude-haiku-4-5", "max_tokens": 9}
    with source.open("w") as file:
        for number in range(30):
            turn = {"role": "user", "content": os.urandom(20_000).hex()}
            line = {"custom_id": f"r{number}", "params": {**params, "messages": [turn]}}
            file.write(json.dumps(line) + "\n")
    assert backburner(home, "status").returncode == 0

    full = backburner(home, "enqueue", source, file_bytes=300_000)

    assert full.returncode == 6
    assert full.stderr.startswith(f"error: the vault at {home}/vault cannot write ")
    assert "File too large (store_unusable)" in full.stderr
    assert "nothing was lost" in full.stderr
    assert not [path for path in (home / "vault").rglob("*") if path.is_file()]
    assert backburner(home, "enqueue", source).returncode == 0
    assert backburner(home, "verify").returncode == 0


def test_a_home_that_may_not_be_written_is_told(folder):
    home = folder / "home"
    assert backburner(home, "status").returncode == 0
    before = UNPRIVILEGED if os.geteuid() == 0 else ()
    if before and shutil.which(before[0]) is None:
        pytest.skip("root may write everywhere, and setpriv is not installed")
    for path in [home, *home.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)

    refused = backburner(home, "status", before=before)

    assert refused.returncode == 6
    assert refused.stderr.startswith("error: the ")
    assert str(home) in refused.stderr
    assert "(store_unusable)" in refused.stderr
