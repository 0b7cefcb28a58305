"""`python tests/chaos`: real processes, killed and stopped at random, judged by the far side."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.figures import Figures, shown
from harness.nursery import serve
from harness.play import play
from harness.scene import Control, Scene

_CONTROL_SECONDS = 120.0


def main() -> int:
    wish = _arguments()
    played = []
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        for scene in _scenes(wish):
            figures = play(scene, Path(folder) / scene.control)
            played.append(figures)
            if not wish.json:
                print(shown(figures), flush=True)
    if wish.json:
        print(json.dumps([figures.plain() for figures in played]))
    return 0 if all(map(_is_as_it_should, played)) else 1


def _scenes(wish: argparse.Namespace) -> Iterator[Scene]:
    seconds = wish.minutes * 60
    for control in wish.controls or list(Control):
        if control is not Control.NONE:
            yield Scene.of(control, wish.seed, _CONTROL_SECONDS)
            continue
        yield Scene(
            seed=wish.seed,
            seconds=seconds,
            longest=max(seconds, wish.longest * 60),
            kills=wish.kills,
            doubts=wish.doubts,
        )


def _is_as_it_should(figures: Figures) -> bool:
    return bool(figures.violations) == (figures.control != Control.NONE)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long there is trouble")
    parser.add_argument("--longest", type=float, default=0.0, help="minutes, to reach the aims")
    parser.add_argument("--kills", type=int, default=0, help="counted kills to reach")
    parser.add_argument("--doubts", type=int, default=0, help="doubts to reach")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only",
        dest="controls",
        action="append",
        type=Control,
        choices=list(Control),
        help="only this control, or none of them",
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    if sys.argv[1:] == ["zygote"]:
        serve()
    else:
        sys.exit(main())
