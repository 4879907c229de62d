"""`python -m portwright`: becomes the program that came with this package."""

import os
import subprocess
import sys
import sysconfig


def program() -> str:
    """Where the installer has put it."""
    name = "portwright.exe" if os.name == "nt" else "portwright"
    schemes = [sysconfig.get_path("scripts")]
    user = sysconfig.get_preferred_scheme("user") if sys.version_info >= (3, 10) else None
    if user:
        schemes.append(sysconfig.get_path("scripts", scheme=user))
    beside = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bin")
    for folder in [*schemes, beside]:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    sys.exit(f"portwright: the program is in none of {', '.join(schemes)}; install the package again")


if __name__ == "__main__":
    path = program()
    if os.name == "nt":
        sys.exit(subprocess.run([path, *sys.argv[1:]]).returncode)
    os.execv(path, [path, *sys.argv[1:]])
