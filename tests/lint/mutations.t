#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Each line of tests/mutate/*.list applies to the tree as it is, and names tests that there are.
exec "$(dirname "$0")/../mutate/mutate.pl" --check
