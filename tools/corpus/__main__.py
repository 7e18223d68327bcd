"""``python -m tools.corpus DIR``: reports which manifests are equivalent after rewriting."""

import sys
from collections import Counter
from pathlib import Path

from tools.corpus import node_judges
from tools.corpus.bounded import SECONDS, BoundedBench
from tools.corpus.verdicts import Verdict

_FORMATS = {".m3u8": "hls", ".m3u": "hls", ".mpd": "dash"}
_WANTED = 0.99
# The limit of the service for one manifest.
_MOST_BYTES = 16 * 1024 * 1024


def main(arguments: list[str], seconds: float = SECONDS) -> int:
    """Judge every manifest below a directory; return 1 if fewer than 99 % pass.

    A file that takes longer than ``seconds`` to judge is not counted.
    """
    if len(arguments) != 1 or not arguments[0] or not Path(arguments[0]).is_dir():
        print("usage: make corpus CORPUS=dir", file=sys.stderr)
        return 2
    root = Path(arguments[0])
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in _FORMATS and p.is_file())
    missing = node_judges.why_missing()
    if missing is not None:
        print(f"Only the parsers of PyPI are used: {missing}.")
    with BoundedBench(with_node=missing is None, seconds=seconds) as bench:
        verdicts = {path: _judge(path, bench) for path in files}
    return report(root, verdicts)


def _judge(path: Path, bench: BoundedBench) -> Verdict:
    """Judge a file; one that cannot be read, or is larger than any manifest, is not counted."""
    try:
        with path.open("rb") as file:
            body = file.read(_MOST_BYTES + 1)
    except OSError as error:
        return Verdict(no_film=f"cannot be read: {error.strerror}")
    if len(body) > _MOST_BYTES:
        return Verdict(no_film=f"larger than {_MOST_BYTES // 2**20} MiB")
    return bench.judge(body, _FORMATS[path.suffix.lower()])


def report(root: Path, verdicts: dict[Path, Verdict]) -> int:
    """Print the verdicts on the files and return the exit code."""
    failed = {path: each for path, each in verdicts.items() if each.counts and each.faults}
    apart = {path: each for path, each in verdicts.items() if not each.counts}
    noted = {path: each for path, each in verdicts.items() if each.counts and each.notes}
    _list(root, "Failed", {path: each.faults for path, each in failed.items()})
    _list(
        root,
        "Not counted, because they are not films or no parser accepts them",
        {path: [_why_apart(each)] for path, each in apart.items()},
    )
    _list(
        root,
        "Passed, although one parser is known to misread them",
        {path: each.notes for path, each in noted.items()},
    )
    rejections = Counter(name for each in verdicts.values() for name in each.rejected)
    if rejections:
        told = ", ".join(f"{name} {count}" for name, count in sorted(rejections.items()))
        print(f"Originals rejected by a parser, which then does not judge the copy: {told}\n")
    counted = len(verdicts) - len(apart)
    passed = counted - len(failed)
    share = passed / counted if counted else 0.0
    print(f"{passed} of {counted} manifests pass ({share:.1%}); {len(apart)} are not counted.")
    return int(share < _WANTED)


def _why_apart(verdict: Verdict) -> str:
    why = verdict.no_film or "; ".join(f"{k}: {v}" for k, v in verdict.rejected.items())
    return f"{why} [ours: {verdict.faults[0] if verdict.faults else 'rewritten'}]"


def _list(root: Path, title: str, reasons: dict[Path, list[str]]) -> None:
    if reasons:
        print(f"{title}:")
        for path, each in reasons.items():
            print(f"  {path.relative_to(root)}")
            for reason in each:
                print(f"    {reason}")
        print()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
