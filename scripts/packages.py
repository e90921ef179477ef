"""Packages from PyPI that a check needs, in an environment of its own below target: installed once, and kept."""

import os
import subprocess
import sys
import venv
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / os.environ.get("CARGO_TARGET_DIR", "target")


def installed(check, packages):
    """Returns the folder of the environment; ends with status 3 and the remedy if the packages cannot be installed."""
    home = TARGET / check
    done = home / "packages"
    if not done.exists() or done.read_text().split() != packages:
        try:
            venv.create(home, clear=True, with_pip=True)
            subprocess.run([home / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True)
        except (subprocess.CalledProcessError, OSError) as error:
            print(error, file=sys.stderr)
            unavailable(
                f"cannot install {' and '.join(packages)}. This needs python3-venv, python3-pip and PyPI. Without a network, "
                "download them elsewhere (`pip download`), and set PIP_NO_INDEX=1 and PIP_FIND_LINKS=FOLDER"
            )
        done.write_text("\n".join(packages))
    return home


def unavailable(why):
    print(f"error: {why}", file=sys.stderr)
    sys.exit(3)
