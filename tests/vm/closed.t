#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A whole machine that is closed from before its network is up until a VPN is its default, with the
# kernel's own WireGuard and a clock that is years behind: as system.t, with tests/vm/closed in the guest.
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
VM_SYSTEM=--closed exec "$here/system.t"
