/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The half of a leak test's doors that is outside: what there is, who listens, and which channel it
 * belongs to. Must never call a door shut that nobody has looked at. Called by leak/leak_test.c.
 */
#include "leak/leak_doors.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "nl/sock.h"
#include "nl/unixdiag.h"

static const char *const channels[LEAK_N_CHANNELS] = {
	[LEAK_TCP4] = "TCP, IPv4",
	[LEAK_TCP6] = "TCP, IPv6",
	[LEAK_UDP4] = "UDP, IPv4",
	[LEAK_UDP6] = "UDP, IPv6",
	[LEAK_OTHER4] = "ICMP and others, IPv4",
	[LEAK_OTHER6] = "ICMP and others, IPv6",
	[LEAK_DNS] = "DNS to any server",
	[LEAK_RESOLVER] = "names by the C library",
	[LEAK_SOCKETS] = "sockets of programs outside",
	[LEAK_SESSION] = "the session outside",
	[LEAK_DESCRIPTORS] = "inherited descriptors",
	[LEAK_MOUNTS] = "automounters",
	[LEAK_TERMINALS] = "other terminals",
	[LEAK_DEVICES] = "input and other devices",
	[LEAK_PROCESSES] = "processes outside",
};

static const struct {
	const char *kind;
	enum leak_channel channel;
	enum leak_state state;
	const char *what;
} kinds[] = {
	{"network", LEAK_UDP4, LEAK_OPEN, "the host's own network namespace"},
	{"device-of-net", LEAK_UDP4, LEAK_OPEN, "a network device beside the cable:"},
	{"nsswitch", LEAK_RESOLVER, LEAK_OPEN, "nsswitch.conf asks"},
	{"resolv", LEAK_RESOLVER, LEAK_OPEN, "resolv.conf is"},
	{"descriptor", LEAK_DESCRIPTORS, LEAK_OPEN, ""},
	{"mount", LEAK_MOUNTS, LEAK_OPEN, "a lookup there acts outside:"},
	{"terminal", LEAK_TERMINALS, LEAK_DESIGN, ""},
	{"input", LEAK_DEVICES, LEAK_DESIGN, ""},
	{"signal", LEAK_PROCESSES, LEAK_DESIGN, "signals reach"},
	{"ipc", LEAK_PROCESSES, LEAK_DESIGN, "shared memory is the host's"},
};

/* What the desktop serves, and is not a way to a network for an honest program. */
static const struct {
	const char *part;
	const char *what;
} by_design[] = {
	{"/wayland-", "the display"},	{"/tmp/.X11-unix/", "the display"},
	{"/pulse/native", "sound"},	{"/pipewire-0", "sound"},
	{"/S.gpg-agent", "keys"},	{"/S.keyboxd", "keys"},
	{"/keyring/ssh", "keys"},	{"/gcr/ssh", "keys"},
	{"/ssh-agent", "keys"},		{"/at-spi/", "assistive technology"},
	{"/ibus/", "the input method"}, {"/fcitx", "the input method"},
	{"/openssh_agent", "keys"},
};

/* The same of the system, for services: where they say that they are ready, log, and ask who a user
 * is. Whole paths, or directories: a socket that only ends like one of these is not it. */
static const struct {
	const char *start;
	const char *what;
} by_design_of_system[] = {
	{"/run/systemd/notify", "systemd"},
	{"/run/systemd/journal/", "the journal"},
	{"/run/systemd/userdb/io.systemd.DynamicUser", "systemd"},
	{"/run/systemd/io.systemd.Credentials", "systemd"},
	{"/run/systemd/io.systemd.Hostname", "systemd"},
	{"/run/systemd/io.systemd.ManagedOOM", "systemd"},
	{"/run/systemd/io.system.ManagedOOM", "systemd"}, /* as Debian 12 has it */
	{"/run/udev/control", "udev"},
	{"/run/vpnrun/vpnrund.sock", "the broker, which gives cables of VPNs"},
};

void leak_table_say(struct leak_table *t, enum leak_channel c, enum leak_state s, const char *fmt,
		    ...)
{
	struct leak_row *row = &t->rows[c];
	va_list ap;

	if (row->state < s)
		row->state = s;
	if (!fmt)
		return;
	if (row->n == LEAK_DETAILS_MAX) {
		row->more++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(row->detail[row->n++], LEAK_DETAIL_LEN, fmt, ap);
	va_end(ap);
}

bool leak_table_is_closed(const struct leak_table *t)
{
	for (size_t i = 0; i < LEAK_N_CHANNELS; i++)
		if (t->rows[i].state == LEAK_OPEN)
			return false;
	return true;
}

static const char *sign(enum leak_state s)
{
	switch (s) {
	case LEAK_SHUT:
		return "\xe2\x9c\x93"; /* a check mark */
	case LEAK_DESIGN:
		return "\xe2\x97\x8b"; /* a circle */
	case LEAK_OPEN:
		return "\xe2\x9c\x97"; /* a cross */
	case LEAK_UNSEEN:
		break;
	}
	return "?";
}

void leak_table_print(const struct leak_table *t, const char *whose)
{
	bool design = false, unseen = false;

	say("%s:\n", whose);
	for (size_t i = 0; i < LEAK_N_CHANNELS; i++) {
		const struct leak_row *row = &t->rows[i];

		design |= row->state == LEAK_DESIGN;
		unseen |= row->state == LEAK_UNSEEN;
		say("  %s %-*s%s\n", sign(row->state), row->n ? 29 : 1, channels[i],
		    row->n ? row->detail[0] : "");
		for (size_t k = 1; k < row->n; k++)
			say("%32s %s\n", "", row->detail[k]);
		if (row->more)
			say("%32s and %zu more\n", "", row->more);
	}
	if (design)
		say("%s: open by design, to a hostile program alone; --strict shuts it, "
		    "vpnrun(1)\n",
		    sign(LEAK_DESIGN));
	if (unseen)
		say("?: not looked at; packets are watched by root alone\n");
}

void leak_table_json(const struct leak_table *t, struct json_out *out)
{
	static const char *const words[] = {"unseen", "shut", "by-design", "open"};

	json_out_array(out, "channels");
	for (size_t i = 0; i < LEAK_N_CHANNELS; i++) {
		const struct leak_row *row = &t->rows[i];

		json_out_object(out, NULL);
		json_out_str(out, "channel", channels[i]);
		json_out_str(out, "state", words[row->state]);
		json_out_array(out, "detail");
		for (size_t k = 0; k < row->n; k++)
			json_out_str(out, NULL, row->detail[k]);
		json_out_end(out);
		json_out_end(out);
	}
	json_out_end(out);
}

/* --- outside --------------------------------------------------------------------------------- */

static int put_listener(const struct unixdiag *u, void *arg)
{
	struct stat st;

	/* What cannot stand in a line is not a name that a program was made to look for. */
	if (u->name[0] != '/' || strpbrk(u->name, "\n\t") || lstat(u->name, &st) < 0 ||
	    !S_ISSOCK(st.st_mode))
		return 0;
	fprintf(arg, "%llu %llu %s\n", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
		u->name);
	return 0;
}

static unsigned long long inode_of(const char *ns)
{
	struct stat st;

	return stat(ns, &st) == 0 ? (unsigned long long)st.st_ino : 0;
}

int leak_doors_outside(char **ret, struct err *e)
{
	struct nl_sock s AUTO_NL_SOCK = NL_SOCK_INIT;
	size_t len;
	FILE *f = open_memstream(ret, &len);
	int r;

	if (!f)
		return err_sys(e, -errno, "cannot list what is outside");
	fprintf(f, "ns %llu %llu %d\n", inode_of("/proc/self/ns/net"),
		inode_of("/proc/self/ns/ipc"), (int)getpid());
	r = nl_sock_open(&s, NETLINK_SOCK_DIAG, e);
	if (r == 0)
		r = unixdiag_each(&s, false, put_listener, f, e);
	fputc('\n', f);
	if (fclose(f) != 0 && r == 0)
		r = err_set(e, -ENOMEM, "cannot list what is outside: no memory");
	return r;
}

/* Who made it listen, as it says itself: a connection that ends at once. */
static void who_listens(const char *path, char *ret, size_t size)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	AUTO_FREE char *name = NULL;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	char comm[32];

	str_copy(ret, size, "somebody");
	if (fd < 0 || str_copy(a.sun_path, sizeof(a.sun_path), path) < 0 ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || cred.pid <= 0)
		return;
	str_fmt(comm, sizeof(comm), "/proc/%d/comm", cred.pid);
	if (file_read(comm, 64, &name, NULL, NULL) == 0)
		name[strcspn(name, "\n")] = '\0';
	snprintf(ret, size, "%.32s (process %d)", name && *name ? name : "a process", cred.pid);
}

static void judge_socket(struct leak_table *t, const char *path)
{
	const char *slash = strrchr(path, '/');
	char who[80];

	for (size_t i = 0; i < ARRAY_SIZE(by_design); i++)
		if (strstr(path, by_design[i].part)) {
			leak_table_say(t, LEAK_SESSION, LEAK_DESIGN, "%s: %.120s",
				       by_design[i].what, path);
			return;
		}
	for (size_t i = 0; i < ARRAY_SIZE(by_design_of_system); i++)
		if (str_starts(path, by_design_of_system[i].start)) {
			leak_table_say(t, LEAK_SOCKETS, LEAK_DESIGN, "%s: %.120s",
				       by_design_of_system[i].what, path);
			return;
		}
	who_listens(path, who, sizeof(who));
	if (slash && !strcmp(slash, "/bus"))
		leak_table_say(t, LEAK_SESSION, LEAK_OPEN, "the session's own bus: %.120s, %s",
			       path, who);
	else
		leak_table_say(t, LEAK_SOCKETS, LEAK_OPEN, "%.140s, %s", path, who);
}

void leak_doors_judge(struct leak_table *t, const char *kind, const char *text)
{
	if (!strcmp(kind, "socket")) {
		judge_socket(t, text);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].kind, kind)) {
			leak_table_say(t, kinds[i].channel, kinds[i].state, "%s%s%.160s",
				       kinds[i].what, *kinds[i].what && *text ? " " : "", text);
			return;
		}
}

void leak_doors_looked(struct leak_table *t)
{
	for (int c = LEAK_RESOLVER; c < LEAK_N_CHANNELS; c++)
		leak_table_say(t, (enum leak_channel)c, LEAK_SHUT, NULL);
}

/* A directory that the program opened itself lies in its own view; one that it was started with, as
 * a standard stream, need not. */
static bool is_way_around(int fd, const char *path, const char *link)
{
	struct stat st;

	return str_starts(link, "net:") || str_starts(link, "mnt:") ||
	       (fd <= 2 && stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

void leak_doors_descriptors(struct leak_table *t, pid_t pid)
{
	char dir[48], path[320], link[128];
	const struct dirent *de;
	DIR *d;

	str_fmt(dir, sizeof(dir), "/proc/%d/fd", pid);
	d = opendir(dir);
	if (!d)
		return;
	leak_table_say(t, LEAK_DESCRIPTORS, LEAK_SHUT, NULL);
	while ((de = readdir(d))) {
		uint64_t fd;
		ssize_t n;

		if (str_uint(de->d_name, 0, INT32_MAX, &fd) < 0 ||
		    str_fmt(path, sizeof(path), "%s/%s", dir, de->d_name) < 0)
			continue;
		n = readlink(path, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		if (is_way_around((int)fd, path, link))
			leak_table_say(t, LEAK_DESCRIPTORS, LEAK_OPEN, "descriptor %s is %s",
				       de->d_name, link);
	}
	closedir(d);
}
