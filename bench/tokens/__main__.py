"""Prints how far off the estimate of tokens is.

With --counted: if twenty texts are counted; with --fit: the coefficients that it is made of.
"""

import argparse

from bench.tokens.stored import COUNTED, KINDS, counted_twenty, errors, fit


def table() -> list[str]:
    """The errors as a Markdown table."""
    lines = [
        "| text | tokenizer | characters a token | the fit | characters / 4 |",
        "| --- | --- | --- | --- | --- |",
    ]
    by_kind = {name: {one.kind: one for one in errors(t)} for name, t in COUNTED.items()}
    for kind in KINDS:
        for name, found in by_kind.items():
            one = found[kind]
            shares = f"{one.fit:+.1%} | {one.quarter:+.1%}".replace("%", " %")
            lines.append(f"| {kind} | {name} | {one.chars_per_token:.2f} | {shares} |")
    return lines


def counted_table() -> list[str]:
    """What twenty counts are worth, as a Markdown table."""
    lines = ["| text | tokenizer | by bytes | by the fit |", "| --- | --- | --- | --- |"]
    for kind in KINDS:
        for name, tokenizer in COUNTED.items():
            shares = " | ".join(f"{one:+.1%}" for one in counted_twenty(kind, tokenizer))
            lines.append(f"| {kind} | {name} | {shares.replace('%', ' %')} |")
    return lines


def main() -> None:
    """Prints one of them."""
    parser = argparse.ArgumentParser(prog="python -m bench.tokens", description=__doc__)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--counted", action="store_true")
    asked = parser.parse_args()
    if asked.counted:
        print("\n".join(counted_table()))
        return
    if asked.fit:
        for name, tokenizer in COUNTED.items():
            print(f"{name}: {fit(tokenizer)}")
        return
    print("\n".join(table()))


if __name__ == "__main__":
    main()
