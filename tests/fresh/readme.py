"""The commands of the README."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)


def commands(text: str = "") -> list[str]:
    """Return the commands of the README's code blocks, one per line, without their comments."""
    text = text or (ROOT / "README.md").read_text("utf-8")
    lines = "".join(_BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    return [line.partition("  #")[0].strip() for line in lines if line.strip()]


def packages() -> list[str]:
    """Return the Debian packages that the README names."""
    (line,) = [each for each in commands() if "apt install" in each]
    words = shlex.split(line)
    return words[words.index("install") + 1 :]


def command(beginning: str) -> str:
    """Return the README's command that begins with these words; it must exist."""
    return next(
        each for each in commands() if each.split()[: len(beginning.split())] == beginning.split()
    )
