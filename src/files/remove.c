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
#include "base/progress.h"
#include "base/util.h"
#include "ctl/show.h"
#include "files/owned.h"
#include "files/server_dir.h"

struct removal {
	struct confdir dir;
	struct owned *vpns;
	size_t n;	/* opened */
	size_t done;	/* taken away, or begun */
	bool *has_keys; /* with servers of its own, each */
};

/* 1: that `import` has made for it, by this name or the one that it had, and no other VPN's; 0: it
 * has none such; else it cannot be told whose they are. */
static int has_own_servers(const struct confdir *d, const struct owned *o, char ret[SERVER_DIR_LEN])
{
	static const char end[] = ".servers";
	size_t len, above = strlen(VPN_CONFIG_DIR "/");
	char json[OWNED_FILE_LEN];
	int r;

	if (!o->p.servers || strncmp(o->p.servers, VPN_CONFIG_DIR "/", above) != 0 ||
	    str_fmt(ret, SERVER_DIR_LEN, "%s", o->p.servers + above) < 0)
		return 0;
	len = strlen(ret);
	if (len < sizeof(end) || strcmp(ret + len - sizeof(end) + 1, end) != 0 || strchr(ret, '/'))
		return 0;
	str_fmt(json, sizeof(json), "%.*s.json", (int)(len - sizeof(end) + 1), ret);
	if (!strcmp(json, o->json))
		return 1;
	r = confdir_has(d, json);
	return r < 0 ? r : !r;
}

static int take_away(struct removal *m, const struct owned *o, struct err *e)
{
	char dir[SERVER_DIR_LEN];
	int r = 0;

	m->done++;
	if (o->conf_text.at)
		r = confdir_remove(&m->dir, o->conf);
	if (r < 0)
		return err_sys(e, r, "cannot remove " VPN_CONFIG_DIR "/%s", o->conf);
	/* Its keys go before the JSON does, which is what they would be found by; and they are
	 * where the next change takes them away, if this one is killed. */
	r = has_own_servers(&m->dir, o, dir);
	m->has_keys[o - m->vpns] = r > 0;
	r = r > 0 ? confdir_set_aside(&m->dir, dir) : r;
	if (r < 0 && r != -ENOENT)
		return err_sys(e, r, "cannot remove " VPN_CONFIG_DIR "/%s", dir);
	r = confdir_remove(&m->dir, o->json);
	return r < 0 ? err_sys(e, r, "cannot remove " VPN_CONFIG_DIR "/%s", o->json) : 0;
}

static void put_back(struct removal *m)
{
	while (m->done) {
		const struct owned *o = &m->vpns[--m->done];
		char dir[SERVER_DIR_LEN];

		if (has_own_servers(&m->dir, o, dir) != 0)
			confdir_put_back(&m->dir, dir);
		if (o->conf_text.at)
			confdir_put(&m->dir, o->conf, o->conf_text.at, o->conf_text.len, 0600);
		confdir_put(&m->dir, o->json, o->json_text.at, o->json_text.len, 0644);
	}
}

static int remove_all(struct removal *m, char **names, size_t n, struct err *e)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	int r;

	progress_begin(&progress, 0, "removing %s%s", names[0], n > 1 ? " and more" : "");
	r = confdir_open(&m->dir, e);

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
		confdir_drop_aside(&m->dir);
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

static void say_removed(const struct owned *o, bool has_keys)
{
	if (o->conf_text.at)
		say("removed VPN '%s', and its key with %s/%s\n", o->name, VPN_CONFIG_DIR, o->conf);
	else if (has_keys)
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
	m.has_keys = calloc(n + 1, sizeof(*m.has_keys));
	if (!m.vpns || !m.has_keys)
		return CTL_FAILED;
	if (remove_all(&m, argv + 1, n, &e) < 0)
		status = ctl_fail(&e);
	for (size_t i = 0; i < m.n; i++) {
		if (status == CTL_OK)
			say_removed(&m.vpns[i], m.has_keys[i]);
		owned_close(&m.vpns[i]);
	}
	free(m.vpns);
	free(m.has_keys);
	return status;
}
