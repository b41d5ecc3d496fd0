#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The session bus of a VPN's own: names are free there, what it starts is in the VPN, and of the
# session's own only what policy/dbus/ lists is carried. Runs inside the rig.
# shellcheck disable=SC2016 # scripts for other shells
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
R=/run/user/$RIG_UID
B=$RIG_DIR/build
stub=$B/tests/net/busstub
home=$(as_user sh -c 'echo $HOME')
log=$home/desktop.log
has() { command -v "$1" >/dev/null 2>&1; }
pids=()
start() { "$@" >/dev/null 2>&1 & pids+=($!); }
user=("$RIG_DIR/bin/as_user" env DBUS_SESSION_BUS_ADDRESS="unix:path=$R/bus")
outside() { as_user env DBUS_SESSION_BUS_ADDRESS="${bus:-unix:path=$R/bus}" "$@"; }
inside() { outside vpnrun demo "$@"; }
# As a namespace is entered without vpnrun: the network is the VPN's, the bus is the session's.
by_hand() { in_vpn demo "$RIG_DIR/bin/as_user" env DBUS_SESSION_BUS_ADDRESS="unix:path=$R/bus" "$@"; }
in_call() { inside gdbus call --session --timeout 20 -d "$@" 2>&1; }
has_name() { "$1" gdbus call --session -d org.freedesktop.DBus -o / -m org.freedesktop.DBus.NameHasOwner "$2"; }
logged() { grep -Eq -- "$1" "$log"; }
# shellcheck disable=SC2120 # "other", once
helper() { pgrep -U "$RIG_UID" -f "vpnrun-session ${1:-demo}"; }
inner() { pgrep -o -U "$RIG_UID" -f 'dbus-daemon .*lib/vpnrun/dbus/session.conf'; }
netns_of() { readlink "/proc/$1/ns/net"; }
host=$(netns_of self)

# Takes what is written to the journal.
mkdir -p /run/systemd/journal
start perl -MSocket -e 'socket my $l, AF_UNIX, SOCK_STREAM, 0 or die; bind $l, pack_sockaddr_un($ARGV[0]) or die; listen $l, 100;
	chmod 0666, $ARGV[0]; $SIG{CHLD} = "IGNORE";
	while (accept my $c, $l) { next if fork; open my $o, ">>", $ARGV[1]; $o->autoflush; print $o $_ while <$c>; exit }' \
	/run/systemd/journal/stdout "$RIG_DIR/journal"
start "${user[@]}" dbus-daemon --session --nofork --nopidfile --address="unix:path=$R/bus"
wait_for 5 test -S "$R/bus"
start "${user[@]}" "$stub" serve "$log" org.freedesktop.Notifications org.freedesktop.portal.Desktop \
	org.kde.StatusNotifierWatcher org.freedesktop.ScreenSaver org.freedesktop.systemd1 \
	org.example.Outside
wait_for 5 logged '^ready'

# --- nothing but a launch that uses it ---------------------------------------------------------

is "$(inside echo started)" started 'a program that asks for no bus'
is "$(inner | wc -l)" 0 'starts none'

# --- GVfs ---------------------------------------------------------------------------------------

$RIG_CAPTURE start
is "$(by_hand gio cat "http://$RIG_WEB4/" 2>&1)" clear \
	"control, L35: gio in the VPN's namespace, by the session's bus: it is the host that fetches"
ok 'control, L35: packets leave' test "$($RIG_CAPTURE stop)" -gt 0
$RIG_CAPTURE start
is "$(inside gio cat "http://$RIG_WEB4/" 2>&1)" demo 'L35: GVfs fetches through the VPN'
is "$(inside gio cat "http://$RIG_WEB4/" 2>&1)" demo 'L35: and again, by the same daemon'
outside vpnrun --strict demo gio cat "http://$RIG_WEB4/" >"$home/strict" 2>&1
is "$(grep -c 'clear\|demo' "$home/strict")" 0 'L35: --strict: there is no GVfs'
is "$(outside vpnrun --strict demo sh -c 'echo "$DBUS_SESSION_BUS_ADDRESS"; ls -A "$XDG_RUNTIME_DIR" 2>/dev/null')" '' 'L40: --strict: there is no session bus, and nothing in its place'
is "$(outside vpnrun none gio cat "http://$RIG_WEB4/" 2>&1 | grep -c clear)" 0 'L35: without a network: nothing comes'
is "$($RIG_CAPTURE stop)" 0 'L35: nothing left beside the tunnel'
ok "L35: the daemon is in the VPN" test "$(netns_of "$(pgrep -n -U "$RIG_UID" -x gvfsd)")" != "$host"

# --- names --------------------------------------------------------------------------------------

is "$(has_name outside org.example.Outside)" '(true,)' 'control, L38: an instance outside has its name'
is "$(has_name by_hand org.example.Outside)" '(true,)' "control, L38: and is found from the VPN's namespace"
is "$(has_name inside org.example.Outside)" '(false,)' 'L38: inside nobody has it: a program is its own first instance'
is "$(has_name inside org.freedesktop.systemd1)" '(false,)' 'L40: systemd --user is not there'
like "$(in_call org.freedesktop.systemd1 -o / -m org.freedesktop.systemd1.Manager.StartTransientUnit)" '^Error' \
	'L40: nor is it asked'
is "$(grep StartTransientUnit "$log" | grep -vc '\[vpnrun-session-[a-z]*-[0-9]*\.scope\] \[fail\] \[Description\]')" 0 \
	'L40: it has heard of nothing that programs inside want'
ok "but of the helper, which wants a scope of its own: it would end with the first launch's unit" \
	logged 'systemd1.Manager.StartTransientUnit \[vpnrun-session-demo-'
if has systemd-run; then
	inside systemd-run --user true >/dev/null 2>&1
	is "$?" 1 'L40: systemd-run --user is refused'
fi
"${user[@]}" vpnrun demo "$stub" own org.example.Shared >"$home/own" 2>&1 &
pids+=($!)
wait_for 5 grep -q owned "$home/own"
is "$(has_name inside org.example.Shared)" '(true,)' 'L38: two programs of one VPN have one bus'
is "$(has_name outside org.example.Shared)" '(false,)' 'not that of the session'
is "$(outside vpnrun other gdbus call --session -d org.freedesktop.DBus -o / -m org.freedesktop.DBus.NameHasOwner org.example.Shared)" \
	'(false,)' "another VPN's is another"

# What the bus starts.
as_user mkdir -p "$home/.local/share/dbus-1/services"
as_user tee "$home/where" >/dev/null <<'EOF'
#!/bin/sh
readlink /proc/self/ns/net >>"$HOME/where.log"
ulimit -Sn >"$HOME/limit.log"
EOF
as_user chmod 755 "$home/where"
printf '[D-BUS Service]\nName=org.example.Where\nExec=%s/where\n' "$home" |
	as_user tee "$home/.local/share/dbus-1/services/org.example.Where.service" >/dev/null
outside dbus-send --session --type=method_call --dest=org.freedesktop.DBus / org.freedesktop.DBus.ReloadConfig
by_hand dbus-send --session --type=method_call --dest=org.example.Where / a.b.C
wait_for 5 test -s "$home/where.log"
is "$(cat "$home/where.log")" "$host" "control, L38: what the session's bus starts runs in the host's network"
as_user rm "$home/where.log"
inside dbus-send --session --type=method_call --dest=org.example.Where / a.b.C
wait_for 5 test -s "$home/where.log"
ok "L38 L40: what the VPN's bus starts runs in the VPN" test "$(cat "$home/where.log")" != "$host"

if has gnome-text-editor && has Xvfb; then
	# One that was killed has left its lock, with a number that may be another process's here.
	rm -f /tmp/.X8-lock /tmp/.X11-unix/X8
	start Xvfb :8 -noreset -nolisten tcp
	wait_for 30 test -S /tmp/.X11-unix/X8
	editor=(env DISPLAY=:8 GSK_RENDERER=cairo GDK_BACKEND=x11 gnome-text-editor --new-window)
	start "${user[@]}" "${editor[@]}"
	editor_is() { has_name "$1" org.gnome.TextEditor | grep -q true; }
	wait_for 60 editor_is outside
	timeout 60 "${user[@]}" "${editor[@]}" >/dev/null 2>&1
	is "$?" 0 'control, L38: a second editor hands its window over and ends'
	start "${user[@]}" vpnrun demo "${editor[@]}"
	ok "L38: in the VPN an editor is its own: it has its name on the VPN's bus" wait_for 60 editor_is inside
else
	skip 'needs gnome-text-editor and Xvfb' 'L38: a GApplication'
fi

# --- flatpak ------------------------------------------------------------------------------------

# shellcheck source=tests/desktop/flatpak.sh
. "$RIG_DIR/tests/desktop/flatpak.sh"
if has flatpak && has busybox; then
	system_bus start
	make_flatpak >/dev/null 2>"$home/flat.log" || diag "$(tail -n 3 "$home/flat.log")"
	run=(flatpak run --branch=1 org.example.Hello)
	like "$(by_hand "${run[@]}" 2>&1)" "nameserver $RIG_DNS_CLEAR" \
		"control, L41: in the VPN's namespace a flatpak is told of the host's name server"
	$RIG_CAPTURE start
	out=$(inside "${run[@]}" 2>&1)
	like "$out" 'demo$' 'L41: in the VPN a flatpak finds a name and fetches through the VPN'
	is "$(grep -c "$RIG_DNS_CLEAR" <<<"$out")" 0 "L41: it is not told of the host's name server"
	is "$($RIG_CAPTURE stop)" 0 'L41: nothing left beside the tunnel'
else
	skip 'needs flatpak and busybox' 'L41: a flatpak'
fi

# --- what is carried ------------------------------------------------------------------------------

evil='<a href="http://evil.test/">a</a><img src="http://evil.test/i.png"/> b'
notify() { "$1" gdbus call --session --timeout 20 -d org.freedesktop.Notifications -o /org/freedesktop/Notifications \
	-m org.freedesktop.Notifications.Notify "'$2'" 'uint32 0' "'${3:-http://evil.test/icon.png}'" "'summary'" "'$evil'" '@as []' \
	"{'image-path': <'http://evil.test/p.png'>, 'sound-file': <'/net/evil/s'>, 'category': <'im'>}" 5000; }
is "$(notify by_hand first)" '(uint32 7,)' 'control, L63: a notification outside'
ok 'control, L63: names what the desktop would fetch' logged 'Notify \[first\] \[http://evil.test/icon.png\].*evil.test/p.png'
is "$(notify inside second)" '(uint32 7,)' 'a notification of a program in the VPN'
is "$(has_name outside org.kde.kwalletd6) $(has_name inside org.kde.kwalletd6)" '(false,) (false,)' \
	'what could be carried, and nobody has outside, is not there inside: a program that looks for it goes on without'
like "$(grep 'Notify .second' "$log")" 'Notify \[second\] \[\] \[summary\] \[a b\] (\[category\] \[im\]|\[image-path\] \[\]| )*$' \
	'L63: is shown without links, pictures by address and sounds'
notify inside third /usr/share/icons/hicolor/16x16/apps/known.png >/dev/null
ok 'L63: the path of an icon becomes its name' logged 'Notify \[third\] \[known\]'
is "$(in_call org.freedesktop.Notifications -o /org/freedesktop/Notifications -m org.freedesktop.Notifications.GetCapabilities)" \
	"(['body'],)" 'L63: and it is not promised'
like "$(inside "$stub" dialog | tr '\n' ' ')" '^path as expected response .*\[file:///chosen\]' \
	"a portal's dialog: its request has the path that the program foretold, and answers there; the portal may look at who asks"
is "$(inside "$stub" item)" activated 'a status icon: the panel finds it, and its click arrives'
ok 'L63: without the paths of its own' wait_for 15 logged '^item .*\[IconName\] \[icon\] \[IconThemePath\] \[\] \[Title\] \[an item\]'
ok 'and its news arrive outside' wait_for 15 logged '^signal .*StatusNotifierItem.NewIcon'
portal='org.freedesktop.portal.Desktop -o /org/freedesktop/portal/desktop -m org.freedesktop'
for m in "portal.OpenURI.OpenURI '' http://$RIG_WEB4/ {}" "portal.Background.RequestBackground '' {}" \
	"portal.Screenshot.Screenshot '' {}" 'portal.DynamicLauncher.Launch x {}' 'portal.ProxyResolver.Lookup http://x' \
	'portal.NetworkMonitor.GetStatus' 'portal.RemoteDesktop.CreateSession {}' "portal.Email.ComposeEmail '' {}"; do
	like "$(eval "in_call $portal.$m")" 'UnknownInterface' "L40 L63: the portal's ${m%% *} does not exist"
done
is "$(grep -Ec 'OpenURI|Background|Screenshot|DynamicLauncher|ProxyResolver|NetworkMonitor|RemoteDesktop|Email' "$log")" 0 \
	'L40 L63: nor is it asked'
is "$(in_call $portal.DBus.Properties.GetAll org.freedesktop.portal.FileChooser)" "({'version': <'1'>},)" \
	'L63: of properties those that are listed'
watcher='org.kde.StatusNotifierWatcher -o /StatusNotifierWatcher -m org.freedesktop.DBus.Introspectable.Introspect'
# shellcheck disable=SC2086 # words
like "$(by_hand gdbus call --session -d $watcher)" 'org.example.Hidden' 'control, L63: what an object has is told'
# shellcheck disable=SC2086
is "$(in_call $watcher | grep -c 'RegisterStatusNotifierItem') $(in_call $watcher | grep -c org.example.Hidden)" '1 0' \
	'L63: inside, what of it is carried'
in_call org.freedesktop.ScreenSaver -o /ScreenSaver -m org.freedesktop.ScreenSaver.Inhibit film plays >/dev/null
who=$(sed -n 's/^call \(:[0-9.]*\) .*ScreenSaver.Inhibit.*/\1/p' "$log")
ok 'what keeps the screen on ends with the program' wait_for 5 logged "^gone $who\$"

# Settings: one writer, outside; a program inside sees what it and others have set.
if gsettings list-schemas | grep -qx org.gnome.TextEditor; then
	setting() { "$1" gsettings "$2" org.gnome.TextEditor right-margin-position ${3:+"$3"}; }
	setting outside set 70
	setting inside set 71
	is "$(setting outside get) $(setting inside get)" 'uint32 71 uint32 71' 'a setting made inside is made'
	"${user[@]}" vpnrun demo gsettings monitor org.gnome.TextEditor right-margin-position >"$home/monitor" 2>&1 &
	pids+=($!)
	background() { "$1" gsettings "$2" org.gnome.desktop.background picture-uri ${3:+"$3"}; }
	background outside set file:///a.jpg
	background inside set http://evil.test/b.jpg >/dev/null 2>&1
	is "$(background outside get)" "'file:///a.jpg'" \
		"L63: a setting of the desktop's own is not: it would fetch a wallpaper by its address"
	# The monitor is there when it tells of a change.
	n=80
	told() { n=$((n + 1)); setting outside set "$n"; grep -q "uint32 $n" "$home/monitor"; }
	ok 'a program inside is told of a new setting, and reads the new one' wait_for 10 told
else
	skip 'needs gnome-text-editor' 'settings'
fi

# One that stays: it is told what the service says, by nobody else, and its icon is none.
mkfifo "$home/lines" && chown "$RIG_UID" "$home/lines"
"${user[@]}" vpnrun demo "$stub" stay <>"$home/lines" >"$home/told" 2>&1 &
pids+=($!)
echo one >"$home/lines"
ok 'a program is told what becomes of its notification' wait_for 10 grep -qx 'told default' "$home/told"
who=$(sed -n 's/^call \(:[0-9.]*\) .*Notifications.Notify.*\[one/\1/p' "$log")
outside dbus-send --session --type=signal --dest="$who" /org/freedesktop/Notifications \
	org.freedesktop.Notifications.ActionInvoked uint32:7 string:forged
echo two >"$home/lines"
second_said() { [ "$(grep -cx said "$home/told")" = 2 ]; }
ok 'and once more' wait_for 10 second_said
is "$(grep -c forged "$home/told")" 0 'L63: what another than the service says to it does not arrive'
is "$(grep -c 'StatusNotifierItem.NewTitle' "$log")" 0 'L63: nor do news of an icon that was never registered'

# --- hostile --------------------------------------------------------------------------------------

works() { is "$(notify inside "$1")" '(uint32 7,)' "hostile: $2: it serves the next"; }
is "$(inside "$stub" flood 1000 100)" answered 'hostile: a thousand calls at once: each is answered'
is "$(inside "$stub" flood 8 3000000)" refused 'hostile: texts of 3 MB: refused'
inside "$stub" flood 2 40000000 >/dev/null 2>&1
works after 'messages that no bus takes'
is "$(inside "$stub" hold 100)" 'limited 36' 'hostile: a hundred calls that nobody answers: what is above sixty-four is refused'
is "$(inside "$stub" fds 5)" org.freedesktop.DBus.Error.LimitsExceeded 'hostile: more descriptors than are carried'
like "$(inside "$stub" fds 17)" '^org.freedesktop.DBus.Error' 'hostile: more than the bus takes'
is "$(inside "$stub" types)" org.freedesktop.DBus.Error.InvalidArgs 'hostile: other types than a call has'
is "$(inside "$stub" noise 3000)" answered 'hostile: thousands of signals and calls that nobody asked for'
first=$(helper)
like "$(inside "$stub" calls 1100)" '^answered [0-9]+ refused [1-9][0-9]*$' 'hostile: more programs than it carries for: the rest is refused'
works many 'when they are gone'
ok 'hostile: through all of it, it is the same helper' test "$(helper)" = "$first"
is "$(inside sh -c 'ls "$XDG_RUNTIME_DIR"/../'"$RIG_UID"'/vpnrun/demo/control 2>/dev/null | wc -l')" 0 'hostile: its own socket is not there'
is "$(awk '/^(NoNewPrivs|Seccomp):/ { print $2 }' "/proc/$first/status" | xargs)" '1 2' 'hostile: it has a filter and gains no privilege'
is "$(inside sh -c 'cat /proc/$1/environ /proc/$1/root/etc/passwd 2>&1 | grep -c denied' - "$first")" 2 \
	'L63: hostile: it cannot be looked into, and its files are no way out'

# Launches that wait for the broker, each with its connection: the next one counts like them.
as_user perl -MSocket -e 'for (1 .. 400) { socket my $s, AF_UNIX, SOCK_SEQPACKET, 0 or die; connect $s, pack_sockaddr_un($ARGV[0]) or die "$!"; push @k, $s }
	$| = 1; print "ready\n"; sleep 1000' "$R/vpnrun/demo/control" >"$home/callers" 2>&1 &
callers=$!
wait_for 10 grep -q ready "$home/callers"
start "${user[@]}" vpnrun demo sleep 400
late=
wait_for 10 eval 'late=$(pgrep -U "$RIG_UID" -x -f "sleep 400")'
ok 'launches by the hundred at once: it knows of each' wait_for 5 grep -qs "^Pid:[[:space:]]*$late$" /proc/"$first"/fdinfo/*
kill "$late" "$callers"

# The first launch's output ends with it, and the helper is in no session of a terminal's.
is "$(ps -o sid= -p "$first" | xargs)" "$first" 'the helper has a session of its own: Ctrl-C is not for it'

# --- one of them dies -----------------------------------------------------------------------------

start "${user[@]}" vpnrun demo sleep 300
# If its launch came after the kill, it would start another.
wait_for 10 pgrep -U "$RIG_UID" -x -f 'sleep 300' >/dev/null
# The helper's own bus is meant: that of another VPN may end later.
bus_of() { pgrep -P "$1" -f 'dbus-daemon .*lib/vpnrun/dbus/session.conf'; }
old=$(bus_of "$first")
kill -9 "$first"
ok 'a helper that is killed takes the bus with it' wait_for 20 ended "${old:?no bus}"
works again 'a helper that was killed: the next launch starts another'
second=$(helper)
kill -9 "$(bus_of "$second")"
ok 'a bus that is killed takes the helper with it' wait_for 20 ended "$second"
works once 'a bus that was killed: the next launch starts another'
third=$(bus_of "$(helper)")
ok 'and not the former' test "${third:-$old}" != "$old"

# --- it cannot start ------------------------------------------------------------------------------

# All programs of the VPN, so that the next launch begins with a bus of its own.
stop_session() { local p; for p in $(pgrep -U "$RIG_UID"); do [ "$(netns_of "$p")" = "$host" ] || kill "$p"; done 2>/dev/null
	wait_for 15 eval '[ -z "$(helper)" ]'; }
stop_session
as_user mkdir -p "$home/bad"
printf '#!/bin/sh\necho no such luck >&2\n' | as_user tee "$home/bad/dbus-daemon" >/dev/null
as_user chmod 755 "$home/bad/dbus-daemon"
outside env PATH="$home/bad:$PATH" vpnrun demo gdbus call --session -d a.b -o / -m a.b.C >/dev/null 2>&1
journal() { grep -q "$1" "$RIG_DIR/journal"; }
ok 'a bus that cannot start: the journal has its reason' wait_for 10 journal '^no such luck'
ok "and the helper's sentence" wait_for 10 journal "^vpnrun-session: VPN 'demo' has no session bus"
is "$(head -n 1 "$RIG_DIR/journal")" vpnrun-session 'under its name'
works better 'a bus that could not start: the next launch starts another'
stop_session
mkfifo "$home/out" && chown "$RIG_UID" "$home/out"
cat "$home/out" >/dev/null &
reader=$!
outside vpnrun demo true >"$home/out" 2>&1 9>&1
start "${user[@]}" vpnrun demo sleep 500
wait_for 10 pgrep -U "$RIG_UID" -x -f 'sleep 500'
ok 'the output of the launch that has started it ends with the command, by whatever descriptor' wait_for 5 ended "$reader"

# --- by the hundred -------------------------------------------------------------------------------

stop_session
outside sh -c "seq 500 | xargs -P 50 -I{} vpnrun demo $stub calls 1" >"$home/many" 2>&1
is "$(sort "$home/many" | uniq -c | xargs)" '500 answered 1 refused 0' 'five hundred programs at once: each has the bus'

# --- addresses ------------------------------------------------------------------------------------

stop_session
as_user rm "$home/limit.log"
outside prlimit --nofile=1024:4096 vpnrun demo dbus-send --session --type=method_call --dest=org.example.Where / a.b.C
ok "what the bus starts has the user's own limit of open files" wait_for 10 grep -qx 1024 "$home/limit.log"
stop_session
printf '#!/bin/sh\necho ran >>"%s/ran"\n' "$home" | as_user tee "$home/evil.sh" >/dev/null
as_user chmod 755 "$home/evil.sh"
for bus in "unixexec:path=$home/evil.sh" "tcp:host=127.0.0.1,port=9" autolaunch: "unix:path=$R/nobody"; do
	is "$(has_name inside org.freedesktop.Notifications)" '(false,)' "address ${bus%%=*}: nothing is carried, and the VPN has its bus"
	stop_session
done
ok 'and no program was started' test ! -e "$home/ran"
bus="unixexec:path=$home/evil.sh;unix:path=$R/bus"
works several 'several addresses, of which one can be used'
stop_session
# A first launch that was stopped while it made the session.
as_user flock "$R/vpnrun/demo/lock" sleep 1000 &
stopped=$!
wait_for 10 eval '! as_user flock -n "$R/vpnrun/demo/lock" true'
like "$(inside sh -c 'echo goes on' 2>&1)" 'another launch has held .*/lock for 5 seconds.*goes on' \
	'a session that somebody holds: no bus, in a sentence, and no hang'
pkill -P "$stopped"
stop_session
start "${user[@]}" dbus-daemon --session --nofork --nopidfile --address="unix:abstract=$home/bus"
wait_for 5 grep -q "@$home/bus" /proc/net/unix
start "$RIG_DIR/bin/as_user" env DBUS_SESSION_BUS_ADDRESS="unix:abstract=$home/bus" "$stub" serve "$home/abstract.log" \
	org.freedesktop.Notifications
wait_for 5 grep -q ready "$home/abstract.log"
bus=unix:abstract=$home/bus
works abstract 'an abstract address'
bus=
ok 'and it was the one that was asked' grep -q 'Notify .abstract' "$home/abstract.log"

# --- the end --------------------------------------------------------------------------------------

stop_session
# Who calls it waits for its name; who asks whether somebody has it does not.
there() { [ "$(has_name inside org.freedesktop.Notifications)" = '(true,)' ]; }
ok 'control: the desktop is there, and inside by its names' wait_for 10 there
ok 'which keep no session: the helper ends with the last program' wait_for 20 eval '[ -z "$(helper)" ]'
inside gio cat "http://$RIG_WEB4/" >/dev/null 2>&1 # what it starts is no program of the user's
kill "${pids[@]}" 2>/dev/null
in_a_vpn() { local p; for p in $(pgrep -U "$RIG_UID" "$@"); do [ "$(netns_of "$p")" = "$host" ] || return 0; done; return 1; }
cables() { in_vpn demo ip -o link show | grep -c ' vr1\.'; }
ok 'when the last program has ended, nothing is left: no helper' wait_for 20 eval '[ -z "$(helper)$(helper other)" ]'
ok 'no bus and nothing that it started' wait_for 10 eval '[ -z "$(inner)" ] && ! in_a_vpn gvfsd'
ok 'no socket' test ! -e "$R/vpnrun/demo/bus" -a ! -e "$R/vpnrun/demo/control" -a ! -e "$R/vpnrun/demo/run/bus"
ok 'no lease' wait_for 10 eval '[ "$(cables)" = 0 ]'
rm -f "$R/bus"
is "$(as_user vpnrun demo sh -c 'echo "$DBUS_SESSION_BUS_ADDRESS"')" '' 'a session without a bus: the VPN has none'
is "$(helper | wc -l)" 0 'and no helper'
finish
