#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# wrap.sh PACKAGE OUT VPNRUN VPN [POLICY]: makes OUT, which is PACKAGE but for its programs: each is a script that
# starts the package's own in the VPN, and what starts them by their whole path (menus, autostart, services of the
# session's bus and of the user's systemd, browsers' native-messaging hosts) starts the scripts. A package where one of
# these starts what is not in bin/ is refused: it would start without the VPN. The packages are made by home.nix.
set -euo pipefail
package=${1:?} out=${2:?} vpnrun=${3:?} vpn=${4:?} policy=${5:-}

cp -rs --no-preserve=mode -T "$package" "$out"
[ -d "$out/bin" ] || { echo "wrap: $package has no programs" >&2; exit 1; }
for f in "$out"/bin/*; do
	name=${f##*/}
	if [ ! -f "$f" ] || [ ! -x "$f" ]; then continue; fi
	rm "$f"
	{
		echo '#!/bin/sh'
		printf 'exec %q --notify %s%q -- %q "$@"\n' "$vpnrun" "${policy:+--policy $(printf %q "$policy") }" "$vpn" "$package/bin/$name"
	} >"$f"
	chmod 755 "$f"
done

starters=()
for d in share/applications etc/xdg/autostart share/dbus-1 share/systemd/user lib/systemd/user \
	lib/mozilla/native-messaging-hosts etc/opt/chrome/native-messaging-hosts etc/chromium/native-messaging-hosts; do
	[ -d "$out/$d" ] || continue
	while IFS= read -r -d '' f; do starters+=("$f"); done < <(find -L "$out/$d" -type f -print0)
done
for f in "${starters[@]}"; do
	# What the bus or systemd starts says "ready" by a name or a socket that is not there in a sandbox.
	text=$(sed -e "s|$package/bin/|$out/bin/|g" -e 's|^DBusActivatable=true$|DBusActivatable=false|' \
		-e 's/^SystemdService=.*//' -e 's/^Type=\(dbus\|notify\|notify-reload\)$/Type=exec/' "$f")
	if left=$(grep -F "$package/" <<<"$text" | grep -vE '^(Icon|Path)='); then
		printf 'wrap: %s would start without the VPN what is not in bin/ of %s:\n%s\n' "${f#"$out"/}" "$package" "$left" >&2
		exit 1
	fi
	rm "$f"
	printf '%s\n' "$text" >"$f"
done
