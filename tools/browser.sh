#!/bin/sh
# Installs Chromium for the browser tests where that is possible; without one those tests are left out, and say so.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests ..."
    apt-get update -qq >/dev/null 2>&1 && apt-get install -y -qq chromium >/dev/null 2>&1 && exit 0
fi
echo "No Chromium here: the browser tests are left out. Install it to run them (package chromium)." >&2
exit 0
