#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is said to somebody who has typed something else than meant, or wants what cannot be inside.
# shellcheck disable=SC2086 # command lines
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
home=$(as_user sh -c 'echo $HOME')
bin=$home/bin
as_user mkdir -p "$bin"
try() { out=$(as_user "$@" 2>&1); out="$? $out"; }

# --- names ----------------------------------------------------------------------------------------

try vpnrun curl
like "$out" "^125 vpnrun: there is no VPN 'curl'; there are: demo \(up\), other \(up\); 'curl' is a program; did you mean: vpnrun -- curl\$" \
	'the commonest first mistake: the VPN is missing'
try vpnrun curl -s "http://$RIG_WEB4/"
like "$out" "^125 vpnrun: unknown option -s; .*'curl' is a program; did you mean: vpnrun -- curl\$" 'also with an option of its own'
try vpnrun -- curl -s "http://$RIG_WEB4/"
is "$out" '0 demo' 'what is said there works'
for word in dmeo demos deno DEMO dem; do
	try vpnrun $word true
	like "$out" "^125 .*there is no VPN '$word'; there are: demo \(up\), other \(up\); did you mean 'demo'\?\$" "$word: did you mean"
done
try vpnrun nothing true
like "$out" "other \(up\)\$" 'and nothing is said of what is near to none'
printf '{ "id": 40, "confg": "/etc/wireguard/x.conf" }\n' >/etc/vpnrun/typo.json
printf '{ "id": 41, "config": "/etc/wireguard/x.conf" }\n' >/etc/vpnrun/aaa.json
try vpnrun typo true
is "$out" "125 vpnrun: VPN 'typo' is down, and its file has an error; see: vpnctl check /etc/vpnrun/typo.json" 'W9: a file with an error: says so'
try vpnctl check /etc/vpnrun/typo.json
like "$out" '^1 .*confg: there is no such key' 'W9: and what it names says which'
try vpnrun aaa true
is "$out" "125 vpnrun: VPN 'aaa' is down; bring it up with: sudo vpnctl up aaa" 'W9: one without is only down'
try vpnrun nothing true
like "$out" 'there are: aaa \(down\), demo \(up\), other \(up\), typo \(down\)$' 'lists are sorted'
rm /etc/vpnrun/typo.json /etc/vpnrun/aaa.json
for pair in stauts:status lsit:list UP:up cheque: Down:down; do
	try vpnctl ${pair%:*}
	if [ -n "${pair#*:}" ]; then
		is "$out" "2 vpnctl: unknown command '${pair%:*}'; did you mean '${pair#*:}'?" "vpnctl ${pair%:*}: one line"
	else
		like "$out" "^2 vpnctl: unknown command '${pair%:*}'"$'\n''usage: ' 'vpnctl: what is near to none gets the list'
	fi
done

# --- programs that cannot do their work inside ----------------------------------------------------

for p in sudo su docker systemctl crontab podman firejail pkexec doas other; do
	printf '#!/bin/sh\nexit 5\n' >"$bin/$p"
done
chmod 755 "$bin"/*
why() { try env PATH="$bin:$PATH" vpnrun "$@"; }
for p in sudo su crontab podman firejail pkexec doas; do
	why demo $p x
	like "$out" "^5 vpnrun: note: $p .*gains? no privilege inside a sandbox" "$p: one line says why, and it runs"
done
for p in docker systemctl; do
	why demo $p x
	like "$out" "^5 vpnrun: note: $p asks .* which is not there" "$p: one line says why, and it runs"
done
why none sudo
like "$out" 'note: sudo' 'without a network likewise'
why demo other
is "$out" '5 ' 'another program: nothing'
why demo sh -c sudo
is "$out" '5 ' 'nor where it is not what was typed'
why host sudo
is "$out" '5 ' 'nor on the host'
why --allow /run/user demo docker
is "$out" '5 ' 'nor to whom has given something back'

# --- who it runs as -------------------------------------------------------------------------------

id_of() { out=$(SUDO_UID=$RIG_UID SUDO_GID=$RIG_UID SUDO_USER=$RIG_USER "$@" 2>&1); out="$? $out"; }
get="curl -s -m 5 http://$RIG_WEB4/"
id_of vpnrun demo sh -c "id -un; $get"
is "$out" "0 $RIG_USER"$'\n'demo 'under sudo: who called it'
id_of vpnrun --as-root demo sh -c "id -un; $get"
is "$out" $'0 root\ndemo' 'W6: --as-root: root, by the VPN'
id_of vpnrun --user "$RIG_STRANGER" host id -un
is "$out" "0 $RIG_STRANGER" '--user: another'
id_of vpnrun --user "$RIG_UID" demo sh -c "id -un; echo \$HOME; $get"
is "$out" "0 $RIG_USER"$'\n'"$home"$'\n'demo '--user: by number'
id_of vpnrun --user "$RIG_STRANGER" demo true
like "$out" '^125 .*may not' '--user: with the rights of that user'
id_of vpnrun --user nosuch demo true
like "$out" '^125 vpnrun: --user nosuch: /etc/passwd has no such user' '--user: nobody'
out=$(vpnrun --user "$RIG_USER" demo id -un 2>&1)
is "$out" "$RIG_USER" '--user: without sudo'
id_of vpnrun --as-root --user root demo true
like "$out" '^125 .*do not go together' 'both: refused'
try vpnrun --as-root demo true
like "$out" '^125 vpnrun: --as-root is for root: sudo vpnrun --as-root' '--as-root: not by a user'
try vpnrun --user root demo true
like "$out" '^125 vpnrun: --user is for root: sudo vpnrun --user root' '--user: not by a user'
cp "$bin/other" "$bin/apt-get"
id_of env PATH="$bin:$PATH" vpnrun demo apt-get update
is "$out" '5 vpnrun: note: apt-get runs as you, not as root; for root: sudo vpnrun --as-root VPN apt-get ...' 'W6: what is meant for root: says how'
id_of env PATH="$bin:$PATH" vpnrun --as-root demo apt-get update
is "$out" '5 ' 'W6: and then nothing is said'
finish
