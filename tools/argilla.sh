#!/bin/sh
# Installs Argilla's server into build/argilla for the tests marked `argilla` where that is possible, this once.
# Where it is not, those tests are left out, and say so.
set -u
VERSION=2.8.0
HERE=build/argilla
PYTHON="$HERE/venv/bin/python"

if ! command -v redis-server >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing Redis for the tests with Argilla ..."
        apt-get update -qq >/dev/null 2>&1 && apt-get install -y -qq redis-server >/dev/null 2>&1
    fi
fi
if ! command -v redis-server >/dev/null 2>&1; then
    echo "No Redis here: the tests with Argilla are left out. Install it to run them (package redis-server)." >&2
    exit 0
fi
[ "$(cat "$HERE/version" 2>/dev/null)" = "$VERSION" ] && exit 0

echo "Installing Argilla's server for the tests: about 2 minutes, this once ..."
rm -rf "$HERE"
mkdir -p "$HERE"
export ARGILLA_HOME_PATH="$PWD/$HERE/home" ARGILLA_DATABASE_URL="sqlite+aiosqlite:///$PWD/$HERE/owner.db" HF_HUB_DISABLE_TELEMETRY=1
# click: later ones break the server's own command line
# the data base has an owner, whose key tests/fakes/argilla_server.py knows
if "${BIN:-.venv/bin}/python" -m venv "$HERE/venv" &&
    "$HERE/venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 "argilla-server==$VERSION" "click<8.2" >"$HERE/log" 2>&1 &&
    "$PYTHON" -m argilla_server database migrate >>"$HERE/log" 2>&1 &&
    "$PYTHON" -m argilla_server database users create --first-name Owner --username owner --role owner \
        --password password-of-the-tests --api-key owner.key-of-the-tests >>"$HERE/log" 2>&1; then
    echo "$VERSION" >"$HERE/version"
else
    echo "Argilla's server cannot be installed here, so the tests with it are left out; $HERE/log says why." >&2
fi
exit 0
