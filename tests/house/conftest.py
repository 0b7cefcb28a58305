"""What the house tests look at: the repository's files and the tables in its pages."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNKEPT = {"__pycache__", "build", "dist", "out"}

Table = list[dict[str, str]]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def repository_files() -> list[Path]:
    """Every file that is or would be committed; without git, all that no tool made."""
    git = shutil.which("git")
    if git is not None and (ROOT / ".git").exists():
        command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        if listed.returncode == 0:
            names = listed.stdout.decode().split("\0")
            return sorted(path for name in names if name and (path := ROOT / name).is_file())
    return sorted(path for path in ROOT.rglob("*") if path.is_file() and is_kept(path))


def is_kept(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    hidden = any(part.startswith(".") for part in parts[:-1] if part != ".ci")
    return not hidden and not UNKEPT.intersection(parts) and "egg-info" not in str(path)


@pytest.fixture(scope="session")
def pages(repository_files: list[Path]) -> list[Path]:
    """Every Markdown file."""
    return [path for path in repository_files if path.suffix == ".md"]


@pytest.fixture(scope="session")
def table_rows() -> Callable[[str], Table]:
    """Gives the rows of all tables of a Markdown text, each as a mapping from heading to cell."""

    def rows(text: str) -> Table:
        found: Table = []
        headings: list[str] = []
        for line in text.splitlines():
            if not line.startswith("|"):
                headings = []
                continue
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
            if not headings:
                headings = [cell.lower() for cell in cells]
            elif not is_rule(cells):
                found.append(dict(zip(headings, cells, strict=True)))
        return found

    return rows


def is_rule(cells: Iterable[str]) -> bool:
    return all(re.fullmatch(r":?-+:?", cell) for cell in cells)
