/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl oci enable|disable|status`: tells podman and CRI-O of vpnrun-hook, by files in the one
 * directory that they read without being told. (/etc/containers/oci/hooks.d is not among them,
 * whatever podman(1) says; and --hooks-dir is forgotten when podman restarts a container.) Must
 * never touch a file there that is not ours.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "ctl/ctl.h"
#include "ctl/show.h"
#include "ctl/view.h"

#define HOOKS_DIR "/usr/share/containers/oci/hooks.d"

static const char *const stages[] = {"precreate", "createRuntime", "createContainer"};
static const char *const confs[] = {"/usr/share/containers/containers.conf",
				    "/etc/containers/containers.conf"};

static int usage(void)
{
	log_error("usage: vpnctl oci enable|disable|status");
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
	if (access(ret, X_OK) < 0)
		return err_sys(e, -errno, "cannot use %s", ret);
	return 0;
}

static void file_path(const char *stage, char ret[128])
{
	str_fmt(ret, 128, HOOKS_DIR "/vpnrun-%s.json", stage);
}

static int enable(struct err *e)
{
	char hook[PATH_MAX], path[128], text[PATH_MAX + 512];
	int r = hook_path(hook, e);

	if (r == 0)
		r = dir_make(HOOKS_DIR, 0755, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(stages); i++) {
		file_path(stages[i], path);
		r = str_fmt(text, sizeof(text),
			    "{\n"
			    "\t\"version\": \"1.0.0\",\n"
			    "\t\"hook\": {\n"
			    "\t\t\"path\": \"%s\",\n"
			    "\t\t\"args\": [\"vpnrun-hook\", \"%s\"],\n"
			    "\t\t\"timeout\": 10\n"
			    "\t},\n"
			    "\t\"when\": { \"annotations\": { \"^vpnrun$\": \".*\" } },\n"
			    "\t\"stages\": [\"%s\"]\n"
			    "}\n",
			    hook, stages[i], stages[i]);
		if (r >= 0)
			r = file_replace(path, text, strlen(text), 0644, e);
	}
	if (r < 0)
		return r;
	printf("containers with the annotation vpnrun=NAME use VPN NAME: %s\n", hook);
	return 0;
}

static int disable(struct err *e)
{
	char path[128];
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(stages); i++) {
		file_path(stages[i], path);
		r = file_remove(path, e);
	}
	return r < 0 ? r : 0;
}

/* Whether a file of containers.conf(5) sends podman elsewhere: 1, and *ret_line the line. */
static int goes_elsewhere(const char *conf, char ret_line[256])
{
	FILE *f = fopen(conf, "re");
	int found = 0;

	while (f && fgets(ret_line, 256, f)) {
		const char *s = ret_line + strspn(ret_line, " \t");

		if (str_starts(s, "hooks_dir") && !strstr(s, HOOKS_DIR)) {
			found = 1;
			break;
		}
	}
	if (f)
		fclose(f);
	return found;
}

/* 1: all is there; 0: something is missing, and was said. */
static int status(struct err *e)
{
	char hook[PATH_MAX], path[128], line[256];
	AUTO_FREE char *text = NULL;
	size_t missing = 0;
	int good, r = hook_path(hook, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		file_path(stages[i], path);
		util_free(&text);
		text = NULL;
		if (file_read(path, 65536, &text, NULL, NULL) < 0) {
			printf("%s: not there\n", path);
			missing++;
		} else if (!strstr(text, hook)) {
			/* podman passes over a hook whose program is not there, in silence. */
			printf("%s: is of another installation, not of %s\n", path, hook);
			missing++;
		}
	}
	good = missing == 0;
	for (size_t i = 0; i < ARRAY_SIZE(confs); i++)
		if (goes_elsewhere(confs[i], line)) {
			printf("%s: podman reads hooks elsewhere: %s", confs[i], line);
			good = 0;
		}
	puts(good ? "enabled: podman run --network none --annotation vpnrun=NAME ..."
	     : missing == ARRAY_SIZE(stages)
		     ? "not enabled: sudo vpnctl oci enable"
		     : "incomplete: containers may start without the VPN that they ask for");
	return good;
}

int ctl_oci(int argc, char **argv)
{
	const char *verb = argc == 2 ? argv[1] : "";
	struct err e = ERR_INIT;
	int r;

	if (!strcmp(verb, "status")) {
		r = status(&e);
		if (r >= 0)
			return r ? CTL_OK : CTL_FAILED;
	} else if (!strcmp(verb, "enable") || !strcmp(verb, "disable")) {
		if (geteuid() != 0) {
			log_error("oci %s needs root; try: sudo vpnctl oci %s", verb, verb);
			return CTL_FAILED;
		}
		r = verb[0] == 'e' ? enable(&e) : disable(&e);
		if (r == 0)
			return CTL_OK;
	} else {
		return usage();
	}
	log_error("%s", e.msg);
	return CTL_FAILED;
}
