"""Installs the Debian packages of apt-packages.txt when run as root; otherwise names those that are missing.

Exit 0 when all are there, 2 when some are missing and cannot be installed from here.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LIST = Path(__file__).with_name("apt-packages.txt")
# invoke-rc.d asks it before it starts a service (policy-rc.d(8) of init-system-helpers).
POLICY = Path("/usr/sbin/policy-rc.d")
FORBIDDEN = "#!/bin/sh\nexit 101\n"
# The tests start mail servers of their own on free ports; this machine shall not become one.
ANSWERS = b"postfix postfix/main_mailer_type select No configuration\n"


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
    if "postfix" in missing and shutil.which("debconf-set-selections"):
        subprocess.run(["debconf-set-selections"], check=True, input=ANSWERS)
    with _no_service_started():
        for command in (["apt-get", "-qq", "update"], install):
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    return 0


@contextmanager
def _no_service_started() -> Iterator[None]:
    """Debian starts what it installs, unless it is told not to."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text(FORBIDDEN)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


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
