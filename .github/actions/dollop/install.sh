#!/bin/sh
# Installs what dollop needs into an environment of its own, away from the packages of the project, and puts a
# command `dollop` on the path of the following steps. A runner that has it all already sets DOLLOP_PYTHON.
set -eu

# Whoever committed a cache wants packages deployed that nobody built, and nobody reviewed. Without git (a container may
# have none) whatever was checked out counts as committed.
if [ -e .dollop ] || [ -L .dollop ]; then
    committed=$(git -c safe.directory='*' ls-files -- .dollop 2>&1) || committed=perhaps
    if [ -n "$committed" ]; then
        echo "::error::.dollop is in the repository, and what is in its cache would be deployed unbuilt: git rm -r --cached .dollop"
        exit 1
    fi
fi

source=$(cd "$(dirname "$0")/../../.." && pwd)
commands="$RUNNER_TEMP/dollop/commands"
python=${DOLLOP_PYTHON:-}

if [ -z "$python" ]; then
    python3 -m venv "$RUNNER_TEMP/dollop/environment"
    python="$RUNNER_TEMP/dollop/environment/bin/python"
    "$python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$source/requirements.txt"
fi

mkdir -p "$commands"
# -P: the folder in which it is called may have a package ci too.
printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s" -P -m ci "$@"\n' "$source" "$python" > "$commands/dollop"
chmod +x "$commands/dollop"
echo "$commands" >> "$GITHUB_PATH"
