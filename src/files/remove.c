/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl remove NAME...`: takes the files of VPNs away, all of them or none. A key that lies
 * elsewhere is not touched. Of each VPN the JSON goes last, so that a killed one can be given
 * again.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/show.h"
#include "files/owned.h"
#include "files/server_dir.h"

struct removal {
	struct confdir dir;
	struct owned *vpns;
	size_t n;    /* opened */
	size_t done; /* taken away, or begun */
};

static int take_away(struct removal *m, const struct owned *o, struct err *e)
{
	int r = o->conf_text.at ? confdir_remove(&m->dir, o->conf) : 0;

	m->done++;
	if (r < 0)
		return err_sys(e, r, "cannot remove " VPN_CONFIG_DIR "/%s", o->conf);
	r = confdir_remove(&m->dir, o->json);
	return r < 0 ? err_sys(e, r, "cannot remove " VPN_CONFIG_DIR "/%s", o->json) : 0;
}

/* That `import` has made for it. */
static bool has_own_servers(const struct owned *o)
{
	char dir[SERVER_DIR_LEN], path[sizeof(VPN_CONFIG_DIR) + SERVER_DIR_LEN];

	server_dir_of(o->name, dir);
	str_fmt(path, sizeof(path), VPN_CONFIG_DIR "/%s", dir);
	return o->p.servers && !strcmp(o->p.servers, path);
}

/* When nothing is put back any more. */
static void take_servers(const struct removal *m)
{
	char dir[SERVER_DIR_LEN];

	for (size_t i = 0; i < m->n; i++) {
		if (!has_own_servers(&m->vpns[i]))
			continue;
		server_dir_of(m->vpns[i].name, dir);
		confdir_remove_dir(&m->dir, dir);
	}
}

static void put_back(struct removal *m)
{
	while (m->done) {
		const struct owned *o = &m->vpns[--m->done];

		if (o->conf_text.at)
			confdir_put(&m->dir, o->conf, o->conf_text.at, o->conf_text.len, 0600);
		confdir_put(&m->dir, o->json, o->json_text.at, o->json_text.len, 0644);
	}
}

static int remove_all(struct removal *m, char **names, size_t n, struct err *e)
{
	int r = confdir_open(&m->dir, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = owned_open(&m->dir, names[i], &m->vpns[i], e);
		r = r ?: owned_check_via(names[i], names, n, e);
		m->n += m->vpns[i].name != NULL;
	}
	for (size_t i = 0; r == 0 && i < n; i++)
		r = take_away(m, &m->vpns[i], e);
	if (r < 0)
		put_back(m);
	else
		take_servers(m);
	confdir_close(&m->dir, r < 0);
	return r;
}

static int check_twice(char **names, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(names[i], names[k])) {
				log_error("remove: '%.40s' is there twice", names[i]);
				return CTL_USAGE;
			}
	return CTL_OK;
}

static void say_removed(const struct owned *o)
{
	if (o->conf_text.at)
		say("removed VPN '%s', and its key with %s/%s\n", o->name, VPN_CONFIG_DIR, o->conf);
	else if (has_own_servers(o))
		say("removed VPN '%s', and its keys with %s\n", o->name, o->p.servers);
	else if (o->p.config)
		say("removed VPN '%s'; %s stays\n", o->name, o->p.config);
	else
		say("removed VPN '%s'; files that it named stay\n", o->name);
}

int ctl_remove(int argc, char **argv)
{
	struct removal m = {.dir = CONFDIR_INIT};
	struct err e = ERR_INIT;
	size_t n = (size_t)argc - 1;
	int status = check_twice(argv + 1, n);

	if (status != CTL_OK)
		return status;
	m.vpns = calloc(n + 1, sizeof(*m.vpns));
	if (!m.vpns)
		return CTL_FAILED;
	if (remove_all(&m, argv + 1, n, &e) < 0)
		status = ctl_fail(&e);
	for (size_t i = 0; i < m.n; i++) {
		if (status == CTL_OK)
			say_removed(&m.vpns[i]);
		owned_close(&m.vpns[i]);
	}
	free(m.vpns);
	return status;
}
