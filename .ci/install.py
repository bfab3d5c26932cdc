"""Make a virtual environment with everything that requirements-dev.txt pins: ``python .ci/install.py .venv``.

uv does it in seconds where pip needs a minute, so pip fetches uv (by hash, as everything) and uv the rest.
Runs on the standard library alone, and far enough on an old Python to say that it is one.
"""

import os
import subprocess
import sys
import tempfile
import venv

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOCK = os.path.join(ROOT, "requirements-dev.txt")


def main(folder):
    if sys.version_info < (3, 11):
        sys.exit("%s is Python %s; 3.11 or newer is needed. Name one: make PYTHON=/path/to/python3.13 ..."
                 % (sys.executable, sys.version.split()[0]))
    print("setting up %s with Python %s" % (folder, sys.version.split()[0]), file=sys.stderr)
    venv.create(folder, clear=True, with_pip=True, symlinks=os.name != "nt", prompt="dollop")
    python = os.path.join(os.path.abspath(folder), "bin", "python")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as only_uv:
        only_uv.write(entry("uv"))
        only_uv.flush()
        pip = (python, "-m", "pip", "--disable-pip-version-check", "--quiet")
        run(*pip, "install", "--require-hashes", "-r", only_uv.name)

    sys.path.insert(0, ROOT)
    from ci.indexes import uv_environment

    environment = uv_environment(python=python)
    install = (python, "-m", "uv", "pip", "install", "--quiet", "--python", python)
    run(*install, "--require-hashes", "-r", LOCK, env=environment)
    run(*install, "--no-deps", "--no-build-isolation", "--editable", ROOT, env=environment)


def entry(name):
    """The lines of the lock that pin ``name``: up to the first that does not go on."""
    with open(LOCK) as lock:
        lines = iter(lock.readlines())
    for line in lines:
        if line.startswith(name + "=="):
            found = line
            while line.endswith("\\\n"):
                line = next(lines)
                found += line
            return found
    sys.exit("%s does not pin %s" % (LOCK, name))


def run(*command, env=None):
    done = subprocess.run(command, env=env)
    if done.returncode:
        sys.exit("setting up stopped at: %s" % " ".join(command))


if __name__ == "__main__":
    main(*sys.argv[1:])
