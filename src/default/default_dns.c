/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of the whole machine: by systemd-resolved where resolv.conf leads to it, else by
 * resolvconf where that owns the file, else by the file. resolvconf's interface is a program, the
 * one that vpnrun starts without being told to; it gets fixed arguments and no environment.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/util.h"
#include "ns/names.h"
#include "default/default_dns.h"
#include "default/default_part.h"
#include "tunnel/uplink_dns.h"

#define RESOLVCONF_MS 20000

static const char *const resolvconf_places[] = {"/sbin/resolvconf", "/usr/sbin/resolvconf",
						"/usr/bin/resolvconf"};

/* 1: there is one; 0: there is none. */
static int find_resolvconf(const char **ret, struct err *e)
{
	int r = 0;

	*ret = NULL;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(resolvconf_places); i++) {
		r = file_is_there(resolvconf_places[i], e);
		if (r > 0)
			*ret = resolvconf_places[i];
	}
	return r;
}

int default_dns_look(struct default_note *n, struct err *e)
{
	AUTO_FREE char *text = NULL;
	const char *resolvconf;
	char real[PATH_MAX] = "";
	int r = 0;

	n->dns = DEFAULT_DNS_FILE;
	if (!realpath(RESOLV_CONF, real)) {
		if (errno != ENOENT)
			return err_sys(e, -errno, "cannot follow " RESOLV_CONF);
		real[0] = '\0';
	} else {
		r = file_read(RESOLV_CONF, 65536, &text, NULL, e);
		if (r < 0)
			return r;
	}
	if (str_starts(real, "/run/systemd/resolve/") ||
	    (text && strstr(text, "nameserver 127.0.0.53"))) {
		r = file_is_there(RESOLVED_SOCKET, e);
		n->dns = r > 0 ? DEFAULT_DNS_RESOLVED : DEFAULT_DNS_FILE;
	} else if (str_starts(real, "/run/resolvconf/") ||
		   (text && strstr(text, "by resolvconf"))) {
		r = find_resolvconf(&resolvconf, e);
		n->dns = r > 0 ? DEFAULT_DNS_RESOLVCONF : DEFAULT_DNS_FILE;
	}
	if (r >= 0)
		r = uplink_dns_parse(n->dns == DEFAULT_DNS_RESOLVED ? RESOLVED_UPLINK : RESOLV_CONF,
				     n->uplink_dns, DEFAULT_DNS_MAX, e);
	return r < 0 ? r : 0;
}

/* --- resolvconf ------------------------------------------------------------------------------ */

/* It runs what others have put into its directories, and all who change the default wait for us. */
static int wait_for(pid_t pid, const char *what, struct err *e)
{
	AUTO_CLOSE int fd = child_pidfd(pid);
	bool late = fd >= 0 && !child_wait_pidfd(fd, RESOLVCONF_MS);
	int status = 0;

	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, -errno, "cannot wait for resolvconf");
	if (late)
		return err_set(e, -ETIMEDOUT, "resolvconf %s does not end", what);
	if (status != 0)
		return err_set(e, -EIO, "resolvconf %s failed", what);
	return 0;
}

/* text NULL: nothing to read. */
static int run_resolvconf(const char *const args[], const char *text, struct err *e)
{
	static char path_env[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	/* A file, no pipe: a program that ends early must not end us, by SIGPIPE, in the middle. */
	AUTO_CLOSE int in = memfd_create("resolvconf", MFD_CLOEXEC);
	char *envp[] = {path_env, NULL}, *argv[8] = {NULL};
	const char *program;
	posix_spawn_file_actions_t fa;
	char copy[8][32];
	pid_t pid;
	int r = find_resolvconf(&program, e);

	if (r <= 0)
		return r < 0 ? r : err_set(e, -ENOENT, "cannot run resolvconf");
	if (in < 0 || (text && fd_write_all(in, text, strlen(text)) < 0) ||
	    lseek(in, 0, SEEK_SET) < 0)
		return err_sys(e, -errno, "cannot hand resolvconf its text");
	for (int i = 0; args[i]; i++) {
		str_copy(copy[i], sizeof(copy[i]), args[i]);
		argv[i] = copy[i];
	}
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in, STDIN_FILENO);
	r = posix_spawn(&pid, program, &fa, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&fa);
	if (r != 0)
		return err_sys(e, -r, "cannot run %s", program);
	return wait_for(pid, args[1], e);
}

static void forget_resolvconf(const char *dev)
{
	const char *const args[] = {"resolvconf", "-d", dev, NULL};
	const char *program;

	if (find_resolvconf(&program, NULL) != 0)
		run_resolvconf(args, NULL, NULL);
}

/* --- all ------------------------------------------------------------------------------------- */

static int resolv_text(const struct default_way *w, char *ret, size_t size, struct err *e)
{
	struct names_dns dns[RECORD_DNS_MAX];
	size_t n = 0;
	int r;

	for (size_t i = 0; i < RECORD_DNS_MAX && w->dns[i].family; i++) {
		dns[n].family = w->dns[i].family;
		memcpy(dns[n++].addr, w->dns[i].addr, sizeof(dns->addr));
	}
	r = names_resolv_conf(ret, size, dns, n, w->search);
	return r < 0 ? err_sys(e, r, "cannot write resolv.conf of %s", w->name) : 0;
}

static int file_text(const struct default_way *w, char ret[RESOLV_FILE_MAX], struct err *e)
{
	char text[NAMES_RESOLV_MAX];
	int r = resolv_text(w, text, sizeof(text), e);

	return r < 0 ? r : resolv_file_text(w->name, text, ret, e);
}

static bool is_by_device(uint32_t how)
{
	return how == DEFAULT_DNS_RESOLVED || how == DEFAULT_DNS_RESOLVCONF;
}

/* The file, where it is one, is written by the act and judged by itself. */
int default_dns_want(const struct default_note *n, const struct default_way *w, struct want_list *l,
		     struct err *e)
{
	char all[RESOLV_FILE_MAX];
	struct want_act *a;
	int r;

	/* A VPN without servers leaves names as they are. */
	if (!w->dns[0].family)
		return 0;
	a = want_add_act(l, ACT_NAMES, w->name);
	a->how = n->dns;
	if (is_by_device(n->dns)) {
		memcpy(a->dev, w->dev, sizeof(a->dev));
		return 0;
	}
	r = file_text(w, all, e);
	if (r == 0)
		want_add_file(l, RESOLV_CONF, all, strlen(all));
	return r;
}

int default_dns_undo(const struct want_act *a, struct err *e)
{
	if (a->how == DEFAULT_DNS_RESOLVED)
		resolved_revert(a->dev);
	else if (a->how == DEFAULT_DNS_RESOLVCONF)
		forget_resolvconf(a->dev);
	else
		return resolv_file_restore(e);
	return 0;
}

int default_dns_set(const struct default_note *n, struct err *e)
{
	const char *const args[] = {"resolvconf", "-a", n->now.dev, "-m", "0", "-x", NULL};
	char text[RESOLV_FILE_MAX];
	int r;

	if (n->dns == DEFAULT_DNS_RESOLVED)
		return resolved_set(&n->now, e);
	r = is_by_device(n->dns) ? resolv_text(&n->now, text, sizeof(text), e)
				 : file_text(&n->now, text, e);
	if (r < 0)
		return r;
	return is_by_device(n->dns) ? run_resolvconf(args, text, e) : resolv_file_replace(text, e);
}
