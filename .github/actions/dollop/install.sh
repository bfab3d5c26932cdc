#!/bin/sh
# Installs what dollop needs into an environment of its own, away from the packages of the project, and puts a
# command `dollop` on the path of the following steps. A runner that has it all already sets DOLLOP_PYTHON.
set -eu

# Whoever committed a cache wants packages deployed that nobody built, and nobody reviewed. Without git (a container may
# have none) whatever was checked out counts as committed.
if [ -e .dollop ] || [ -L .dollop ]; then
    committed=$(git -c safe.directory='*' ls-files -- .dollop 2>&1) || committed=perhaps
    if [ -n "$committed" ]; then
        echo "::error::.dollop is in the repository, and what is in it would be deployed unbuilt: git rm -r --cached .dollop"
        exit 1
    fi
fi

source=$(cd "$(dirname "$0")/../../.." && pwd)
home="$RUNNER_TEMP/dollop"
commands="$home/commands"
python=${DOLLOP_PYTHON:-}

# -P: the folder in which Python is called may have modules of any name.
if [ -z "$python" ]; then
    python3 -P -m venv "$home/environment"
    python="$home/environment/bin/python"
    "$python" -P -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$source/requirements.txt"
fi

# What runs is the source that was reviewed, and nothing else of the repository: no bytecode or library that somebody
# committed, which Python would take instead, and no module beside ci.
rm -rf "$home/source"
mkdir -p "$home/source" "$commands"
cp -R "$source/ci" "$home/source"
find "$home/source" ! -type d ! -name '*.py' -exec rm {} +
printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s" -P -m ci "$@"\n' "$home/source" "$python" > "$commands/dollop"
chmod +x "$commands/dollop"
echo "$commands" >> "$GITHUB_PATH"
