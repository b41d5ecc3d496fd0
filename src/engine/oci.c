/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl oci enable|disable|status`: tells podman of vpnrun-hook, by directories of our own and a
 * drop-in of containers.conf(5) that names them. Not by the directory that podman reads by itself:
 * buildah and CRI-O read it, too, and take a stage that only podman has ("precreate") for an error
 * on which they end; and /usr may be read-only. (--hooks-dir is forgotten when podman restarts a
 * container.) Must never touch a file that is not ours.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "ctl/ctl.h"
#include "engine/oci_conf.h"
#include "ctl/show.h"

#define OCI_DIR	 "/etc/vpnrun/oci"
#define OCI_CONF "/etc/containers/containers.conf.d/90-vpnrun.conf"

/* CRI-O may be given the first directory; the stages there are of the runtime specification. */
static const struct stage {
	const char *name, *dir;
} stages[] = {
	{"createRuntime", OCI_DIR "/hooks.d"},
	{"createContainer", OCI_DIR "/hooks.d"},
	{"precreate", OCI_DIR "/podman.d"},
};
static const char *const dirs[] = {OCI_DIR "/hooks.d", OCI_DIR "/podman.d"};

static int usage(void)
{
	log_error("usage: vpnctl oci enable [--images]|disable|status");
	return CTL_USAGE;
}

/* BIN/vpnctl: the hook is BIN/../libexec/vpnrun/vpnrun-hook. */
static int hook_path(char ret[PATH_MAX], struct err *e)
{
	char exe[PATH_MAX] = "";
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	for (int up = 0; n > 0 && up < 2; up++)
		while (n > 0 && exe[--n] != '/')
			;
	if (n < 0 || str_fmt(ret, PATH_MAX, "%.*s/libexec/vpnrun/vpnrun-hook", (int)n, exe) < 0)
		return err_set(e, -ENOENT, "cannot tell where vpnrun is installed");
	if (strpbrk(ret, "\"\\\n"))
		return err_set(e, -EINVAL, "the path %s cannot stand in a hook's file", ret);
	if (access(ret, X_OK) == 0)
		return 0;
	if (errno == ENOENT)
		return err_set(e, -ENOENT,
			       "%s is not there; distributions have it in the package vpnrun-oci",
			       ret);
	return err_sys(e, -errno, "cannot use %s", ret);
}

static void file_path(const struct stage *s, char ret[128])
{
	str_fmt(ret, 128, "%s/vpnrun-%s.json", s->dir, s->name);
}

/* The directory that former versions put it into. */
static void old_path(const struct stage *s, char ret[128])
{
	str_fmt(ret, 128, OCI_SHARED_DIR "/vpnrun-%s.json", s->name);
}

/* --- enable, disable ------------------------------------------------------------------------- */

/* podman shows the arguments of a precreate hook that fails, and nothing of what it said. */
static int write_hook(const struct stage *s, const char *hook, bool images, struct err *e)
{
	char path[128], text[PATH_MAX + 512];
	int r = dir_make(s->dir, 0755, e);

	if (r < 0)
		return r;
	file_path(s, path);
	r = str_fmt(text, sizeof(text),
		    "{\n"
		    "\t\"version\": \"1.0.0\",\n"
		    "\t\"hook\": {\n"
		    "\t\t\"path\": \"%s\",\n"
		    "\t\t\"args\": [\"vpnrun-hook\", \"%s\", %s"
		    "\"(why: /run/vpnrun/hook.log, a user's: "
		    "/run/user/UID/vpnrun-hook.log)\"],\n"
		    "\t\t\"timeout\": 10\n"
		    "\t},\n"
		    "\t\"when\": { \"annotations\": { \"^vpnrun$\": \".*\" } },\n"
		    "\t\"stages\": [\"%s\"]\n"
		    "}\n",
		    hook, s->name, images ? "\"--images\", " : "", s->name);
	return r < 0 ? err_set(e, r, "the path %s is too long", hook)
		     : file_replace(path, text, strlen(text), 0644, e);
}

/* podman takes the last list alone, so ours says what the others said, too. */
static int write_conf(struct err *e)
{
	char text[OCI_DIRS_MAX * 260 + 512];
	struct oci_dirs d;
	size_t len;
	int r = oci_conf_read(NULL, OCI_CONF, &d, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++)
		r = oci_dirs_add(&d, dirs[i], e);
	if (r == 0)
		r = dir_make("/etc/containers/containers.conf.d", 0755, e);
	if (r < 0)
		return r;
	len = (size_t)snprintf(text, sizeof(text),
			       "# By `vpnctl oci enable`; `vpnctl oci disable` takes it away.\n"
			       "[engine]\nhooks_dir = [");
	for (size_t i = 0; i < d.n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\n\t\"%s\"",
					i ? "," : "", d.at[i]);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "\n]\n");
	return file_replace(OCI_CONF, text, len, 0644, e);
}

static int remove_old(struct err *e)
{
	char path[128];
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(stages); i++) {
		old_path(&stages[i], path);
		/* Where /usr is read-only, to remove what is not there fails, too. */
		r = file_is_there(path, NULL) != 0 ? file_remove(path, e) : 0;
	}
	return r < 0 ? r : 0;
}

/* The drop-in first: podman fails on a directory that is named and not there. */
static int remove_new(struct err *e)
{
	char path[128];
	int r = file_remove(OCI_CONF, e);

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(stages); i++) {
		file_path(&stages[i], path);
		r = file_remove(path, e);
	}
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(dirs); i++)
		rmdir(dirs[i]); /* not empty: something of the administrator's own */
	rmdir(OCI_DIR);
	return r < 0 ? r : 0;
}

static int enable(bool images, struct err *e)
{
	bool was_there = file_is_there(OCI_CONF, NULL) != 0;
	struct err ignored = ERR_INIT;
	char hook[PATH_MAX];
	int r = hook_path(hook, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(stages); i++)
		r = write_hook(&stages[i], hook, images, e);
	if (r == 0)
		r = write_conf(e);
	if (r == 0)
		r = remove_old(e);
	if (r < 0 && !was_there)
		remove_new(&ignored);
	if (r < 0)
		return r;
	say("containers with the annotation vpnrun=NAME use VPN NAME: %s\n", hook);
	return 0;
}

static int disable(struct err *e)
{
	int r = remove_new(e);

	return r < 0 ? r : remove_old(e);
}

/* --- status ---------------------------------------------------------------------------------- */

static bool has_old(void)
{
	bool found = false;
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		old_path(&stages[i], path);
		if (access(path, F_OK) < 0)
			continue;
		say("%s: of a former version; where it lies, `podman build` and CRI-O fail\n",
		    path);
		found = true;
	}
	return found;
}

static size_t count_missing(const char *hook)
{
	char path[128];
	size_t missing = 0;

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		AUTO_FREE char *text = NULL;

		file_path(&stages[i], path);
		if (file_read(path, 65536, &text, NULL, NULL) < 0) {
			say("%s: not there\n", path);
			missing++;
		} else if (!strstr(text, hook)) {
			/* podman passes over a hook whose program is not there, in silence. */
			say("%s: is of another installation, not of %s\n", path, hook);
			missing++;
		}
	}
	return missing;
}

/* Whether podman of the caller reads ours, and still all that it would read without us. */
static int check_conf(struct err *e)
{
	const char *home = geteuid() == 0 ? NULL : getenv("HOME");
	struct oci_dirs all, others;
	int good = 1, r = oci_conf_read(home, NULL, &all, e);

	if (r == 0)
		r = oci_conf_read(home, OCI_CONF, &others, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (!oci_dirs_have(&all, dirs[i])) {
			say("%s: hooks_dir is without %s\n", all.from[0] ? all.from : OCI_CONF,
			    dirs[i]);
			good = 0;
		}
	for (size_t i = 0; i < others.n; i++)
		if (good && !oci_dirs_have(&all, others.at[i]))
			say("%s: hooks_dir is without %s of %s: sudo vpnctl oci enable\n", all.from,
			    others.at[i], others.from);
	return good;
}

/* Engines swallow what a hook says. */
static void print_log(void)
{
	AUTO_FREE char *text = NULL;
	char path[64] = "/run/vpnrun/hook.log";
	const char *at;
	size_t len;

	if (geteuid() != 0)
		str_fmt(path, sizeof(path), "/run/user/%u/vpnrun-hook.log", geteuid());
	if (file_read(path, 2 << 20, &text, &len, NULL) < 0 || len == 0)
		return;
	at = text + len - 1;
	for (int lines = 0; at > text && lines < 5; lines += *at == '\n' && lines < 5)
		at--;
	say("refused lately, by %s:\n", path);
	for (at += *at == '\n'; *at; at++)
		putchar(((unsigned char)*at >= ' ' && *at != 0x7f) || *at == '\n' ? *at : '?');
}

/* 1: all is there; 0: something is missing, and was said. */
static int status(struct err *e)
{
	char hook[PATH_MAX];
	bool old = has_old();
	size_t missing;
	int good, r = hook_path(hook, e);

	if (r < 0)
		return r;
	missing = count_missing(hook);
	good = missing == ARRAY_SIZE(stages) ? 0 : check_conf(e);
	if (good < 0)
		return good;
	good = good && !old && missing == 0;
	puts(good ? "enabled: podman run --network none --annotation vpnrun=NAME ..."
	     : missing == ARRAY_SIZE(stages)
		     ? "not enabled: sudo vpnctl oci enable"
		     : "incomplete, containers may start without the VPN that they ask for: "
		       "sudo vpnctl oci enable");
	print_log();
	return good;
}

int ctl_oci(int argc, char **argv)
{
	const char *verb = argc >= 2 ? argv[1] : "";
	bool images = argc == 3 && !strcmp(argv[2], "--images");
	bool known = !strcmp(verb, "enable") || (argc == 2 && !strcmp(verb, "disable"));
	struct err e = ERR_INIT;
	int r;

	if (argc == 2 && !strcmp(verb, "status")) {
		r = status(&e);
		if (r >= 0)
			return r ? CTL_OK : CTL_FAILED;
	} else if (known && (argc == 2 || images)) {
		r = verb[0] == 'e' ? enable(images, &e) : disable(&e);
		if (r == 0)
			return CTL_OK;
	} else {
		return usage();
	}
	log_error("%s", e.msg);
	return CTL_FAILED;
}
