#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
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
data_of() { as_user "$@" sh -c 'echo "$CHROME_USER_DATA_DIR"'; }
is "$(data_of vpnrun demo)" "$home/.config/vpnrun/demo/chromium" \
	'L39: one that a program inside starts later has a directory of its own: the lock outside is not taken for left over'
is "$(data_of env XDG_CONFIG_HOME="$home/.config" vpnrun --strict demo) $(data_of vpnrun none)" \
	"$home/.config/vpnrun/demo/chromium $home/.config/vpnrun/none/chromium" 'L39: likewise with --strict, and without a network'
is "$(data_of env CHROME_USER_DATA_DIR=/mine vpnrun demo)$(data_of vpnrun --allow-running demo)$(data_of vpnrun host)" /mine \
	'L39: unless the user has named one, or wants it'
printf '#!/bin/sh\necho "$CHROME_USER_DATA_DIR"\n' >"$bin/brave"
chmod 755 "$bin/brave"
try demo "$bin/brave"
is "$out" '0 ' 'L39: a browser of another brand that is the command itself has its own data'
as_user ln -sfn "another.host-$pid" "$home/.config/chromium/SingletonLock"
try demo "$bin/chromium"
is "$out" '0 started' 'R71: the lock of another machine that shares the home: runs'
kill $pid

# --- not only as argv[0] (L39) --------------------------------------------------------------------

# What Firefox itself does: a record lock on .parentlock, for as long as it lives.
cat >"$bin/hold" <<'END'
#!/usr/bin/perl
use Fcntl;
open my $f, '+>>', $ARGV[0] or die; my $lock = pack 's s l! l! l! x256', F_WRLCK, 0, 0, 0, 0;
fcntl $f, F_SETLK, $lock or die;
symlink "127.0.1.1:+$$", $ARGV[1] if $ARGV[1];
open my $o, '>', $ARGV[2] or die; close $o; sleep 300;
END
# What lies beside a program of Gecko's says what it is, whatever it is called.
as_user mkdir -p "$bin/brand" "$home/.acme/surfer/x.default" "$home/.config/mozilla/firefox/n.default" "$home/.wine"
printf '[App]\nVendor=Acme\nName=Surfer\n' >"$bin/brand/application.ini"
printf '#!/bin/sh\necho started "$@"\n' >"$bin/brand/surfer-bin"
printf '#!/bin/sh\nL=$(dirname "$0")/brand\nexec "$L/surfer-bin" "$@"\n' >"$bin/surf"
printf '#!/bin/sh\nexec surf "$@"\n' >"$bin/sensible"
for p in wine gnome-terminal snap flatpak; do
	printf '#!/bin/sh\necho started\n' >"$bin/$p"
done
chmod 755 "$bin"/{hold,brand/surfer-bin,surf,sensible,wine,gnome-terminal,snap,flatpak}
ln -s brand/surfer-bin "$bin/www"
ln -s snap "$bin/snapped"
chown -hR "$RIG_UID" "$bin"
PATH=$bin:$PATH
held() {
	as_user "$bin/hold" "$1" "$2" "$home/held" &
	pid=$!
	wait_for 5 test -e "$home/held"
	rm "$home/held"
}
freed() {
	kill "$pid"
	wait "$pid" 2>/dev/null
}

profile=$home/.acme/surfer/x.default
try demo sensible x
is "$out" '0 started x' 'control: nobody holds the profile'
held "$profile/.parentlock" "$profile/lock"
for line in www surf "$bin/surf x" sensible 'env X=1 surf' 'nice -n 5 surf' 'sh -c surf' 'bash -ec www' 'timeout 9 www' "sh $bin/sensible"; do
	# shellcheck disable=SC2086 # a command line
	try demo $line
	like "$out" '^125 vpnrun: surfer-bin runs already outside' "L39: ${line//$bin\//}: refused"
done
try demo sh -c 'cd /; X=1 exec "$0" y' www
like "$out" '^125 ' 'L39: a shell that is told what to start: refused'
try --allow-running demo www
is "$out" '0 started' 'L39: --allow-running: runs'
try demo www -P other
like "$out" '^0 ' 'L39: another profile: runs'
freed
try demo sensible
is "$out" '0 started' 'L39: it has ended, and the link is still there: runs'

# --- whoever starts it, inside --------------------------------------------------------------------

new=$home/.config/mozilla/firefox/n.default
env_of() { as_user "$@" sh -c 'echo "$MOZ_DBUS_REMOTE,$MOZ_NO_REMOTE,$MOZ_NEW_INSTANCE"'; }
is "$(env_of vpnrun demo)" 1,, 'L39: none hands over by windows of X11, but by the bus, which is the VPN'"'"'s own'
held "$new/.parentlock" "$new/lock"
is "$(env_of vpnrun demo)" 1,1, 'L39: a Firefox runs outside: inside none hands over, whoever starts it'
is "$(env_of vpnrun --strict demo)" 1,1, 'L39: --strict likewise'
is "$(env_of vpnrun none)" 1,1, 'L39: without a network likewise'
is "$(env_of vpnrun --allow-running demo)" ,, 'L39: unless asked for'
is "$(env_of vpnrun host)" ,, 'L39: on the host as it is'
try demo "$bin/firefox"
like "$out" '^125 ' "L39: a profile in today's place: refused"
out=$(script -qec "as_user vpnrun demo sh" /dev/null </dev/null 2>&1 | tr -d '\r' | grep note:)
like "$out" '^vpnrun: note: perl runs outside this sandbox: to open it in here' 'L39: a shell on a terminal is told'
is "$(as_user vpnrun demo sh -c : 2>&1)" '' 'and nobody else'
freed
as_user mkdir -p "$home/xdg/mozilla/firefox/q.default"
held "$home/xdg/mozilla/firefox/q.default/.parentlock" "$home/xdg/mozilla/firefox/q.default/lock"
is "$(env_of env XDG_CONFIG_HOME="$home/xdg" vpnrun demo)" 1,1, 'L39: or where XDG_CONFIG_HOME says'
freed

# --- flatpak, Wine, snap, servers -----------------------------------------------------------------

app=$home/.var/app/org.acme.Fox
as_user mkdir -p "$app/.mozilla/firefox/f.default" "$home/run/.flatpak/77"
held "$app/.mozilla/firefox/f.default/.parentlock" "$app/.mozilla/firefox/f.default/lock"
as_user sh -c 'printf "[Application]\nname=org.acme.Fox\n" >"$1/info"; echo "$2" >"$1/pid"; chmod 700 "$3"' x "$home/run/.flatpak/77" "$pid" "$home/run"
try_there() { out=$(as_user env XDG_RUNTIME_DIR="$home/run" vpnrun "$@" 2>&1); out="$? $out"; }
try_there demo flatpak run --branch=stable org.acme.Fox
like "$out" "^125 vpnrun: org.acme.Fox runs already outside this sandbox \(process $pid\)" 'L39: a flatpak that runs outside: refused'
try_there demo flatpak run org.acme.Other
is "$out" '0 started' 'another: runs'
is "$(env_of env XDG_RUNTIME_DIR="$home/run" vpnrun demo)" 1,1, 'L39: and other Firefoxes do not hand over to it'
freed

server=/tmp/.wine-$RIG_UID/server-$(as_user stat -c '%D-%i' "$home/.wine" | perl -pe 's/-(\d+)/sprintf "-%x", $1/e')
as_user mkdir -p "$server"
try demo wine x.exe
is "$out" '0 started' 'control: no wineserver'
held "$server/lock" ''
for line in 'wine x.exe' 'sh -c wine'; do
	# shellcheck disable=SC2086 # a command line
	try demo $line
	like "$out" "^125 vpnrun: Wine runs already outside.*process $pid.*wineserver -k.*WINEPREFIX" "L34: a wineserver outside, $line: refused"
done
try demo env WINEPREFIX=/elsewhere wine
is "$out" '0 started' 'L34: another prefix: runs'
freed
rm -r "$server"
rmdir "/tmp/.wine-$RIG_UID" 2>/dev/null
server=/run/user/$RIG_UID/wine/${server##*/}
as_user mkdir -p "$server"
held "$server/lock" ''
try demo wine x.exe
like "$out" "^125 vpnrun: Wine runs already outside.*process $pid" "L34: a wineserver outside, where Debian's has its place: refused"
freed
rm -r "/run/user/$RIG_UID/wine"

try demo snapped
like "$out" '^125 vpnrun: snapped is a snap, whose starter needs privileges' 'L39: a snap: refused, and why'
try demo gnome-terminal
is "$out" '0 started' "L38: gnome-terminal: the VPN's own bus starts its server inside"
try --allow bus demo gnome-terminal
like "$out" "^125 .*session's bus starts outside.*leave out --allow bus" "L16: with the session's own bus its windows would be outside: refused"

# --- by a number in a file: no socket, no lock --------------------------------------------------------

# A program that is called so, and waits; what it leaves is its number.
for p in fetchmail ed2k steam deluge-gtk; do
	printf '#!/bin/sh\necho started\n' >"$bin/$p"
	chmod 755 "$bin/$p"
done
# by_number PROGRAM RUNS FILE WAY...: how WAY is tried inside, by a script, while RUNS runs outside
by_number() {
	local program=$1 runs=$2 file=$home/$3 way=$4
	try demo "$program"
	is "$out" '0 started' "control: $program, and nobody runs outside: runs"
	cp /bin/sleep "$bin/$runs"
	as_user "$bin/$runs" 300 &
	pid=$!
	wait_for 5 eval '[ "$(readlink /proc/$pid/exe)" = "$bin/$runs" ]'
	as_user mkdir -p "${file%/*}"
	case $runs in deluge*) as_user ln -s "$pid" "$file" ;; *) echo "$pid" | as_user tee "$file" >/dev/null ;; esac
	ok "control: $program: a script outside has the way" as_user perl -e "$way" "$home"
	for words in demo '--strict demo' none; do
		# shellcheck disable=SC2086 # options
		try $words "$program"
		like "$out" "^125 vpnrun: ${runs:0:5}.* runs already outside this sandbox \\(process $pid\\) and would do what $program is asked to: end it first" \
			"L38 L45: $program, $words: refused, with what to do"
		# shellcheck disable=SC2086 # options
		ok "L38 L45: $program, $words: a script inside has not" not as_user vpnrun $words perl -e "$way" "$home"
	done
	ok "L38 L45: $program: with --allow-running it has" as_user vpnrun --allow-running demo perl -e "$way" "$home"
	kill "$pid"
	wait "$pid" 2>/dev/null
	try demo "$program"
	is "$out" '0 started' "L38: $program: a number that a crash left: runs"
	as_user sleep 300 &
	pid=$!
	wait_for 5 eval '[[ $(readlink /proc/$pid/exe) = */sleep ]]'
	case $runs in deluge*) as_user ln -sfn "$pid" "$file" ;; *) echo "$pid" | as_user tee "$file" >/dev/null ;; esac
	try demo "$program"
	is "$out" '0 started' "L38: $program: a number that is another program's by now: runs"
	kill "$pid"
	as_user vpnrun demo "$bin/$runs" 300 &
	pid=$!
	wait_for 5 eval '[ "$(readlink /proc/$pid/exe)" = "$bin/$runs" ]'
	case $runs in deluge*) as_user ln -sfn "$pid" "$file" ;; *) echo "$pid" | as_user tee "$file" >/dev/null ;; esac
	try demo "$program"
	is "$out" '0 started' "L38: $program: one that runs in the same VPN may do it"
	kill "$pid"
	wait "$pid" 2>/dev/null
	rm -f "$file"
}
by_number fetchmail fetchmail.bin .fetchmail.pid 'open my $f, "<", "$ARGV[0]/.fetchmail.pid" or die'
by_number ed2k amuled .aMule/muleLock 'open my $f, ">>", "$ARGV[0]/.aMule/ED2KLinks" or die'
as_user sh -c 'mkdir -p ~/.steam && mkfifo ~/.steam/steam.pipe'
by_number steam steam.bin .steam/steam.pid 'open my $f, "+<", "$ARGV[0]/.steam/steam.pipe" or die'
by_number deluge-gtk deluge-run .config/deluge/ipc/deluge-gtk.lock 'open my $f, ">>", "$ARGV[0]/.config/deluge/ipc/x" or die'

# --- by X11 -----------------------------------------------------------------------------------------

# What shows windows has X11's library; what is asked is the same file.
x11=$(ldconfig -p | sed -n '/libX11\.so\.6/{s/.*=> //p;q}')
if [ -n "$x11" ]; then
	cp /bin/sleep "$bin/painter"
	chmod 755 "$bin/painter"
	paints() { # paints LIBRARY: one that runs outside
		as_user env LD_PRELOAD="$1" "$bin/painter" 300 &
		pid=$!
		wait_for 5 eval '[ "$(readlink /proc/$pid/exe)" = "$bin/painter" ]'
	}
	shown() { out=$(as_user env DISPLAY=:77 vpnrun "$@" 2>&1); out="$? $out"; }
	asks() { shown "$@" painter --remote http://x/ 0; }
	paints ''
	asks demo
	like "$out" '^1 .*unrecognized option' 'L39: --remote, and nothing with windows runs outside: runs'
	freed
	paints "$x11"
	wait_for 5 grep -q libX11 "/proc/$pid/maps"
	asks demo
	like "$out" "^125 vpnrun: painter runs already outside this sandbox \\(process $pid\\) and would open by X11.*leave out the option" \
		'L38 L39: it would open by the properties of windows what it is given: refused'
	shown demo sh -c 'painter -remote x'
	like "$out" '^125 ' 'L39: a shell that is told so: refused'
	shown demo painter 0
	is "$out" '0 ' 'without the option: runs'
	shown demo painter -- --remote
	like "$out" '^1 ' 'behind --, where it is a name: runs'
	asks none
	like "$out" '^125 ' 'L39: without a network: refused, too'
	for words in '--allow-running demo' '--strict demo'; do
		# shellcheck disable=SC2086 # options
		asks $words
		like "$out" '^1 .*unrecognized option' "${words% *}: runs"
	done
	try demo painter --remote http://x/ 0
	like "$out" '^1 .*unrecognized option' 'no X server: runs'
	freed
else
	skip 'needs libX11' 'L38 L39: by X11'
fi
finish
