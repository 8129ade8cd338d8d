#!/bin/sh
# Makes the virtual environment and installs the exact versions of requirements.lock into it.
set -eu
if [ ! -x "$VENV/bin/pip" ]; then
    rm -rf "$VENV"
    if ! "$PYTHON" -m venv "$VENV" 2>/dev/null; then
        # Debian and Ubuntu ship venv as a package of its own.
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
            apt-get update -qq && apt-get install -y -qq python3-venv
            "$PYTHON" -m venv "$VENV"
        else
            echo "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2
            exit 1
        fi
    fi
fi
echo "Installing into $VENV: about 2 minutes, this once ..."
"$VENV/bin/pip" install --quiet --disable-pip-version-check --constraint requirements.lock --editable ".[dev]"
echo "Installed. Commands: $VENV/bin/distilflow --help"
