#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The whole benchmark, in the rig: tests/rig/rig run -- tests/bench/run.sh (`make bench`). See --help.
set -euo pipefail

usage()
{
	cat <<-X
	usage: run.sh [--quick] [--rounds N] [--only PART[,PART...]]
	  --quick      fewer rounds: two minutes in place of six
	  --rounds N   of the launches (60); the other parts in proportion
	  --only P     of: launch doors phases cni engines many flow ports
	Measures vpnrun beside others' programs in turns, prints tables and at last the goals and whether
	they are met, and writes bench.json in the build directory. What it is compared with is installed
	by tests/setup/deps test bench; what is not there is left out, and said.
	X
	exit "$1"
}

rounds=60 only=launch,doors,phases,cni,engines,many,flow,ports quick='' seconds=2
while [ $# -gt 0 ]; do
	case $1 in
	--quick) quick=yes rounds=16 seconds=1 ;;
	--rounds) rounds=${2:-} && shift ;;
	--only) only=${2:-} && shift ;;
	--help) usage 0 ;;
	*) usage 2 >&2 ;;
	esac
	shift
done
[[ $rounds =~ ^[1-9][0-9]{0,2}$ ]] || usage 2 >&2
: "${RIG_USER:?run this in the rig: tests/rig/rig run -- tests/bench/run.sh}"
BENCH_TESTS=$(dirname "$(realpath "$0")")
export BENCH_TESTS
tools=$RIG_DIR/build/bench # where a confined user sees them
out=${BENCH_OUT:-$RIG_B/bench.json}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
parts=(launch doors phases cni engines many flow ports)
for p in "${parts[@]}" many-cni burst; do : >"$tmp/$p"; done
rc=0
read -r load _ </proc/loadavg

at_least() { echo $(($1 > $2 ? $1 : $2)); }

wanted()
{
	[[ ,$only, = *,$1,* ]]
}

pool() # pool up|down: 1000 sandboxes need a larger one than a /24
{
	vpnctl down --force demo >/dev/null
	if [ "$1" = up ]; then
		sed -i 's/"id": 1,/& "subnet": "10.99.0.0\/22",/' /etc/vpnrun/demo.json
	else
		sed -i 's/ "subnet": "10.99.0.0\/22",//' /etc/vpnrun/demo.json
	fi
	vpnctl up demo >/dev/null
}

# All of them are one user's.
sed -i 's/"id": 1,/& "limit": 1022,/' /etc/vpnrun/demo.json
vpnctl up demo >/dev/null

if wanted launch; then
	"$tools/bench" -r "$rounds" -j "$tmp/launch" launch demo || rc=1
	echo
fi
if wanted doors; then
	"$BENCH_TESTS/doors.pl" demo "$rounds" "$tmp/doors" || rc=1
fi
if wanted phases; then
	printf 'Where the time goes: vpnrun -v, from main() to exec.\n\n'
	"$tools/bench" -r "$(at_least $((rounds / 2)) 10)" -j "$tmp/phases" phases demo || rc=1
	echo
fi
if wanted cni; then
	"$BENCH_TESTS/cni.pl" demo "$(at_least $((rounds / 2)) 8)" "$tmp/cni" || rc=1
fi
if wanted engines; then
	# In a mount namespace of its own: crun does not take a hierarchy of cgroups of both kinds.
	unshare -m --propagation private sh -c '! mountpoint -q /sys/fs/cgroup/unified ||
		umount /sys/fs/cgroup/unified; exec "$@"' - \
		"$BENCH_TESTS/engines.pl" demo "$(at_least $((rounds / 2)) 10)" "$tmp/engines" || rc=1
fi
if wanted many; then
	counts=(1 100 500 1000)
	[ -z "$quick" ] || counts=(1 1000)
	pool up
	"$tools/bench" -r "$(at_least $((rounds / 3)) 8)" -j "$tmp/many" many demo "${counts[@]}" || rc=1
	echo
	"$tools/bench" -r "$(at_least $((rounds / 4)) 4)" -j "$tmp/burst" burst demo 950 64 || rc=1
	echo
	"$BENCH_TESTS/cni.pl" demo "$(at_least $((rounds / 4)) 8)" "$tmp/many-cni" "${counts[@]}" || rc=1
	pool down
fi
if wanted flow; then
	"$BENCH_TESTS/flow.pl" demo "$(at_least $((rounds / 8)) 3)" "$seconds" "$tmp/flow" || rc=1
fi
if wanted ports; then
	unshare -m --propagation private sh -c '! mountpoint -q /sys/fs/cgroup/unified ||
		umount /sys/fs/cgroup/unified; exec "$@"' - \
		"$BENCH_TESTS/ports.pl" demo "$(at_least $((rounds / 8)) 3)" "$seconds" "$tmp/ports" || rc=1
fi

join() # join FILE...: the entries of all
{
	local f sep=''
	for f in "$@"; do
		[ ! -s "$f" ] || { printf %s "$sep" && cat "$f" && sep=,; }
	done
}
cat >"$out" <<J
{
  "kernel": "$(uname -r)", "cpus": $(nproc), "load": $load, "rounds": $rounds,
  "launch": [$(join "$tmp/launch")
  ],
  "doors": [$(join "$tmp/doors")
  ],
  "many": [$(join "$tmp/many")
  ],
  "burst": [$(join "$tmp/burst")
  ],
  "phases": [$(join "$tmp/phases")
  ],
  "cni": [$(join "$tmp/cni" "$tmp/many-cni")
  ],
  "engines": [$(join "$tmp/engines")
  ],
  "throughput": [$(join "$tmp/flow" "$tmp/ports")
  ]
}
J
"$BENCH_TESTS/goals.pl" "$out"
echo "written: $out"
exit $rc
