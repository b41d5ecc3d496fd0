/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl import FILE [--name N] [--id I] [--up [--no-wait]]`: takes a provider's file, as
 * downloaded, into VPN_CONFIG_DIR/NAME.conf (0600) and writes NAME.json beside it. Everything is
 * checked before the first byte is written; the JSON comes last, since it is what makes a VPN; what
 * fails half-way is taken away again. Never overwrites another's file, follows no link in
 * VPN_CONFIG_DIR.
 */
#include "ctl/ctl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "ctl/show.h"
#include "conf/conf.h"
#include "conf/plan.h"
#include "state/record.h"
#include "conf/profile.h"

/* Every import begins its files by this name, since imports wait for each other: what a killed one
 * left, which may hold a private key, is gone with the next, whatever that one's name is. */
#define BEGUN	    ".import.new"
#define IMPORT_LOCK RUN_DIR "/-import.lock" /* no VPN is called so */

struct import {
	const char *file;
	const char *arg_name;
	int arg_id; /* 0: the lowest that is free */
	bool arg_up, arg_no_wait;
	char name[NAME_MAX_LEN + 1];
	int id;
	struct conf_text text;
	struct tunnel tunnel;
	int dir; /* VPN_CONFIG_DIR */
	int lock;
	bool created_dir;
};

static int choose_name(struct import *im, struct err *e)
{
	char buf[VALUE_SHOW_MAX];
	const char *name = im->arg_name;

	if (!name) {
		if (conf_name_from_path(im->file, im->name) == 0)
			return 0;
		return err_set(e, -EINVAL,
			       "no VPN's name can be made of the name of %s: give one with --name",
			       im->file);
	}
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
	return str_copy(im->name, sizeof(im->name), name);
}

/* VPN_CONFIG_DIR itself must be root's alone: who can rename in it can swap a key's file. */
static int open_dir(struct import *im, struct err *e)
{
	struct stat st;

	if (mkdir(VPN_CONFIG_DIR, 0755) == 0)
		im->created_dir = true;
	else if (errno != EEXIST)
		return err_sys(e, -errno, "cannot create " VPN_CONFIG_DIR);
	im->dir = open(VPN_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (im->dir < 0)
		return err_sys(e, -errno, "cannot open " VPN_CONFIG_DIR);
	/* mkdir(2) took the umask off. */
	if (im->created_dir && fchmod(im->dir, 0755) < 0)
		return err_sys(e, -errno, "cannot set the mode of " VPN_CONFIG_DIR);
	if (fstat(im->dir, &st) < 0)
		return err_sys(e, -errno, "cannot look at " VPN_CONFIG_DIR);
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return err_set(e, -EPERM,
			       VPN_CONFIG_DIR " must belong to root and be writable by root "
					      "only: chown root " VPN_CONFIG_DIR
					      "; chmod 755 " VPN_CONFIG_DIR);
	/* Two imports at once must not choose one id. The directory itself everybody could lock. */
	if (record_make_dir(e) < 0)
		return -EIO;
	im->lock = open(IMPORT_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (im->lock < 0 || flock(im->lock, LOCK_EX) < 0)
		return err_sys(e, -errno, "cannot lock " IMPORT_LOCK);
	unlinkat(im->dir, BEGUN, 0);
	return 0;
}

static int choose_id(struct import *im, struct err *e)
{
	AUTO_FREE struct profile_entry *entries = NULL;
	const char *taken[100] = {NULL};
	size_t i, n = 0;
	int id, r = profile_list(&entries, &n, e);

	if (r < 0)
		return r;
	for (i = 0; i < n; i++)
		taken[entries[i].id] = entries[i].name;
	if (im->arg_id && taken[im->arg_id])
		return err_set(e, -EEXIST,
			       "id %d is VPN '%s''s already: choose another with "
			       "--id, or leave it out",
			       im->arg_id, taken[im->arg_id]);
	for (id = im->arg_id ? im->arg_id : 1; id < 100 && taken[id]; id++)
		;
	if (id >= 100)
		return err_set(
			e, -ENOSPC,
			"all ids from 1 to 99 are taken: remove a VPN's files from " VPN_CONFIG_DIR
			" first");
	im->id = id;
	return 0;
}

/* A new file of that name, whole or not at all: -EEXIST if there is one, link or not. */
static int create_file(int dir, const char *name, const void *data, size_t len, mode_t mode)
{
	AUTO_CLOSE int fd = -1;
	int r;

	unlinkat(dir, BEGUN, 0);
	fd = openat(dir, BEGUN, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, data, len);
	if (!r && fchmod(fd, mode) < 0)
		r = -errno;
	if (!r && fsync(fd) < 0)
		r = -errno;
	if (!r && linkat(dir, BEGUN, dir, name, 0) < 0)
		r = -errno;
	unlinkat(dir, BEGUN, 0);
	return r;
}

/* Whether NAME.conf is there already with these very bytes: what an import that was killed before
 * its JSON left behind, and the next one may take over. */
static bool is_leftover(struct import *im, const char *conf)
{
	AUTO_CLOSE int fd = openat(im->dir, conf, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	struct stat st;
	size_t len = 0;
	bool same;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 ||
	    (st.st_mode & 0177) || st.st_nlink != 1 ||
	    file_read_fd(fd, CONF_SIZE_MAX, &text, &len) < 0)
		return false;
	same = len == im->text.len && !memcmp(text, im->text.at, len);
	util_wipe(text, len);
	return same;
}

static int install(struct import *im, struct err *e)
{
	char conf[32], json[32], text[256];
	struct stat st;
	int r;

	snprintf(conf, sizeof(conf), "%s.conf", im->name);
	snprintf(json, sizeof(json), "%s.json", im->name);
	r = str_fmt(text, sizeof(text), "{\n  \"id\": %d,\n  \"config\": \"%s/%s\"\n}\n", im->id,
		    VPN_CONFIG_DIR, conf);
	if (r < 0)
		return err_sys(e, r, "cannot write %s", json);
	if (fstatat(im->dir, json, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, -EEXIST,
			       "there is a VPN '%s' already: choose another name with --name, or "
			       "remove it (vpnctl down %s; rm %s/%s.json %s/%s.conf)",
			       im->name, im->name, VPN_CONFIG_DIR, im->name, VPN_CONFIG_DIR,
			       im->name);
	if (is_leftover(im, conf))
		unlinkat(im->dir, conf, 0);
	r = create_file(im->dir, conf, im->text.at, im->text.len, 0600);
	if (r == -EEXIST)
		return err_set(e, r,
			       "%s/%s exists and is another file: choose another name with "
			       "--name, or remove it",
			       VPN_CONFIG_DIR, conf);
	if (r < 0)
		return err_sys(e, r, "cannot write %s/%s", VPN_CONFIG_DIR, conf);
	r = create_file(im->dir, json, text, strlen(text), 0644);
	if (r < 0) {
		err_sys(e, r, "cannot write %s/%s", VPN_CONFIG_DIR, json);
		unlinkat(im->dir, conf, 0);
		return r;
	}
	fsync(im->dir);
	return 0;
}

/* As the VPN will be: its subnet is known only with its id. */
static int warn_subnet(struct import *im)
{
	struct profile p = {.subnet4_plen = 24, .tunnel = im->tunnel};
	const struct ipaddr *clash;

	p.subnet4.s_addr = htonl(0x0a140000u | (uint32_t)im->id << 8);
	p.id = im->id;
	clash = plan_subnet_clash(&p, NULL);
	if (!clash)
		return 0;
	return tunnel_warn(&im->tunnel,
			   "%s of the tunnel overlaps 10.20.%d.0/24, where programs get their "
			   "addresses: add \"subnet\" to %s/%s.json before `vpnctl up %s`",
			   clash->text, im->id, VPN_CONFIG_DIR, im->name, im->name);
}

static int import(struct import *im, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	int r = choose_name(im, e);

	if (r < 0)
		return r;
	fd = file_open_named(im->file, e);
	if (fd < 0)
		return fd;
	r = conf_load_fd(fd, im->file, &im->tunnel, &im->text, e);
	if (r < 0)
		return r;
	if (geteuid() != 0)
		return err_set(e, -EPERM,
			       "only root can install a VPN (%s is valid): sudo vpnctl import %s",
			       im->file, im->file);
	if (tunnel_review(im->file, &im->tunnel) < 0)
		return err_sys(e, -ENOMEM, "cannot check %s", im->file);
	r = open_dir(im, e);
	if (r == 0)
		r = choose_id(im, e);
	if (r == 0)
		r = install(im, e);
	if (r == 0 && warn_subnet(im) < 0)
		r = err_sys(e, -ENOMEM, "cannot check %s", im->file);
	/* Only a directory that is empty goes: rmdir(2) sees to that. */
	if (r < 0 && im->created_dir)
		rmdir(VPN_CONFIG_DIR);
	return r;
}

static int usage(const char *what)
{
	log_error("import: %s: vpnctl import FILE [--name NAME] [--id 1..99] [--up [--no-wait]]",
		  what);
	return CTL_USAGE;
}

static int parse_args(struct import *im, int argc, char **argv)
{
	static const struct option options[] = {
		{"name", required_argument, NULL, 'n'}, {"id", required_argument, NULL, 'i'},
		{"up", no_argument, NULL, 'u'},		{"no-wait", no_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'},	{NULL, 0, NULL, 0},
	};
	uint64_t id;
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			im->arg_name = optarg;
			break;
		case 'i':
			if (str_uint(optarg, 1, 99, &id) < 0)
				return usage("--id must be a number from 1 to 99");
			im->arg_id = (int)id;
			break;
		case 'u':
			im->arg_up = true;
			break;
		case 'w':
			im->arg_no_wait = true;
			break;
		case 'h':
			say("usage: vpnctl import FILE [--name NAME] [--id I] [--up [--no-wait]]\n\n"
			    "Installs a provider's WireGuard file as a VPN: %s/NAME.conf (root "
			    "only)\nand NAME.json. Without --id, the lowest free one; --up brings "
			    "it up at once, and waits until its server answers.\n",
			    VPN_CONFIG_DIR);
			return -1;
		default:
			return CTL_USAGE;
		}
	}
	if (argc - optind != 1)
		return usage("one FILE is needed");
	im->file = argv[optind];
	return CTL_OK;
}

int ctl_import(int argc, char **argv)
{
	struct import im = {.dir = -1, .lock = -1};
	struct err e = ERR_INIT;
	int status = parse_args(&im, argc, argv);

	if (status != CTL_OK)
		return status < 0 ? CTL_OK : status;
	if (import(&im, &e) < 0) {
		/* A fault of the file itself is written as `check` writes it. */
		if (str_starts(e.msg, im.file))
			log_plain("%s", e.msg);
		else
			log_error("%s", e.msg);
		status = CTL_FAILED;
	} else {
		ctl_print_warnings(&im.tunnel);
		say("imported %s as VPN '%s', id %d: %s/%s.json\n", im.file, im.name, im.id,
		    VPN_CONFIG_DIR, im.name);
		if (!im.arg_up)
			say("bring it up with: vpnctl up %s\n", im.name);
		fflush(stdout);
	}
	tunnel_free(&im.tunnel);
	if (im.text.at)
		util_wipe(im.text.at, im.text.len);
	free(im.text.at);
	util_close(&im.dir);
	util_close(&im.lock);
	return status == CTL_OK && im.arg_up ? ctl_up_name(im.name, !im.arg_no_wait) : status;
}
