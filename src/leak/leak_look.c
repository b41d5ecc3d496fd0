/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The half of a leak test's doors that is inside. It looks at what is there and connects to
 * nothing: a socket is the one outside if its inode is, and a dead one over it is another. May run
 * in a container that is hostile, so it reads no configuration by libraries and runs nothing.
 * Called by leak/leak_probe.c and leak/leak_test.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "leak/leak_doors.h"
#include "ns/upcall.h"

#define CONF_MAX (64u * 1024u)

struct outside {
	unsigned long long net, ipc;
	int pid;
};

static bool is_inode(const char *ns, unsigned long long ino)
{
	struct stat st;

	return ino && stat(ns, &st) == 0 && st.st_ino == ino;
}

static void look_at_socket(FILE *out, char *line)
{
	unsigned long long dev, ino;
	struct stat st;
	int at = 0;

	if (sscanf(line, "%llu %llu %n", &dev, &ino, &at) != 2 || !at ||
	    lstat(line + at, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_dev != dev ||
	    st.st_ino != ino)
		return;
	/* A socket that this user may not write to answers nobody. */
	if (access(line + at, W_OK) == 0)
		fprintf(out, "socket\t%s\n", line + at);
}

static void look_at_names(FILE *out)
{
	AUTO_FREE char *resolv = NULL, *nss = NULL;
	char *line, *save;

	if (file_read("/etc/resolv.conf", CONF_MAX, &resolv, NULL, NULL) < 0 ||
	    !strstr(resolv, "vpn"))
		fputs("resolv\tnot the VPN's\n", out);
	if (file_read("/etc/nsswitch.conf", CONF_MAX, &nss, NULL, NULL) < 0)
		return; /* the C library's own default asks DNS alone in a container without one */
	for (line = strtok_r(nss, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " \t");
		if (strncmp(line, "hosts", 5) != 0 || !strchr(": \t", line[5]))
			continue;
		line += 5 + strspn(line + 5, " \t:");
		for (const char *w = line; *w;) {
			size_t len = strcspn(w, " \t");

			if (!(len == 5 && !strncmp(w, "files", 5)) &&
			    !(len == 3 && !strncmp(w, "dns", 3)) && w[0] != '[' &&
			    !(len == 10 && !strncmp(w, "myhostname", 10)))
				fprintf(out, "nsswitch\t%.*s\n", (int)len, w);
			w += len;
			w += strspn(w, " \t");
		}
	}
}

static void look_at_devices_of_net(FILE *out)
{
	FILE *f = fopen("/proc/self/net/dev", "re");
	char line[512], name[64];

	while (f && fgets(line, sizeof(line), f))
		if (strchr(line, ':') && sscanf(line, " %63[^:]:", name) == 1 &&
		    strcmp(name, "lo") != 0 && strcmp(name, "vpn0") != 0 &&
		    strcmp(name, "eth0") != 0 && strncmp(name, "tunl", 4) != 0 &&
		    strncmp(name, "sit", 3) != 0 && strncmp(name, "ip6", 3) != 0 &&
		    strncmp(name, "gre", 3) != 0 && strncmp(name, "erspan", 6) != 0 &&
		    strncmp(name, "ip_vti", 6) != 0)
			fprintf(out, "device-of-net\t%s\n", name);
	if (f)
		fclose(f);
}

static bool is_own_terminal(const char *path)
{
	struct stat a, b;

	if (stat(path, &a) < 0)
		return true;
	for (int fd = 0; fd <= 2; fd++)
		if (fstat(fd, &b) == 0 && S_ISCHR(b.st_mode) && a.st_rdev == b.st_rdev)
			return true;
	return false;
}

/* What of a directory of /dev can be written to, and begins so. */
static void look_at_nodes(FILE *out, const char *kind, const char *dir, const char *begin)
{
	const struct dirent *de;
	DIR *d = opendir(dir);
	char path[320];

	while (d && (de = readdir(d)))
		if (str_starts(de->d_name, begin) && de->d_name[0] != '.' &&
		    strcmp(de->d_name, "ptmx") != 0 &&
		    str_fmt(path, sizeof(path), "%s/%s", dir, de->d_name) > 0 &&
		    access(path, W_OK) == 0 && !is_own_terminal(path))
			fprintf(out, "%s\t%s\n", kind, path);
	if (d)
		closedir(d);
}

/* Its own, as it was started. */
static void look_at_descriptors(FILE *out)
{
	char path[32], link[128];
	struct stat st;

	for (int fd = 0; fd < 256; fd++) {
		ssize_t n;

		str_fmt(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, link, sizeof(link) - 1);
		if (n < 0)
			continue;
		link[n] = '\0';
		if (str_starts(link, "net:") || str_starts(link, "mnt:") ||
		    (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)))
			fprintf(out, "descriptor\tdescriptor %d is %s\n", fd, link);
	}
}

static void put_mount(const char *path, bool has_below, void *arg)
{
	(void)has_below;
	if (!strpbrk(path, "\n\t"))
		fprintf(arg, "mount\t%s\n", path);
}

static void look_around(FILE *out, const struct outside *o)
{
	if (is_inode("/proc/self/ns/net", o->net))
		fputs("network\t\n", out);
	if (is_inode("/proc/self/ns/ipc", o->ipc))
		fputs("ipc\t\n", out);
	if (o->pid > 0 && kill(o->pid, 0) == 0)
		fputs("signal\tthe user's programs outside\n", out);
	look_at_descriptors(out);
	look_at_devices_of_net(out);
	look_at_names(out);
	look_at_nodes(out, "terminal", "/dev/pts", "");
	look_at_nodes(out, "input", "/dev", "uinput");
	look_at_nodes(out, "input", "/dev", "hidraw");
	look_at_nodes(out, "input", "/dev/input", "event");
	look_at_nodes(out, "input", "/dev", "vsock");
	ns_upcall_for_each(false, put_mount, out, NULL);
}

int leak_look(int in, int out)
{
	FILE *lines = fdopen(dup(in), "r"), *answer = fdopen(dup(out), "w");
	struct outside o = {0};
	char *line = NULL;
	size_t room = 0;
	int r = lines && answer ? 0 : -ENOMEM;

	/* Reads not a byte more than the lines: what follows is the caller's. */
	if (lines)
		setvbuf(lines, NULL, _IONBF, 0);
	while (r == 0 && getline(&line, &room, lines) > 1) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "ns %llu %llu %d", &o.net, &o.ipc, &o.pid) != 3)
			look_at_socket(answer, line);
	}
	if (r == 0)
		look_around(answer, &o);
	free(line);
	if (lines)
		fclose(lines);
	if (answer && r == 0)
		fputc('\n', answer);
	if (answer && fclose(answer) != 0)
		r = -EIO;
	return r;
}
