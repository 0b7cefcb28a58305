"""The repository speaks of the project alone.

Each pattern holds a character in brackets, so that this file does not find itself.
"""

import re
from pathlib import Path

REGISTRY = r"[p]ypi\.(org|python)|[p]ythonhosted|/[s]imple/|[r]egistry\.npmjs|[i]ndex-url"
OUTSIDE = r"(?<![\w.])/([w]ork|[r]oot|[o]pt)/|[h]ouse\.md|\.\./[s]hared/"
TOOLING = (
    r"[C]o-Authored-By|[G]enerated (with|by) (an? )?(AI|Claude|[C]opilot|GPT)"
    r"|[C]laude Code|(?<!ce-)[c]laude-code|[C]LAUDE\.md|\.[c]laude/"
    r"|GitHub [C]opilot|[C]odex|[C]hatGPT|\b[a]s an AI\b|AI [a]ssistant"
)


def test_no_file_names_a_package_registry(repository_files: list[Path], root: Path) -> None:
    assert found(REGISTRY, repository_files, root) == []


def test_no_file_names_a_path_outside_the_repository(
    repository_files: list[Path], root: Path
) -> None:
    assert found(OUTSIDE, repository_files, root) == []


def test_no_file_names_a_tool_that_wrote_it(repository_files: list[Path], root: Path) -> None:
    assert found(TOOLING, repository_files, root) == []


def test_the_patterns_find_what_they_are_for(root: Path) -> None:
    work, registry = "work", "pypi"

    assert re.search(OUTSIDE, f"see /{work}/notes")
    assert re.search(REGISTRY, f"https://{registry}.org/project")
    assert not re.search(OUTSIDE, f"docs/{work}/notes")
    assert (root / "pyproject.toml").is_file()


def found(pattern: str, paths: list[Path], root: Path) -> list[str]:
    hits = []
    for path in paths:
        text = path.read_bytes().decode("utf-8", errors="replace")
        for match in re.finditer(pattern, text):
            line = text.count("\n", 0, match.start()) + 1
            hits.append(f"{path.relative_to(root)}:{line}: {match.group()}")
    return hits
