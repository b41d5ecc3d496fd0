/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arguments of runc and crun. What is not known is refused, for whichever container: an option
 * that takes a value would pass for the command, or another one name the configuration that is
 * started, and the container would run without what it asks for. Pure. Called by main.
 */
#include "runtime/call.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/util.h"

/* "+" in front: takes a value. */
static const char *const global_options[] = {
	"+--root", "+--log",  "+--log-format",	  "+--log-level", "+--criu", "+--rootless",
	"--debug", "--help",  "--version",	  "-h",		  "-v",	     "+--cgroup-manager",
	"-V",	   "--usage", "--systemd-cgroup", NULL,
};
static const char *const start_options[] = {
	"+--bundle",
	"+-b",
	"+--console-socket",
	"+--pid-file",
	"+--preserve-fds",
	"--no-pivot",
	"--keep",
	"+--pidfd-socket",
	"--detach",
	"--no-new-keyring",
	"-d",
	"--no-subreaper",
	NULL,
};
static const char *const restore_options[] = {
	"+--bundle",
	"+-b",
	"+--console-socket",
	"+--pid-file",
	"--no-pivot",
	"--detach",
	"-d",
	"--no-subreaper",
	"+--work-path",
	"+--image-path",
	"--tcp-established",
	"--ext-unix-sk",
	"--shell-job",
	"--file-locks",
	"+--empty-ns",
	"+--manage-cgroups-mode",
	"--auto-dedup",
	"--lazy-pages",
	"+--lsm-profile",
	"+--lsm-mount-context",
	"--tcp-close",
	"--skip-in-flight",
	NULL,
};
static const char *const exec_options[] = {
	"+--console-socket",
	"+--cwd",
	"+--env",
	"+-e",
	"--tty",
	"-t",
	"+--user",
	"+-u",
	"+-g",
	"+--additional-gids",
	"+--process",
	"+-p",
	"--detach",
	"-d",
	"+--pid-file",
	"+--process-label",
	"+--apparmor",
	"+--cap",
	"+-c",
	"--no-new-privs",
	"+--preserve-fds",
	"+--cgroup",
	"--ignore-paused",
	"+--pidfd-socket",
	NULL,
};
static const char *const others[] = {
	"checkpoint", "delete", "events", "features", "help",  "kill",	"list",	  "mounts",
	"pause",      "ps",	"resume", "spec",     "start", "state", "update",
};

/* 1: with a value, 0: without, -1: unknown. */
static int kind_of(const char *const *list, const char *option)
{
	size_t len = strcspn(option, "=");

	for (; *list; list++) {
		bool value = **list == '+';

		if (!strncmp(*list + value, option, len) && !(*list)[value + len])
			return value;
	}
	return -1;
}

static int unknown(const char *option, const char *what, struct err *e)
{
	return err_set(e, -EINVAL,
		       "the option %.60s of %.30s is unknown to vpnrun-runtime, which could not "
		       "tell what is started: leave it out, or give the engine another runtime",
		       option, what);
}

static void take(struct call *c, const char *option, const char *value)
{
	size_t len = strcspn(option, "=");

#define IS(name) (len == strlen(name) && !strncmp(option, name, len))
	if (IS("--log-format"))
		c->log_format = value;
	else if (IS("--log"))
		c->log = value;
	else if (IS("--bundle") || IS("-b"))
		c->bundle = value;
	else if (IS("--process") || IS("-p"))
		c->process = value;
#undef IS
}

/* Reads from *at on, as long as there are options. */
static int parse_options(struct call *c, const char *const *list, int *at, const char *what,
			 struct err *e)
{
	for (; *at < c->argc && c->argv[*at][0] == '-'; ++*at) {
		const char *option = c->argv[*at], *value = strchr(option, '=');
		int kind = kind_of(list, option);

		if (kind < 0 || (kind == 0 && value))
			return unknown(option, what, e);
		if (kind && !value && *at + 1 == c->argc)
			return err_set(e, -EINVAL, "the option %.60s wants a value", option);
		if (kind)
			take(c, option, value ? value + 1 : c->argv[++*at]);
	}
	return 0;
}

static const char *const *options_of(const char *verb)
{
	if (!strcmp(verb, "create") || !strcmp(verb, "run"))
		return start_options;
	if (!strcmp(verb, "restore"))
		return restore_options;
	return !strcmp(verb, "exec") ? exec_options : NULL;
}

static bool is_other(const char *verb)
{
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(verb, others[i]))
			return true;
	return false;
}

static int parse_verb(struct call *c, struct err *e)
{
	const char *verb = c->argv[c->verb];
	const char *const *list = options_of(verb);
	int at = c->verb + 1, r;

	if (!list && !is_other(verb))
		return err_set(e, -EINVAL,
			       "the command %.60s is unknown to vpnrun-runtime, which could not "
			       "tell whether it starts a container",
			       verb);
	r = list ? parse_options(c, list, &at, verb, e) : 0;
	/* crun takes options behind the container's name, too; behind that of exec is a command. */
	for (at++; r == 0 && list && list != exec_options && at < c->argc; at++)
		if (c->argv[at][0] == '-')
			r = unknown(c->argv[at], verb, e);
	return r;
}

/* A link called vpnrun-runtime@ANNOTATION, for engines that keep a runtime's path and nothing else.
 */
static const char *spec_of_name(const char *path)
{
	static const char head[] = "vpnrun-runtime@";
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return str_starts(name, head) ? name + sizeof(head) - 1 : NULL;
}

/* Our own options come first; engines put theirs behind ("runtimeArgs"). */
static void take_own(int argc, char **argv, struct call *c)
{
	static char runc[] = "runc";
	int own = 1;

	*c = (struct call){
		.argv = argv, .bundle = ".", .log_format = "", .spec = spec_of_name(argv[0])};
	argv[0] = runc;
	for (; own < argc; own++) {
		if (str_starts(argv[own], "--vpnrun="))
			c->spec = argv[own] + strlen("--vpnrun=");
		else if (str_starts(argv[own], "--runtime="))
			argv[0] = argv[own] + strlen("--runtime=");
		else
			break;
	}
	argv[own - 1] = argv[0];
	c->argv = argv + own - 1;
	c->argc = argc - (own - 1);
}

int call_parse(int argc, char **argv, struct call *ret, struct err *e)
{
	int at = 1, r;

	take_own(argc, argv, ret);
	r = parse_options(ret, global_options, &at, ret->argv[0], e);
	ret->verb = at;
	if (r == 0 && at < ret->argc)
		r = parse_verb(ret, e);
	if (strcmp(ret->log_format, "json") != 0)
		ret->log = NULL;
	return r;
}
