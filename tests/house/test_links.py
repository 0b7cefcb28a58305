"""Pages point at what is there."""

import re
from pathlib import Path

FENCED = re.compile(r"^(```|~~~).*?^\1\s*$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#|//", re.IGNORECASE)


def test_every_relative_link_points_at_a_file_of_the_repository(
    pages: list[Path], root: Path
) -> None:
    broken = []

    for page in pages:
        for target in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
            if ELSEWHERE.match(target):
                continue
            path = (page.parent / target.partition("#")[0]).resolve()
            if not path.exists() or not path.is_relative_to(root):
                broken.append(f"{page.relative_to(root)}: {target}")

    assert broken == []


def test_every_heading_that_a_link_names_is_there(pages: list[Path], root: Path) -> None:
    broken = []

    for page in pages:
        for target in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
            name, hash_sign, heading = target.partition("#")
            path = (page.parent / name).resolve() if name else page
            if not hash_sign or ELSEWHERE.match(name) or path.suffix != ".md":
                continue
            if path.exists() and heading not in anchors(path.read_text(encoding="utf-8")):
                broken.append(f"{page.relative_to(root)}: {target}")

    assert broken == []


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+\s+(.+?)\s*#*$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_are_pages_to_look_at(pages: list[Path], root: Path) -> None:
    assert {root / "README.md", root / "CONTRIBUTING.md"} <= set(pages)
