/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl import FILE|DIR|ZIP... [--name N] [--id I] [--replace] [--up [--no-wait]]`:
 * takes providers' files,
 * as downloaded, into VPN_CONFIG_DIR/NAME.conf (0600) and writes NAME.json beside each. Everything
 * is checked before the first byte is written; the JSONs come last, since they are what makes a
 * VPN; of many files all become VPNs, or none; with --name they are the servers of one. Never
 * overwrites another's file, follows no link in VPN_CONFIG_DIR.
 */
#include "ctl/ctl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/progress.h"
#include "ctl/show.h"
#include "ctl/twins.h"
#include "conf/conf.h"
#include "conf/plan.h"
#include "conf/profile.h"
#include "files/confdir.h"
#include "files/replace.h"
#include "files/server_dir.h"
#include "files/sources.h"
#include "state/record.h"
#include "tunnel/twin.h"

/* One of the VPNs to be. */
struct item {
	const struct source *from;
	char name[NAME_MAX_LEN + 1];
	int id;
	struct tunnel tunnel;
	bool has_conf, has_json; /* were written */
	bool replaces;
	struct conf_text former; /* what it replaces */
};

struct import {
	char **files;
	size_t n_files;
	bool has_words; /* beside one file */
	const char *arg_name;
	int arg_id; /* 0: the lowest that is free */
	bool arg_up, arg_no_wait, arg_replace;
	struct sources sources;
	struct item *items; /* one a source */
	size_t n;
	bool is_one;	       /* VPN of many servers */
	bool adds;	       /* one more of them, to those that there are */
	bool has_dir, swapped; /* their directory was made, or took the place of another */
	struct confdir dir;
};

/* --- names ----------------------------------------------------------------------------------- */

static int check_name(const char *name, struct err *e)
{
	char buf[VALUE_SHOW_MAX];

	if (str_is_reserved(name))
		return err_set(e, -EINVAL,
			       "the name '%s' means something else to vpnrun: choose "
			       "another with --name",
			       name);
	if (!str_is_vpn_name(name))
		return err_set(
			e, -EINVAL,
			"%s is not a VPN's name: 1 to %d letters, digits, '-' and '_', the first "
			"a letter or digit",
			value_show(name, buf), NAME_MAX_LEN);
	return 0;
}

static bool is_taken(const struct import *im, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(im->items[i].name, name))
			return true;
	return false;
}

static int choose_name(struct import *im, struct item *item, struct err *e)
{
	size_t before = (size_t)(item - im->items);
	const char *file = item->from->path;
	unsigned int turn = 0;

	if (im->arg_name)
		return check_name(im->arg_name, e)
			       ?: str_copy(item->name, sizeof(item->name), im->arg_name);
	do {
		if (conf_name_choose(file, turn++, item->name) < 0)
			return err_set(e, -EINVAL,
				       "no VPN's name can be made of the name of %s: give one "
				       "with --name",
				       file);
	} while (is_taken(im, before, item->name));
	/* A name that was made up is told, and one that merely lost its ".conf" is not. */
	if (conf_name_is_plain(file, item->name))
		return 0;
	return tunnel_warn(&item->tunnel,
			   "%s: is called '%s' here, as a VPN's name has at most %d "
			   "letters, digits, '-' and '_'",
			   file, item->name, NAME_MAX_LEN);
}

/* --- before anything is touched -------------------------------------------------------------- */

static int parse_all(struct import *im, struct err *e)
{
	int r = sources_read(im->files, im->n_files, &im->sources, e);

	if (r < 0)
		return r;
	im->is_one = im->sources.n > 1 && im->arg_name;
	if (im->sources.n > 1 && im->arg_id && !im->is_one)
		return err_set(
			e, -EINVAL,
			"--id is for one VPN, and these are %zu files: leave it out, or make "
			"them the servers of one VPN with --name",
			im->sources.n);
	im->items = calloc(im->sources.n + 1, sizeof(*im->items));
	if (!im->items)
		return err_sys(e, -ENOMEM, "cannot import");
	for (size_t i = 0; r == 0 && i < im->sources.n; i++) {
		struct item *item = &im->items[i];

		item->from = &im->sources.at[i];
		im->n++;
		r = source_parse(item->from, &item->tunnel, e);
		r = r ?: choose_name(im, item, e);
		if (r == 0 && tunnel_review(item->from->path, &item->tunnel) < 0)
			r = err_sys(e, -ENOMEM, "cannot check %s", item->from->path);
	}
	return r ?: im->is_one ? server_dir_check(&im->sources, e) : 0;
}

static size_t count_vpns(const struct import *im)
{
	return im->is_one ? 1 : im->n;
}

#define FILE_LEN (NAME_MAX_LEN + 8)

static void file_of(const struct item *item, const char *end, char ret[FILE_LEN])
{
	str_fmt(ret, FILE_LEN, "%s.%s", item->name, end);
}

/* A VPN that there is keeps its JSON: all its servers are other files now, or one of them is. */
static int check_replaced(struct import *im, struct item *item, struct err *e)
{
	int many = replace_check_servers(&im->dir, item->name, &item->id, e);

	if (many < 0)
		return many;
	if (!many && im->is_one)
		return err_set(
			e, -EEXIST,
			"--replace gives VPN '%s' one file, and these are %zu: first: vpnctl "
			"remove %s",
			item->name, im->n, item->name);
	if (im->arg_id)
		return err_set(e, -EINVAL, "VPN '%s' keeps its id: leave --id out", item->name);
	item->replaces = true;
	if (!many)
		return replace_check(&im->dir, item->name, item->from, &item->id, e);
	if (!im->arg_name)
		return err_set(e, -EINVAL,
			       "VPN '%s' has many servers; to give it this one, too: --name %s",
			       item->name, item->name);
	im->adds = !im->is_one;
	im->is_one = true;
	return server_dir_check(&im->sources, e);
}

/* Judges names that are taken already. */
static int check_free(struct import *im, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count_vpns(im); i++) {
		struct item *item = &im->items[i];
		const char *name = item->name;
		char json[FILE_LEN];

		file_of(item, "json", json);
		r = confdir_has(&im->dir, json);
		if (r < 0)
			return err_sys(e, r, "cannot look at " VPN_CONFIG_DIR "/%s", json);
		if (r == 0)
			continue;
		if (!im->arg_replace)
			return err_set(e, -EEXIST,
				       "there is a VPN '%s' already: choose another name with "
				       "--name, give it this file with --replace, or first: vpnctl "
				       "remove %s",
				       name, name);
		r = check_replaced(im, item, e);
	}
	return r;
}

static int choose_ids(struct import *im, struct err *e)
{
	AUTO_FREE struct profile_entry *entries = NULL;
	const char *taken[100] = {NULL};
	size_t i, n = 0;
	int id = 0, r = profile_list(&entries, &n, e);

	if (r < 0)
		return r;
	for (i = 0; i < n; i++)
		taken[entries[i].id] = entries[i].name;
	if (im->arg_id && taken[im->arg_id])
		return err_set(e, -EEXIST,
			       "id %d is VPN '%s''s already: choose another with "
			       "--id, or leave it out",
			       im->arg_id, taken[im->arg_id]);
	for (i = 0; i < count_vpns(im); i++) {
		if (im->items[i].replaces)
			continue;
		for (id = im->arg_id ? im->arg_id : id + 1; id < 100 && taken[id]; id++)
			;
		if (id >= 100 && count_vpns(im) == 1)
			return err_set(e, -ENOSPC,
				       "all ids from 1 to 99 are taken: remove a VPN's files "
				       "from " VPN_CONFIG_DIR " first");
		if (id >= 100)
			return err_set(e, -ENOSPC,
				       "these are %zu files, and of the ids from 1 to "
				       "99 only %zu are free: import fewer of them",
				       im->n, i);
		im->items[i].id = id;
	}
	return 0;
}

/* As the VPN will be: its subnet is known only with its id. */
static int warn_subnet(struct item *item)
{
	struct profile p = {.subnet4_plen = 24, .tunnel = item->tunnel};
	const struct ipaddr *clash;

	p.subnet4.s_addr = htonl(0x0a140000u | (uint32_t)item->id << 8);
	p.id = item->id;
	clash = plan_subnet_clash(&p, NULL);
	if (!clash)
		return 0;
	return tunnel_warn(&item->tunnel,
			   "%s of the tunnel overlaps 10.20.%d.0/24, where programs get their "
			   "addresses: add \"subnet\" to %s/%s.json before `vpnctl up %s`",
			   clash->text, item->id, VPN_CONFIG_DIR, item->name, item->name);
}

/* One warning is enough of many files with one key, as some providers hand them out; all of them
 * are written by now, so that each finds the others. The servers of one VPN never run beside each
 * other. */
static int warn_twins(struct import *im)
{
	char other[NAME_MAX_LEN + 1], device[IFNAMSIZ];
	size_t i;

	for (i = 0; i < im->n; i++)
		if (tunnel_twin_find(im->items[i].name, &im->items[i].tunnel, device))
			return tunnel_warn(&im->items[i].tunnel,
					   "%s: the device %s, which is not vpnrun's, " TWINS_SAY,
					   im->items[i].from->path, device);
	for (i = 0; i < im->n && !im->is_one; i++)
		if (twins_find(im->items[i].name, &im->items[i].tunnel, NULL, other))
			return tunnel_warn(&im->items[i].tunnel, "%s: VPN '%s' " TWINS_SAY,
					   im->items[i].from->path, other);
	return 0;
}

/* --- the files ------------------------------------------------------------------------------- */

static int swap_conf(struct import *im, struct item *item, const char *conf, struct err *e)
{
	int r = confdir_read(&im->dir, conf, &item->former);

	if (r == 0 || r == -ENOENT)
		r = confdir_swap(&im->dir, conf, item->from->text, item->from->len, 0600);
	if (r < 0)
		return err_sys(e, r, "cannot write %s/%s", VPN_CONFIG_DIR, conf);
	item->has_conf = true;
	return 0;
}

static int put_conf(struct import *im, struct item *item, struct err *e)
{
	const struct source *from = item->from;
	char conf[FILE_LEN];
	int r;

	file_of(item, "conf", conf);
	if (item->replaces)
		return swap_conf(im, item, conf, e);
	if (confdir_is_leftover(&im->dir, conf, from->text, from->len))
		confdir_remove(&im->dir, conf);
	r = confdir_put(&im->dir, conf, from->text, from->len, 0600);
	if (r == -EEXIST)
		return err_set(e, r,
			       "%s/%s exists and is another file: choose another name with "
			       "--name, or remove it",
			       VPN_CONFIG_DIR, conf);
	if (r < 0)
		return err_sys(e, r, "cannot write %s/%s", VPN_CONFIG_DIR, conf);
	item->has_conf = true;
	return 0;
}

static int put_json(struct import *im, struct item *item, struct err *e)
{
	char json[FILE_LEN], text[256];
	int r;

	if (item->replaces)
		return 0;
	file_of(item, "json", json);
	r = str_fmt(text, sizeof(text), "{\n  \"id\": %d,\n  \"%s\": \"%s/%s.%s\"\n}\n", item->id,
		    im->is_one ? "servers" : "config", VPN_CONFIG_DIR, item->name,
		    im->is_one ? "servers" : "conf");
	if (r > 0)
		r = confdir_put(&im->dir, json, text, strlen(text), 0644);
	if (r < 0)
		return err_sys(e, r, "cannot write %s/%s", VPN_CONFIG_DIR, json);
	item->has_json = true;
	return 0;
}

static void undo(struct import *im)
{
	char file[FILE_LEN], dir[SERVER_DIR_LEN];

	if (im->swapped)
		server_dir_undo(&im->dir, im->items[0].name);
	if (im->has_dir) {
		server_dir_of(im->items[0].name, dir);
		confdir_remove_dir(&im->dir, dir);
	}
	for (size_t i = im->n; i-- > 0;) {
		const struct item *item = &im->items[i];

		file_of(item, "json", file);
		if (item->has_json)
			confdir_remove(&im->dir, file);
		file_of(item, "conf", file);
		if (item->has_conf && item->former.at)
			confdir_swap(&im->dir, file, item->former.at, item->former.len, 0600);
		else if (item->has_conf)
			confdir_remove(&im->dir, file);
	}
}

static int install_all(struct import *im, struct err *e)
{
	int r = 0;
	size_t i;

	if (im->is_one && im->items[0].replaces) {
		r = server_dir_replace(&im->dir, im->arg_name, &im->sources, im->adds, e);
		im->swapped = r == 0;
	} else if (im->is_one) {
		r = server_dir_put(&im->dir, im->arg_name, &im->sources, e);
		im->has_dir = r == 0;
	}
	for (i = 0; r == 0 && i < im->n && !im->is_one; i++)
		r = put_conf(im, &im->items[i], e);
	for (i = 0; r == 0 && i < count_vpns(im); i++)
		r = put_json(im, &im->items[i], e);
	if (r == 0 && warn_twins(im) < 0)
		r = err_sys(e, -ENOMEM, "cannot compare keys");
	for (i = 0; i < im->n && im->is_one; i++)
		im->items[i].id = im->items[0].id;
	for (i = 0; r == 0 && i < im->n; i++)
		if (warn_subnet(&im->items[i]) < 0)
			r = err_sys(e, -ENOMEM, "cannot check %s", im->items[i].from->path);
	if (r < 0)
		undo(im);
	else if (im->swapped)
		confdir_drop_aside(&im->dir);
	return r;
}

static int import(struct import *im, struct err *e)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	int r;

	progress_begin(&progress, 0, "importing %s%s", im->files[0],
		       im->n_files > 1 ? " and more" : "");
	r = parse_all(im, e);
	if (r < 0)
		return r;
	if (geteuid() != 0 && im->has_words)
		return err_set(
			e, -EPERM,
			"only root can install a VPN (%s is valid): the same again with sudo before it",
			im->items[0].from->path);
	if (geteuid() != 0)
		return err_set(e, -EPERM,
			       "only root can install a VPN (%s is valid): sudo vpnctl import %s",
			       im->items[0].from->path, im->files[0]);
	r = confdir_open(&im->dir, e);
	r = r ?: check_free(im, e);
	r = r ?: choose_ids(im, e);
	r = r ?: install_all(im, e);
	confdir_close(&im->dir, r < 0);
	return r;
}

/* --- the command ----------------------------------------------------------------------------- */

static int usage(const char *what)
{
	log_error(
		"import: %s: vpnctl import FILE|DIR|ZIP... [--name NAME] [--id 1..99] [--replace] [--up "
		"[--no-wait]]",
		what);
	return CTL_USAGE;
}

static int parse_args(struct import *im, int argc, char **argv)
{
	static const struct option options[] = {
		{"name", required_argument, NULL, 'n'}, {"id", required_argument, NULL, 'i'},
		{"replace", no_argument, NULL, 'r'},	{"up", no_argument, NULL, 'u'},
		{"no-wait", no_argument, NULL, 'w'},	{NULL, 0, NULL, 0},
	};
	uint64_t id;
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			im->arg_name = optarg;
			break;
		case 'i':
			if (str_uint(optarg, 1, 99, &id) < 0)
				return usage("--id must be a number from 1 to 99");
			im->arg_id = (int)id;
			break;
		case 'r':
			im->arg_replace = true;
			break;
		case 'u':
			im->arg_up = true;
			break;
		case 'w':
			im->arg_no_wait = true;
			break;
		default:
			return CTL_USAGE;
		}
	}
	if (optind == argc)
		return usage("a FILE is needed");
	im->files = argv + optind;
	im->n_files = (size_t)(argc - optind);
	im->has_words = argc > 2;
	return CTL_OK;
}

static void say_one(const struct item *item)
{
	struct record r;

	if (!item->replaces) {
		say("imported %s as VPN '%s', id %d: %s/%s.json\n", item->from->path, item->name,
		    item->id, VPN_CONFIG_DIR, item->name);
		return;
	}
	say("VPN '%s' has the file %s now, and keeps its id and settings\n", item->name,
	    item->from->path);
	if (record_read(item->name, &r, NULL) == 0)
		say("it is up by the former one until: vpnctl restart %s\n", item->name);
}

static void say_servers(const struct import *im)
{
	const char *name = im->items[0].name;
	char server[SERVER_MAX_LEN + 1];
	struct record r;

	if (!im->swapped)
		say("imported %zu servers as VPN '%s', id %d: %s/%s.json; they are listed by: vpnctl "
		    "switch %s\n",
		    im->n, name, im->items[0].id, VPN_CONFIG_DIR, name, name);
	else if (im->adds && server_dir_name(im->items[0].from, server, NULL) == 0)
		say("VPN '%s' has the server %s from %s now, beside its others\n", name, server,
		    im->items[0].from->path);
	else
		say("VPN '%s' has these %zu servers now, and keeps its id and settings\n", name,
		    im->n);
	if (im->swapped && record_read(name, &r, NULL) == 0)
		say("it is up by the former ones until: vpnctl restart %s\n", name);
}

static void say_all(const struct import *im)
{
	for (size_t i = 0; i < im->sources.n_notes; i++)
		log_plain("%s", im->sources.notes[i]);
	for (size_t i = 0; i < im->n; i++) {
		const struct item *item = &im->items[i];

		ctl_print_warnings(&item->tunnel);
		if (!im->is_one)
			say_one(item);
	}
	if (im->is_one)
		say_servers(im);
	if (!im->arg_up)
		say("bring it up with: sudo vpnctl up %s\n",
		    count_vpns(im) > 1 ? "NAME" : im->items[0].name);
	fflush(stdout);
}

/* A fault of a file itself is written as `check` writes it. */
static int fail(const struct import *im, const struct err *e)
{
	for (size_t i = 0; i < im->n_files; i++)
		if (str_starts(e->msg, im->files[i])) {
			log_plain("%s", e->msg);
			return CTL_FAILED;
		}
	return ctl_fail(e);
}

static void item_free(struct item *item)
{
	tunnel_free(&item->tunnel);
	if (item->former.at)
		util_wipe(item->former.at, item->former.len);
	free(item->former.at);
}

static int up_all(const struct import *im)
{
	int status = CTL_OK;

	for (size_t i = 0; i < count_vpns(im); i++)
		if (ctl_up_name(im->items[i].name, !im->arg_no_wait) != CTL_OK)
			status = CTL_FAILED;
	return status;
}

int ctl_import(int argc, char **argv)
{
	struct import im = {.dir = CONFDIR_INIT};
	struct err e = ERR_INIT;
	int status = parse_args(&im, argc, argv);

	if (status != CTL_OK)
		return status;
	if (import(&im, &e) < 0)
		status = fail(&im, &e);
	else
		say_all(&im);
	for (size_t i = 0; i < im.n; i++)
		item_free(&im.items[i]);
	sources_free(&im.sources);
	if (status == CTL_OK && im.arg_up)
		status = up_all(&im);
	free(im.items);
	return status;
}
