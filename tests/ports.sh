# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2317
# What tests of published ports share. Sourced after tests/lib.sh, in the rig.
ports=$RIG_DIR/build/tests/net/ports
# Of the relay: it has another name than the command.
relays() { pgrep -c -x vpnrun-ports; }
no_relay() { [ "$(relays)" = 0 ]; }
started=()
start() { # start COMMAND...: in the background; waits for its "ready"
	local fd
	exec {fd}< <(exec "$@" 2>&1)
	started+=($!)
	pid=$!
	read -r -t 10 ready <&"$fd"
	exec {fd}<&-
}
stop() { kill "$1" 2>/dev/null; wait "$1" 2>/dev/null; }

# The provider of `demo` forwards a port: gateway PORT EPOCH, a new one each time (rig/natpmpd).
gateway() {
	local g=$RIG_DIR/gateway
	mkdir -p "$g"
	echo ok >"$g/mode"
	echo "$1" >"$g/port"
	: >"$g/log"
	[ -z "${natpmpd:-}" ] || stop "$natpmpd"
	start in_ns demo "$RIG_DIR/tests/rig/natpmpd" "$g" "$RIG_DNS_DEMO" 60 "$2"
	natpmpd=$pid
}
port_is() { [ "$(cat /run/vpnrun/demo.port 2>/dev/null)" = "$1" ]; }
