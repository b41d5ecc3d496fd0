#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A program inside knows that it is inside: a wrapped program opens another of the same VPN, and what
# cannot be had from there says where one is (W2). What decides is the kernel, not the environment.
# shellcheck disable=SC2016,SC2086 # shell text that the shell inside expands; commands of several words
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
home=$(as_user sh -c 'echo $HOME')
get="curl -s -m 5 http://$RIG_WEB4/"
try() { out=$(as_user "$@" 2>&1); out="$? $out"; }

# --- the same VPN: the command as it is -----------------------------------------------------------

is "$(as_user vpnrun demo sh -c 'echo $VPNRUN_VPN')" demo 'R81: VPNRUN_VPN names the VPN'
is "$(as_user vpnrun none sh -c 'echo $VPNRUN_VPN')" none 'R81: also where there is no network'
$RIG_CAPTURE start
try vpnrun demo vpnrun demo sh -c "$get; exit 7"
is "$out" '7 demo' 'W2 L39: the same VPN inside: the command runs where it is, with its own status'
try vpnrun demo vpnrun -- $get
is "$out" '0 demo' 'R81: the default inside is the one that one is in'
try vpnrun other vpnrun default $get
is "$out" '0 other' 'R81: whichever that is'
try vpnrun demo sh -c 'exec vpnrun demo sh -c "echo \$PPID"; :' 
like "$out" '^0 [0-9]+$' 'no process of ours stays in between'
try vpnrun --strict demo vpnrun demo $get
is "$out" '0 demo' 'R81: inside --strict'
try vpnrun demo vpnrun demo unshare -Un true
is "$out" '0 ' 'control: by default a user namespace can be made'
try vpnrun demo vpnrun --policy strict demo unshare -Un true
like "$out" '^1 unshare: ' 'a policy that the line names comes on top'
try vpnrun --policy strict demo vpnrun --policy none demo unshare -Un true
like "$out" '^1 unshare: ' 'and takes nothing away'
try vpnrun demo vpnrun demo -- nosuchprogram
like "$out" '^127 ' 'a command that is not there: 127'

# --- what cannot be had from inside ---------------------------------------------------------------

try vpnrun demo vpnrun other $get
is "$out" "125 vpnrun: this is inside a sandbox of VPN 'demo' already, from where 'other' cannot be reached: start it outside" \
	'R81: another VPN: says where one is'
try vpnrun demo vpnrun host $get
like "$out" "^125 .*inside a sandbox of VPN 'demo' already, from where the network of the host cannot be reached" \
	'R81: the host: likewise'
try vpnrun none vpnrun demo $get
like "$out" '^125 .*inside a sandbox without a network' 'R81: from none: likewise'
try vpnrun none vpnrun -- $get
like "$out" '^125 .*inside a sandbox without a network' 'R81: and the default is no way out of it'
for o in --strict '--dns 9.9.9.9' '--allow /run/x' '-p 9000:80' '--reach 80' '-e 4000'; do
	try vpnrun demo vpnrun $o demo true
	like "$out" "^125 .*which ${o%% *} cannot change any more" "R81: ${o%% *} is too late inside: refused"
done
try vpnrun demo vpnrun none $get
is "${out%% *}" 7 'R81: no network at all can be had inside'
try vpnrun demo vpnrun none vpnrun demo $get
like "$out" '^125 .*without a network' 'and there one is in none'

# --- vpnctl ---------------------------------------------------------------------------------------

try vpnrun demo vpnctl status
like "$out" "^0 this is inside a sandbox of VPN 'demo', as 10\.20\.1\.[0-9]+"$'\n''How the VPNs are' 'R81: vpnctl status inside tells the truth'
try vpnrun demo vpnctl status demo
like "${out%% *}" 0 'R81: by name, too'
try vpnrun demo vpnctl status other
like "$out" "^1 vpnctl: this is inside a sandbox of 'demo'" 'R81: another: cannot be seen from there'
try vpnrun none vpnctl status
like "$out" '^0 this is inside a sandbox without a network' 'R81: in none'
for c in 'up demo' list 'down demo' 'leak-test demo'; do
	try vpnrun demo vpnctl $c
	is "$out" "1 vpnctl: this is inside a sandbox of 'demo': 'vpnctl ${c%% *}' works outside only" "R81: vpnctl $c: where"
done
try vpnrun demo vpnctl allowed-ips 10.0.0.0/8
is "$out" '0 10.0.0.0/8' 'what needs nothing of the host works'

# --- never on trust -------------------------------------------------------------------------------

is "$($RIG_CAPTURE stop)" 0 'nothing of all that left by the uplink'
is "$(as_user env VPNRUN_VPN=demo $get)" clear 'control: the host goes in the clear'
try env VPNRUN_VPN=demo vpnrun demo $get
is "$out" '0 demo' 'R81: VPNRUN_VPN set outside makes nobody believe: a sandbox is made'
try env VPNRUN_VPN=demo vpnctl status demo
like "$out" '^0 NAME' 'nor vpnctl'
record=$RIG_DIR/record
# One that stays inside, and tries again when it is told to.
coproc inside { as_user vpnrun demo sh -c 'cat /run/vpnrun-sandbox >"$1"; echo $$; read -r _
	vpnrun demo $2 2>&1; echo $?' x "$home/record" "$get"; }
read -r holder <&"${inside[0]}"
cp "$home/record" "$record"
# The same record in a mount namespace of the user's own, with the host's network around it.
try unshare -Urm sh -c 'mount -t tmpfs none /run && cp "$1" /run/vpnrun-sandbox && shift && exec "$@"' x "$record" vpnrun demo $get
like "$out" "^125 vpnrun: this is inside a sandbox of 'demo', but in another network than its own; start 'curl' outside" \
	'R81: a copied record around the clear network: refused'
# One that was made for the host's own network namespace: it has no cable.
forge='
open my $f, "<", $ARGV[0] or die; binmode $f; local $/; my $r = <$f>;
my ($dev, $ino) = (stat "/proc/self/ns/net")[0, 1];
substr($r, -16) = pack "QQ", $dev, $ino;
if ($ARGV[2] eq "none") { substr($r, 8, 16) = pack "a16", "none"; substr($r, 64, 1) = "\0"; }
open my $o, ">", $ARGV[1] or die; print $o $r; close $o;'
for vpn in demo none; do
	try unshare -Urm sh -c 'mount -t tmpfs none /run && perl -e "$1" "$2" /run/vpnrun-sandbox '$vpn' && shift 2 && exec "$@"' x "$forge" "$record" \
		vpnrun $vpn $get
	like "$out" "^125 vpnrun: this is inside a sandbox of '$vpn', wh" "R81: a record forged for the clear network, $vpn: refused"
done
for text in '' x "$(head -c 200 /dev/zero | tr '\0' A)"; do
	printf %s "$text" >"$RIG_DIR/bad"
	chmod 644 "$RIG_DIR/bad"
	try unshare -Urm sh -c 'mount -t tmpfs none /run && cp "$1" /run/vpnrun-sandbox && shift && exec "$@"' x "$RIG_DIR/bad" vpnrun demo $get
	like "$out" '^125 vpnrun: /run/vpnrun-sandbox is not the record' "a record of ${#text} bytes: refused"
done
try unshare -Urm sh -c 'mount -t tmpfs none /run && mkfifo /run/vpnrun-sandbox && exec "$@"' x vpnrun demo $get
like "$out" '^125 ' 'a FIFO: refused, and nobody waits'

# The cable goes while somebody is inside.
vpnctl kick demo --pid "$holder" >/dev/null
eval "exec ${inside[1]}>&-"
out=$(cat <&"${inside[0]}")
like "$out" "^vpnrun: this is inside a sandbox of 'demo', whose cable is gone; start 'curl' outside"$'\n''125$' \
	'R81: after kick: says so, and runs nothing'
# shellcheck disable=SC2154 # set by coproc
wait "$inside_PID" 2>/dev/null
finish
