#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Private and preshared keys: nowhere but in root's own files and in WireGuard itself. And what an
# installation consists of: no file with a privilege of its own. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
out=$RIG_DIR/said # everything that any command here says
work=$RIG_DIR/secrets
mkdir "$work"
: >"$out"

# --- the search ----------------------------------------------------------------------------------

# Keys as they are written down, as WireGuard's text interface has them, and as bytes.
install -m 600 "$RIG_DIR/conf/psk.conf" "$work/psk.conf"
sed -n 's/^\(PrivateKey\|PresharedKey\) *= *//p' "$work/psk.conf" "$RIG_DIR/conf/named.conf" >"$work/base64"
while read -r k; do base64 -d <<<"$k" | od -An -v -tx1 | tr -d ' \n'; echo; done <"$work/base64" >"$work/hex"
# A key's first bytes are enough to know it, and cut base64 would still be one.
{ cut -c1-20 "$work/base64"; cut -c1-24 "$work/hex"; } >"$work/any"
is "$(wc -l <"$work/hex")" 3 'two private keys and a preshared one are looked for'

in_text() { grep -aqFf "$work/any" "$@"; }
in_bytes() { # in_bytes FILE...: any form
	local f
	for f in "$@"; do
		! in_text "$f" || { echo "$f"; return 0; }
		od -An -v -tx1 "$f" | tr -d ' \n' | grep -qFf <(cut -c1-24 "$work/hex") && { echo "$f"; return 0; }
	done
	return 1
}
in_files() { # in_files DIR...: names those that hold a key
	local f
	find "$@" -type f -print0 | while IFS= read -r -d '' f; do in_bytes "$f"; done | grep .
}
in_processes() { # in any process's arguments or environment, now
	local p
	for p in /proc/[0-9]*; do
		cat "$p/cmdline" "$p/environ" 2>/dev/null | tr '\0' '\n' | grep -avF RIG_ | in_text - && { tr '\0' ' ' <"$p/cmdline"; return 0; }
	done
	return 1
}
say() { "$@" >>"$out" 2>&1; }

base64 -d <<<"$(head -n 1 "$work/base64")" >"$work/raw"
ok 'control: the search finds a key as text' in_files "$RIG_DIR/conf"
ok 'control: the search finds a key as bytes' in_bytes "$work/raw"
ok 'control: the search finds a key in hex' in_bytes "$work/hex"
sh -c "exec sleep 300" "$(head -n 1 "$work/base64")" &
ok 'control: a plain argument that exec replaced is not seen' wait_for 5 grep -q sleep /proc/$!/comm
kill $!
# shellcheck disable=SC2016
env KEY="$(head -n 1 "$work/base64")" sleep 300 &
ok 'control: the search finds a key in an environment' wait_for 5 in_processes
kill $!
wait

# --- import, up, status, check, down -------------------------------------------------------------

umask 022
say vpnctl import "$work/psk.conf" --name psk
is "$(stat -c '%a %U:%G' /etc/vpnrun/psk.conf)" '600 root:root' 'R26: the file with the key is root'"'"'s alone, whatever the umask'
is "$(stat -c %a /etc/vpnrun/psk.json)" 644 'the file without one is for all'
ok 'R26: and holds none' not in_bytes /etc/vpnrun/psk.json

strace -f -qq -v -s 4096 -e trace=execve,prctl -o "$work/trace" vpnctl up psk >>"$out" 2>&1 &
tracer=$!
ok 'up, with all that it starts looked at' wait_for 20 grep -q 'psk is up' "$out"
ok 'the far end answers' wait_for 10 sh -c "[ \"\$(ip netns exec psk curl -s -m 5 http://$RIG_WEB4/)\" = demo ]"
ok 'the trace has the programs that were started' grep -q 'execve(.*vpnctl' "$work/trace"
if [ "$RIG_WG" = go ]; then
	ok 'wireguard-go among them' grep -q 'execve(.*"wireguard-go"' "$work/trace"
fi
ok 'L28: no key in any argument or environment that was given' not in_text "$work/trace"
ok 'L28: no key in any process'"'"'s arguments or environment' not in_processes
ok 'L28: no key in a file of /run' not in_files /run
ok 'L28: nor in /etc but in the providers'"'"' files' not in_files /etc/netns /dev/shm
is "$(in_files /etc/vpnrun | sort | xargs)" "$(find /etc/vpnrun -name '*.conf' ! -name other.conf | sort | xargs)" 'L28: which are the only ones in /etc/vpnrun'
for f in /etc/vpnrun/*.conf; do
	is "$(stat -c '%a %u' "$f")" '600 0' "R26: $f is root's alone"
done

is "$(find /run/vpnrun -type f ! -perm 600 ! -perm 644)" '' 'files of /run/vpnrun: root writes, nobody executes'
is "$(find /run/vpnrun /run/netns /etc/netns -perm /022 ! -type s ! -type l)" '' 'nobody else writes any of it'
is "$(find /run/vpnrun -type f -perm -004 -printf '%f ' | tr ' ' '\n' | sort | xargs)" 'demo demo.health other other.health psk psk.health' 'all may read the records, and what was seen of the tunnels, alone'
is "$(stat -c %a /run/wireguard/psk.sock 2>/dev/null || echo 700)" 700 'WireGuard'"'"'s socket is root'"'"'s'
ok 'an ordinary user reads no key' not as_user cat /etc/vpnrun/psk.conf
ok 'nor by WireGuard' not as_user wg show psk
# shellcheck disable=SC2024
as_user vpnctl check /etc/vpnrun/psk.conf >>"$out" 2>&1
ok 'nor by vpnctl, whose words do not hold it' not in_text "$out"

for c in 'status' 'status psk' 'list' 'check /etc/vpnrun/psk.conf' "check $work/psk.conf" 'up psk' 'kick psk --all'; do
	# shellcheck disable=SC2086
	say vpnctl $c
	# shellcheck disable=SC2024,SC2086
	as_user vpnctl $c >>"$out" 2>&1
done
as_user vpnrun psk sh -c 'tr "\0" "\n" </proc/$$/environ; cat /proc/$$/cmdline; cat /run/vpnrun/psk 2>/dev/null' >>"$out" 2>&1
ok 'L28: nothing that was said by any command holds one' not in_text "$out"

# --- cores ---------------------------------------------------------------------------------------

# A limit of 1 is more than 0: the kernel then feeds no program of core_pattern either. sudo may have
# set 0 already, which cannot be raised.
core_limit() { awk '/^Max core file size/ { print $5, $6 }' "/proc/$1/limits"; }
strace -qqq -o "$work/stop" -e trace=sendto -e inject=sendto:signal=SIGSTOP:when=5 sh -c 'ulimit -c unlimited; echo $$ >"$1"; exec vpnctl up psk' - "$work/pid" >>"$out" 2>&1 &
stopped() { grep -qs 'stopped by SIGSTOP' "$work/stop"; }
ok 'an up that stands still' wait_for 10 stopped
like "$(core_limit "$(cat "$work/pid")")" '^[01] [01]$' 'L28: vpnctl leaves no core'
kill -KILL "$(cat "$work/pid")"
wait $!
if [ "$RIG_WG" = go ]; then
	sup=$(cat /run/vpnrun/psk.supervisor)
	go=$(cat "/proc/$sup/task/$sup/children")
	like "$(core_limit "$sup")" '^[01] [01]$' 'L28: nor does the supervisor'
	like "$(core_limit "${go%% *}")" '^[01] [01]$' 'L28: nor wireguard-go'
	is "$(tr '\0' '\n' <"/proc/$sup/environ" | cut -d= -f1)" PATH 'the supervisor'"'"'s environment is its own'
	is "$(tr '\0' ' ' <"/proc/$sup/cmdline")" 'vpnctl supervise psk 1420 ' 'L28: its arguments are a name and a number'
	# Again without `up`: the supervisor reads the file itself.
	kill -9 "${go%% *}"
	again() { local g; g=$(cat "/proc/$sup/task/$sup/children"); [ -n "$g" ] && [ "$g" != "$go" ] && wg show psk >/dev/null; }
	ok 'wireguard-go is started again' wait_for 10 again
	ok 'L28: no key in its arguments or environment' not in_processes
	ok 'L28: nor in the supervisor'"'"'s log' not in_files /run
fi

# --- failing -------------------------------------------------------------------------------------

key=$(head -n 1 "$work/base64")
try() { # try SED WHAT: a file with that fault, to check, import and up
	local f=$work/bad.conf
	sed "$1" "$work/psk.conf" >"$f"
	chmod 600 "$f"
	{ vpnctl check "$f"; vpnctl import "$f" --name bad; } >"$work/words" 2>&1
	install -m 600 "$f" /etc/vpnrun/bad.conf
	echo '{ "id": 50, "config": "/etc/vpnrun/bad.conf" }' >/etc/vpnrun/bad.json
	vpnctl up --no-wait bad >>"$work/words" 2>&1 && echo "(it is up)" >>"$work/words"
	vpnctl down bad >>"$work/words" 2>&1
	rm -f /etc/vpnrun/bad.*
	cat "$work/words" >>"$out"
	tap_words=$(wc -l <"$work/words")
	ok "L28: $2: said ($tap_words lines) without the key" not in_text "$work/words"
}
try 's/^PrivateKey/PrivatKey/' 'a misspelt PrivateKey'
try "s,^PrivateKey.*,PrivateKey = ${key%=}," 'a key cut short'
try "s,^PrivateKey.*,PrivateKey = $key$key," 'a key doubled'
try "s,^PrivateKey.*,$key," 'a key without its name'
try "s,^PrivateKey.*,[$key]," 'a key as a section'
try "s,^Address.*,Address = $key," 'a key for an address'
try "s,^DNS.*,DNS = $key," 'a key for a name server'
try "s,^Endpoint.*,Endpoint = $key:51820," 'a key for an endpoint'
try "s,^AllowedIPs.*,AllowedIPs = $key," 'a key for AllowedIPs'
try "s,^PublicKey.*,PublicKey = $key," 'the private key for the public one'
try "s,^PresharedKey,PresharedKeys," 'a misspelt PresharedKey'
try "/^Address/a MTU = $key" 'a key for the MTU'
try "/^Address/a Table = $key" 'a key for Table'
try "s,^Endpoint.*,Endpoint = nowhere.rig.test:1," 'an endpoint that does not resolve'
for what in "up $key" "down $key" "status $key" "import $work/psk.conf --name $key"; do
	# shellcheck disable=SC2086
	vpnctl $what >"$work/words" 2>&1
	ok "L28: a key as an argument of ${what%% *}: not said again" not in_text "$work/words"
done
for json in '"private_key": "KEY"' '"private_key_file": "KEY"' '"endpoint": "KEY"' '"config": "KEY"' '"bridge": "KEY"' '"KEY": 1'; do
	echo "{ \"id\": 51, ${json/KEY/$key} }" >/etc/vpnrun/bad.json
	{ vpnctl up bad; vpnctl list; vpnctl status bad; } >"$work/words" 2>&1
	rm /etc/vpnrun/bad.json
	ok "L28: ${json%%:*} in the JSON: not said again" not in_text "$work/words"
done
for n in 4 8 12 16 20; do
	strace -qqq -o /dev/null -e trace=sendto -e "inject=sendto:error=EPERM:when=$n+" vpnctl up psk >>"$out" 2>&1
done
ok 'L28: an up that fails at any step: said without the key' not in_text "$out"
ok 'L28: and leaves none in /run' not in_files /run
say vpnctl down --force psk
wait $tracer 2>/dev/null
ok 'L28: nor in any argument or environment until the end' not in_text "$work/trace"
ok 'L28: down leaves none in /run' not in_files /run

# --- what is installed ---------------------------------------------------------------------------

if command -v make >/dev/null && [ -f "$RIG_TREE/Makefile" ] && [ -w "$RIG_B" ]; then
	d=$RIG_DIR/dest
	# What was built for this run, and not a build of what has changed meanwhile.
	say make --no-print-directory -C "$RIG_TREE" B="$RIG_B" -o all PREFIX=/usr DESTDIR="$d" install
	is "$(cd "$d" && find . -type f -o -type l | sed 's,^\.,,' | grep -vE '/(man/man[1-8]/[a-z.-]+\.[1-8]|policy/[a-z0-9.-]+\.bpf|policy/oci/[a-z]+/[a-z0-9]+\.json|vpnrun/dbus/(session\.conf|services/[A-Za-z0-9.]+\.service))$' | sort | xargs -n 1)" \
		"$(printf '%s\n' /usr/bin/vpnctl /usr/bin/vpnrun /usr/lib/systemd/network/05-vpnrun-bridge.network \
			/usr/lib/systemd/network/05-vpnrun.network /usr/lib/systemd/system/vpnrun-boot@.service \
			/usr/lib/systemd/system/vpnrun-default.socket \
			/usr/lib/systemd/system/vpnrun-default@.service /usr/lib/systemd/system/vpnrun-hold@.service \
			/usr/lib/systemd/system/vpnrun-keeper@.path \
			/usr/lib/systemd/system/vpnrun-keeper@.service /usr/lib/systemd/system/vpnrun-publish@.service \
			/usr/lib/systemd/system/vpnrun@.service /usr/lib/systemd/system/vpnrund-plug.socket \
			/usr/lib/systemd/system/vpnrund-plug@.service /usr/lib/systemd/system/vpnrund.service \
			/usr/lib/systemd/system/vpnrund.socket /usr/lib/systemd/user/vpnrun-notify.service /usr/lib/sysusers.d/vpnrun.conf \
			/usr/lib/tmpfiles.d/vpnrun.conf /usr/libexec/vpnrun/before-remove /usr/libexec/vpnrun/cni/vpnrun \
			/usr/libexec/vpnrun/netavark/vpnrun /usr/libexec/vpnrun/vpnrun-hook \
			/usr/libexec/vpnrun/vpnrun-notify /usr/libexec/vpnrun/vpnrun-notify-watch /usr/libexec/vpnrun/vpnrun-runtime /usr/libexec/vpnrun/vpnrun-session \
			/usr/libexec/vpnrun/vpnrun-torrent-port /usr/libexec/vpnrun/vpnrund \
			/usr/libexec/vpnrun/vpnrund-plug \
			/usr/share/bash-completion/completions/vpnctl /usr/share/bash-completion/completions/vpnrun \
			/usr/share/fish/vendor_completions.d/vpnctl.fish /usr/share/fish/vendor_completions.d/vpnrun.fish \
			/usr/share/zsh/site-functions/_vpnrun)" \
		'make install: exactly these, manuals and policies'
	for m in 1/vpnrun.1 8/vpnctl.8 8/vpnctl-confine.8 8/vpnrun-cni.8 8/vpnrun-hook.8 8/vpnrund.8 5/vpnrun.json.5; do
		ok "make install: the manual ${m#*/}" test -s "$d/usr/share/man/man$m"
	done
	ok 'make install: the policies' test -s "$d/usr/lib/vpnrun/policy/default.bpf"
	is "$(find "$d" -perm /6000)" '' 'R07: no file with a setuid or setgid bit'
	is "$(getcap -r "$d" 2>/dev/null)" '' 'R07: nor with a capability'
	is "$(find "$d" ! -type l -perm /022)" '' 'nor one that others may write'
	is "$(find "$d/usr" -name '*.service' -exec grep -l '@[A-Z]*@' {} +)" '' 'no unit with a place left open'
	ok 'L28: no key of these tests in a program' not in_bytes "$d"/usr/bin/* "$d/usr/libexec/vpnrun/vpnrund" "$d/usr/libexec/vpnrun/vpnrund-plug"
	say make --no-print-directory -C "$RIG_TREE" B="$RIG_B" PREFIX=/usr DESTDIR="$d" uninstall
	is "$(cd "$d" && find . -type f -o -type l)" '' 'make uninstall takes all of it away'
else
	skip 'no make, or no source tree here' 'make install'
fi
finish
