"""Prints how far off the estimate of tokens is, or, with --fit, the coefficients it is made of."""

import argparse

from bench.tokens.stored import COUNTED, KINDS, errors, fit


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


def main() -> None:
    """Prints one or the other."""
    parser = argparse.ArgumentParser(prog="python -m bench.tokens", description=__doc__)
    parser.add_argument("--fit", action="store_true")
    if parser.parse_args().fit:
        for name, tokenizer in COUNTED.items():
            print(f"{name}: {fit(tokenizer)}")
        return
    print("\n".join(table()))


if __name__ == "__main__":
    main()
