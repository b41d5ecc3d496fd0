/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns vpnrun's command line. What follows the command's name is the command's: nothing behind it
 * may ever be read as an option of ours. Touches nothing. Called by main.
 */
#include "line/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "line/find.h"
#include "session/words.h"

const char line_usage[] =
	"usage: vpnrun [OPTION...] VPN [--] [COMMAND [ARGUMENT...]]\n"
	"       vpnrun [OPTION...] -- COMMAND [ARGUMENT...]      the VPN with the lowest id\n"
	"       vpnrun --with PID [--] [COMMAND [ARGUMENT...]]   in a sandbox that runs already\n"
	"\n"
	"Runs COMMAND (else your shell) so that all its traffic goes through VPN: a name, or\n"
	"  default, -          the VPN with the lowest id\n"
	"  none                no network but its own loopback\n"
	"  host                the host's network; changes only what --dns says\n"
	"\n"
	"  --dns ADDRESS       ask this name server; may be repeated\n"
	"  --policy NAME       what the command may do: default, browser, i386, strict, none, or yours\n"
	"  --strict            policy strict; no session, display, sound, /tmp or /dev of yours\n"
	"  --allow WHAT        give back a PATH that is hidden, or a socket of somebody's; or a word:\n"
	"                      wayland, x11, sound (with --strict); bus, the session's own, whole\n"
	"  --keep-fd N         hand on the open descriptor N, whatever it is\n"
	"  -p [ADDR:]HOST:INSIDE[/udp]  localhost:HOST outside reaches the command's INSIDE\n"
	"  --reach PORT        inside, localhost:PORT reaches the host's; or INSIDE:HOST, ADDR:PORT\n"
	"  -e PORT[/udp]       the VPN's side reaches the command's PORT; OUTER:INNER; or natpmp\n"
	"  --lan; --with PID   reach what \"allow_lan\" names; enter the sandbox of process PID\n"
	"  --allow-running     start a browser although one that runs outside may take the window\n"
	"  --as-root, --user USER  with sudo: be root, or USER, and not who called sudo\n"
	"  --socket PATH       where the broker listens; -v, --verbose: say each step; -h, --help; --version\n"
	"\n"
	"Exit status: COMMAND's own; 125 vpnrun failed, 126 COMMAND cannot be executed, 127 not found.\n";

enum option {
	OPT_VERBOSE,
	OPT_STRICT,
	OPT_LAN,
	OPT_ALLOW_RUNNING,
	OPT_AS_ROOT,
	OPT_NOTIFY,
	OPT_HELP,
	OPT_VERSION,
	OPT_DNS, /* from here on with a value */
	OPT_POLICY,
	OPT_ALLOW,
	OPT_KEEP_FD,
	OPT_WITH,
	OPT_SOCKET,
	OPT_PUBLISH,
	OPT_REACH,
	OPT_EXPOSE,
	OPT_USER,
};

static const struct {
	const char *name;
	enum option option;
} table[] = {
	{"-p", OPT_PUBLISH},	    {"--publish", OPT_PUBLISH},
	{"--reach", OPT_REACH},	    {"-v", OPT_VERBOSE},
	{"--verbose", OPT_VERBOSE}, {"--strict", OPT_STRICT},
	{"--lan", OPT_LAN},	    {"-h", OPT_HELP},
	{"--help", OPT_HELP},	    {"--version", OPT_VERSION},
	{"--dns", OPT_DNS},	    {"--policy", OPT_POLICY},
	{"--allow", OPT_ALLOW},	    {"--keep-fd", OPT_KEEP_FD},
	{"--with", OPT_WITH},	    {"-e", OPT_EXPOSE},
	{"--expose", OPT_EXPOSE},   {"--as-root", OPT_AS_ROOT},
	{"--notify", OPT_NOTIFY},   {"--user", OPT_USER},
	{"--socket", OPT_SOCKET},   {"--allow-running", OPT_ALLOW_RUNNING},
};

void line_option_names(char *ret, size_t size)
{
	size_t len = 0;

	*ret = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(table) && len < size; i++)
		len += (size_t)snprintf(ret + len, size - len, "%s%s%s", i ? " " : "",
					table[i].name, table[i].option >= OPT_DNS ? "=" : "");
}

static int add_dns(struct line_options *o, const char *v, struct err *e)
{
	struct names_dns *d = &o->dns[o->n_dns];

	if (o->n_dns == NAMES_DNS_MAX)
		return err_set(e, -E2BIG, "more than %d --dns", NAMES_DNS_MAX);
	d->family = strchr(v, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(d->family, v, d->addr) != 1)
		return err_set(e, -EINVAL, "--dns %s: not an IP address", v);
	o->n_dns++;
	return 0;
}

static int add_allow(struct line_options *o, const char *v, struct err *e)
{
	unsigned int word = session_word(v);

	o->words |= word;
	if (word)
		return 0;
	if (o->n_allow == LINE_ALLOW_MAX)
		return err_set(e, -E2BIG, "more than %d --allow", LINE_ALLOW_MAX);
	if (v[0] != '/')
		return err_set(e, -EINVAL, "--allow %s: neither an absolute path nor one of: %s", v,
			       session_word_list);
	o->allow[o->n_allow++] = v;
	return 0;
}

static int add_keep_fd(struct line_options *o, const char *v, struct err *e)
{
	uint64_t fd;

	if (o->n_keep_fd == LINE_KEEP_MAX)
		return err_set(e, -E2BIG, "more than %d --keep-fd", LINE_KEEP_MAX);
	if (str_uint(v, 0, INT32_MAX, &fd) < 0)
		return err_set(e, -EINVAL, "--keep-fd %s: not a descriptor's number", v);
	o->keep_fd[o->n_keep_fd++] = (int)fd;
	return 0;
}

static int set_value(struct line_options *o, enum option option, const char *v, struct err *e)
{
	uint64_t pid;

	switch (option) {
	case OPT_DNS:
		return add_dns(o, v, e);
	case OPT_ALLOW:
		return add_allow(o, v, e);
	case OPT_KEEP_FD:
		return add_keep_fd(o, v, e);
	case OPT_WITH:
		if (str_uint(v, 1, INT32_MAX, &pid) < 0)
			return err_set(e, -EINVAL, "--with %s: not a process id", v);
		o->with_pid = (int)pid;
		return 0;
	case OPT_POLICY:
		o->policy = v;
		return 0;
	case OPT_SOCKET:
		o->socket = v;
		return 0;
	case OPT_PUBLISH:
		return relay_spec_add(&o->publish, "-p", v, e);
	case OPT_REACH:
		return relay_reach_add(&o->reach, "--reach", v, e);
	case OPT_EXPOSE:
		return inbound_parse(&o->expose, "-e", v, e);
	case OPT_VERBOSE:
		o->verbose = true;
		return 0;
	case OPT_STRICT:
		o->strict = true;
		return 0;
	case OPT_LAN:
		o->lan = true;
		return 0;
	case OPT_ALLOW_RUNNING:
		o->allow_running = true;
		return 0;
	case OPT_AS_ROOT:
		o->as_root = true;
		return 0;
	case OPT_USER:
		o->user = v;
		return 0;
	case OPT_NOTIFY:
		o->notify = true;
		return 0;
	case OPT_HELP:
		o->help = true;
		return 0;
	case OPT_VERSION:
		o->version = true;
		return 0;
	}
	return -EINVAL;
}

/* Takes the option at argv[*i] with its value. */
static int take_option(int argc, char **argv, int *i, struct line_options *o, struct err *e)
{
	const char *arg = argv[*i], *value = strchr(arg, '=');
	size_t len = value ? (size_t)(value - arg) : strlen(arg);

	for (size_t k = 0; k < ARRAY_SIZE(table); k++) {
		if (strlen(table[k].name) != len || strncmp(table[k].name, arg, len) != 0)
			continue;
		if (table[k].option < OPT_DNS && value)
			return err_set(e, -EINVAL, "%s takes no value", table[k].name);
		if (table[k].option < OPT_DNS)
			return set_value(o, table[k].option, "", e);
		if (!value && ++*i >= argc)
			return err_set(e, -EINVAL, "%s needs a value", table[k].name);
		return set_value(o, table[k].option, value ? value + 1 : argv[*i], e);
	}
	return err_set(e, -EINVAL, "unknown option %s; see: vpnrun --help", arg);
}

static int check(const struct line_options *o, struct err *e)
{
	if (o->with_pid &&
	    (o->n_dns || o->n_allow || o->words || o->socket || o->expose.n || o->lan))
		return err_set(e, -EINVAL,
			       "--with enters a sandbox as it is: --dns, --allow, -e, --lan and "
			       "--socket do not go with it");
	if (o->as_root && o->user)
		return err_set(e, -EINVAL, "--as-root and --user USER do not go together");
	if (o->user && !o->user[0])
		return err_set(e, -EINVAL, "--user: the name is empty");
	if (!o->with_pid && !o->vpn && !o->command && !o->help && !o->version)
		return err_set(e, -EINVAL, "no VPN and no command; see: vpnrun --help");
	return 0;
}

int line_parse(int argc, char **argv, struct line_options *ret, struct err *e)
{
	struct line_options o = {0};
	int i, r;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		if (argv[i][0] == '-' && argv[i][1]) {
			r = take_option(argc, argv, &i, &o, e);
			if (r < 0 && o.vpn)
				line_hint_command(o.vpn, e);
			if (r < 0)
				return r;
			continue;
		}
		/* The first word is the VPN, and options may still follow it; the next is the
		 * command. */
		if (o.vpn || o.with_pid)
			break;
		if (!argv[i][0])
			return err_set(e, -EINVAL, "the VPN's name is empty");
		o.vpn = argv[i];
	}
	if (o.with_pid && o.vpn)
		return err_set(e, -EINVAL,
			       "--with takes no VPN: put it first, as in vpnrun --with "
			       "PID COMMAND");
	if (i < argc)
		o.command = argv + i;
	r = check(&o, e);
	if (r == 0)
		*ret = o;
	return r;
}
