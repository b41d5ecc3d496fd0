/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/hosts of a container that reaches others by name (peers.c): a copy of the engine's, which
 * lies beside it and goes with it. podman makes its file empty, and fills it when the last stage
 * has run: such a copy has what every container's file has. Must never change a file that is
 * there, nor write into a directory that is not the engine's. Called by the stages.
 */
#include "oci/hook.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HOSTS_MAX  (1u << 20)
#define HOSTS_FILE "/vpnrun-hosts"

static json_t *find_mount(const json_t *config, const char *path)
{
	json_t *m;
	size_t i;

	json_array_foreach(json_object_get(config, "mounts"), i, m)
	{
		const char *d = hook_get_string(m, "destination");

		if (d && !strcmp(d, path))
			return m;
	}
	return NULL;
}

static size_t directory_len(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? (size_t)(slash - path) : 0;
}

/* An engine keeps the container's files in one directory, which ends with the container. A file
 * that the user mounts, the host's own for one, stands by itself. */
static bool is_engines(const char *hosts, const char *hostname)
{
	size_t n = directory_len(hosts);

	return n && n == directory_len(hostname) && !strncmp(hosts, hostname, n) &&
	       !str_starts(hosts, "/etc/");
}

static void put_own_names(FILE *f, const char *hostname)
{
	fputs("127.0.0.1\tlocalhost\n::1\tlocalhost\n", f);
	/* It comes from the user's command line, and one line is all that it may make. */
	if (hostname && *hostname &&
	    !hostname[strspn(hostname, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789.-_")])
		fprintf(f, "127.0.0.1\t%s\n", hostname);
}

static int write_hosts(const char *from, const char *to, const struct hook_want *w,
		       const char *hostname, struct err *e)
{
	AUTO_FREE char *old = NULL, *all = NULL;
	char addr[INET_ADDRSTRLEN];
	int r = file_read(from, HOSTS_MAX, &old, NULL, e);
	size_t len = 0;
	FILE *f;

	if (r < 0)
		return r;
	f = open_memstream(&all, &len);
	/* These come first, for the first line of a name counts. */
	for (size_t i = 0; f && i < w->n_peers; i++)
		fprintf(f, "%s\t%s\n", inet_ntop(AF_INET, &w->peers[i].at, addr, sizeof(addr)),
			w->peers[i].name);
	if (f && *old)
		fputs(old, f);
	else if (f)
		put_own_names(f, hostname);
	if (!f || fclose(f) != 0)
		return err_set(e, -ENOMEM, "cannot write %s", to);
	return file_replace(to, all, len, 0644, e);
}

int hook_peers_tell(json_t *config, const struct hook_want *w, struct err *e)
{
	json_t *hosts = find_mount(config, "/etc/hosts");
	const char *from = hook_get_string(hosts, "source");
	const char *hostname = hook_get_string(find_mount(config, "/etc/hostname"), "source");
	char to[512];
	int r;

	if (!w->n_peers)
		return 0;
	if (!from || !is_engines(from, hostname))
		return err_set(e, -EOPNOTSUPP,
			       "annotation vpnrun: reach=%s:PORT: the name has no place in the "
			       "container's /etc/hosts, which is not the engine's own: start it "
			       "without --no-hosts and without a volume there",
			       w->peers[0].name);
	if (str_fmt(to, sizeof(to), "%.*s" HOSTS_FILE, (int)directory_len(from), from) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of %s is too long", from);
	r = write_hosts(from, to, w, hook_get_string(config, "hostname"), e);
	if (r == 0 && json_object_set_new(hosts, "source", json_string(to)) < 0)
		r = err_set(e, -ENOMEM, "cannot change the mount of /etc/hosts");
	return r;
}

int hook_peers_check(const json_t *config, const struct hook_want *w, struct err *e)
{
	const char *src = hook_get_string(find_mount(config, "/etc/hosts"), "source");

	if (!w->n_peers || (src && !strcmp(src + directory_len(src), HOSTS_FILE)))
		return 0;
	hook_fail(HOOK_NO_POLICY, 0);
	return err_set(e, -EOPNOTSUPP,
		       "the name '%s' is not in the container: this engine has no precreate stage: "
		       "use vpnrun-runtime",
		       w->peers[0].name);
}
