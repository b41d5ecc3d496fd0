#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Containers that start before their VPN is up, as they do with the machine: podman's own restart of what
# has restart=always, by the hook, root and user, runc and crun. And the name servers of one that runs
# when the VPN's file changes. The plugins are in leak/hold.t. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
need podman runc crun conmon newuidmap busybox

W=$(dirname "$RIG_DIR")/engine
mkdir -m 755 "$W"
one_hierarchy
rootfs "$W/fs"
ln -s busybox "$W/fs/bin/httpd"
mkdir "$W/fs/www"
echo here >"$W/fs/www/index.html"
image plain
vpnctl oci enable >/dev/null

serve() { # serve root|user RUNTIME NAME OPTION...: a container that stays
	local limits=()
	[ "$1" = user ] || limits=("${limits_root[@]}")
	"pod_$1" "$2" run --detach --pull=never --network none "${limits[@]}" --name "$3" "${@:4}" plain:1 httpd -f -p 80 -h /www 2>&1
}
inside() { "pod_$1" "$2" exec c wget -qO- "http://$3/" 2>&1; }
works() { [ "$(inside "$@" "$RIG_WEB4")" = demo ]; }
runs() { [ -n "$("pod_$1" "$2" ps -q --filter name=c --filter status=running)" ]; }
a4=$(in_vpn demo ip -4 -o addr show demo | sed 's/.*inet //; s,/.*,,' | head -n 1)
reached() { [ "$(in_ns demo curl -s -m 2 "http://$a4:7070/")" = here ]; }
# What podman-restart.service does when the machine starts.
boot() { "pod_$1" "$2" start --all --filter restart-policy=always 2>&1; }
# The machine goes off: containers end, the VPN is gone.
off() {
	"pod_$1" "$2" stop -t 0 c >/dev/null 2>&1
	vpnctl down --force demo >/dev/null
}

# The rig's keeper has the machine's libnftables, which cannot read what a newer one has written.
[ -z "${ENTERED:-}" ] || vpnctl down --force demo >/dev/null
for who in root user; do
	for rt in runc crun; do
		vpnctl up demo >/dev/null
		more=
		[ $who = user ] || more=';expose=7070:80'
		serve $who $rt c --restart=always --annotation "vpnrun=demo$more" >/dev/null
		ok "$who $rt: the container is in its VPN" wait_for 10 works $who $rt
		off $who $rt

		# The danger.
		boot $who $rt >/dev/null
		vpnctl up demo >/dev/null
		ok "control: $who $rt: started before its VPN: not running, and dead for good" not runs $who $rt
		log=/run/vpnrun/hook.log
		[ $who = root ] || log=/run/user/$RIG_UID/vpnrun-hook.log
		like "$(tail -n 1 "$log")" 'is down.*may start before that after: sudo vpnctl hold demo' "$who $rt: what cures it is in the log"

		# The cure.
		vpnctl down --force demo >/dev/null
		vpnctl hold demo >/dev/null
		$RIG_CAPTURE start
		boot $who $rt >/dev/null
		ok "R31 $who $rt: started before its VPN, which is held: it runs" runs $who $rt
		like "$(inside $who $rt "$RIG_WEB4")" refused "L01 $who $rt: refused at once"
		like "$(inside $who $rt "$RIG_WEB6")" '(refused|unreachable)' "L01 $who $rt: by IPv6, too"
		like "$(inside $who $rt "$RIG_NAME")" 'bad address' "L01 $who $rt: no name"
		like "$("pod_$who" $rt exec c cat /etc/resolv.conf)" "nameserver $RIG_DNS_DEMO" "$who $rt: it has the VPN's servers already"
		if [ $who = root ]; then
			serve root $rt second --annotation 'vpnrun=demo;expose=7070:80' >/dev/null
			like "$(tail -n 1 "$log")" 'port 7070/tcp of VPN .demo. is open for another' "R29 $rt: a port that is another's already is refused, closed or not"
			pod_root $rt rm -f -t 0 second >/dev/null 2>&1
		fi
		ok "$who $rt: up" vpnctl up demo
		ok "R31 $who $rt: it works, and nobody has touched it" wait_for 10 works $who $rt
		is "$(inside $who $rt "$RIG_NAME")" demo "R31 $who $rt: by name"
		[ $who = user ] || ok "R29 $who $rt: the port that it was to have open is open" wait_for 10 reached
		vpnctl down demo >/dev/null
		"pod_$who" $rt restart -t 0 c >/dev/null 2>&1
		ok "R31 $who $rt: restarted after a down: it runs" runs $who $rt
		like "$(inside $who $rt "$RIG_WEB4")" refused "L01 $who $rt: refused at once"
		vpnctl up demo >/dev/null
		ok "R31 $who $rt: up: it works" wait_for 10 works $who $rt
		is "$($RIG_CAPTURE stop)" 0 "L01 $who $rt: nothing went out in the clear in all of that"
		vpnctl hold --off demo >/dev/null
		# The file of the VPN changes under a container that runs.
		file=$(sed -n 's/.*"config": *"\([^"]*\)".*/\1/p' /etc/vpnrun/demo.json)
		cp -p "$file" "$RIG_DIR/demo.saved"
		sed -i "s/^DNS.*/DNS = 10.9.9.9/" "$file"
		vpnctl up --no-wait demo >/dev/null 2>&1
		is "$("pod_$who" $rt exec c grep nameserver /etc/resolv.conf)" 'nameserver 10.9.9.9' \
			"R42 $who: its resolv.conf follows the VPN's file"
		cp -p "$RIG_DIR/demo.saved" "$file"
		vpnctl up demo >/dev/null 2>&1
		is "$(inside $who $rt "$RIG_NAME")" demo "R42 $who: and back"
		"pod_$who" $rt rm -f -t 0 c >/dev/null 2>&1
	done
done
finish
