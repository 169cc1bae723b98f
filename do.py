"""Set up once, then run: ``python3.11 do.py karvan report azerbaijan`` or ``python3.11 do.py pytest``.

Needs nothing but Python 3.11 or newer and its venv module. Makes ``.venv`` beside this file, installs the project and
its development tools at the versions of ``constraints.txt``, and runs the rest of the command line inside it.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
STAMP = VENV / "karvan.stamp"


def wanted() -> tuple[str, str]:
    """What the environment is made from: Python's version and the place; the project file and the versions."""
    text = (ROOT / "pyproject.toml").read_bytes() + (ROOT / "constraints.txt").read_bytes()
    return f"{sys.version_info[:2]} {ROOT}", hashlib.sha256(text).hexdigest()


def set_up() -> None:
    """Make the environment, unless it already is what is wanted; bring it up to date if only the project changed."""
    have = STAMP.read_text().splitlines() if STAMP.is_file() else []
    if have == list(wanted()):
        return
    print("setting up .venv (once) ...", file=sys.stderr, flush=True)
    if have[:1] != [wanted()[0]]:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    python = BIN / ("python.exe" if os.name == "nt" else "python")
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([str(python), "-m", "pip", "install", *quiet, "uv", "-c", "constraints.txt"], cwd=ROOT, check=True)
    uv = [str(BIN / "uv"), "pip", "install", "--quiet", "--python", str(python), "--compile-bytecode"]
    subprocess.run([*uv, "-e", ".", "--group", "dev", "-c", "constraints.txt"], cwd=ROOT, check=True)
    STAMP.write_text("\n".join(wanted()))


def main() -> int:
    """Set up, then run the command that follows; its exit code is ours."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs an older Python should read why
        print("karvan needs Python 3.11 or newer", file=sys.stderr)
        return 2
    try:
        set_up()
    except subprocess.CalledProcessError as error:
        print(f"set-up failed: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 1
    command = sys.argv[1:] or ["karvan", "--help"]
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(VENV)}
    found = BIN / command[0]
    return subprocess.run([str(found) if found.exists() else command[0], *command[1:]], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
