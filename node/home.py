"""HOME: the folder that is a camp. What lies in it, how it is made, and who may write in it.

Everything a camp is fits one folder of mode 0700, so that a backup is a copy and a wipe is a removal.
It is made beside its place and renamed, so an interrupted `init` leaves nothing half; and one lock says
who writes, so a second node on the same board is refused before it can do harm.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from node.files import CertificateFiles, sync_folder, write_secret
from sync.signing import SEED_BYTES

FORM_KEY_BYTES = 32


class HomeError(Exception):
    """This HOME cannot be used; one line says why."""


class Locked(HomeError):
    """Another process writes in this HOME."""


@dataclass(frozen=True, slots=True)
class Home:
    """The files of a camp."""

    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / "miccheck.toml"

    @property
    def key(self) -> Path:
        return self.folder / "camp.key"

    @property
    def board(self) -> Path:
        return self.folder / "board.sqlite3"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    @property
    def certificates(self) -> CertificateFiles:
        return CertificateFiles(self.secrets)

    @property
    def form_key(self) -> Path:
        return self.secrets / "form.key"

    @property
    def device_key(self) -> Path:
        return self.secrets / "device.key"

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def lock(self) -> Path:
        return self.run / "lock"

    @property
    def control(self) -> Path:
        return self.run / "control.sock"

    @property
    def clock(self) -> Path:
        return self.run / "clock.json"

    @property
    def airtime(self) -> Path:
        return self.run / "airtime.json"

    @property
    def ports(self) -> Path:
        return self.run / "ports.json"

    def check(self) -> None:
        """Raise HomeError unless a camp was made here."""
        try:
            if not self.folder.is_dir():
                raise HomeError(f"there is no camp at {self.folder}; make one: miccheck init {self.folder}")
            missing = [file.name for file in (self.settings, self.key) if not file.is_file()]
        except PermissionError as error:
            raise HomeError(f"{self.folder} belongs to somebody else") from error
        if missing:
            raise HomeError(
                f"{self.folder} is not the folder of a camp: it has no {' and no '.join(missing)}"
            )

    def read_seed(self) -> bytes:
        """The 32 bytes that make the camp's key. Raises HomeError."""
        try:
            text = self.key.read_text()
            seed = bytes.fromhex("".join(_lines_of_value(text)))
        except (OSError, ValueError) as error:
            raise HomeError(f"{self.key} cannot be read as a camp's key") from error
        if len(seed) != SEED_BYTES:
            raise HomeError(f"{self.key} holds {len(seed)} bytes, and a camp's key has {SEED_BYTES}")
        return seed

    def write_seed(self, seed: bytes) -> None:
        """Store the key as text that can be read over a telephone. Raises OSError."""
        digits = seed.hex()
        lines = [" ".join(digits[at : at + 8] for at in range(start, start + 32, 8)) for start in (0, 32)]
        write_secret(self.key, (_KEY_HEAD + "\n".join(lines) + "\n").encode())

    def read_form_key(self) -> bytes:
        """The secret under which form tokens are signed; made when it is missing. Raises OSError."""
        try:
            key = self.form_key.read_bytes()
        except FileNotFoundError:
            key = b""
        if len(key) != FORM_KEY_BYTES:
            key = secrets.token_bytes(FORM_KEY_BYTES)
            write_secret(self.form_key, key)
        return key

    def write_ports(self, http: int, tls: int) -> None:
        """Say where the running node's pages are. Raises OSError."""
        self.ports.write_text(json.dumps([http, tls]))

    def read_ports(self) -> tuple[int, int] | None:
        """Where the running node's pages are; None when none runs here."""
        try:
            match json.loads(self.ports.read_text()):
                case [int() as http, int() as tls]:
                    return http, tls
                case _:
                    return None
        except (OSError, ValueError):
            return None


_KEY_HEAD = """\
# The secret key of this camp. Whoever has it speaks as the camp: keep it here and in one backup, and never
# let two boxes run with it. If it gets into wrong hands, use the dead-key letter.
"""


def _lines_of_value(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


class HomeLock:
    """The right to write in a HOME, held until closed or until the process ends, however it ends."""

    def __init__(self, home: Home) -> None:
        """Take it. Raises Locked when another process has it, HomeError when there is no lock to take."""
        try:
            home.run.mkdir(mode=0o700, exist_ok=True)
            self._descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise HomeError(f"cannot write in {home.run}: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise Locked(f"another miccheck is at work in {home.folder}") from None

    def close(self) -> None:
        """Let others in."""
        os.close(self._descriptor)

    def __enter__(self) -> HomeLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def new_home(folder: Path) -> Iterator[Home]:
    """A HOME in the making. At the end of the block it stands at `folder`; after an error nothing does.

    Raises HomeError when `folder` exists already or cannot be made.
    """
    if os.path.lexists(folder):
        raise HomeError(f"{folder} exists already; nothing was changed")
    parent, prefix = folder.parent, f".{folder.name}.half-"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(parent, prefix)
        half = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    except OSError as error:
        raise HomeError(f"cannot write in {parent}: {error.strerror}") from error
    descriptor = os.open(half, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        home = Home(half)
        home.secrets.mkdir(mode=0o700)
        home.run.mkdir(mode=0o700)
        yield home
        os.fsync(descriptor)
        if os.path.lexists(folder):
            raise HomeError(f"{folder} exists already; nothing was changed")
        half.rename(folder)
        sync_folder(parent)
    except OSError as error:
        raise HomeError(f"cannot make {folder}: {error.strerror}") from error
    finally:
        os.close(descriptor)
        shutil.rmtree(half, ignore_errors=True)


def _remove_leftovers(parent: Path, prefix: str) -> None:
    """What an init that was killed left behind holds a secret key: it goes, unless its maker still lives."""
    for half in parent.glob(f"{prefix}*"):
        descriptor = os.open(half, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(half, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)
