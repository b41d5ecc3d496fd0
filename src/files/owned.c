/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See owned.h. A VPN that is up, or whose namespace is kept for those inside, has a record, and the
 * keeper, the broker and containers know it by its name. Called by remove.c and rename.c.
 */
#include "files/owned.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "state/lock.h"
#include "state/note.h"
#include "state/record.h"

static int check_idle(const char *name, struct err *e)
{
	struct default_note note;
	struct record r;
	int rc = default_note_read(&note, e);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0 && default_has(&note, name))
		return err_set(e, -EBUSY,
			       "VPN '%s' is the machine's default; first: vpnctl default none",
			       name);
	rc = record_read(name, &r, e);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (r.flags & RECORD_HELD)
		return err_set(e, -EBUSY,
			       "VPN '%s' is held for containers; first: vpnctl hold --off %s", name,
			       name);
	if (r.state == RECORD_DOWN)
		return err_set(e, -EBUSY,
			       "VPN '%s' has programs inside; first: vpnctl down --force %s", name,
			       name);
	return err_set(e, -EBUSY, "VPN '%s' is up; first: vpnctl down %s", name, name);
}

static bool has_own_conf(const struct owned *o)
{
	size_t len = strlen(VPN_CONFIG_DIR);

	return o->p.config && !strncmp(o->p.config, VPN_CONFIG_DIR, len) &&
	       o->p.config[len] == '/' && !strcmp(o->p.config + len + 1, o->conf);
}

static int read_files(const struct confdir *d, struct owned *o, struct err *e)
{
	char path[sizeof(VPN_CONFIG_DIR) + OWNED_FILE_LEN];
	int r = confdir_read(d, o->json, &o->json_text);

	if (r < 0)
		return err_sys(e, r, "cannot read " VPN_CONFIG_DIR "/%s", o->json);
	snprintf(path, sizeof(path), VPN_CONFIG_DIR "/%s", o->json);
	profile_parse(path, o->json_text.at, o->json_text.len, &o->p, &o->why);
	if (!has_own_conf(o))
		return 0;
	r = confdir_read(d, o->conf, &o->conf_text);
	if (r < 0 && r != -ENOENT)
		return err_sys(e, r, "cannot read " VPN_CONFIG_DIR "/%s", o->conf);
	return 0;
}

int owned_open(const struct confdir *d, const char *name, struct owned *ret, struct err *e)
{
	struct owned o = {.name = name, .lock = -1};
	int r;

	str_fmt(o.json, sizeof(o.json), "%s.json", name);
	str_fmt(o.conf, sizeof(o.conf), "%s.conf", name);
	r = str_is_vpn_name(name) ? confdir_has(d, o.json) : 0;
	if (r <= 0)
		return r == 0 ? profile_fail_unknown(name, e)
			      : err_sys(e, r, "cannot look at " VPN_CONFIG_DIR "/%s", o.json);
	o.lock = vpn_lock_try(name, e);
	r = o.lock < 0 ? o.lock : 0;
	if (r == -EWOULDBLOCK)
		r = err_set(e, -EBUSY, "VPN '%s' is just being brought up or down: try again",
			    name);
	r = r ?: check_idle(name, e);
	r = r ?: read_files(d, &o, e);
	if (r < 0)
		owned_close(&o);
	else
		*ret = o;
	return r;
}

void owned_close(struct owned *o)
{
	if (o->conf_text.at)
		util_wipe(o->conf_text.at, o->conf_text.len);
	free(o->conf_text.at);
	free(o->json_text.at);
	profile_free(&o->p);
	if (o->lock >= 0)
		close(o->lock);
	o->lock = -1;
}

static bool is_among(const char *name, char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

int owned_check_via(const char *name, char *const *but, size_t n, struct err *e)
{
	AUTO_FREE struct profile_entry *entries = NULL;
	size_t n_entries = 0;
	int r = profile_list(&entries, &n_entries, e);

	for (size_t i = 0; r == 0 && i < n_entries; i++) {
		char path[sizeof(VPN_CONFIG_DIR) + OWNED_FILE_LEN];
		AUTO_FREE char *text = NULL;
		struct profile p = {0};
		size_t len = 0;

		snprintf(path, sizeof(path), VPN_CONFIG_DIR "/%s.json", entries[i].name);
		r = file_read(path, PROFILE_SIZE_MAX, &text, &len, e);
		/* One that was removed meanwhile needs nothing, nor does what is no profile. */
		if (r == -ENOENT || r == -EISDIR || r == -EINVAL || r == -EFBIG)
			r = 0;
		if (r == 0 && text)
			profile_parse(path, text, len, &p, NULL);
		if (p.via && !strcmp(p.via, name) && !is_among(entries[i].name, but, n))
			r = err_set(e, -EBUSY,
				    "VPN '%s' goes through '%s': take \"via\" out of %s first",
				    entries[i].name, name, path);
		profile_free(&p);
	}
	return r;
}
