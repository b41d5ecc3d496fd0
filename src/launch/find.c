/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the name on the command line to a VPN that is up. Must never choose another VPN than the one
 * that was named: a name that is not up ends the launch. Called by launch/run.c.
 */
#include "launch/launch.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

struct name_list {
	char text[200];
	size_t len;
};

static void add_name(struct name_list *l, const char *name, const char *state)
{
	int r = str_fmt(l->text + l->len, sizeof(l->text) - l->len, "%s%s (%s)", l->len ? ", " : "",
			name, state);

	if (r > 0)
		l->len += (size_t)r;
	else
		l->text[l->len] = '\0';
}

static int add_record(const struct record *r, void *arg)
{
	add_name(arg, r->name, r->state == RECORD_UP ? "up" : "down");
	return 0;
}

static void add_configured(struct name_list *l)
{
	DIR *d = opendir(LAUNCH_CONFIG_DIR);
	const struct dirent *de;
	struct record r;

	while (d && (de = readdir(d))) {
		size_t len = strlen(de->d_name);
		char name[NAME_MAX_LEN + 1];

		if (len < 6 || len - 5 > NAME_MAX_LEN || strcmp(de->d_name + len - 5, ".json") != 0)
			continue;
		memcpy(name, de->d_name, len - 5);
		name[len - 5] = '\0';
		if (str_is_vpn_name(name) && record_read(name, &r, NULL) < 0)
			add_name(l, name, "down");
	}
	if (d)
		closedir(d);
}

static int is_down(const char *name, struct err *e)
{
	return err_set(e, -ENETDOWN, "VPN '%s' is down; bring it up with: sudo vpnctl up %s", name,
		       name);
}

static int is_unknown(const char *name, struct err *e)
{
	struct name_list l = {.len = 0};
	char path[64];

	if (str_is_vpn_name(name) &&
	    str_fmt(path, sizeof(path), LAUNCH_CONFIG_DIR "/%s.json", name) > 0 &&
	    access(path, F_OK) == 0)
		return is_down(name, e);
	record_for_each(add_record, &l);
	add_configured(&l);
	if (l.len == 0)
		return err_set(e, -ENOENT,
			       "there is no VPN '%.40s', nor any other; add one with: "
			       "sudo vpnctl import FILE.conf",
			       name);
	return err_set(e, -ENOENT, "there is no VPN '%.40s'; there are: %s", name, l.text);
}

static int find_default(struct record *ret, struct err *e)
{
	struct name_list l = {.len = 0};
	int r = record_read_default(ret, NULL);

	if (r != -ENOENT)
		return r < 0 ? err_sys(e, r, "cannot find the default VPN") : 0;
	record_for_each(add_record, &l);
	add_configured(&l);
	if (l.len == 0)
		return err_set(e, -ENOENT,
			       "there is no VPN; add one with: sudo vpnctl import "
			       "FILE.conf");
	return err_set(e, -ENETDOWN,
		       "no VPN is up; there are: %s; bring one up with: sudo vpnctl "
		       "up NAME",
		       l.text);
}

int launch_find(const char *vpn, enum launch_network *ret, struct record *ret_record, struct err *e)
{
	int r;

	memset(ret_record, 0, sizeof(*ret_record));
	*ret = LAUNCH_VPN;
	if (!vpn || !strcmp(vpn, "-") || !strcmp(vpn, "default"))
		return find_default(ret_record, e);
	if (!strcmp(vpn, "none") || !strcmp(vpn, "host")) {
		*ret = vpn[0] == 'n' ? LAUNCH_NONE : LAUNCH_HOST;
		return 0;
	}
	r = record_read(vpn, ret_record, e);
	if (r == -ENOENT)
		return is_unknown(vpn, e);
	if (r < 0)
		return r;
	return ret_record->state == RECORD_UP ? 0 : is_down(vpn, e);
}
