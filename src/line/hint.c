/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that fail inside by what a sandbox is, and say so in words that lead astray: sudo speaks
 * of containers, podman of a migration, su of a wrong password. One line before theirs says why,
 * and what to do instead. Called by launch/run.c.
 */
#include "line/hint.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "running/command.h"

#define SETUID "gains no privilege inside a sandbox"

static const struct {
	const char *name;
	bool root_too; /* also where root runs it */
	const char *text;
} hints[] = {
	{"sudo", false, SETUID "; to run a command as root: sudo vpnrun --as-root VPN COMMAND"},
	{"doas", false, SETUID "; to run a command as root: doas vpnrun --as-root VPN COMMAND"},
	{"pkexec", false, SETUID "; to run a command as root: sudo vpnrun --as-root VPN COMMAND"},
	{"run0", true,
	 "asks a service outside the sandbox, which is not there; to run a command as "
	 "root: sudo vpnrun --as-root VPN COMMAND"},
	{"su", false,
	 SETUID "; to run a command as another user: sudo vpnrun --user USER VPN COMMAND"},
	{"crontab", false, SETUID "; run it outside, and write vpnrun into the job"},
	{"at", false, SETUID "; run it outside, and write vpnrun into the job"},
	{"firejail", false, SETUID "; outside, firejail --net=br-NAME uses a VPN of layout bridge"},
	{"podman", false,
	 "needs setuid helpers, which gain no privilege inside a sandbox; outside, a "
	 "container gets a VPN by an annotation: see vpnrun-hook(8)"},
	{"buildah", false,
	 "needs setuid helpers, which gain no privilege inside a sandbox; run it "
	 "outside"},
	{"docker", true,
	 "asks a daemon outside the sandbox, which is not there; outside, a container "
	 "gets a VPN of its own: see vpnrun-hook(8)"},
	{"systemctl", true,
	 "asks the host's systemd, which is not there; to put a service into a VPN: "
	 "sudo vpnctl confine UNIT --vpn NAME"},
	{"systemd-run", true,
	 "asks the host's systemd, which is not there; name vpnrun in its command "
	 "instead: systemd-run --user vpnrun VPN COMMAND"},
	{"loginctl", true,
	 "asks a service outside the sandbox, which is not there; run it outside"},
	{"timedatectl", true,
	 "asks a service outside the sandbox, which is not there; run it outside"},
	{"hostnamectl", true,
	 "asks a service outside the sandbox, which is not there; run it outside"},
	{"nmcli", true, "asks a service outside the sandbox, which is not there; run it outside"},
	{"resolvectl", true,
	 "asks a service outside the sandbox, which is not there; run it outside"},
};

/* Commands for which `sudo vpnrun VPN ...` is typed, when it is meant for root. */
static const char *const roots[] = {"apt",    "apt-get",      "aptitude",     "dpkg",	"dnf",
				    "yum",    "rpm",	      "zypper",	      "pacman", "apk",
				    "emerge", "xbps-install", "nixos-rebuild"};

void line_say_hint(const char *command, bool by_sudo)
{
	const char *name = running_base(command);
	bool root = geteuid() == 0;

	for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
		if (!strcmp(name, hints[i].name) && (!root || hints[i].root_too))
			log_info("note: %s %s", name, hints[i].text);
	for (size_t i = 0; by_sudo && i < ARRAY_SIZE(roots); i++)
		if (!strcmp(name, roots[i]))
			log_info(
				"note: %s runs as you, not as root; for root: sudo vpnrun --as-root "
				"VPN %s ...",
				name, name);
}
