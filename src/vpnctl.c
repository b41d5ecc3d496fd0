/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl: one table of commands; --help is printed from it. Each command is a file of ctl/.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/near.h"
#include "base/util.h"
#include "ctl/ctl.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *args;
	const char *help; /* NULL: hidden */
} commands[] = {
	{"up", ctl_up, "NAME...", "bring VPNs up, each in a network namespace of its own"},
	{"down", ctl_down, "[--force] NAME...", "take them down; --force unplugs who is inside"},
	{"restart", ctl_restart, "NAME...", "a new tunnel by the file as it is now"},
	{"default", ctl_default, "NAME|none [--strict]",
	 "the whole machine's traffic by a VPN, or back"},
	{"status", ctl_status, "[NAME] [--json]", "what is up, its traffic, and who is inside"},
	{"list", ctl_list, "[--json]", "the VPNs that are configured"},
	{"kick", ctl_kick, "NAME --uid U|--pid P", "unplug a user's or a process's cables"},
	{"publish", ctl_publish, "NAME [ADDR:]HOST:INSIDE[/udp]...",
	 "localhost:HOST reaches the VPN's own INSIDE"},
	{"import", ctl_import, "FILE [--name N] [--id I] [--up]",
	 "install a provider's WireGuard file"},
	{"check", ctl_check, "[--json] FILE", "validate a .conf or .json file, touching nothing"},
	{"policy", ctl_policy, "check|install|list|show ...",
	 "explain and install confinement policies"},
	{"ip", ctl_ip, "[NAME] [--expect IP] [--json]", "the public address of a VPN's traffic"},
	{"leak-test", ctl_leak_test, "NAME [--cut]", "see that nothing leaves but by the VPN"},
	{"allowed-ips", ctl_allowed_ips, "LIST [--minus LIST]",
	 "what remains of AllowedIPs without some ranges"},
	{"wrap", ctl_wrap, "PROGRAM --vpn NAME [--policy P]",
	 "make a user's program always go by a VPN"},
	{"unwrap", ctl_unwrap, "PROGRAM", "undo that"},
	{"oci", ctl_oci, "enable|disable|status", "let podman's containers use VPNs by annotation"},
	{"confine", ctl_confine, "UNIT --vpn NAME", "put an existing service into a VPN"},
	{"release", ctl_release, "UNIT", "and take it out again"},
	{"confined-etc", ctl_confined_etc, "", NULL},
	{"revive", ctl_revive, "", NULL},
	{"serve-default", ctl_serve_default, "", NULL},
	{"supervise", ctl_supervise, "", NULL},
	{"leak-probe", ctl_leak_probe, "", NULL},
};

static void usage(FILE *f)
{
	fputs("usage: vpnctl COMMAND ...\n\n", f);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].help)
			fprintf(f, "  %-11s %-32s %s\n", commands[i].name, commands[i].args,
				commands[i].help);
	fputs("\nFiles: /etc/vpnrun/NAME.json, one a VPN. Manual: vpnctl(8), vpnrun.json(5).\n", f);
}

/* A typing error is answered by a line, not by the whole list. */
static int fail_unknown(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].help && near_name(name, commands[i].name)) {
			log_error("unknown command '%.40s'; did you mean '%s'?", name,
				  commands[i].name);
			return 2;
		}
	log_error("unknown command '%.40s'", name);
	usage(stderr);
	return 2;
}

int main(int argc, char **argv)
{
	log_program = "vpnctl";
	util_forbid_cores(); /* many commands hold keys */
	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("vpnctl " VPNRUN_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name)) {
			int rc = ctl_inside(argc - 1, argv + 1);

			if (rc < 0)
				rc = commands[i].run(argc - 1, argv + 1);
			if (fflush(stdout) != 0 && rc == 0) {
				log_error("cannot write the output");
				rc = 1;
			}
			return rc;
		}
	return fail_unknown(argv[1]);
}
