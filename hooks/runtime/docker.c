/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Docker keeps to itself: with --network none it takes -p and says no word of it, neither to
 * the user nor to the runtime. It is read where Docker writes it down, and becomes the annotation's
 * publish=; what cannot become that keeps the container from starting. So does a network that
 * Docker means to make: from version 28 on it does so after the cable is plugged, fails, and says
 * nothing that would help. Called by main.
 */
#include "runtime/docker.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "oci/hook.h"

#define FILE_MAX (1u << 20)

/* Finds Docker's directory of that container, by the file in it that every container gets. */
static bool find_dir(const json_t *config, const char *id, char ret[PATH_MAX])
{
	char tail[PATH_MAX];
	const json_t *m;
	size_t i, len, cut;

	if (str_fmt(tail, sizeof(tail), "/%s/hostname", id) < 0)
		return false;
	cut = strlen(tail);
	json_array_foreach(json_object_get(config, "mounts"), i, m)
	{
		const char *d = hook_get_string(m, "destination");
		const char *s = hook_get_string(m, "source");

		len = s ? strlen(s) : 0;
		if (!d || strcmp(d, "/etc/hostname") != 0 || len < cut || len >= PATH_MAX ||
		    strcmp(s + len - cut, tail) != 0)
			continue;
		memcpy(ret, s, len);
		ret[len - strlen("/hostname")] = '\0';
		return true;
	}
	return false;
}

/* Returns NULL if it is not Docker's. */
static json_t *read_own(const json_t *config, const char *id)
{
	AUTO_FREE char *text = NULL;
	char dir[PATH_MAX], path[PATH_MAX];
	size_t len;

	if (!find_dir(config, id, dir) ||
	    str_fmt(path, sizeof(path), "%s/hostconfig.json", dir) < 0 ||
	    file_read(path, FILE_MAX, &text, &len, NULL) < 0)
		return NULL;
	return json_loadb(text, len, 0, NULL);
}

/* This is added to the annotation. */
struct docker_ports {
	char text[1536];
	size_t len;
};

static int add(struct docker_ports *p, const char *at, const char *outer, const char *inner,
	       struct err *e)
{
	int n = snprintf(p->text + p->len, sizeof(p->text) - p->len, ";publish=%s%s%s:%s", at,
			 *at ? ":" : "", outer, inner);

	if (n < 0 || (size_t)n >= sizeof(p->text) - p->len)
		return err_set(e, -E2BIG, "the container publishes too many ports");
	p->len += (size_t)n;
	return 0;
}

/* Docker means all addresses where none is said, of either family that there is. */
static int add_binding(struct docker_ports *p, const json_t *b, const char *inner, struct err *e)
{
	const char *ip = hook_get_string(b, "HostIp"), *outer = hook_get_string(b, "HostPort");
	char at[80];
	int r;

	if (!outer || !*outer || !strcmp(outer, "0") ||
	    strspn(outer, "0123456789") != strlen(outer))
		return err_set(e, -EINVAL,
			       "Docker gives a container with --network none no port of its own "
			       "choice: say which one of the host leads to %.40s, as in -p "
			       "8080:80",
			       inner);
	if (ip && *ip && strcmp(ip, "0.0.0.0") != 0) {
		str_fmt(at, sizeof(at), strchr(ip, ':') ? "[%s]" : "%s", ip);
		return add(p, at, outer, inner, e);
	}
	r = add(p, "0.0.0.0", outer, inner, e);
	if (r == 0 && !(ip && *ip) && access("/proc/net/if_inet6", F_OK) == 0)
		r = add(p, "[::]", outer, inner, e);
	return r;
}

static int read_ports(struct docker_ports *p, const json_t *own, struct err *e)
{
	json_t *bindings, *b;
	const char *inner;
	size_t i;
	int r = 0;

	json_object_foreach(json_object_get(own, "PortBindings"), inner, bindings)
	{
		json_array_foreach(bindings, i, b)
		{
			r = r ?: add_binding(p, b, inner, e);
		}
	}
	if (r == 0 && json_is_true(json_object_get(own, "PublishAllPorts")))
		r = err_set(e, -EINVAL,
			    "Docker gives a container with --network none no port of its own "
			    "choice: in place of -P say which ones, as in -p 8080:80");
	return r;
}

/* The configuration itself tells of the host's network, and of another container's. */
static int check_network(const char *mode, struct err *e)
{
	if (!mode || !strcmp(mode, "none") || !strcmp(mode, "host") ||
	    str_starts(mode, "container:"))
		return 0;
	return err_set(e, -EPERM,
		       "Docker would give the container its network '%.60s' beside the VPN: start "
		       "it with --network none",
		       mode);
}

int docker_look(json_t *config, const char *id, struct err *e)
{
	const char *spec = hook_get_string(config, "annotations." HOOK_ANNOTATION), *mode;
	struct docker_ports p = {.len = 0};
	json_t *own = spec ? read_own(config, id) : NULL;
	char text[4096];
	int r;

	mode = hook_get_string(own, "NetworkMode");
	r = check_network(mode, e);
	if (r == 0 && mode && !strcmp(mode, "none"))
		r = read_ports(&p, own, e);
	json_decref(own);
	if (r < 0 || !p.len)
		return r;
	if (str_fmt(text, sizeof(text), "%s%s", spec, p.text) < 0 ||
	    json_object_set_new(json_object_get(config, "annotations"), HOOK_ANNOTATION,
				json_string(text)) < 0)
		return err_set(e, -EINVAL, "cannot annotate the container with its ports");
	return 0;
}
