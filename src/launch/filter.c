/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which policy a launch loads, and when: read while /etc is the host's, loaded last of all. Must
 * never leave out the filter of a sandbox that is joined. Steps of launch/run.c.
 */
#include "launch/state.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "box/drop.h"
#include "launch/i386.h"

/* Root's command keeps these where no policy says it: chown, dac_override, fowner, kill, setgid,
 * setuid, sys_chroot. Root is no boundary, but the network must stay what it is. */
#define ROOT_CAPS (1u << 0 | 1u << 1 | 1u << 3 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 18)

/* 32 KiB each, and one launch a process. The second is of the sandbox that one joins. */
static struct box_policy policy, policy_around;

/* NULL where no filter is asked for. */
static const char *policy_name(const struct launch *l)
{
	const char *name = l->o->policy;

	if (!name && l->network == LINE_HOST && !l->o->strict)
		return NULL;
	if (!name)
		return launch_default_policy(l->running.i386, l->o->strict);
	return strcmp(name, "none") == 0 ? NULL : name;
}

/* The policies lie beside the program, wherever it was installed: BIN/../lib/vpnrun/policy. */
static int find_policy(const char *name, struct box_policy *ret, struct err *e)
{
	const char *dirs[] = {VPN_CONFIG_DIR "/policy", NULL, NULL};
	char dir[PATH_MAX + 32];
	ssize_t n;

	n = readlink("/proc/self/exe", dir, PATH_MAX);
	for (int up = 0; n > 0 && up < 2; up++)
		while (n > 0 && dir[--n] != '/')
			;
	if (n >= 0) {
		snprintf(dir + n, sizeof(dir) - (size_t)n, "/lib/vpnrun/policy");
		dirs[1] = dir;
	}
	return box_seccomp_read(dirs, name, ret, e);
}

int launch_filter_read(struct launch *l, struct err *e)
{
	const char *name = policy_name(l);

	return name ? find_policy(name, &policy, e) : 0;
}

/* Whoever joins a sandbox keeps to its policy. One that the line names comes on top of it; what the
 * launcher would choose by itself gives way to it. */
static int keep_policy_of(const struct sandbox *s, bool is_named, struct err *e)
{
	if (!strcmp(s->policy, "none") ||
	    (policy.header.n_insns && !strcmp(s->policy, policy.header.name)))
		return 0;
	if (is_named)
		return find_policy(s->policy, &policy_around, e);
	/* The two are one, for programs of either width. */
	if (!s->strict && (!strcmp(s->policy, "default") || !strcmp(s->policy, "i386")))
		return 0;
	return find_policy(s->policy, &policy, e);
}

int launch_filter_join(const struct launch *l, const struct sandbox *s, struct err *e)
{
	int r = keep_policy_of(s, l->o->policy != NULL, e);

	return r < 0 ? err_wrap(e, r, "the sandbox of process %d", l->o->with_pid) : 0;
}

const char *launch_filter_name(void)
{
	return policy.header.n_insns ? policy.header.name : NULL;
}

static uint64_t kept_caps(const struct launch *l)
{
	if (!l->root)
		return 0;
	return policy.header.n_insns ? policy.header.root_caps : ROOT_CAPS;
}

int launch_filter_enter(struct launch *l, struct err *e)
{
	int r = box_drop(kept_caps(l), policy.header.n_insns ? &policy : NULL, e);

	return r == 0 && policy_around.header.n_insns ? box_seccomp_load(&policy_around, e) : r;
}

int launch_filter_add(const struct launch *l, const struct sandbox *around, struct err *e)
{
	const char *name = l->o->policy;
	int r;

	if (!name || !strcmp(name, around->policy) || !strcmp(name, "none"))
		return 0;
	r = find_policy(name, &policy, e);
	return r == 0 && policy.header.n_insns ? box_seccomp_load(&policy, e) : r;
}
