#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Ports of containers: the host's that lead in (publish=), those outside that a container sees as its
# own (reach=), the VPN's side (expose=), and the forwarded one. By podman with runc and crun, root and
# user, and by the wrapper runtime. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
# shellcheck source=tests/ports.sh
. "$RIG_DIR/tests/ports.sh"
need podman runc crun conmon newuidmap busybox

W=$(dirname "$RIG_DIR")/engine
mkdir -m 755 "$W"
one_hierarchy
rootfs "$W/fs"
for a in httpd tr sort; do ln -s busybox "$W/fs/bin/$a"; done
# A page that says who asks, as the program inside is told, and what the program fetches for it.
mkdir -p "$W/fs/www/cgi-bin"
printf '#!/bin/sh\nprintf "\\n%%s %%s\\n" "$REMOTE_ADDR" "$(wget -qO- http://%s/)"\n' "$RIG_WEB4" >"$W/fs/www/cgi-bin/who"
chmod 755 "$W/fs/www/cgi-bin/who"
image web
vpnctl oci enable >/dev/null

plain() { sed 's/^\[//;s/\] / /;s/^::ffff://'; } # as busybox writes addresses
get() { curl -s -m 5 "http://$1/cgi-bin/who" | plain; }
serves() { [ -n "$(get "$1")" ]; }
serve() { # serve root|user RUNTIME NAME ANNOTATION OPTION...: a web server in the background
	local limits=()
	[ "$1" = user ] || limits=("${limits_root[@]}")
	"pod_$1" "$2" run --detach --pull=never --network none "${limits[@]}" --name "$3" --annotation "vpnrun=$4" "${@:5}" \
		web:1 httpd -f -p "${AT:-80}" -h /www 2>&1
}
remove() { "pod_$1" crun rm -f -t 0 "$2" >/dev/null 2>&1; }

first() { sed 's/.*inet6\{0,1\} //;s,/.*,,' | head -n 1; }

# --- publish= --------------------------------------------------------------------------------------

serve root runc plain demo >/dev/null
ok 'control: without publish= nobody outside reaches it' not serves 127.0.0.1:8080
ok 'and no process of ours stays' no_relay
remove root plain
for who in root user; do
	for rt in runc crun; do
		$RIG_CAPTURE start
		serve $who $rt web "demo;publish=8080:80;publish=$RIG_HOST4:8081:80;publish=[$RIG_HOST6]:8081:80" >/dev/null
		ok "R87 $who $rt: the host's localhost reaches it" wait_for 10 serves 127.0.0.1:8080
		is "$(get 127.0.0.1:8080)" '127.0.0.1 demo' "R87 $who $rt: its own fetch goes through the VPN"
		is "$(get '[::1]:8080' | cut -d' ' -f2)" demo "R87 $who $rt: so does ::1"
		is "$($RIG_CAPTURE stop)" 0 "L01 $who $rt: nothing of all that left by the uplink"
		ok "R48 $who $rt: what is on localhost is not on the LAN" not in_ns lan curl -s -m 2 "http://$RIG_HOST4:8080/"
		like "$(in_ns lan curl -s -m 5 "http://$RIG_HOST4:8081/cgi-bin/who" | plain)" '^10\.[0-9.]* demo$' \
			"R87 $who $rt: a LAN client reaches what was said, and never looks like localhost"
		like "$(in_ns lan curl -s -m 5 -g "http://[$RIG_HOST6]:8081/cgi-bin/who" | plain)" '^(10\.|fd)[0-9a-f.:]* demo$' \
			"R87 $who $rt: nor by IPv6"
		relay=$(pgrep -x vpnrun-ports)
		is "$(grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' "/proc/$relay/status" | grep -c 0000000000000000)" 5 "$who $rt: the relay has no capability"
		is "$(readlink "/proc/$relay/fd/"* | grep -cvE '^(/dev/null|socket:|pipe:|anon_inode:)')" 0 "$who $rt: and holds nothing of the engine's"
		"pod_$who" $rt restart -t 0 web >/dev/null 2>&1
		ok "R87 $who $rt: restarted: it is there again" wait_for 10 serves 127.0.0.1:8080
		is "$(relays)" 1 "R87 $who $rt: by one relay"
		out=$(serve $who $rt second 'demo;publish=8080:80')
		ok "R87 $who $rt: a port that is taken: not started" not grep -q . <<<"$("pod_$who" $rt ps -q --filter name=second)"
		log=/run/vpnrun/hook.log
		[ $who = root ] || log=/run/user/$RIG_UID/vpnrun-hook.log
		like "$(tail -n 1 $log)" "TCP port 8080 of the host's localhost is in use" "R87 $who $rt: and why is said"
		remove $who second
		"pod_$who" $rt kill web >/dev/null 2>&1
		ok "R87 $who $rt: the container killed: its relay goes" wait_for 10 no_relay
		remove $who web
	done
done
serve user crun web 'demo;publish=8080:80' >/dev/null
wait_for 10 serves 127.0.0.1:8080
$RIG_CAPTURE start
in_vpn demo ip link del demo
vpnctl down demo >/dev/null 2>&1
is "$(get 127.0.0.1:8080)" '127.0.0.1 ' 'R87 L01: the tunnel killed: the page is there, and what it fetches is refused'
is "$($RIG_CAPTURE stop)" 0 'L01: nothing went beside it'
vpnctl up demo >/dev/null
is "$(get 127.0.0.1:8080)" '127.0.0.1 demo' 'R87: VPN up again: the same container goes on'
remove user web
ok 'nothing stays' wait_for 10 no_relay
serve user runc web 'demo;publish=8080:80/proxy' >/dev/null
listening() { [ -n "$(ss -Hltn '( sport = :8080 )')" ]; }
wait_for 10 listening
like "$(curl -s -m 5 http://127.0.0.1:8080/ 2>&1; curl -s -m 5 -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/)" '(400|501|000)' \
	'/proxy: a program that does not expect the line refuses it'
remove user web

# --- reach= ----------------------------------------------------------------------------------------

start "$ports" answer 127.0.0.1 9200 'echo host'
start "$ports" answer "$RIG_HOST4" 9300 'echo elsewhere'
for who in root user; do
	for rt in runc crun; do
		is "$(run $who $rt --network none --annotation vpnrun=demo web:1 wget -qO- http://127.0.0.1:9200/ | grep -c '^host')" 0 \
			"R50 $who $rt: control: without reach= nothing of the host is reached"
		is "$(run $who $rt --network none --annotation "vpnrun=demo;reach=9200;reach=80:$RIG_HOST4:9300" web:1 sh -c \
			"wget -qO- http://127.0.0.1:9200/; wget -qO- http://127.0.0.1/; wget -qO- http://$RIG_WEB4/
			wget -qO- http://127.0.0.1:9300/ 2>&1 | grep -c elsewhere" | words)" \
			'host elsewhere demo 0 ' "R87 $who $rt: those two places, nothing else, and the rest through the VPN"
	done
done
ok 'nothing stays' wait_for 10 no_relay
for p in "${started[@]}"; do stop "$p"; done

# --- containers by name ----------------------------------------------------------------------------

who() { "pod_$1" crun exec "$2" wget -qO- "http://web:${3:-80}/cgi-bin/who" 2>&1 | plain; }
for who in root user; do
	AT=90 serve $who crun caller 'demo;reach=web:80;reach=other:80' >/dev/null
	like "$(who $who caller)" 'refused|reset' "R87 $who: a name that nobody has yet: refused at once"
	serve $who crun callee 'demo;publish=web:80;publish=0.0.0.0:8080:80' >/dev/null
	asked() { [ -n "$(who "$1" caller | grep demo)" ]; }
	ok "R87 $who: by name, whichever was first" wait_for 10 asked $who
	like "$(who $who caller)" '^10\.[0-9.]* demo$' "R87 $who: and it does not look like localhost"
	ok "R87 $who: and its own names are there, which podman writes too late" "pod_$who" crun exec caller sh -c \
		'grep -q "^127.0.0.1.localhost" /etc/hosts && grep -q "^127.0.0.1.$(cat /etc/hostname)" /etc/hosts'
	is "$("pod_$who" crun exec caller wget -qO- http://other:80/ 2>&1 | grep -cE 'refused|reset')" 1 "R87 $who: another name with the same port is another place"
	a=$("pod_$who" crun inspect -f '{{.State.Pid}}' callee)
	a=$(nsenter -t "$a" -n ip -4 -o addr show vpn0 | first)
	ok "L19 $who: control: by its address it is not reached" not "pod_$who" crun exec caller wget -qO- -T 2 "http://$a/"
	"pod_$who" crun restart -t 0 callee >/dev/null 2>&1
	ok "R87 $who: restarted: by the same name" wait_for 10 asked $who
	"pod_$who" crun restart -t 0 caller >/dev/null 2>&1
	ok "R87 $who: and the other" wait_for 10 asked $who
	serve $who crun same 'demo;reach=81:web:80' >/dev/null
	is "$(who $who same 81 | cut -d' ' -f2)" demo "R87 $who: who has that port itself reaches it by another"
	ok "R87 $who: beside all addresses" serves 127.0.0.1:8080
	serve $who crun usurper 'demo;publish=web:80' >/dev/null
	ok "R87 $who: a name has one owner: the second does not start" not grep -q . <<<"$("pod_$who" crun ps -q --filter name=usurper)"
	for c in caller callee same usurper; do remove $who $c; done
	ok 'nothing stays' wait_for 10 no_relay
done
refused 'a name, and no /etc/hosts' 'exit status' user crun --network none --no-hosts --annotation 'vpnrun=demo;reach=web:80' web:1 echo STARTED
like "$(tail -n 1 "/run/user/$RIG_UID/vpnrun-hook.log")" 'has no place in the' 'and why'

# --- expose=, the forwarded port -------------------------------------------------------------------

a4=$(in_vpn demo ip -4 -o addr show demo | first)
for who in root user; do
	serve $who crun web 'demo;expose=7070:80' >/dev/null
	outside() { [ "$(in_ns demo curl -s -m 2 "http://$a4:7070/cgi-bin/who" | cut -d' ' -f2)" = demo ]; }
	ok "R29 $who: the VPN's side reaches the exposed port" wait_for 10 outside
	remove $who web
	ok "R29 $who: and no more when the container has ended" not in_ns demo curl -s -m 1 "http://$a4:7070/"
done
refused 'expose=natpmp of a VPN that forwards none' 'exit code: 10' user crun --network none --annotation 'vpnrun=demo;expose=natpmp' web:1 echo STARTED
cp /etc/vpnrun/demo.json "$W/demo.json"
sed 's|{ |{ "port_forward": "natpmp", |' "$W/demo.json" >/etc/vpnrun/demo.json
gateway 51413 1000
vpnctl up demo >/dev/null
wait_for 10 port_is 51413
for who in root user; do
	serve $who crun web 'demo;expose=natpmp:80' >/dev/null
	inside() { "pod_$who" crun exec web sh -c "$1"; }
	# shellcheck disable=SC2016
	is "$(inside 'tr "\0" "\n" </proc/1/environ | grep ^VPNRUN_PORT | sort; cat /run/vpnrun-forwarded/port' | words)" \
		'VPNRUN_PORT=51413 VPNRUN_PORT_FILE=/run/vpnrun-forwarded/port 51413 ' "R87 $who: the container is told of the forwarded port"
	forwarded() { [ "$(in_ns demo curl -s -m 2 "http://$a4:$1/cgi-bin/who" | cut -d' ' -f2)" = demo ]; }
	ok "R87 $who: which leads to it" wait_for 10 forwarded 51413
	ok "R87 $who: it cannot write there" not inside 'echo 1 >/run/vpnrun-forwarded/port'
	if [ $who = root ]; then
		gateway 51500 0
		vpnctl restart demo >/dev/null 2>&1
		follows() { [ "$(inside 'cat /run/vpnrun-forwarded/port')" = 51500 ]; }
		ok 'R87: another port: the file inside follows' wait_for 20 follows
		vpnctl down demo >/dev/null 2>&1
		is "$(inside 'cat /run/vpnrun-forwarded/port 2>/dev/null')" '' 'R87: the VPN down: no port'
		vpnctl up demo >/dev/null 2>&1
		ok 'R87: and up again: the same directory' wait_for 20 follows
		gateway 51413 0
		vpnctl restart demo >/dev/null 2>&1
		wait_for 20 port_is 51413
	fi
	remove $who web
done
for p in "${started[@]}"; do stop "$p"; done
cp "$W/demo.json" /etc/vpnrun/demo.json
vpnctl up demo >/dev/null

# --- lan= ------------------------------------------------------------------------------------------

names='53 137 853 5353 5355'
inside() { "pod_$who" crun exec web wget -qO- "http://$1/" 2>/dev/null; }
by_net() { nsenter -t "$("pod_$who" crun inspect -f '{{.State.Pid}}' "$1")" -n "${@:2}"; }
probed() { by_net web "$RIG_DIR/build/tests/net/probe" "$@" | cut -d' ' -f1; }
answers() { [ "$("$RIG_DIR/build/tests/net/probe" udp "$RIG_LAN" "$1" | cut -d' ' -f1)" = answer ]; }
lans() { "$@" vpnctl status demo --json | sed -n 's/.*"lan": \([a-z]*\).*/\1/p' | sort | paste -sd' '; }
for who in root user; do
	refused "R86 $who: lan= of a VPN whose file opens nothing" 'exit code: 7' $who crun --network none --annotation 'vpnrun=demo;lan=true' web:1 echo STARTED
done
like "$(tail -n 1 "/run/user/$RIG_UID/vpnrun-hook.log")" "VPN 'demo' opens nothing of the LAN: \"allow_lan\" in /etc/vpnrun/demo.json" 'and why'
sed "s|{ |{ \"allow_lan\": [\"${RIG_LAN%.*}.0/24\"], |" "$W/demo.json" >/etc/vpnrun/demo.json
vpnctl up demo >/dev/null
refused 'R86: a name server in the LAN, where no name may be asked for' 'exit code: 7' root crun --network none --annotation "vpnrun=demo;lan=true;dns=$RIG_LAN" web:1 echo STARTED
served=
for port in $names; do
	in_ns lan "$RIG_DIR/build/tests/net/probe" serve :: "$port" lan >/dev/null &
	served+=" $!"
done
for port in $names; do ok "control: the LAN answers the host at port $port" wait_for 10 answers "$port"; done
none() { [ -z "$(lans env)" ]; }
wait_for 10 none
for who in root user; do
	serve $who crun plain 'demo;lan=false' >/dev/null
	serve $who crun web 'demo;lan=true' >/dev/null
	is "$(inside "$RIG_LAN") $(inside "$RIG_WEB4") $(inside "$RIG_NAME")" 'lan demo demo' \
		"R86 $who: a container of lan=true reaches the LAN; all else, and names, go through the VPN"
	is "$(lans env)" 'false true' "R70 $who: status says which of them may"
	$RIG_CAPTURE start
	is "$(by_net plain curl -s -m 1 "http://$RIG_LAN/")" '' "R86 $who: the other does not"
	for port in $names; do
		is "$(probed udp "$RIG_LAN" "$port") $(probed tcp "$RIG_LAN" "$port")" 'refused refused' "R86 $who: port $port is refused at once"
	done
	$RIG_CAPTURE stop >/dev/null
	is "$($RIG_CAPTURE list | grep -c "$RIG_LAN")" 0 "R86 $who: and nothing of that left by the uplink"
	remove $who web
	remove $who plain
	ok 'nothing stays' wait_for 10 none
done
# shellcheck disable=SC2086
kill $served
# shellcheck disable=SC2086
wait $served 2>/dev/null
cp "$W/demo.json" /etc/vpnrun/demo.json
vpnctl up demo >/dev/null

# --- what is refused -------------------------------------------------------------------------------

wrong() { # wrong ANNOTATION PATTERN DESCRIPTION
	refused "$3" 'exit status 3' user crun --network none --annotation "vpnrun=demo;$1" web:1 echo STARTED
	like "$(tail -n 1 "/run/user/$RIG_UID/vpnrun-hook.log")" "$2" "$3: and why"
}
wrong lan=yes 'neither true nor false' 'lan= of another word'
wrong publish=8080 'two ports are needed' 'publish= of one port'
wrong publish=nas:8080:80 'is named by its IP address' 'publish= with the name of a host'
wrong reach=nas.lan:80 'not an IP address' 'reach= with one'
wrong publish=8080:80/sctp 'or with /udp' 'publish= of another protocol'
wrong "reach=$RIG_HOST4:53" 'names go through the VPN' 'reach= of a name server'
wrong expose=0 'ports from 1 to 65535' 'expose= of no port'
wrong 'expose=1;expose=2;expose=3;expose=4;expose=5' 'more than|at most' 'too many expose='
podman_version=$(podman --version)
podman_version=${podman_version##* }
if [ "${podman_version%%.*}" -lt 5 ]; then
	refused 'a key that podman cut off' 'exit status 3' user crun --network none --annotation vpnrun=demo,publish=8080:80 web:1 echo STARTED
else
	serve user crun comma demo,publish=8080:80 >/dev/null
	ok 'R87 a key behind a comma, which podman cuts off no more, is in force' wait_for 10 serves 127.0.0.1:8080
	remove user comma
fi
refused "a port that is root's" 'exit code: 1' user crun --network none --annotation 'vpnrun=demo;publish=81:80' web:1 echo STARTED
like "$(tail -n 1 "/run/user/$RIG_UID/vpnrun-hook.log")" "is root's" 'and why'
refused "an address of somebody else's" 'exit code: 1' root crun --network none --annotation 'vpnrun=demo;publish=192.0.2.1:8080:80' web:1 echo STARTED

# --- by the wrapper, and in a pod ------------------------------------------------------------------

wrapper=$RIG_DIR/build/libexec/vpnrun/vpnrun-runtime
vpnctl oci disable >/dev/null
serve root "$wrapper" web 'demo;publish=8080:80' >/dev/null
ok 'R87 the wrapper runtime: the host reaches it' wait_for 10 serves 127.0.0.1:8080
remove root web
ok 'nothing stays' wait_for 10 no_relay
ln -s "$wrapper" "$W/vpnrun-runtime@demo"
for who in root user; do
	"pod_$who" "$W/vpnrun-runtime@demo" pod create --network none --infra-image localhost/web:1 \
		--infra-command 'sleep 600' --name pod >/dev/null
	"pod_$who" "$wrapper" run --detach --pull=never --pod pod --name web --annotation 'vpnrun=demo;publish=8080:80' \
		web:1 httpd -f -p 80 -h /www >/dev/null 2>&1
	ok "R87 $who: a container of a pod" wait_for 10 serves 127.0.0.1:8080
	like "$("pod_$who" "$wrapper" run --rm --pull=never --pod pod --annotation 'vpnrun=demo;lan=true' web:1 echo STARTED 2>&1)" \
		'lan= is for the container that makes the network namespace' "R86 $who: lan= of one that joins another's network: refused"
	"pod_$who" crun pod rm -f -t 0 pod >/dev/null 2>&1
	ok 'nothing stays' wait_for 10 no_relay
done
ok 'no cable is left' wait_for 10 gone
finish
