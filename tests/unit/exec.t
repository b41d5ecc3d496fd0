#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/exec: a test that hangs is ended, and said, of whatever kind it is.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
said() { (cd "$dir" && unset TAP_DIR && "$OLDPWD/tests/exec" "$1" 2>&1; echo "$?"); }

printf '#!/bin/sh\necho "ok 1"\nexec sleep 600\n' >"$dir/hangs.t"
cp "$dir/hangs.t" "$dir/hangs"
printf '#!/bin/sh\necho "ok 1"\necho 1..1\n' >"$dir/ends.t"
chmod +x "$dir"/*
is "$(RIG_TIMEOUT=20 said ends.t | xargs)" 'ok 1 1..1 0' 'control: one that ends'
is "$(RIG_TIMEOUT=1 said hangs.t | xargs)" 'ok 1 not ok - hangs.t has not ended in 1 s 124' 'one that hangs is ended'
is "$(RIG_TIMEOUT=1 said "$dir/hangs" | xargs)" "ok 1 not ok - $dir/hangs has not ended in 1 s 124" 'so is a compiled one'
finish
