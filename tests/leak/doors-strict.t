#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --strict as a wall, by real programs (L42 to L45, L63): each door is shown open as people do it
# today, then shut, then that what the words of --allow give back works. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck disable=SC2016 # text for shells elsewhere
home=$(as_user sh -c 'echo $HOME')
R=/run/user/$RIG_UID
# What people do today: a program of the user's in the VPN's namespace.
old_way() { in_vpn demo setpriv --reuid "$RIG_UID" --regid "$RIG_UID" --clear-groups env HOME="$home" XDG_RUNTIME_DIR="$R" "$@"; }
has() { command -v "$1" >/dev/null; }
pids=()
start() { # start NAME=VALUE... COMMAND...: as the user, in the background
	as_user env "$@" >>"$RIG_DIR/started.log" 2>&1 &
	pids+=($!)
}
cleanup() { kill "${pids[@]}" 2>/dev/null; }
trap cleanup EXIT
ended_all() { ! pgrep -u "$RIG_UID" -x "$1" >/dev/null; }

is "$(as_user vpnrun --strict demo curl -s -m 10 "http://$RIG_NAME/")" demo 'control: --strict works'

# --- Wayland (L43) and what compositors run for others (L63) --------------------------------------

printf '#!/bin/sh\nread -r x\necho "$x" >"%s/typed"\nexec sleep 300\n' "$home" >"$home/reads"
chmod 755 "$home/reads"
wayland_name() { basename "$(find "$R" -maxdepth 1 -type s -name 'wayland-[0-9]*' | head -n 1)"; }
typed() { rm -f "$home/typed"; "$@" wtype intruder -k Return && wait_for 3 test -s "$home/typed"; }
# Who types before the compositor has given the new window its keyboard types to nobody, and proves nothing.
has_keyboard() {
	as_user swaymsg -s "$ipc" -r -t get_tree |
		jq -e --arg pid "$(pgrep -u "$RIG_UID" -x weston-terminal)" '[.. | objects | select(.focused == true and (.pid | tostring) == $pid)] | length == 1' >/dev/null
}
terminal() { # a terminal outside, which waits for a line
	pkill -u "$RIG_UID" -x weston-terminal
	wait_for 5 ended_all weston-terminal
	start WAYLAND_DISPLAY="$display" weston-terminal --shell="$home/reads"
	wait_for 10 pgrep -u "$RIG_UID" -f "sh $home/reads"
	wait_for 10 has_keyboard
}
if has sway && has wtype && has weston-terminal; then
	echo 'output * bg #000000 solid_color' >"$home/sway.conf"
	chmod 644 "$home/sway.conf"
	start WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 sway -c "$home/sway.conf"
	wait_for 15 eval '[ -n "$(wayland_name)" ]'
	display=$(wayland_name)
	ipc=$(find "$R" -name 'sway-ipc*')
	terminal
	ok 'L43 control: the old way, wtype types into a terminal outside' typed old_way WAYLAND_DISPLAY="$display"
	terminal
	ok 'L43 README: by default it does, too' typed as_user env WAYLAND_DISPLAY="$display" vpnrun demo
	terminal
	ok 'L43 --strict: it does not' not typed as_user env WAYLAND_DISPLAY="$display" vpnrun --strict demo
	# As of 1.9, sway has security contexts and offers no keyboard in one.
	if printf '%s\n' 1.9 "$(sway --version | awk '{ print $3 }')" | sort -CV; then
		terminal
		ok 'L43 --strict --allow wayland: nor in a security context' \
			not typed as_user env WAYLAND_DISPLAY="$display" vpnrun --strict --allow wayland demo
	else
		like "$(as_user env WAYLAND_DISPLAY="$display" vpnrun --strict --allow wayland demo true 2>&1)" \
			'no security contexts.* and offers z.* to all.*--allow /run/user' \
			'L43 --strict --allow wayland: this compositor offers a keyboard to all: refused, with what to do'
	fi
	ok 'L43 --allow PATH: given back all the same' as_user env WAYLAND_DISPLAY="$display" vpnrun --strict \
		--allow "$R/$display" demo wtype x
	run_it() { rm -f "$home/ran"; "$@" swaymsg exec "touch $home/ran" && wait_for 2 test -e "$home/ran"; }
	ok 'L63 control: the old way, the compositor runs a program outside' run_it old_way SWAYSOCK="$ipc"
	ok 'L63: by default it does not' not run_it as_user env SWAYSOCK="$ipc" vpnrun demo
	ok 'L63: nor with --strict' not run_it as_user env SWAYSOCK="$ipc" vpnrun --strict demo
	is "$(as_user env SWAYSOCK="$ipc" I3SOCK=/x HYPRLAND_INSTANCE_SIGNATURE=x NIRI_SOCKET=/y vpnrun demo sh -c \
		'echo "$SWAYSOCK$I3SOCK$HYPRLAND_INSTANCE_SIGNATURE$NIRI_SOCKET"')" '' 'L63: and nothing speaks of it'
	cleanup
	wait_for 10 ended_all sway
else
	skip 'needs sway, wtype, weston-terminal' 'L43 L63 a real compositor'
fi

# A compositor with security contexts, which none of Debian 12 has: a stand-in that speaks the protocol.
way=$home/waylandd
install -m 755 "$RIG_DIR/build/tests/net/waylandd" "$way"
compositor() { # compositor GLOBAL...
	kill "${pids[@]}" 2>/dev/null
	wait_for 5 ended_all waylandd
	rm -f "$R/wayland-0" "$home/way.log"
	as_user sh -c 'exec "$@" >"$HOME/way.log"' sh "$way" "$R/wayland-0" "$@" &
	pids=($!)
	wait_for 10 test -S "$R/wayland-0"
}
strict_way() { as_user env WAYLAND_DISPLAY=wayland-0 vpnrun --strict --allow wayland demo "$@" 2>&1; }
context=-wp_security_context_manager_v1
compositor wl_compositor "$context" -zwlr_screencopy_manager_v1 xx_new
is "$(as_user "$way" --list "$R/wayland-0" | grep -c screencopy)" 1 'control: outside, screens can be copied'
is "$(strict_way "$way" --list | tr '\n' ' ')" 'wl_compositor xx_new ' 'L43 --strict --allow wayland: in a context, they cannot'
like "$(cat "$home/way.log")" 'context waylandd' 'the compositor is told which program it is'
ok 'L43 the context ends with the command' wait_for 5 grep -q closed "$home/way.log"
rm -f "$home/go"
strict_way sh -c "until [ -e $home/go ]; do sleep 0.1; done; '$way' --list & wait" >"$home/late" &
late=$!
wait_for 5 grep -q 'context sh' "$home/way.log"
is "$(grep -c closed "$home/way.log")" 1 'and not before'
as_user touch "$home/go"
wait "$late"
is "$(tr '\n' ' ' <"$home/late")" 'wl_compositor xx_new ' 'what the command starts later gets in'
compositor wl_compositor "$context" zwp_virtual_keyboard_manager_v1
like "$(strict_way true)" 'offers zwp_virtual_keyboard_manager_v1 in them' 'L43 contexts that hold nothing back: refused'
compositor wl_compositor zwlr_virtual_pointer_manager_v1
like "$(strict_way true)" 'no security contexts .*zwlr_virtual_pointer' 'L43 no contexts, and a pointer for all: refused'
compositor wl_compositor xx_new
like "$(strict_way true)" 'no security contexts .*xx_new' 'L43 no contexts, and what nobody knows: refused'
compositor wl_compositor xdg_wm_base wl_seat
is "$(strict_way "$way" --list | tr '\n' ' ')" 'wl_compositor xdg_wm_base wl_seat ' 'L43 no contexts, and nothing to hold back: given'
compositor error
like "$(strict_way true)" 'compositor refuses: no such luck' 'a compositor that refuses: a sentence'
compositor garbage
like "$(strict_way true)" 'does not speak Wayland' 'one that answers nonsense: a sentence'
cleanup

# --- X11 ------------------------------------------------------------------------------------------

if has Xvfb && has xdpyinfo; then
	# One that was killed has left its lock, with a number that may be another process's here.
	rm -f /tmp/.X7-lock /tmp/.X11-unix/X7
	start Xvfb :7 -noreset -nolisten tcp
	wait_for 30 test -S /tmp/.X11-unix/X7
	looks() { "$@" xdpyinfo >/dev/null 2>&1; }
	ok 'control: by default, X11 is there' looks as_user env DISPLAY=:7 vpnrun demo
	ok 'L43 --strict: it is not' not looks as_user env DISPLAY=:7 vpnrun --strict demo
	ok '--allow x11: it is' looks as_user env DISPLAY=:7 vpnrun --strict --allow x11 demo
	like "$(as_user env DISPLAY=:7 vpnrun --strict --allow x11 demo true 2>&1)" 'type into all other' 'and what that means is said'
	cleanup
else
	skip 'needs Xvfb and xdpyinfo' 'X11'
fi

# --- sound (L42) ----------------------------------------------------------------------------------

# A library that says which program has loaded it.
printf '%s\n' '#include <fcntl.h>' '#include <unistd.h>' '#include <sys/prctl.h>' '__attribute__((constructor)) static void loaded(void)' \
	"{ char name[16] = {0}; int fd = open(\"$home/loaded\", O_WRONLY | O_CREAT | O_APPEND, 0666);" \
	'prctl(PR_GET_NAME, name); if (fd < 0 || write(fd, name, sizeof(name)) < 0) _exit(1); }' |
	gcc -x c -shared -fPIC -o "$home/door.so" - && chmod 755 "$home/door.so"
# loads COMMAND...: who has loaded it
loads() {
	rm -f "$home/loaded"
	"$@" >/dev/null 2>&1 </dev/null
	tr -d '\0' 2>/dev/null <"$home/loaded" | sed 's/\(pipewire\|pulseaudio\).*/\1/'
}
if has pulseaudio && has pactl; then
	export PULSE_RUNTIME_PATH=$R/pulse
	sound() { # sound OPTION...
		cleanup
		wait_for 5 ended_all pulseaudio
		start pulseaudio -n --daemonize=no --exit-idle-time=-1 "$@" -L 'module-null-sink' \
			-L "module-native-protocol-unix socket=$R/pulse/native auth-anonymous=1"
		wait_for 10 test -S "$R/pulse/native"
	}
	# A connection that the sound server makes, outside, once it has taken the module.
	calls_out() { # calls_out COMMAND...: prints the packets
		$RIG_CAPTURE start
		if "$@" timeout 10 pactl load-module module-tunnel-sink "server=tcp:$RIG_WEB4:4713" >/dev/null 2>&1; then
			wait_for 5 eval '[ -n "$($RIG_CAPTURE list)" ]'
		fi
		$RIG_CAPTURE stop
	}
	sound
	ok 'L42 control: the old way, the sound server connects to the clear net' test "$(calls_out old_way)" -gt 0
	sound
	ok 'L42 README: by default it does, too' test "$(calls_out as_user vpnrun demo)" -gt 0
	sound
	is "$(calls_out as_user vpnrun --strict demo)" 0 'L42 --strict: it does not'
	# A second module that sends, and one that loads code.
	sends() { # sends COMMAND...
		$RIG_CAPTURE start
		if "$@" timeout 10 pactl load-module module-rtp-send source=@DEFAULT_MONITOR@ "destination_ip=$RIG_WEB4" >/dev/null 2>&1; then
			wait_for 5 eval '[ -n "$($RIG_CAPTURE list)" ]'
		fi
		$RIG_CAPTURE stop
	}
	sound
	ok 'L42 control: the old way, it sends what is heard to whom it is told' test "$(sends old_way)" -gt 0
	sound
	ok 'L42 README: by default it does, too' test "$(sends as_user vpnrun demo)" -gt 0
	sound
	is "$(sends as_user vpnrun --strict demo)" 0 'L42 --strict: it does not'
	is "$(loads as_user vpnrun --strict demo timeout 9 pactl load-module module-ladspa-sink "plugin=$home/door.so" label=x)" '' 'L42 --strict: nor does it load a library'
	is "$(loads old_way timeout 9 pactl load-module module-ladspa-sink "plugin=$home/door.so" label=x)" pulseaudio 'L42 control: the old way it does'
	is "$(loads as_user vpnrun demo timeout 9 pactl load-module module-ladspa-sink "plugin=$home/door.so" label=x)" pulseaudio 'L42 README: by default, too'
	ok 'L42 --strict --allow sound: sound works' as_user vpnrun --strict --allow sound demo pactl info
	like "$(as_user vpnrun --strict --allow sound demo true 2>&1)" 'loads modules for whoever asks' 'and what remains is said'
	sound --disallow-module-loading=1
	is "$(calls_out as_user vpnrun --strict --allow sound demo)" 0 'L42 a server that loads none: 0 packets'
	ok 'and it works' as_user vpnrun --strict --allow sound demo pactl info
	unset PULSE_RUNTIME_PATH
	cleanup
	wait_for 5 ended_all pulseaudio
else
	skip 'needs pulseaudio and pactl' 'L42 PulseAudio'
fi
if has pipewire && has pw-cli; then
	start pipewire
	wait_for 10 test -S "$R/pipewire-0"
	talks() { "$@" timeout 5 pw-cli info 0 2>&1 | grep -q 'core.name\|library.name\|cookie'; }
	ok 'control: by default, PipeWire answers' wait_for 5 talks as_user vpnrun demo
	ok 'L42 --strict: it does not' not talks as_user vpnrun --strict demo
	ok '--allow sound: it does' talks as_user vpnrun --strict --allow sound demo
	node=(timeout 9 pw-cli create-node spa-node-factory "{ factory.name=x library.name=../../../../../../..$home/door }")
	is "$(loads as_user vpnrun --strict demo "${node[@]}")" '' 'L42 --strict: no node is made of a library'
	is "$(loads old_way "${node[@]}")" pipewire 'L42 control: the old way PipeWire loads it'
	is "$(loads as_user vpnrun demo "${node[@]}")" pipewire 'L42 README: by default, too'
	like "$(as_user vpnrun --strict --allow sound demo true 2>&1)" 'loads modules for whoever asks' 'L42 --strict --allow sound: and what remains is said'
	cleanup
else
	skip 'needs pipewire and pw-cli' 'L42 PipeWire'
fi

# --- other terminals (L44) -------------------------------------------------------------------------

as_user script -qfc 'tty >"$HOME/tty"; exec sleep 300' "$home/screen" </dev/null >/dev/null 2>&1 &
pids+=($!)
wait_for 10 test -s "$home/tty"
pts=$(cat "$home/tty")
writes() { : >"$home/screen"; "$@" sh -c "echo intruder >$pts" 2>/dev/null && wait_for 1 grep -q intruder "$home/screen"; }
ok 'L44 control: the old way, a program writes on another terminal' writes old_way env
ok 'L44 README: by default it does, too' writes as_user vpnrun demo
ok 'L44 --strict: it does not' not writes as_user vpnrun --strict demo
is "$(as_user vpnrun --strict demo ls /dev | grep -E 'uinput|hidraw|kmsg|snd|input|kvm|vsock|net')" '' 'L44 --strict: nor is there a device to type by'
is "$(as_user script -qec 'vpnrun --strict demo tty' /dev/null </dev/null 2>/dev/null | tr -d '\r\0')" /dev/console 'L44 --strict: the own terminal has a name'
is "$(as_user vpnrun --strict demo sh -c 'ln -s /dev/null /dev/new 2>/dev/null; rm -f /dev/fuse /dev/stdin 2>/dev/null; ls /dev/new /dev/stdin 2>/dev/null')" /dev/stdin 'L44 --strict: nobody makes or removes one'
cleanup

# --- memory and signals (L45) ----------------------------------------------------------------------

seg=$(as_user ipcmk -M 4096 | grep -o '[0-9]*$')
sees() { "$@" ipcs -m | awk '{print $2}' | grep -qx "$seg"; }
ok 'L45 control: by default a segment of the user'"'"'s is seen' sees as_user vpnrun demo
ok 'L45 --strict: it is not' not sees as_user vpnrun --strict demo
as_user ipcrm -m "$seg"
as_user sleep 300 &
victim=$!
wait_for 5 grep -q sleep /proc/$victim/comm
ok 'L45 README: by default a process outside can be signalled' as_user vpnrun demo kill -0 $victim
if as_user vpnrun -v --strict demo true 2>&1 | grep -q 'cannot keep signals'; then
	skip 'no Landlock scopes in this kernel' 'L45 --strict: it cannot'
else
	ok 'L45 --strict: it cannot' not as_user vpnrun --strict demo kill -0 $victim
	as_user vpnrun --strict demo sleep 301 &
	walled=$!
	wait_for 5 grep -q sleep /proc/$walled/comm
	ok 'L45 L50 nor can whoever joins a strict sandbox' not as_user vpnrun --with $walled kill -0 $victim
	ok 'control: it is joined' as_user vpnrun --with $walled true
	kill $walled
fi
kill $victim
as_user vpnrun demo sleep 300 &
first=$!
wait_for 5 grep -q sleep /proc/$first/comm
ok 'why not by default: programs of one VPN signal each other' as_user vpnrun demo kill $first
wait $first
is $? 143 'across launches'
finish
