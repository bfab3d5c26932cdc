"""Set up a virtual environment with exactly what a lock file pins.

    python3 .ci/install.py new .venv requirements-local.txt    make it, with the project itself in it
    python3 .ci/install.py add .venv requirements-dev.txt      install more into it

uv does it in seconds where pip needs a minute, so pip fetches uv (by hash, as everything) and uv the rest.
Runs on the standard library alone, and far enough on an old Python to say that it is one.
"""

import os
import subprocess
import sys
import tempfile
import venv

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main(verb, folder, lock):
    if sys.version_info < (3, 11):
        sys.exit("%s is Python %s; 3.11 or newer is needed. Name one: make PYTHON=/path/to/python3.13 ..."
                 % (sys.executable, sys.version.split()[0]))
    print("setting up %s from %s (Python %s)" % (folder, lock, sys.version.split()[0]), file=sys.stderr)
    lock = os.path.join(ROOT, lock)
    python = os.path.join(os.path.abspath(folder), "bin", "python")
    if verb == "new":
        venv.create(folder, clear=True, with_pip=True, symlinks=True, prompt="dollop")
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as only_uv:
            only_uv.write(entry(lock, "uv"))
            only_uv.flush()
            pip = (python, "-m", "pip", "--disable-pip-version-check", "--quiet")
            run(*pip, "install", "--require-hashes", "-r", only_uv.name)

    sys.path.insert(0, ROOT)
    from ci.indexes import uv_environment

    environment = uv_environment(prefix=os.path.abspath(folder))
    install = (python, "-m", "uv", "pip", "install", "--quiet", "--python", python)
    run(*install, "--require-hashes", "-r", lock, env=environment)
    if verb == "new":
        run(*install, "--no-deps", "--no-build-isolation", "--editable", ROOT, env=environment)


def entry(lock, name):
    """The lines of ``lock`` that pin ``name``: up to the first that does not go on."""
    with open(lock) as file:
        lines = iter(file.readlines())
    for line in lines:
        if line.startswith(name + "=="):
            found = line
            while line.endswith("\\\n"):
                line = next(lines)
                found += line
            return found
    sys.exit("%s does not pin %s" % (lock, name))


def run(*command, env=None):
    if subprocess.run(command, env=env).returncode:
        sys.exit("setting up stopped at: %s" % " ".join(command))


if __name__ == "__main__":
    main(*sys.argv[1:])
