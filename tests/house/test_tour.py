"""The tour leads through files that exist."""

import re
from pathlib import Path

CODE = re.compile(r"`([\w./-]+?)(?:::?[\w.]+)?`")
ENOUGH = 6


def test_every_file_that_the_tour_names_exists(root: Path) -> None:
    names = named_files((root / "docs" / "tour.md").read_text(encoding="utf-8"), root)

    missing = [name for name in names if not any((at / name).exists() for at in starts(root))]

    assert missing == []
    assert len(names) >= ENOUGH


def named_files(text: str, root: Path) -> list[str]:
    """Gives what looks like a Python file, or like a path below a folder that we have."""
    return sorted({name for name in CODE.findall(text) if is_file_name(name, root)})


def is_file_name(name: str, root: Path) -> bool:
    first, slash, _ = name.partition("/")
    if name.endswith(".py"):
        return True
    return bool(slash and first) and any((at / first).is_dir() for at in starts(root))


def starts(root: Path) -> list[Path]:
    """A tour may say `plan/packing.py` for `src/backburner/plan/packing.py`."""
    return [root, root / "src" / "backburner"]
