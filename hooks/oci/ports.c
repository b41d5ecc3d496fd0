/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ports of a container: those of the host that lead in (publish=), those outside that it sees
 * as its own localhost's (reach=), and word of the one that the provider forwards (expose=natpmp).
 * No packet is let through for the first two: a relay carries bytes, and ends with the container's
 * first process. Must leave nothing of the engine's open in it, for runc waits for whoever holds
 * its pipes. Called by the stages.
 */
#include "oci/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/same.h"
#include "state/forwarded.h"

/* This is where the container sees it. */
#define FORWARDED_DIR "/run/vpnrun-forwarded"
#define PORT_FILE     "VPNRUN_PORT_FILE=" FORWARDED_DIR "/port"

/* --- the forwarded port ---------------------------------------------------------------------- */

static bool wants_forwarded(const struct hook_want *w)
{
	for (size_t i = 0; i < w->expose.n; i++)
		if (!w->expose.at[i].outer)
			return true;
	return false;
}

static int add_variable(json_t *process, const char *text)
{
	json_t *env = json_object_get(process, "env");

	if (!env) {
		env = json_array();
		if (json_object_set_new(process, "env", env) < 0)
			return -ENOMEM;
	}
	return json_array_append_new(env, json_string(text)) < 0 ? -ENOMEM : 0;
}

/* The number is that of the start; the file follows. */
static int add_number(json_t *process, const char *vpn)
{
	struct record r;
	uint16_t ports[2] = {0};
	char text[32];

	if (record_read(vpn, &r, NULL) == 0)
		forwarded_ports(&r, ports);
	if (!ports[0])
		return 0;
	str_fmt(text, sizeof(text), "VPNRUN_PORT=%u", ports[0]);
	return add_variable(process, text);
}

int hook_ports_tell(json_t *config, const struct hook_want *w, struct err *e)
{
	json_t *mounts = json_object_get(config, "mounts"), *m;
	json_t *process = json_object_get(config, "process");
	char dir[64];

	if (!wants_forwarded(w))
		return 0;
	forwarded_path(w->vpn, "forwarded", dir);
	/* A VPN that is down, or asks for no port, has none: createRuntime will say so. */
	if (access(dir, R_OK | X_OK) < 0)
		return 0;
	m = json_pack("{s:s,s:s,s:s,s:[s,s,s,s,s,s]}", "destination", FORWARDED_DIR, "type", "bind",
		      "source", dir, "options", "bind", "ro", "rprivate", "nosuid", "nodev",
		      "noexec");
	if (!m || json_array_append_new(mounts, m) < 0 || add_variable(process, PORT_FILE) < 0 ||
	    add_number(process, w->vpn) < 0)
		return err_set(e, -ENOMEM, "cannot add the forwarded port to the configuration");
	return 0;
}

static int check_told(const json_t *config, const struct hook_want *w, struct err *e)
{
	const json_t *m;
	size_t i;

	if (!wants_forwarded(w))
		return 0;
	json_array_foreach(json_object_get(config, "mounts"), i, m)
	{
		const char *dst = hook_get_string(m, "destination");

		if (dst && !strcmp(dst, FORWARDED_DIR))
			return 0;
	}
	hook_fail(HOOK_NO_POLICY, 0);
	return err_set(e, -EOPNOTSUPP,
		       "the container is not told of the forwarded port: VPN '%s' asks "
		       "precreate stage: use vpnrun-runtime",
		       w->vpn);
}

/* --- publish=, reach= ------------------------------------------------------------------------ */

/* A rootless Docker, and what else lives in a network of its own, calls hooks there: a port that
 * listens there is nowhere to be seen. */
static bool is_engines_network(void)
{
	AUTO_CLOSE int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int owner = net < 0 ? -1 : ioctl(net, NS_GET_USERNS);
	unsigned int inside, outside, n = 0;
	FILE *f;

	if (owner < 0 || !same_fd_path(owner, "/proc/self/ns/user"))
		return false;
	f = fopen("/proc/self/uid_map", "re");
	if (!f || fscanf(f, "%u %u %u", &inside, &outside, &n) != 3)
		n = 0;
	if (f)
		fclose(f);
	return n != UINT32_MAX;
}

int hook_ports_check(const json_t *config, const struct hook_want *w, struct err *e)
{
	if ((w->publish.n || w->reach.n) && is_engines_network())
		return hook_fail(HOOK_NETWORK,
				 err_set(e, -EOPNOTSUPP,
					 "annotation vpnrun: publish= and reach= are of the host's "
					 "network, and this engine is in one of its own: use an "
					 "engine that is not rootless Docker"));
	return check_told(config, w, e);
}

/* The process of that number is the one that the engine means, as long as it has not ended. */
static int open_init(const json_t *state, struct err *e)
{
	json_int_t pid = json_integer_value(json_object_get(state, "pid"));
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

	return fd < 0 ? err_sys(e, -errno, "cannot wait for the container's process %lld",
				(long long)pid)
		      : fd;
}

int hook_ports_open(const json_t *state, const struct hook_want *w, struct relay_sandbox *ret,
		    struct err *e)
{
	int pidfd;

	if (!w->publish.n && !w->reach.n)
		return 0;
	pidfd = open_init(state, e);
	if (pidfd < 0)
		return pidfd;
	/* It stays open until this process ends, a moment after the relay was forked. */
	return relay_sandbox_open(ret, &w->publish, &w->reach, pidfd, e);
}

int hook_ports_serve(struct relay_sandbox *ports, const struct hook_want *w, const struct record *r,
		     uint32_t host, struct err *e)
{
	if (!w->publish.n && !w->reach.n)
		return 0;
	relay_own_lease(&ports->in, r, host);
	return relay_sandbox_serve(ports, &w->reach, e);
}
