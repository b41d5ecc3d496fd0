#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The shipped policies in force: what each closes, on every ABI, beside the same knock without a
# filter; and real programs that must work under them. Needs no root. B is the build directory.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib.sh
B=$(realpath "${B:-build}")
dir=$B/lib/vpnrun/policy
try=$B/tests/unit/policy_try
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# An ordinary user where there is one to become: root's own powers would hide refusals.
plain=()
[ "$(id -u)" = 0 ] && plain=(setpriv --reuid=65534 --regid=65534 --clear-groups)
[ "$(id -u)" = 0 ] && chmod 777 "$tmp"
# The tree may lie in a home directory that the ordinary user cannot enter.
mkdir "$tmp/bin" "$tmp/policy" && cp "$try" "$tmp/bin/" && cp "$dir"/*.bpf "$tmp/policy/" || exit 1
try=$tmp/bin/policy_try dir=$tmp/policy
cd / || exit 1
# A test with a program that this machine lacks.
with() { # with PROGRAM DESCRIPTION COMMAND...
	local program=$1
	shift
	if (PATH=/usr/bin:/bin; has "$program"); then ok "$@"; else skip "$program is not installed" "$1"; fi
}
under() { HOME=$tmp "${plain[@]}" "$try" run "$dir" "$@" </dev/null; }
has() { command -v "$1" >/dev/null; }

"$try" doors >"$tmp/open"
like "$(cat "$tmp/open")" "native vsock kernel" "control: without a filter AF_VSOCK reaches the kernel"
is "$(grep -c -v -e kernel -e absent "$tmp/open")" 0 "control: so does every other knock"

for policy in default browser strict; do
	under "$policy" "$try" doors >"$tmp/doors"
	for abi in native i386; do
		grep -q "^$abi absent" "$tmp/doors" && skip "no $abi here" "$policy: doors on $abi" && continue
		grep -q "^$abi" "$tmp/doors" || continue
		got=$(grep "^$abi" "$tmp/doors" | grep kernel | cut -d' ' -f2 |
			grep -E -v '^(unix|inet|inet6|netlink|tcgets|newer|unshare)$' | xargs)
		is "$got" "" "L11 L12 L31 $policy on $abi: families, socketcall, setns, TIOCSTI are closed"
		is "$(grep -c "^$abi unix kernel" "$tmp/doors")" 1 "$policy on $abi: AF_UNIX is open"
	done
	for family in inet inet6 netlink tcgets; do
		is "$(grep -c "^native $family kernel" "$tmp/doors")" 1 "$policy: $family is open"
	done
	[ "$policy" = strict ] && what=EPERM || what=kernel
	is "$(sed -n 's/^native unshare //p' "$tmp/doors")" "$what" "$policy: user namespaces: $what"
done
under i386 "$try" doors >"$tmp/doors"
if grep -q "^i386 absent" "$tmp/doors"; then
	skip "no i386 here" "W4 i386: socketcall reaches the kernel"
else
	is "$(grep kernel "$tmp/doors" | grep -E -v '(unix|inet|inet6|netlink|tcgets|newer|unshare) ' | xargs)" \
		"i386 socketcall kernel i386 socketcall-high kernel" "W4 i386: socketcall reaches the kernel, and nothing else does"
fi
for policy in default browser; do
	is "$(under $policy "$try" doors | sed -n 's/^native vsock //p')" EAFNOSUPPORT \
		"L11 $policy: AF_VSOCK is answered as by a kernel without it"
done

for policy in default browser strict; do
	# shellcheck disable=SC2016
	is "$(under $policy bash -c 'x=$(echo a | cat); (exit 7); echo $x$?')" a7 "$policy: bash, pipes, children"
	for cmd in 'curl --version' 'python3 -c "import socket,subprocess,threading,ssl"' \
		'git --version' 'ssh -V' 'gpg --version'; do
		has "${cmd%% *}" || continue
		case $(command -v "${cmd%% *}") in /root/*) path=/usr/bin:/bin ;; *) path=$PATH ;; esac
		PATH=$path has "${cmd%% *}" || continue
		ok "$policy: $cmd" env PATH="$path" "${plain[@]}" "$try" run "$dir" $policy sh -c "$cmd"
	done
	with git "$policy: git makes a commit" under $policy sh -c "cd '$tmp' && rm -rf g && git init -q g && cd g &&
		git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x"
	with python3 "$policy: threads and sockets over loopback" env PATH=/usr/bin:/bin "${plain[@]}" "$try" run "$dir" $policy \
		python3 -c '
import socket, threading
s = socket.create_server(("127.0.0.1", 0))
t = threading.Thread(target=lambda: s.accept()[0].send(b"hi")); t.start()
assert socket.create_connection(s.getsockname()).recv(2) == b"hi"; t.join()
a, b = socket.socketpair(); a.send(b"x"); assert b.recv(1) == b"x"'
	with gpg "$policy: gpg makes a key" under $policy sh -c "mkdir -p -m 700 '$tmp/k' && GNUPGHOME='$tmp/k' timeout 60 \
		gpg --batch --quiet --passphrase '' --quick-gen-key a@b ed25519; r=\$?;
		GNUPGHOME='$tmp/k' gpgconf --kill all; rm -rf '$tmp/k'; exit \$r"
done

# Unprivileged ping needs a namespace whose ping_group_range lets it, and nothing but loopback. A copy
# of the program: the file capability of the installed one cannot be executed without it (EPERM).
ping_in() {
	cp "$(command -v ping)" "$tmp/ping" && unshare -Urn sh -c 'ip link set lo up &&
		echo "0 0" >/proc/sys/net/ipv4/ping_group_range &&
		exec setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"' sh \
		"$try" run "$dir" "$1" "$tmp/ping" -c1 -W2 127.0.0.1
}
if has ping && has ip && unshare -Urn true 2>/dev/null; then
	for policy in default browser strict; do ok "R64 $policy: ping" ping_in $policy; done
else
	skip "needs ping, ip and user namespaces" "R64 ping"
fi

if has bwrap && "${plain[@]}" bwrap --unshare-all --ro-bind / / true 2>/dev/null; then
	for policy in default browser; do
		ok "$policy: bwrap makes a sandbox of its own" under $policy bwrap --unshare-all --ro-bind / / \
			--proc /proc --dev /dev --tmpfs /tmp true
	done
	ok "strict: bwrap is refused" not under strict bwrap --unshare-all --ro-bind / / true
else
	skip "needs bwrap and user namespaces" "nested bwrap"
fi
if has strace; then
	ok "default: strace traces its own child" under default strace -o /dev/null true
	ok "L13 strict: no tracing" not under strict strace -o /dev/null true
else
	skip "needs strace" "tracing"
fi

# A program without new privileges stays what it is, whatever the file says.
is "$(under default sh -c 'grep NoNewPrivs /proc/self/status' | tr -d '\t')" "NoNewPrivs:1" \
	"L17 a filter is in force only with no_new_privs"

# Of two with one name the one in /etc counts, and the list says so.
ctl=$B/bin/vpnctl
listed() { unshare -Urm sh -c 'mount -t tmpfs none /etc && mkdir -p /etc/vpnrun/policy && cp "$1"/default.bpf /etc/vpnrun/policy/ &&
	cp "$1"/strict.bpf /etc/vpnrun/policy/own.bpf && exec "$2" policy list' sh "$dir" "$ctl" | tr -s ' '; }
is "$("$ctl" policy list | tr -s ' ')" "$(cd "$dir" && for p in *.bpf; do echo "${p%.bpf} shipped"; done; echo none no filter at all)" \
	'the policies that are there'
if unshare -Urm true 2>/dev/null; then
	is "$(listed)" "default /etc/vpnrun/policy
own /etc/vpnrun/policy
browser shipped
default shipped (hidden by the one above)
i386 shipped
strict shipped
none no filter at all" 'one in /etc hides the shipped one of its name'
else
	skip 'needs user namespaces' 'one in /etc hides the shipped one of its name'
fi

finish
