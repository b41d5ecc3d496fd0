# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016 # a script for another shell
# A flatpak without any repository in the world: org.example.Hello shows its resolv.conf and fetches by
# a name, with a runtime made on the spot. Needs flatpak and a static busybox.
make_flatpak() { as_user sh -ec 'mkdir -p "$HOME/flat" && cd "$HOME/flat"
	arch=$(flatpak --default-arch)
	of=$(printf "runtime=org.example.Platform/%s/1\nsdk=org.example.Platform/%s/1" "$arch" "$arch")
	mkdir -p rt/files rt/usr/bin app/files/bin app/export
	cp "$(command -v busybox)" rt/usr/bin/busybox
	for a in sh cat wget; do ln -s busybox rt/usr/bin/$a; done
	printf "[Runtime]\nname=org.example.Platform\n%s\n" "$of" >rt/metadata
	printf "#!/bin/sh\ncat /etc/resolv.conf; wget -q -O - http://$1/\n" >app/files/bin/hello
	chmod 755 app/files/bin/hello
	printf "[Application]\nname=org.example.Hello\n%s\ncommand=hello\n[Context]\nshared=network;\n" "$of" >app/metadata
	flatpak build-export -r repo rt 1
	flatpak build-export repo app 1
	flatpak --user remote-add --no-gpg-verify local repo
	flatpak --user install -y --noninteractive local org.example.Hello//1' - "$RIG_NAME4"; }
# It asks the system's bus for parental controls; of the rig's own /run. system_bus START...
system_bus() {
	mkdir -p /run/dbus
	cat >"$RIG_DIR/system.conf" <<'END'
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
END
	"$@" dbus-daemon --config-file="$RIG_DIR/system.conf" --nofork --nopidfile
	wait_for 5 test -S /run/dbus/system_bus_socket
}
