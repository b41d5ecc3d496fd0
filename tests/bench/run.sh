#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The whole benchmark, in the rig: tests/rig/rig run -- tests/bench/run.sh [--rounds N] [--many]
# [--no-flow]. Writes build/bench.json. Takes about 90 seconds, with --many a minute more.
set -euo pipefail

rounds=60 many='' flow=yes
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) rounds=$2 && shift ;;
	--many) many=yes ;;
	--no-flow) flow='' ;;
	*) echo "usage: run.sh [--rounds N] [--many] [--no-flow]" >&2 && exit 2 ;;
	esac
	shift
done
: "${RIG_USER:?run this in the rig: tests/rig/rig run -- tests/bench/run.sh}"
BENCH_TESTS=$(dirname "$(realpath "$0")")
export BENCH_TESTS
tools=$RIG_DIR/build/bench # where a confined user sees them
out=$RIG_B/bench.json
tmp=$(mktemp -d)
server=''
# shellcheck disable=SC2317 # called by the trap
cleanup()
{
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	"$BENCH_TESTS/fast.sh" remove
	rm -rf "$tmp"
}
trap cleanup EXIT
touch "$tmp"/{launch,many,phases,flow,cni}

# --- launches ------------------------------------------------------------------------------------

rc=0
"$tools/bench" -r "$rounds" -j "$tmp/launch" launch demo || rc=1
echo
echo "Where the time goes: vpnrun -v, from main() to exec."
echo
"$tools/bench" -r 30 -j "$tmp/phases" phases demo || rc=1

echo
"$BENCH_TESTS/cni.pl" "$RIG_DIR/build/libexec/vpnrun/cni/vpnrun" demo "$((rounds / 2))" "$tmp/cni" || rc=1

# 1000 sandboxes need a larger pool than a /24.
if [ "$many" ]; then
	echo
	vpnctl down --force demo >/dev/null
	sed -i 's/"id": 1,/& "subnet": "10.99.0.0\/22",/' /etc/vpnrun/demo.json
	vpnctl up demo >/dev/null
	"$tools/bench" -r "$((rounds / 2))" -j "$tmp/many" many demo 1 100 500 1000 || rc=1
	vpnctl down --force demo >/dev/null
	sed -i 's/ "subnet": "10.99.0.0\/22",//' /etc/vpnrun/demo.json
	vpnctl up demo >/dev/null
fi

# --- throughput ----------------------------------------------------------------------------------

median()
{
	printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

list()
{
	local IFS=,
	echo "$*"
}

# serve NETNS-FILE ADDRESS: a far end, until the next one.
serve()
{
	local fd

	[ -z "$server" ] || kill "$server"
	exec {fd}< <(exec nsenter --net="$1" "$tools/flow" serve "$2" 5201)
	server=$!
	read -r _ <&$fd
	exec {fd}<&-
}

# compare KEY TEXT ADDRESS: the functions bare and boxed, in turns; each may be first.
compare()
{
	local b=() s=() ratio

	for _ in 1 2 3; do
		b+=("$(bare "$3")")
		s+=("$(boxed "$3")")
	done
	ratio=$(awk "BEGIN { printf \"%.3f\", $(median "${s[@]}") / $(median "${b[@]}") }")
	printf '%-46s %9.0f %9.0f %7.2f\n' "$2" "$(median "${b[@]}")" "$(median "${s[@]}")" "$ratio"
	printf '%s\n    "%s": {"bare_mbit_s": [%s], "sandbox_mbit_s": [%s], "ratio": %s}' \
		"$(test -s "$tmp/flow" && echo ,)" "$1" "$(list "${b[@]}")" "$(list "${s[@]}")" "$ratio" \
		>>"$tmp/flow"
}

if [ "$flow" ]; then
	echo
	echo "One TCP flow out, 3 s, median of 3, Mbit/s: from the VPN's own namespace, and from a sandbox"
	echo "(one veth, the bridge, the firewall and the address translation more)."
	echo
	printf '%-46s %9s %9s %7s\n' '' bare sandbox ratio
	bare() { ip netns exec demo "$tools/flow" send "$1" 5201 3; }
	boxed() { setpriv --reuid "$RIG_USER" --regid "$RIG_USER" --init-groups \
		vpnrun demo "$tools/flow" send "$1" 5201 3; }
	serve "$RIG_DIR/ns/demo" "$RIG_DNS_DEMO"
	compare tunnel "the tunnel ($RIG_WG WireGuard)" "$RIG_DNS_DEMO"
	# How little the hop costs shows where no cipher hides it.
	"$BENCH_TESTS/fast.sh" make "$RIG_DNS_DEMO"
	bare() { ip netns exec bench-vpn "$tools/flow" send "$1" 5201 3; }
	boxed() { ip netns exec bench-box "$tools/flow" send "$1" 5201 3; }
	serve /run/netns/bench-far "$RIG_DNS_DEMO"
	compare veth "a veth in the tunnel's place" "$RIG_DNS_DEMO"

	echo
	echo "The same by a published port: a client on the host, the server in a sandbox (vpnrun -p)."
	echo
	printf '%-46s %9s %9s %7s\n' '' without -p ratio
	boxed() { "$tools/flow" send "$1" 5301 3; }
	exec {fd}< <(exec setpriv --reuid "$RIG_USER" --regid "$RIG_USER" --init-groups \
		vpnrun -p 5301:5201 demo "$tools/flow" serve 127.0.0.1 5201)
	sandbox=$!
	read -r _ <&"$fd"
	exec {fd}<&-
	serve /proc/self/ns/net 127.0.0.1
	bare() { "$tools/flow" send "$1" 5201 3; }
	compare publish_direct "no relay: the host's loopback" 127.0.0.1
	if command -v socat >/dev/null; then
		socat TCP4-LISTEN:5302,bind=127.0.0.1,fork,reuseaddr TCP4:127.0.0.1:5201 &
		socat=$!
		until ss -Hltn '( sport = :5302 )' | grep -q .; do read -r -t 0.02 <> <(:) || :; done
		bare() { "$tools/flow" send "$1" 5302 3; }
		compare publish_socat "socat in its place" 127.0.0.1
		kill "$socat"
	fi
	kill "$sandbox"
fi

cat >"$out" <<J
{
  "kernel": "$(uname -r)", "cpus": $(nproc), "rounds": $rounds,
  "launch": [$(<"$tmp/launch")
  ],
  "many": [$(<"$tmp/many")
  ],
  "phases": [$(<"$tmp/phases")
  ],
  "cni": [$(<"$tmp/cni")
  ],
  "throughput": {$(<"$tmp/flow")
  }
}
J
echo
echo "written: $out"
exit $rc
