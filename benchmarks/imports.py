"""The cost of each function's imports, which dominate the cold start of a Lambda function.

It is the processor time of a new interpreter that imports the handler, minus that of one without
imports. The comparison is boto3 with an S3 client, which most functions of this kind import.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 5
BOTO3 = (
    "import boto3; boto3.client('s3', region_name='eu-central-1', "
    "aws_access_key_id='key', aws_secret_access_key='secret')"
)


def main() -> None:
    """Print the milliseconds."""
    idle = _milliseconds("pass")
    print(f"processor milliseconds of imports (best of {RUNS} runs)")
    for function in sorted(path.parent.name for path in ROOT.glob("functions/*/app.py")):
        folder = str(ROOT / "functions" / function)
        code = f"import sys; sys.path.insert(0, {folder!r}); import app"
        print(f"  {function:<28} {_milliseconds(code) - idle:>6.0f}")
    print(f"  {'(boto3 with an S3 client)':<28} {_milliseconds(BOTO3) - idle:>6.0f}")


def _milliseconds(code: str) -> float:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "layers/streaming/python")}
    best = float("inf")
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = min(best, used * 1000)
    return best


if __name__ == "__main__":
    main()
