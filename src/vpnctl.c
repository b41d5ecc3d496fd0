/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl: one table of commands. From it --help is printed, the line is judged, and who is not root
 * is refused. A command is a file in ctl/ctl.h's rooms.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/near.h"
#include "base/progress.h"
#include "base/util.h"
#include "ctl/args.h"
#include "ctl/complete.h"
#include "ctl/ctl.h"
#include "line/options.h"

/* Of root alone, and the command says so itself when it has seen what else there is to say. */
static const char later[] = "";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *args;
	const char *help; /* NULL: hidden */
	struct args_rule rule;
} commands[] = {
	{"up",
	 ctl_up,
	 "[--no-wait] NAME...",
	 "bring VPNs up, each in a network namespace of its own",
	 {"--no-wait", 1, ARGS_MANY, ""}},
	{"down",
	 ctl_down,
	 "[--force] NAME...",
	 "take them down; --force unplugs who is inside",
	 {"--force", 1, ARGS_MANY, ""}},
	{"restart",
	 ctl_restart,
	 "[--no-wait] NAME...",
	 "a new tunnel by the file as it is now",
	 {"--no-wait", 1, ARGS_MANY, ""}},
	{"hold",
	 ctl_hold,
	 "[--off] NAME...",
	 "all but the tunnel: containers may start before up",
	 {"--off", 1, ARGS_MANY, ""}},
	{"switch",
	 ctl_switch,
	 "NAME [SERVER|next|random]",
	 "another server of a VPN that has many; its servers",
	 {"", 1, 2, later}},
	{"plan",
	 ctl_plan,
	 "NAME [--json|--nft]",
	 "all that up makes of the host's, without making it",
	 {"--json --nft", 1, 1, ""}},
	{"default",
	 ctl_default,
	 "VPN|none [--strict] [--boot]",
	 "the whole machine's traffic through a VPN, or back",
	 {"--strict --boot --hold --no-ip --url=", 0, 1, "--boot --hold"}},
	{"status",
	 ctl_status,
	 "[NAME] [--watch] [--json]",
	 "what is up, its traffic, and who is inside",
	 {"--watch --json", 0, 1, NULL}},
	{"list", ctl_list, "[--json]", "the VPNs that are configured", {"--json", 0, 0, NULL}},
	{"kick",
	 ctl_kick,
	 "NAME --uid U|--pid P",
	 "unplug a user's or a process's cables",
	 {"--uid= --pid=", 1, 1, ""}},
	{"publish",
	 ctl_publish,
	 "NAME [ADDR:]HOST:INSIDE[/udp]...",
	 "localhost:HOST reaches the VPN's own INSIDE",
	 {"", 2, ARGS_MANY, later}},
	{"import",
	 ctl_import,
	 "FILE|DIR|ZIP [--name N] [--up]",
	 "install WireGuard files, as downloaded",
	 {"--name= --id= --replace --up --no-wait", 1, ARGS_MANY, later}},
	{"remove", ctl_remove, "NAME...", "take VPNs away; rename OLD NEW", {"", 1, ARGS_MANY, ""}},
	{"rename", ctl_rename, "OLD NEW", "call a VPN otherwise", {"", 2, 2, ""}},
	{"check",
	 ctl_check,
	 "[--json] FILE",
	 "validate a .conf or .json file, touching nothing",
	 {"--json", 1, 1, NULL}},
	{"policy",
	 ctl_policy,
	 "check|install|list|show ...",
	 "explain and install confinement policies",
	 {"--name= --caps=", 1, 2, NULL}},
	{"ip",
	 ctl_ip,
	 "[NAME] [--expect IP] [--json]",
	 "the public address of a VPN's traffic",
	 {"--json --here -4 -6 --expect= --url= --timeout=", 0, 1, NULL}},
	{"leak-test",
	 ctl_leak_test,
	 "NAME [--cut] [--pid PID] [--json]",
	 "see that nothing leaves but by the VPN",
	 {"--cut --json --pid=", 1, 1, "--cut"}},
	{"allowed-ips",
	 ctl_allowed_ips,
	 "LIST [--minus LIST]",
	 "what remains of AllowedIPs without some ranges",
	 {"--minus=", 1, ARGS_MANY, NULL}},
	{"wrap",
	 ctl_wrap,
	 "PROGRAM --vpn NAME [--policy P]",
	 "always run a program in a VPN; undo: unwrap",
	 {"--vpn= --policy= --profile --check", 1, 1, NULL}},
	{"unwrap", ctl_unwrap, "PROGRAM", "undo that", {"", 1, 1, NULL}},
	{"oci",
	 ctl_oci,
	 "enable [--images]|disable|status",
	 "let podman's containers use VPNs by annotation",
	 {"--images", 1, 1, "enable disable"}},
	{"confine",
	 ctl_confine,
	 "UNIT --vpn NAME [--keep-bus] [--on-demand]",
	 "put a service into a VPN; undo: release",
	 {"--vpn= --keep-bus --on-demand", 1, 1, ""}},
	{"release", ctl_release, "UNIT", "and take it out again", {"", 1, 1, ""}},
	{"confined-etc", ctl_confined_etc, "", NULL, {0}},
	{"failover", ctl_failover, "", NULL, {.root = ""}},
	{"load", ctl_load, "", NULL, {.root = ""}},
	{"revive", ctl_revive, "", NULL, {.root = ""}},
	{"serve-default", ctl_serve_default, "", NULL, {0}},
	{"supervise", ctl_supervise, "", NULL, {.root = ""}},
	{"leak-probe", ctl_leak_probe, "", NULL, {0}},
};

/* Such a command has its words in the row of another, so that the list fits a screen. */
static bool is_listed(size_t i)
{
	return commands[i].help && commands[i].run != ctl_rename && commands[i].run != ctl_unwrap &&
	       commands[i].run != ctl_release;
}

static void usage(FILE *f)
{
	fputs("usage: vpnctl COMMAND ...\n", f);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (is_listed(i))
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

/* " Needs root." or " Needs root for enable and disable." */
static void print_root(const struct args_rule *rule)
{
	if (!rule->root)
		return;
	fputs(*rule->root ? " Needs root for " : " Needs root", stdout);
	for (const char *c = rule->root; *c; c++)
		if (*c == ' ')
			fputs(" and ", stdout);
		else
			putchar(*c);
	putchar('.');
}

static bool refuse(size_t i, int argc, char **argv)
{
	const char *what = args_root(argc, argv, &commands[i].rule);
	const char *blank = what && *what ? " " : "";
	char line[64];

	if (!what || what == later || geteuid() == 0)
		return false;
	str_fmt(line, sizeof(line), "%s%s%s", argv[0], blank, what);
	log_error("%s needs root; try: sudo vpnctl %s ...", line, line);
	return true;
}

/* What is for a program to read is not for eyes. */
static void forbid_progress(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--json"))
			progress_forbid();
}

static bool has_word(const char *text, const char *word, size_t len)
{
	for (const char *s = text; (s = strstr(s, "--")); s += 2)
		if (!strncmp(s, word, len) && s[len] != '-' && !isalpha((unsigned char)s[len]))
			return true;
	return false;
}

/* With the options that the list of all commands has no room for. */
static const char *full_usage(size_t i)
{
	const char *o = commands[i].rule.options;
	static char text[256];
	size_t len;

	str_copy(text, sizeof(text), commands[i].args);
	len = strlen(text);
	for (size_t n; o && *o; o += n + strspn(o + n, " ")) {
		bool valued;

		n = strcspn(o, " ");
		valued = o[n - 1] == '=';
		if (!has_word(text, o, n - valued) &&
		    str_fmt(text + len, sizeof(text) - len, " [%.*s%s]", (int)(n - valued), o,
			    valued ? " ..." : "") >= 0)
			len += strlen(text + len);
	}
	return text;
}

static int run(size_t i, int argc, char **argv)
{
	struct err e = ERR_INIT;
	int r = commands[i].help ? args_check(argc, argv, &commands[i].rule, &e) : 0;

	if (r < 0) {
		log_error("%s: %s; usage: vpnctl %s %s", argv[0], e.msg, argv[0], full_usage(i));
		return 2;
	}
	if (r > 0) {
		printf("usage: vpnctl %s %s\n\n%s.", argv[0], full_usage(i), commands[i].help);
		print_root(&commands[i].rule);
		puts(" Manual: vpnctl(8).");
		return 0;
	}
	forbid_progress(argc, argv);
	r = ctl_inside(argc, argv);
	if (r >= 0)
		return r;
	return refuse(i, argc, argv) ? 1 : commands[i].run(argc, argv);
}

/* vpnctl complete PROGRAM WORD...: what contrib/completion asks for. */
static void complete(int n, char **words)
{
	if (n >= 2 && !strcmp(words[0], "vpnrun")) {
		char options[512];

		line_option_names(options, sizeof(options));
		complete_launch(options, n - 1, words + 1, stdout);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		struct complete_rule rule = {commands[i].rule.options, commands[i].args};

		if (n == 2 && commands[i].help)
			printf("%s\t%s\n", commands[i].name, commands[i].help);
		else if (n > 2 && commands[i].help && !strcmp(words[1], commands[i].name))
			complete_command(&rule, n - 2, words + 2, stdout);
	}
	if (n == 2)
		puts("--help\n--version");
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
	if (!strcmp(argv[1], "complete")) {
		complete(argc - 2, argv + 2);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name)) {
			int rc = run(i, argc - 1, argv + 1);

			if (fflush(stdout) != 0 && rc == 0) {
				log_error("cannot write the output");
				rc = 1;
			}
			return rc;
		}
	return fail_unknown(argv[1]);
}
