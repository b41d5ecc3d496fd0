#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# See model.pl. DEPTH: events in a row, from a VPN that is up; `make check-model DEPTH=4` goes deeper.
cd "$(dirname "$0")/../.." || exit 1
exec perl tests/model/model.pl "${B:-$PWD/build}/tests/model/lists" "${DEPTH:-2}"
