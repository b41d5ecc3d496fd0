#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# R28: a message that names a command is made to appear, and the command in it is typed as it stands and works.
# tests/lint/hints.list has all such messages of the sources; `hint ID COMMAND -- CMD...` takes one.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
list=tests/lint/hints.list
home=$(as_user sh -c 'echo $HOME')
cni=$RIG_DIR/build/libexec/vpnrun/cni/vpnrun
netavark=$RIG_DIR/build/libexec/vpnrun/netavark/vpnrun
hook=$RIG_DIR/build/libexec/vpnrun/vpnrun-hook
hostile=$RIG_DIR/build/tests/net/hostile
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
# Whoever has the right runs what sudo and doas run: there are no passwords here.
sudo() {
	if [ "${1:-}" = -u ]; then
		shift 2
		as_user "$@"
	else
		"$@"
	fi
}
doas() { "$@"; }

# pattern FORMAT: an extended regular expression of what printf() makes of it
pattern() {
	perl -e '$_ = shift; s/([][(){}.*+?^\$|\\])/\\$1/g; s/%(?:\\\.)?(?:\\\*|[0-9]+)?(?:z|l|ll)?[a-z]/.*/g; s/<[A-Z_]+>/.*/g; s/^ //; print' -- "$1"
}

# The command may have a word that the user replaces: HINT_FOR is a sed script that does. HINT_RC is the status that
# is wanted of it, HINT_AS whoever types it (root by default, who runs CMD as well).
hint() {
	local id=$1 command=$2 format said want
	shift 3
	format=$(awk -F'\t' -v id="$id" '$1 == id { print $3 }' $list)
	tried+=" $id "
	said=$("$@" 2>&1)
	want=$(tr '\n' ' ' <<<"$said")
	like "$want" "$(pattern "$format")" "R28: $id: is said"
	if [[ -n $format && $want == *"$command"* ]]; then
		command=$(sed -e "${HINT_FOR:-}" <<<"$command")
		ok "R28: $id: works when typed: $command" typed "$command"
	else
		is "$want" "... $command ..." "R28: $id: names the command"
	fi
}
typed() {
	(
		if [ "${HINT_AS:-root}" = root ]; then eval "$1"; else as_user sh -c "$1"; fi
	) </dev/null
	[ $? = "${HINT_RC:-0}" ]
}
# as_user and as_stranger are programs; what is not one is put into one.
tried=

# --- looking -------------------------------------------------------------------------------------

hint status-root 'sudo vpnctl status' -- as_user vpnctl status
HINT_FOR='s/\.\.\./demo/' hint needs-root 'sudo vpnctl up ...' -- as_user vpnctl up demo
HINT_FOR='s/\.\.\./demo 9000:80/; s/^sudo/timeout 1/' HINT_RC=124 hint publish-root 'sudo vpnctl publish ...' -- as_user vpnctl publish demo 9000:80
HINT_FOR='s/^/timeout 1 /; s/$/ 9000:80 demo sleep 9/' HINT_RC=124 HINT_AS=user hint publish-root 'vpnrun -p' -- as_user vpnctl publish demo 9000:80
HINT_AS=user hint option 'vpnrun --help' -- as_user vpnrun --nonsense demo true
HINT_AS=user hint nothing 'vpnrun --help' -- as_user env vpnrun -v
HINT_AS=user HINT_FOR='s/$/ -V/' hint program 'vpnrun -- curl' -- as_user vpnrun curl
HINT_AS=user HINT_FOR='s/^/vpnrun demo /' hint inside-status 'vpnctl status' -- as_user vpnrun demo vpnctl status other
HINT_FOR='s/$/ demo/' hint inside-other 'vpnctl up' -- as_user vpnrun demo vpnctl up demo
hint inside-outside 'vpnctl status' -- as_user vpnrun demo vpnctl status

# --- files ---------------------------------------------------------------------------------------

# The far end of "other" has room for one client: what is brought up here goes down again.
vpnctl down other >/dev/null
cp /etc/vpnrun/other.conf "$home/third.conf"
chown "$RIG_USER" "$home/third.conf"
drop() { vpnctl down --force "$1" >/dev/null 2>&1; rm -f "/etc/vpnrun/$1.json" "/etc/vpnrun/$1.conf"; }
hint import-root "sudo vpnctl import $home/third.conf" -- as_user vpnctl import "$home/third.conf"
like "$(as_user vpnctl import "$home/third.conf" --name fourth --up 2>&1)" 'the same again with sudo before it$' 'a hint loses no option of what was typed'
hint import-up 'vpnctl up fourth' -- vpnctl import "$home/third.conf" --name fourth
like "$(vpnctl up --no-wait other 2>&1)" "note: VPN 'fourth', which is up, has the same private key" 'R83: two that are up by one key: said'
vpnctl down other >/dev/null
hint import-restart 'vpnctl restart fourth' -- vpnctl import "$home/third.conf" --name fourth --replace
hint owned-up 'vpnctl down fourth' -- vpnctl remove fourth
hint import-exists 'vpnctl remove fourth' -- vpnctl import "$home/third.conf" --name fourth
ok 'and nothing is left of it' test ! -e /etc/vpnrun/fourth.json
chmod 777 /etc/vpnrun
hint import-owner 'chown root /etc/vpnrun; chmod 755 /etc/vpnrun' -- vpnctl import "$home/third.conf" --name fourth
sed 's,^Address *=.*,Address = 10.20.77.5/32,' "$home/third.conf" >"$tmp/clash.conf"
mend() { sed -i 's/"id"/"subnet": "10.99.0.0\/24", "id"/' /etc/vpnrun/clash.json; }
HINT_FOR='s/^/mend; /' hint import-overlap 'vpnctl up clash' -- vpnctl import "$tmp/clash.conf" --name clash --id 77
drop clash
drop third
printf '{ "id": 40, "confg": "/x" }\n' >/etc/vpnrun/typo.json
HINT_RC=1 HINT_AS=user hint find-error 'vpnctl check /etc/vpnrun/typo.json' -- as_user vpnrun typo true
rm /etc/vpnrun/typo.json
hint find-down 'sudo vpnctl up other' -- as_user vpnrun other true
ok 'and the same line works now' as_user vpnrun other true
cp /etc/vpnrun/other.conf "$tmp/open.conf"
chmod 644 "$tmp/open.conf"
hint check-mode "chmod 600 $tmp/open.conf" -- vpnctl check "$tmp/open.conf"
chmod 644 /etc/vpnrun/other.conf
vpnctl down other >/dev/null
hint up-mode 'chmod 600 /etc/vpnrun/other.conf' -- vpnctl up other
printf '{ "id": 41, "endpoint": "192.0.2.1:1", "public_key": "%s", "private_key_file": "%s", "addresses": ["10.9.9.9/32"] }\n' \
	"$(wg genkey 2>/dev/null || echo AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEA=)" "$tmp/key" >"$tmp/inline.json"
head -c 32 /dev/urandom | base64 >"$tmp/key"
chmod 644 "$tmp/key"
hint check-key-mode "chmod 600 $tmp/key" -- vpnctl check "$tmp/inline.json"

# --- policies ------------------------------------------------------------------------------------

HINT_AS=user HINT_FOR='s/$/ demo true/' hint policy-installed 'vpnrun --policy mine' -- vpnctl policy install policy/seccomp/default.json --name mine
printf '\377\377' | dd of=/etc/vpnrun/policy/mine.bpf bs=1 seek=8 conv=notrunc 2>/dev/null
HINT_FOR="s,$, policy/seccomp/default.json --name mine," hint policy-format 'sudo vpnctl policy install' -- as_user vpnrun --policy mine demo true
ok 'and the policy is taken again' as_user vpnrun --policy mine demo true
rm -f /etc/vpnrun/policy/mine.*

# --- who may -------------------------------------------------------------------------------------

hint may-not "sudo usermod -aG vpnrun $RIG_STRANGER" -- as_stranger vpnrun demo true
ok 'which counts at once' as_stranger vpnrun demo true
gpasswd -d "$RIG_STRANGER" vpnrun >/dev/null
HINT_FOR='s/\.\.\.//; s/$/ demo true/' hint as-root 'sudo vpnrun --as-root ...' -- as_user vpnrun --as-root demo true
HINT_FOR='s/\.\.\./demo true/' hint user-root "sudo vpnrun --user $RIG_USER ..." -- as_user vpnrun --user "$RIG_USER" demo true
HINT_FOR='s/\.\.\./demo true/' hint user-unknown 'sudo -u nobody-here vpnrun ...' -- vpnrun --user nobody-here demo true
bin=$home/bin
as_user mkdir -p "$bin"
for p in sudo doas run0 su systemctl systemd-run apt; do
	printf '#!/bin/sh\nexit 0\n' >"$bin/$p"
done
chmod 755 "$bin"/*
note() { as_user env PATH="$bin:$PATH" vpnrun demo "$1" x; }
in='s/VPN/demo/; s/COMMAND/true/; s/USER/'"$RIG_USER/"
HINT_FOR=$in hint note-sudo 'sudo vpnrun --as-root VPN COMMAND' -- note sudo
HINT_FOR=$in hint note-doas 'doas vpnrun --as-root VPN COMMAND' -- note doas
HINT_FOR=$in hint note-run0 'sudo vpnrun --as-root VPN COMMAND' -- note run0
HINT_FOR=$in hint note-su 'sudo vpnrun --user USER VPN COMMAND' -- note su
HINT_FOR='s/VPN/demo/; s/apt \.\.\./true/' hint note-apt 'sudo vpnrun --as-root VPN apt ...' -- \
	env PATH="$bin:$PATH" SUDO_UID="$RIG_UID" SUDO_GID="$RIG_UID" vpnrun demo apt update

# --- the broker ----------------------------------------------------------------------------------

state() { # state FILE N: as if it had been left so
	perl -e 'open my $f, "+<", $ARGV[0] or die; seek $f, $ARGV[2], 0; print $f pack("L", $ARGV[1])' "$1" "$2" "${3:-12}"
}
broker() { as_user "$hostile" /run/vpnrun/vpnrund.sock "$1" good; }
vpnctl up other >/dev/null
state /run/vpnrun/other 1
hint find-down 'sudo vpnctl up other' -- broker other
hint broker-unknown 'vpnctl list' -- broker nowhere
vpnctl down other >/dev/null
hint broker-unknown 'sudo vpnctl up other' -- broker other
limit() { sed -i "s/\"limit\": [0-9]*, //; s/\"id\"/\"limit\": $1, \"id\"/" /etc/vpnrun/demo.json; }
limit 1
vpnctl up demo >/dev/null
as_user vpnrun demo sleep 300 &
held=$!
has_lease() { vpnctl status demo --json | grep -q "\"vr[0-9]*\.[0-9]*\""; }
wait_for 10 has_lease
HINT_AS=user hint limit 'vpnctl status demo' -- as_user vpnrun demo true
sed -i 's/"limit": 1, //' /etc/vpnrun/demo.json
hint down-stays 'vpnctl down --force demo' -- vpnctl down demo
kill "$held" 2>/dev/null
wait "$held" 2>/dev/null
sed 's/"id": *[0-9]*/"id": 55, "limit": 5, "subnet": "10.99.5.0\/29"/' /etc/vpnrun/other.json >/etc/vpnrun/tiny.json
vpnctl up tiny >/dev/null 2>&1
held=()
for _ in 1 2 3 4 5; do
	as_user vpnrun tiny sleep 300 &
	held+=($!)
done
full() { [ "$(vpnctl status tiny --json | grep -o '"vr55\.[0-9]*"' | wc -l)" = 5 ]; }
wait_for 10 full
HINT_AS=user hint full 'vpnctl status tiny' -- as_user vpnrun tiny true
kill "${held[@]}"
wait "${held[@]}" 2>/dev/null
rm /etc/vpnrun/tiny.json
vpnctl down --force tiny >/dev/null
vpnctl up demo >/dev/null

# --- what has ended or was lost ------------------------------------------------------------------

keeper() { cat /run/vpnrun/demo.supervisor; }
kill_keeper() {
	local pid
	pid=$(keeper)
	kill -9 "$pid"
	wait_for 10 ended "$pid"
}
kill_keeper
hint keeper-ended 'vpnctl up demo' -- vpnctl status demo
kill_keeper
hint port-nobody 'sudo vpnctl up demo' -- as_user vpnrun -e 8080 demo true
freeze demo
hint port-silent 'sudo vpnctl restart demo' -- as_user vpnrun -e 8080 demo true
cp /run/vpnrun/demo "$tmp/record"
printf x | dd of=/run/vpnrun/demo bs=1 seek=4 conv=notrunc 2>/dev/null
hint record-version 'sudo vpnctl up demo' -- as_user vpnrun demo true
ok 'and the VPN can be used' as_user vpnrun demo true
freeze demo
# The old one stays as long as somebody is in it: its number is not given to another.
ip netns exec demo sleep 300 &
sleeper=$!
wait_for 10 test "/proc/$sleeper/ns/net" -ef /run/netns/demo
ip netns delete demo
ip netns add demo
hint other-namespace 'sudo vpnctl up demo' -- as_user vpnrun demo true
ok 'and the VPN can be used' as_user vpnrun demo true
kill "$sleeper"
freeze demo
rm /run/vpnrun/demo.made
hint made-unknown 'vpnctl up demo' -- vpnctl status demo
freeze demo
in_vpn demo ip link set br-demo down
hint missing 'vpnctl up demo' -- vpnctl status demo
freeze demo
in_vpn demo ip link set br-demo down
hint plan-missing 'vpnctl up demo' -- vpnctl plan demo
vpnctl down other >/dev/null
hint plan-down 'vpnctl up other' -- vpnctl plan other
freeze demo
state /run/vpnrun/demo 3
hint lost 'sudo vpnctl up demo' -- vpnctl status demo
freeze demo
state /run/vpnrun/demo 3
# In the record, the name of a server and the LAN's networks stand behind it.
perl -e 'open my $f, "+<", "/run/vpnrun/demo"; local $/; my $t = <$f>; seek $f, length($t) - 608, 0; print $f "a test has it so"' 2>/dev/null
hint lost-why 'sudo vpnctl up demo' -- vpnctl status demo
state /run/vpnrun/demo 1
hint find-down 'sudo vpnctl up demo' -- vpnctl leak-test demo
state /run/vpnrun/demo 1
hint find-down 'sudo vpnctl up demo' -- vpnctl ip demo
state /run/vpnrun/demo 1
hint find-down 'sudo vpnctl up demo' -- vpnctl default demo

# --- a way by another VPN ------------------------------------------------------------------------

sed 's/"id": *[0-9]*/"via": "demo", "id": 56/' /etc/vpnrun/other.json >/etc/vpnrun/nested.json
sed -i 's/other\.conf/nested.conf/' /etc/vpnrun/nested.json
sed 's/other\.vpn/exit.vpn/' /etc/vpnrun/other.conf >/etc/vpnrun/nested.conf
chmod 600 /etc/vpnrun/nested.conf
vpnctl down demo >/dev/null
hint find-down 'sudo vpnctl up demo' -- vpnctl up nested
ok 'and the other one comes up by it' vpnctl up nested
HINT_FOR='s/$/ --force/' hint via-used 'vpnctl down nested' -- vpnctl down demo
vpnctl up nested >/dev/null
vpnctl down --force demo >/dev/null
vpnctl up demo >/dev/null
hint via-since 'vpnctl up nested' -- vpnctl status nested
vpnctl down --force demo >/dev/null
sed -i 's/"netns"/"bridge"/' /etc/vpnrun/demo.json
vpnctl down --force nested >/dev/null
vpnctl up demo >/dev/null
sed -i 's/"bridge"/"netns"/' /etc/vpnrun/demo.json
hint via-bridge 'vpnctl down demo' -- vpnctl up nested
vpnctl down --force nested demo >/dev/null 2>&1
vpnctl up demo >/dev/null
sed 's,^AllowedIPs.*,AllowedIPs = 198.18.0.0/16,' /etc/vpnrun/demo.conf >"$tmp/narrow.conf"
cp /etc/vpnrun/demo.conf "$tmp/wide.conf"
cp "$tmp/narrow.conf" /etc/vpnrun/demo.conf
sed -i "s/^Endpoint.*/Endpoint = $RIG_OTHER_ENDPOINT4:$RIG_PORT/" /etc/vpnrun/nested.conf
vpnctl restart demo >/dev/null
hint via-way 'vpnctl status demo' -- vpnctl up nested
cp "$tmp/wide.conf" /etc/vpnrun/demo.conf
vpnctl restart demo >/dev/null
drop nested

# --- the default ---------------------------------------------------------------------------------

HINT_FOR='s/\.\.\./--no-ip demo/' hint default-root 'sudo vpnctl default ...' -- as_user vpnctl default demo
hint default-is 'vpnctl default none' -- vpnctl down demo
vpnctl default --no-ip demo >/dev/null
hint default-is 'vpnctl down --force demo' -- vpnctl down demo
vpnctl up demo >/dev/null
vpnctl default --no-ip demo >/dev/null
sed -i 's/"id"/"subnet": "10.99.8.0\/24", "id"/' /etc/vpnrun/demo.json
hint default-ground 'vpnctl default none' -- vpnctl up demo
as_user vpnrun demo sleep 300 &
sleeper=$!
wait_for 10 has_lease
hint used-ground 'vpnctl down --force demo' -- vpnctl up demo
kill "$sleeper"
wait "$sleeper" 2>/dev/null
sed -i 's/"subnet": "10.99.8.0\/24", //' /etc/vpnrun/demo.json
vpnctl up demo >/dev/null
vpnctl default --no-ip demo >/dev/null
freeze demo
hint default-file 'vpnctl default none' -- cat /etc/resolv.conf
vpnctl default --no-ip demo >/dev/null
freeze demo
ip route add 203.0.113.0/24 dev "$RIG_UPLINK"
hint default-routes 'vpnctl default demo' -- vpnctl status demo
ip route delete 203.0.113.0/24 dev "$RIG_UPLINK"
freeze demo
state /run/vpnrun/default.note 1 8
hint default-unfinished 'vpnctl default demo' -- vpnctl status demo
freeze demo
rm /run/vpnrun/default.made
hint default-made 'vpnctl default demo' -- vpnctl status demo
freeze demo
state /run/vpnrun/default.note 3 8
hint default-begun 'vpnctl default none' -- vpnctl status demo
kill -CONT "$(keeper)"

# --- what others have ----------------------------------------------------------------------------

vpnctl down --force demo >/dev/null
ip netns add demo
ip -n demo link add dummy0 type veth peer name dummy1
ip -n demo link set dummy0 up
hint foreign-namespace 'ip netns delete demo' -- vpnctl up demo
vpnctl up demo >/dev/null

# --- containers ----------------------------------------------------------------------------------

ip netns add c1
add() { # add VPN-KEY: what the CNI plugin says to ADD
	env -i CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_NETNS=/run/netns/c1 CNI_IFNAME=eth0 "$cni" \
		<<<"{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"type\":\"vpnrun\"$1}"
}
HINT_AS=user hint cni-name 'vpnctl status' -- add ',"vpn":"a b"'
HINT_AS=user hint cni-unknown 'vpnctl status' -- add ',"vpn":"nowhere"'
vpnctl down other >/dev/null
hint find-down 'sudo vpnctl up other' -- add ',"vpn":"other"'
state /run/vpnrun/other 1
hint find-down 'sudo vpnctl up other' -- add ',"vpn":"other"'
freeze other
# As a keeper that was stopped may have it open.
umount -l /run/netns/other
rm -f /run/netns/other
hint cni-gone 'sudo vpnctl up other' -- add ',"vpn":"other"'
freeze other
ip netns delete other
ip netns add other
hint other-namespace 'sudo vpnctl up other' -- add ',"vpn":"other"'
HINT_AS=user hint netavark-name 'vpnctl status' -- sh -c "echo '{\"name\":\"a.b\",\"id\":\"a\",\"driver\":\"vpnrun\",\"options\":null}' | $netavark create"
ip netns exec c1 sleep 300 &
container=$!
wait_for 10 test "/proc/$container/ns/net" -ef /run/netns/c1
create() { # create VPN: a container's namespace is there, and its annotation names VPN
	printf '{"ociVersion":"1.0.2","annotations":{"vpnrun":"%s"},"linux":{"namespaces":[{"type":"network"}]}}' "$1" >"$tmp/config.json"
	printf '{"ociVersion":"1.0.2","id":"c","status":"created","pid":%d,"bundle":"%s","annotations":{"vpnrun":"%s"}}' $container "$tmp" "$1" |
		"$hook" createRuntime
}
vpnctl down other >/dev/null
hint find-down 'sudo vpnctl up other' -- create other
state /run/vpnrun/other 1
hint find-down 'sudo vpnctl up other' -- create other
HINT_FOR='s/ \.\.\.$//' hint needs-root 'sudo vpnctl oci enable ...' -- as_user vpnctl oci enable
vpnctl oci disable >/dev/null
hint oci-not-enabled 'sudo vpnctl oci enable' -- vpnctl oci status
ok 'which status then says' vpnctl oci status
rm "$(find /etc/vpnrun/oci -name '*.json' | head -n 1)"
hint oci-incomplete 'sudo vpnctl oci enable' -- vpnctl oci status
mkdir -p "$tmp/theirs"
printf '[engine]\nhooks_dir = ["%s"]\n' "$tmp/theirs" >/etc/containers/containers.conf
hint oci-others 'sudo vpnctl oci enable' -- vpnctl oci status
ok 'which status then says' vpnctl oci status

kill $container

# --- what is not installed, or forbidden ---------------------------------------------------------

# apt itself changes the machine: here it says what it would do.
apt() { apt-get -s -qq "$@"; }
if apt-cache show libcurl4 >/dev/null 2>&1; then
	hide() { unshare -m sh -c 'for f in /usr/lib/*/'"$1"'*; do mount --bind /dev/null "$f"; done; shift; exec "$@"' sh "$@"; }
	hint no-libcurl 'apt install libcurl4' -- hide 'libcurl*.so.4' vpnctl ip demo
else
	tried+=' no-libcurl '
	skip 'apt has no lists' 'R28: no-libcurl'
fi
# In a user namespace of its own, whose limit is its own, too.
forbidden() { as_user unshare -U --map-user=4242 --map-group=4242 --keep-caps sh -c "sudo() { \"\$@\"; }; echo 0 >/proc/sys/user/max_user_namespaces; $1"; }
HINT_FOR='s/.*/forbidden "&; vpnrun none true"/' hint no-namespaces 'sudo sysctl -w user.max_user_namespaces=10000' -- forbidden 'vpnrun none true'

# --- nobody there --------------------------------------------------------------------------------

broker=$(cat "$RIG_DIR/vpnrund.pid")
kill "$broker"
wait_for 20 not test -e "/proc/$broker/exe"
sed -i '/^vpnrun:/d' /etc/passwd
broker_start() { timeout 5 "$RIG_DIR/build/libexec/vpnrun/vpnrund" --idle 1; }
mkdir -p /etc/sysusers.d
cp contrib/systemd/vpnrun.sysusers /etc/sysusers.d/vpnrun.conf
hint broker-user 'systemd-sysusers' -- broker_start
sed -i '/^vpnrun:/d' /etc/passwd /etc/shadow /etc/group /etc/gshadow
hint broker-user 'useradd --system --user-group --shell /usr/sbin/nologin vpnrun' -- broker_start
vpnctl down --force demo other >/dev/null 2>&1
HINT_FOR='s/NAME/demo/' hint nothing-up 'sudo vpnctl up NAME' -- as_user vpnrun -- true
vpnctl down --force demo >/dev/null
rm /etc/vpnrun/*.json
lose() { rm -f /etc/vpnrun/*.json /etc/vpnrun/third.conf; }
file="s,FILE\(.conf\)\?,$home/third.conf,"
HINT_FOR=$file hint nothing-there 'sudo vpnctl import FILE.conf' -- as_user vpnrun -- true
lose
HINT_FOR=$file hint nothing-called 'sudo vpnctl import FILE.conf' -- as_user vpnrun mullvad true
lose
HINT_FOR=$file hint none-to-list 'sudo vpnctl import FILE' -- vpnctl list
lose
HINT_FOR=$file hint none-to-see 'sudo vpnctl import FILE' -- vpnctl status demo

for id in $(awk -F'\t' '$2 == "leak/hints.t" { print $1 }' $list); do
	ok "R28: $id was tried" grep -qF " $id " <<<"$tried"
done
finish
