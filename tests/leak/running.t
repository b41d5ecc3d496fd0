#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: no
# Programs that would hand their window over to an instance outside the sandbox (R71, L16). Their
# place is taken by copies of sleep: what counts is the lock and whose process it names.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck disable=SC2016
home=$(as_user sh -c 'echo $HOME')
bin=$home/bin
as_user mkdir -p "$bin/firefox-dir" "$home/.mozilla/firefox/abc1.default" "$home/.config/chromium" \
	"$home/.mozilla/firefox/abc2.other"
for p in firefox chromium other; do
	printf '#!/bin/sh\necho started\n' >"$bin/$p"
	chmod 755 "$bin/$p"
done
cp /bin/sleep "$bin/firefox-dir/firefox-bin"
cp /bin/sleep "$bin/firefox-dir/chromium-bin"
try() { out=$(as_user vpnrun "$@" 2>&1); out="$? $out"; }
lock=$home/.mozilla/firefox/abc1.default/lock

try demo "$bin/firefox"
is "$out" '0 started' 'control: no lock'
as_user "$bin/firefox-dir/firefox-bin" 300 &
pid=$!
wait_for 5 eval '[ "$(readlink /proc/$pid/exe)" = "$bin/firefox-dir/firefox-bin" ]'
as_user ln -s "127.0.1.1:+$pid" "$lock"
try demo "$bin/firefox"
like "$out" "^125 vpnrun: firefox runs already outside.*process $pid.*close it first.*--allow-running" \
	'R71 L16: Firefox runs outside: refused, with what to do'
try demo "$bin/firefox" -P default
like "$out" '^125 ' 'R71: the same profile by name: refused'
try demo "$bin/firefox" --profile "$home/.mozilla/firefox/abc1.default"
like "$out" '^125 ' 'R71: the same profile by directory: refused'
try demo "$bin/firefox" -P other
is "$out" '0 started' 'R71: another profile: runs'
try demo "$bin/firefox" --no-remote
is "$out" '0 started' 'R71: --no-remote: runs'
try --allow-running demo "$bin/firefox"
is "$out" '0 started' 'R71: --allow-running: runs'
try demo "$bin/other"
is "$out" '0 started' 'another program: runs'
try none "$bin/firefox"
like "$out" '^125 ' 'R71: without any network: refused, too'
try host "$bin/firefox"
is "$out" '0 started' 'on the host'"'"'s network: runs'
kill $pid
wait $pid 2>/dev/null
try demo "$bin/firefox"
is "$out" '0 started' 'R71: a lock that a crash left: runs'
sleep 300 &
pid=$!
as_user ln -sfn "127.0.1.1:+$pid" "$lock"
try demo "$bin/firefox"
is "$out" '0 started' 'R71: a stale lock of which the number is another program'"'"'s by now: runs'
kill $pid

as_user vpnrun demo "$bin/firefox-dir/firefox-bin" 300 &
pid=$!
wait_for 5 eval '[ "$(readlink /proc/$pid/exe)" = "$bin/firefox-dir/firefox-bin" ]'
as_user ln -sfn "127.0.1.1:+$pid" "$lock"
try demo "$bin/firefox"
is "$out" '0 started' 'R71: it runs in the same VPN: a window there is no leak'
try other "$bin/firefox"
like "$out" '^125 ' 'R71: it runs in another VPN: refused'
try --with "$pid" "$bin/firefox"
is "$out" '0 started' 'R71: into its very sandbox: runs'
kill $pid

as_user "$bin/firefox-dir/chromium-bin" 300 &
pid=$!
wait_for 5 eval '[ "$(readlink /proc/$pid/exe)" = "$bin/firefox-dir/chromium-bin" ]'
as_user ln -s "$(hostname)-$pid" "$home/.config/chromium/SingletonLock"
try demo "$bin/chromium"
like "$out" '^125 vpnrun: chromium runs already outside' 'R71 L16: Chromium runs outside: refused'
try demo "$bin/chromium" --user-data-dir="$home/own"
is "$out" '0 started' 'R71: with a directory of its own: runs'
as_user ln -sfn "another.host-$pid" "$home/.config/chromium/SingletonLock"
try demo "$bin/chromium"
is "$out" '0 started' 'R71: the lock of another machine that shares the home: runs'
kill $pid
try demo gnome-terminal
like "$out" '^125 .*server outside' 'L16: gnome-terminal, whose windows are always outside: refused'
finish
