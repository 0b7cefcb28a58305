"""The example of docs/layout.md says what it does."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "layout.md"


def test_the_example_in_python_gives_what_its_comments_say():
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(example, names)  # noqa: S102  # the page's own code

    columns = [names["text"], names["brand"]]
    assert names["layout"].order(0) == (1, 0)
    assert names["shared"](columns, names["layout"]) == 5
    assert names["total_tokens"](columns) == 137
    assert names["spanning_bound"](columns) == 5
