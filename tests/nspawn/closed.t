#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine with systemd that is closed from before its network is up until a VPN is its default: as
# nspawn.t, with tests/nspawn/closed in the rig.
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
NSPAWN_BOOT=$here/closed exec "$here/nspawn.t"
