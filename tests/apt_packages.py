"""Installs the Debian packages of apt-packages.txt when run as root; otherwise names those that are missing.

Exit 0 when all are there, 2 when some are missing and cannot be installed from here.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

LIST = Path(__file__).with_name("apt-packages.txt")


def main() -> int:
    """Bring in what is missing; return the exit code."""
    missing = [name for name in listed(LIST.read_text()) if not _is_installed(name)]
    if not missing:
        return 0
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print("miccheck: first, as root: apt-get install " + " ".join(missing), file=sys.stderr)
        return 2
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    install = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", *missing]
    for command in (["apt-get", "-qq", "update"], install):
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    return 0


def listed(text: str) -> list[str]:
    """The package names in a list with comments."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _is_installed(name: str) -> bool:
    if not shutil.which("dpkg-query"):
        return False
    command = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout == "installed"


if __name__ == "__main__":
    sys.exit(main())
