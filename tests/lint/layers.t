#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The layer rule holds, and its checker catches planted violations.
cd "$(dirname "$0")/../.." || exit 1
echo 1..6
n=0
t() { n=$((n + 1)); if "${@:2}"; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi; }
planted() {
	local d r
	d=$(mktemp -d); mkdir -p "$d/$(dirname "$1")"; printf '%s\n' "$2" >"$d/$1"
	perl tests/lint/layers.pl "$d" >/dev/null; r=$?
	rm -r "$d"; [ $r -eq 1 ]
}
t 'the tree keeps the layer rule' perl tests/lint/layers.pl src
t 'a planted upward include is caught' planted nl/x.c '#include "state/record.h"'
t 'a planted foreign library is caught' planted broker/x.c '#include <jansson.h>'
t 'a planted shell call is caught' planted up/x.c 'int f(void) { return system("ip a"); }'
t 'a planted open that waits for a FIFO is caught' planted up/x.c '	int fd = open(path, O_RDONLY | O_CLOEXEC);'
t 'a planted fopen that waits for a FIFO is caught' planted up/x.c '	FILE *f = fopen(path, "re");'
