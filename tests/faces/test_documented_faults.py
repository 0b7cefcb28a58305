"""Every fault that an input can have is documented, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
MAKERS = {"add": 0, "one_fault": 1, "Refusal": 0, "PathRefused": 0, "FileRefused": 0}
"""What makes a fault, and at which place its code is given."""


def test_every_fault_of_an_input_is_documented():
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    table = page.partition("## Faults of an input")[2]

    documented = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)

    assert documented == sorted(set(codes()))


def codes() -> Iterator[str]:
    package = ROOT / "src" / "backburner"
    for path in [*(package / "runs").glob("*.py"), package / "plan" / "preflight.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from of_call(node)
            elif isinstance(node, ast.Assign):
                yield from of_assignment(node)


def of_call(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    place = MAKERS.get(name)
    if place is not None and len(call.args) > place:
        yield from of_value(call.args[place])


def of_assignment(node: ast.Assign) -> Iterator[str]:
    """`code, name = "not_utf8", "UTF-8"`."""
    target = node.targets[0]
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
        for name, value in zip(target.elts, node.value.elts, strict=False):
            if getattr(name, "id", "") == "code":
                yield from of_value(value)


def of_value(value: ast.expr) -> Iterator[str]:
    text = value.value if isinstance(value, ast.Constant) else None
    if isinstance(text, str) and CODE.fullmatch(text):
        yield text
