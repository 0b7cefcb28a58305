"""Do the placeholders survive a translation? `python check.py translated.csv`.

It looks at the columns `text` and `answer`; the exit code is 1 where one does not. How often a
placeholder stands in a sentence is left to the language.
"""

import csv
import re
import sys
from pathlib import Path

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def spoiled(path: Path) -> list[str]:
    """What is wrong, a line for each row."""
    wrong = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            asked = set(PLACEHOLDER.findall(row["text"]))
            got = set(PLACEHOLDER.findall(row["answer"]))
            if row["outcome"] == "ok" and asked != got:
                lost, new = " ".join(sorted(asked - got)), " ".join(sorted(got - asked))
                wrong.append(f"{row['id']}: lost {lost or 'nothing'}, gained {new or 'nothing'}")
    return wrong


if __name__ == "__main__":
    found = spoiled(Path(sys.argv[1]))
    print("\n".join(found) or "every placeholder is there")
    sys.exit(bool(found))
