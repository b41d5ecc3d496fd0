#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The commands of README.md and of the manual pages' EXAMPLES, typed as they stand (R28). tests/lint/examples.list has
# all of them; those that need an engine or systemd are tried where these are. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
home=$(as_user sh -c 'echo $HOME')
stubs=$RIG_DIR/stubs
mkdir -p "$stubs" "$home/Downloads"
# What a VPN is for, in place of the programs that examples start: who are we, as others see us?
printf '#!/bin/sh\nexec curl -s -m 20 http://%s/\n' "$RIG_WEB4" >"$stubs/firefox"
chmod 755 "$stubs/firefox"
for p in chromium psql libreoffice ssh git program; do cp "$stubs/firefox" "$stubs/$p"; done
export PATH=$stubs:$PATH
cp /etc/vpnrun/demo.conf "$home/Downloads/mullvad.conf"
cp /etc/vpnrun/demo.conf "$home/Downloads/new.conf"
cp /etc/vpnrun/other.conf "$home/Downloads/wg-US-FREE-1.conf"
chown -R "$RIG_USER" "$home/Downloads"
chmod 600 "$home"/Downloads/*
# Each far end has room for one client.
vpnctl down --force demo other >/dev/null
rm /etc/vpnrun/demo.* /etc/vpnrun/other.*

# try COMMAND: as who reads the page types it, in a home that has what it names; what begins with sudo, root does.
# FOR: a sed script for what the rig has under another name. AS=root: the page speaks to root. RC: the status that is wanted. SAYS: a pattern in its output.
try() {
	local typed out rc
	typed=$(sed -e "${FOR:-}" -e "s,https://am.i.mullvad.net/[a-z]*,http://$RIG_WEB4/," <<<"$1")
	if [[ $typed == sudo\ * ]] || [ "${AS:-user}" = root ]; then
		out=$(eval "HOME=$home; ${typed#sudo }" 2>"$RIG_DIR/err" </dev/null)
	else
		out=$(as_user env PATH="$PATH" sh -c "cd; $typed" 2>"$RIG_DIR/err" </dev/null)
	fi
	rc=$?
	[ "$rc" = "${RC:-0}" ] || diag "$out" "$(cat "$RIG_DIR/err")"
	is "$rc" "${RC:-0}" "R28: $1"
	[ -z "${SAYS:-}" ] || like "$out" "$SAYS" "R28: $1: says what it should"
}

# --- a VPN ---------------------------------------------------------------------------------------

SAYS='mullvad is up' try 'sudo vpnctl import ~/Downloads/mullvad.conf --up'
try 'sudo vpnctl import ~/Downloads/wg-US-FREE-1.conf --name proton --up'
SAYS='mullvad.*proton|proton.*mullvad' try 'vpnctl list'
SAYS='up' try 'vpnctl status mullvad'
try 'sudo vpnctl up mullvad'
AS=root try 'vpnctl up mullvad'
try 'sudo vpnctl restart mullvad'
try 'sudo install -m 0600 ~/Downloads/new.conf /etc/vpnrun/mullvad.conf'
try 'sudo vpnctl check /etc/vpnrun/mullvad.json'
FOR='s/10.64.0.1/'"$RIG_WEB4"'/' try 'sudo ip netns exec mullvad ping -c 1 10.64.0.1'

# --- programs in it ------------------------------------------------------------------------------

SAYS='^demo$' try 'vpnrun mullvad curl https://am.i.mullvad.net/connected'
SAYS='^demo$' try 'vpnrun mullvad firefox'
SAYS='^demo$' try 'vpnrun -- firefox'
SAYS='^demo$' try 'vpnrun -- chromium'
try 'vpnrun mullvad'
SAYS='^clear$' try 'curl https://am.i.mullvad.net/connected'
FOR='s/ work / proton /' SAYS='^other$' try 'vpnrun work ssh host.example'
FOR='s/ work / proton /' SAYS='^other$' try 'vpnrun work git pull'
SAYS='^demo$' try 'vpnrun --reach 5432 mullvad psql -h localhost'
FOR='s/ --allow wayland//; s,\./program,program,' SAYS='^demo$' try 'vpnrun --strict --allow wayland mullvad ./program'
FOR='s/make test/true/' try 'vpnrun none make test'
FOR="s/9.9.9.9/$RIG_DNS_CLEAR/; s/example.org/$RIG_NAME/" try 'vpnrun host --dns 9.9.9.9 getent hosts example.org'
FOR='s/apt-get update/firefox/' SAYS='^demo$' try 'sudo vpnrun --as-root mullvad apt-get update'

# --- the machine ---------------------------------------------------------------------------------

FOR='s/default/default --no-ip/' try 'sudo vpnctl default mullvad'
FOR='s/ other / proton /' SAYS='^other$' try 'vpnrun other curl https://am.i.mullvad.net/ip'
FOR='s/default/default --no-ip/' try 'sudo vpnctl default --strict mullvad'
FOR='s/default/default --no-ip/' try 'sudo vpnctl default none'

# --- the end -------------------------------------------------------------------------------------

FOR="s/alice/$RIG_USER/" try 'sudo vpnctl kick mullvad --uid alice'
try 'sudo vpnctl down --force mullvad'
try 'sudo vpnctl remove mullvad'
finish
