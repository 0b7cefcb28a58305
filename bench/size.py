"""Prints the ten longest modules and functions of the source.

A report for readers, never a gate. A function's length leaves its docstring out.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "backburner"
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How many lines something has, and where it stands."""

    lines: int
    name: str


def lengths_of_functions(path: Path, tree: ast.Module) -> Iterator[Length]:
    """Gives each function and method of one module, nested ones too."""
    where = path.relative_to(ROOT)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{where}:{node.lineno} {node.name}"
            yield Length(lines=lines_of(node) - docstring_lines(node), name=name)


def lines_of(node: ast.stmt) -> int:
    """Counts the lines that a statement spans."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Counts the lines of a function's docstring, 0 if it has none."""
    return lines_of(node.body[0]) if ast.get_docstring(node, clean=False) is not None else 0


def report(title: str, lengths: list[Length]) -> None:
    """Prints the sum, the middle, the ninth tenth, and the longest."""
    sizes = [length.lines for length in lengths]
    ninth = quantiles(sizes, n=10, method="inclusive")[-1] if len(sizes) > 1 else sum(sizes)
    middle = median(sizes) if sizes else 0
    print(f"{len(sizes)} {title}, {sum(sizes)} lines: median {middle:.0f}, p90 {ninth:.0f}")
    for length in sorted(lengths, key=lambda length: (-length.lines, length.name))[:SHOWN]:
        print(f"{length.lines:6} {length.name}")


def main() -> None:
    """Reads every module once and prints both lists."""
    modules: list[Length] = []
    functions: list[Length] = []
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        where = str(path.relative_to(ROOT))
        modules.append(Length(lines=len(text.splitlines()), name=where))
        functions.extend(lengths_of_functions(path, ast.parse(text)))
    report("modules", modules)
    print()
    report("functions", functions)


if __name__ == "__main__":
    main()
