/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl kick NAME --uid U | --pid P`: unplugs cables on the VPN's side. The program at the other
 * end goes on, without a network. Who may plug in anew is decided elsewhere.
 */
#include "ctl/ctl.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/progress.h"
#include "ctl/show.h"
#include "look/view.h"

static int usage(void)
{
	log_error("usage: vpnctl kick NAME --uid USER|--pid PID");
	return CTL_USAGE;
}

/* A number or a user's name; -1: neither. */
static int64_t parse_user(const char *text)
{
	const struct passwd *pw;
	uint64_t v;

	if (str_uint(text, 0, UINT32_MAX - 1, &v) == 0)
		return (int64_t)v;
	pw = getpwnam(text);
	return pw ? (int64_t)pw->pw_uid : -1;
}

static int kick(const char *name, int64_t uid, int64_t pid, struct err *e)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	AUTO_CLOSE int ns = -1;
	struct record rec;
	int r = view_find_record(name, &rec, e);

	progress_begin(&progress, 0, "unplugging from %s", name);
	if (r <= 0)
		return r; /* down: nobody inside */
	ns = record_open_netns(&rec, e);
	return ns < 0 ? ns : inside_kick(&rec, ns, uid, pid, e);
}

int ctl_kick(int argc, char **argv)
{
	const char *name = NULL;
	int64_t uid = -1, pid = -1;
	struct err e = ERR_INIT;
	uint64_t v;
	int n;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--uid") && i + 1 < argc && uid < 0 && pid < 0) {
			uid = parse_user(argv[++i]);
			if (uid < 0) {
				log_error("there is no user '%s'", argv[i]);
				return CTL_FAILED;
			}
		} else if (!strcmp(argv[i], "--pid") && i + 1 < argc && uid < 0 && pid < 0) {
			if (str_uint(argv[++i], 1, INT32_MAX, &v) < 0)
				return usage();
			pid = (int64_t)v;
		} else if (argv[i][0] != '-' && !name) {
			name = argv[i];
		} else {
			return usage();
		}
	}
	if (!name || (uid < 0 && pid < 0))
		return usage();
	n = kick(name, uid, pid, &e);
	if (n < 0)
		return ctl_fail(&e);
	say("%d unplugged from %s\n", n, name);
	return CTL_OK;
}
