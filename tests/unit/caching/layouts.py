"""Tables to lay out, and two things that are known of them for certain: oracles for the planner."""

import ast
from array import array
from functools import cache
from pathlib import Path
from random import Random  # noqa: TID251  # seeded, so that it is the same each time

from hypothesis import strategies as st

from backburner.plan.caching.cells import Column


def column_of(values, tokens_of):
    """A column of any values."""
    kinds = {}
    cells = array("I", (kinds.setdefault(value, len(kinds)) for value in values))
    return Column(cells=cells, tokens=[tokens_of(value) for value in kinds])


def chance_of(seed):
    """Chance that is the same each time."""
    return Random(seed)


def random_table(chance, rows, columns, kinds):
    """A table whose cells are drawn from up to so many kinds, of lengths that are drawn too."""
    table = []
    for _ in range(columns):
        among = chance.randint(2, kinds)
        lengths = [chance.randint(2, 30) for _ in range(among)]
        values = [chance.randrange(among) for _ in range(rows)]
        table.append(column_of(values, lengths.__getitem__))
    return table


def text_table(rows):
    """A table of text; a token is 3 or 4 characters of a cell with its name."""
    return [
        column_of([row[number] for row in rows], lambda text: len(text) // 3 + 3)
        for number in range(len(rows[0]))
    ]


def functions_of(path):
    """The functions of a Python file, a row each, with the file's text."""
    text = Path(path).read_text(encoding="utf-8")
    return [
        (node.name, ast.unparse(node.args), ast.get_docstring(node) or "", Path(path).name, text)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    ]


@st.composite
def tables(draw, most_rows=12, most_columns=4):
    rows = draw(st.integers(1, most_rows))
    lengths = st.lists(st.integers(1, 40), min_size=6, max_size=6)
    return [
        column_of(
            draw(st.lists(st.integers(0, 5), min_size=rows, max_size=rows)),
            draw(lengths).__getitem__,
        )
        for _ in range(draw(st.integers(1, most_columns)))
    ]


def most_shared(columns):
    """The most that rows can share, by trying all: each cell, each order of columns in each row.

    As in Liu et al. (MLSys 2025), with lengths instead of their squares, and with a memory.
    """

    @cache
    def best(rows, free):
        if len(rows) < 2:
            return 0
        top = 0
        for column in free:
            for cell, same in groups(rows, column).items():
                worth = columns[column].tokens[cell] * (len(same) - 1)
                others = tuple(one for one in free if one != column)
                if len(same) == len(rows):
                    return worth + best(rows, others)
                if worth:
                    top = max(top, worth + best(same, others) + best(rows - same, free))
        return top

    def groups(rows, column):
        by_cell = {}
        for row in rows:
            by_cell.setdefault(columns[column].cells[row], set()).add(row)
        return {cell: frozenset(same) for cell, same in by_cell.items()}

    return best(frozenset(range(len(columns[0].cells))), tuple(range(len(columns))))


def heaviest_tree(columns):
    """The weight of a maximum spanning tree over all pairs of rows, by Prim's way."""
    rows = range(len(columns[0].cells))

    def weight(one, other):
        return sum(
            column.tokens[column.cells[one]]
            for column in columns
            if column.cells[one] == column.cells[other]
        )

    nearest = {row: weight(0, row) for row in rows[1:]}
    total = 0
    while nearest:
        row = max(nearest, key=nearest.get)
        total += nearest.pop(row)
        nearest = {other: max(near, weight(row, other)) for other, near in nearest.items()}
    return total


def trie_savings(columns, layout):
    """What rows share, from the trie that they make: all tokens less those of its nodes."""
    nodes = {}
    total = 0
    for row in range(len(layout.rows)):
        path = ()
        for column in layout.order(row):
            cell = columns[column].cells[row]
            path = (*path, (column, cell))
            nodes[path] = columns[column].tokens[cell]
            total += nodes[path]
    return total - sum(nodes.values())
