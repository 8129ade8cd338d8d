"""Strategies that make one label of many, on crowds whose truth is known.

    python -m benchmarks.labels real --data FOLDER [--crowd-kit ENV/bin/python]
    python -m benchmarks.labels simulated                    # all mixes, 5 seeds: about ten minutes
    python -m benchmarks.labels simulated --only "7 classes" --seeds 2
    python -m benchmarks.labels rankings                     # pairs and longer rankings
    python -m benchmarks.labels million

FOLDER holds a folder for each crowd, with answer.csv (question,worker,answer) and truth.csv (question,truth). crowd-kit
lives in an environment of its own. What the tables say: docs/labels.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.labels import million, rankings, real, simulated
from benchmarks.labels.crowds import read_crowd
from benchmarks.labels.mixes import MIXES

ROOT = Path(__file__).parents[2]


def main() -> None:
    args = _parse_args()
    if args.what == "real":
        lines = []
        for folder in sorted(path.parent for path in args.data.glob("*/answer.csv")):
            crowd = read_crowd(folder)
            lines += [*real.ours(crowd, 0.0, 1), *(real.theirs(crowd, args.crowd_kit) if args.crowd_kit else ())]
            lines += real.ours(crowd, args.gold, args.draws)
        print(real.table(lines))
    elif args.what == "simulated":
        mixes = [mix for mix in MIXES if not args.only or any(name in mix.name for name in args.only)]
        settings = simulated.run(mixes, args.gold, args.seeds)
        print(simulated.table(settings), "\n", simulated.verdict(settings), sep="\n")
    elif args.what == "rankings":
        print(rankings.table(rankings.run(rankings.CONTESTS, args.seeds)))
    elif args.only:
        strategy, way = args.only
        print(million.run_here(strategy, way, args.annotations))
    else:
        print(million.run(args.annotations, ROOT))


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_subparsers(dest="what", required=True)
    command = which.add_parser("real", help="crowds in files")
    command.add_argument("--data", type=Path, required=True, help="a folder of crowds")
    command.add_argument("--crowd-kit", type=Path, help="an interpreter that has crowd-kit 1.4.2; else it is left out")
    command.add_argument("--gold", type=float, default=0.05, help="share of the items whose truth is told")
    command.add_argument("--draws", type=int, default=10, help="draws of those items")
    command = which.add_parser("simulated", help="mixes of people, LLM judges, templates and adversaries")
    command.add_argument("--only", nargs="+", help="mixes whose names contain one of these")
    command.add_argument("--seeds", type=int, default=5)
    command.add_argument("--gold", type=float, nargs="+", default=list(simulated.GOLD))
    command = which.add_parser("rankings", help="pairs and longer rankings, simulated")
    command.add_argument("--seeds", type=int, default=5)
    command = which.add_parser("million", help="CPU time and memory")
    command.add_argument("--annotations", type=int, default=1_000_000)
    command.add_argument("--only", nargs=2, metavar=("STRATEGY", "WAY"), help="one case, in this process")
    return parser.parse_args()


if __name__ == "__main__":
    main()
