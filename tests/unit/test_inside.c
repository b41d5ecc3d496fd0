/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sandbox says of itself (state/sandbox.c, R81), and the /dev of a strict one (ns/dev.c,
 * L44): each case in namespaces of its own, which an ordinary user can have.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "inside.h"
#include "ns/dev.h"
#include "state/sandbox.h"

#include "ctl/show.c"
#include "look/inside.c"

/* --- the record --------------------------------------------------------------------------------
 */

static const struct sandbox none = {.vpn = "none", .policy = "default"};
static const struct sandbox seven = {.vpn = "v", .id = 7, .policy = "strict", .strict = true};

static int look(struct sandbox *ret)
{
	struct err e = ERR_INIT;

	return sandbox_look(ret, &e);
}

static int put(const struct sandbox *s)
{
	struct err e = ERR_INIT;

	return sandbox_write(*s, &e);
}

/* `vpnctl status` in there; -1: it is answered as outside, where the VPNs are seen. */
static int asks_status(void)
{
	char status[] = "status", *argv[] = {status, NULL};

	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
		return -2;
	return ctl_inside(1, argv);
}

static int no_record(void)
{
	struct sandbox s;

	return look(&s) == 0 && asks_status() == -1 ? 0 : 1;
}

static int no_network(void)
{
	struct sandbox s;

	if (put(&none) < 0 || look(&s) != 1 || strcmp(s.vpn, "none") != 0 || s.strict)
		return 1;
	return asks_status() == CTL_OK ? 0 : 2;
}

static int cannot_be_changed(void)
{
	struct sandbox s;
	int fd;

	if (put(&none) < 0)
		return 1;
	chmod(SANDBOX_FILE, 0666);
	fd = open(SANDBOX_FILE, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 || unlink(SANDBOX_FILE) == 0 || rename(SANDBOX_FILE, "/run/elsewhere") == 0)
		return 2;
	if (write_file("/run/other", "x") && rename("/run/other", SANDBOX_FILE) == 0)
		return 3;
	return look(&s) == 1 ? 0 : 4;
}

static int another_network(void)
{
	struct sandbox s;

	if (put(&none) < 0 || unshare(CLONE_NEWNET) < 0)
		return 1;
	return look(&s) == -ESTALE ? 0 : 2;
}

static int a_network_all_the_same(void)
{
	struct sandbox s;

	if (put(&none) < 0)
		return 1;
	if (run("ip link add x0 type veth peer name x1 && ip link set x0 up") != 0)
		return SKIPPED;
	return look(&s) == -ESTALE ? 0 : 2;
}

static int a_device_that_is_down(void)
{
	struct sandbox s;

	if (put(&none) < 0)
		return 1;
	if (run("ip link add x0 type veth peer name x1") != 0)
		return SKIPPED;
	return look(&s) == 1 ? 0 : 2;
}

static int cable(void)
{
	struct sandbox s;

	if (run("ip link add vpn0 address 02:76:70:07:00:05 type veth peer name x1") != 0)
		return SKIPPED;
	return put(&seven) == 0 && look(&s) == 1 && s.strict && !strcmp(s.policy, "strict") ? 0 : 1;
}

static int cable_of_another(void)
{
	struct sandbox s;

	if (run("ip link add vpn0 address 02:76:70:08:00:05 type veth peer name x1") != 0)
		return SKIPPED;
	return put(&seven) == 0 && look(&s) == -ESTALE ? 0 : 1;
}

static int cable_is_gone(void)
{
	struct sandbox s;

	return put(&seven) == 0 && look(&s) == -ESTALE ? 0 : 1;
}

/* A record as sandbox_write() makes it, and changed by change; written as a plain file. */
static int forged(void (*change)(struct sandbox *s))
{
	struct sandbox s, got;
	int fd;

	if (put(&none) < 0)
		return 1;
	fd = open(SANDBOX_FILE, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &s, sizeof(s)) != sizeof(s) || umount2(SANDBOX_FILE, MNT_DETACH) < 0)
		return 2;
	close(fd);
	unlink(SANDBOX_FILE);
	change(&s);
	fd = open(SANDBOX_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, &s, sizeof(s)) != sizeof(s))
		return 3;
	close(fd);
	return look(&got) == -ESTALE && asks_status() == CTL_FAILED ? 0 : 4;
}

static void no_magic(struct sandbox *s)
{
	s->magic++;
}

static void no_size(struct sandbox *s)
{
	s->size--;
}

static void no_end(struct sandbox *s)
{
	memset(s->vpn, 'x', sizeof(s->vpn));
}

static void no_end_of_policy(struct sandbox *s)
{
	memset(s->policy, 'x', sizeof(s->policy));
}

static void another_name(struct sandbox *s)
{
	strcpy(s->vpn, "demo"); /* without an id */
}

static int magic(void)
{
	return forged(no_magic);
}

static int size(void)
{
	return forged(no_size);
}

static int end(void)
{
	return forged(no_end);
}

static int end_of_policy(void)
{
	return forged(no_end_of_policy);
}

static int name(void)
{
	return forged(another_name);
}

static int a_link(void)
{
	struct sandbox s;

	if (put(&none) < 0 || umount2(SANDBOX_FILE, MNT_DETACH) < 0 ||
	    rename(SANDBOX_FILE, "/run/away") < 0 || symlink("/run/away", SANDBOX_FILE) < 0)
		return 1;
	return look(&s) < 0 ? 0 : 2;
}

static void test_record(void)
{
	inside(no_record, "R81 no record: no sandbox");
	inside(no_network, "R81 a sandbox without a network");
	inside(cannot_be_changed, "R81 its record cannot be written, removed or replaced");
	inside(another_network, "R81 in another network than the record's: refused");
	inside(a_network_all_the_same,
	       "R81 without a network, but with a device that is up: refused");
	inside(a_device_that_is_down, "control: one that is down is no way out");
	inside(cable, "R81 a sandbox with its cable");
	inside(cable_of_another, "R81 with another VPN's: refused");
	inside(cable_is_gone, "R81 with none: refused");
	inside(magic, "R81 a record of another kind");
	inside(size, "R81 of another size");
	inside(end, "R81 whose name has no end");
	inside(end_of_policy, "R81 whose policy has no end");
	inside(name, "R81 that names a VPN without its number");
	inside(a_link, "R81 that is a link");
}

/* --- /dev --------------------------------------------------------------------------------------
 */

static const char *const there[] = {
	"null", "zero",	 "tty",	  "uinput", "sda", "hidraw0", "kmsg", "mem",	 "ptmx", "net",
	"kvm",	"input", "ttyS0", "vsock",  "dri", "nvidia0", "fuse", "console", "pts"};

/* A /dev with plain files for devices: which of them are carried over. */
static int make(bool display, char *seen, size_t size)
{
	char path[64], list[512] = "";
	struct err e = ERR_INIT;
	struct dirent *de;
	int old, r;
	DIR *d;

	if (mkdir("/run/dev", 0755) < 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(there); i++) {
		str_fmt(path, sizeof(path), "/run/dev/%s", there[i]);
		if (!write_file(path, "device"))
			return 2;
	}
	old = open("/run/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = ns_dev_make(old, display, &e);
	close(old);
	if (r < 0) {
		printf("#   %s\n", e.msg);
		fflush(stdout);
		return 3;
	}
	d = opendir("/dev");
	while (d && (de = readdir(d)))
		for (size_t i = 0; i < ARRAY_SIZE(there); i++)
			if (!strcmp(de->d_name, there[i]))
				str_fmt(list + strlen(list), sizeof(list) - strlen(list), "%s ",
					there[i]);
	if (d)
		closedir(d);
	return str_copy(seen, size, list) < 0 ? 4 : 0;
}

static bool has(const char *list, const char *word)
{
	char w[32];

	str_fmt(w, sizeof(w), "%s ", word);
	return strstr(list, w) != NULL;
}

static int plain_dev(void)
{
	static const char *const never[] = {"uinput", "sda", "hidraw0", "kmsg",	 "mem", "kvm",
					    "input",  "net", "ttyS0",	"vsock", "dri", "nvidia0"};
	char seen[512];
	int r = make(false, seen, sizeof(seen));

	if (r)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (has(seen, never[i]))
			return 10;
	return has(seen, "null") && has(seen, "tty") && has(seen, "ptmx") ? 0 : 11;
}

static int display_dev(void)
{
	char seen[512];
	int r = make(true, seen, sizeof(seen));

	if (r)
		return r;
	return has(seen, "dri") && has(seen, "nvidia0") && !has(seen, "uinput") && !has(seen, "sda")
		       ? 0
		       : 10;
}

/* Terminals inside are of a file system of their own. */
static int own_terminals(void)
{
	char seen[512];
	struct stat before, now;
	int r = stat("/dev/pts", &before) < 0 ? SKIPPED : make(false, seen, sizeof(seen));

	if (r)
		return r;
	return stat("/dev/pts", &now) == 0 && now.st_dev != before.st_dev ? 0 : 10;
}

static int sealed(void)
{
	char seen[512];
	struct err e = ERR_INIT;
	int r = make(false, seen, sizeof(seen));

	if (r)
		return r;
	if (!write_file("/dev/x", "x"))
		return 10;
	if (ns_dev_seal(&e) < 0)
		return 11;
	return !write_file("/dev/y", "y") && write_file("/dev/shm/y", "y") ? 0 : 12;
}

/* A new devpts at path, and its terminal 0: the master's descriptor, which keeps it. */
static int make_terminal(const char *path)
{
	char ptmx[64];
	int fd, unlocked = 0;

	str_fmt(ptmx, sizeof(ptmx), "%s/ptmx", path);
	if (mount("devpts", path, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666") < 0)
		return -1;
	fd = open(ptmx, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 && ioctl(fd, TIOCSPTLCK, &unlocked) == 0 ? fd : -1;
}

/* stdin is terminal 0 of a devpts, and the old /dev has that one or another: what stands at
 * /dev/console then is stdin's own (1), nothing (0), or what it must not be (-1). */
static int console(bool another)
{
	char name[64] = "";
	struct err e = ERR_INIT;
	struct stat st, in;
	int fd, old;

	if (mkdir("/run/dev", 0755) < 0 || mkdir("/run/dev/pts", 0755) < 0 ||
	    make_terminal("/dev/pts") < 0)
		return -SKIPPED;
	fd = open("/dev/pts/0", O_WRONLY | O_APPEND | O_NOCTTY);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		return -SKIPPED;
	if (another ? make_terminal("/run/dev/pts") < 0
		    : mount("/dev/pts", "/run/dev/pts", NULL, MS_BIND, NULL) < 0)
		return -SKIPPED;
	old = open("/run/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ns_dev_make(old, false, &e) < 0)
		return -2;
	if (stat("/dev/console", &st) < 0)
		return 0;
	if (readlink("/proc/self/fd/0", name, sizeof(name) - 1) < 0 || fstat(0, &in) < 0 ||
	    st.st_dev != in.st_dev || strcmp(name, "/dev/console") != 0)
		return -1;
	return (fcntl(0, F_GETFL) & (O_ACCMODE | O_APPEND)) == (O_WRONLY | O_APPEND) ? 1 : -3;
}

static int own_console(void)
{
	int r = console(false);

	return r == -SKIPPED ? SKIPPED : r == 1 ? 0 : 10;
}

static int console_of_another(void)
{
	int r = console(true);

	return r == -SKIPPED ? SKIPPED : r == 0 ? 0 : 10;
}

static void test_dev(void)
{
	inside(plain_dev, "L44 --strict: of /dev what is listed, and no more");
	inside(display_dev, "L44 --strict with a display: the cards, and no more");
	inside(own_terminals, "L44 --strict: terminals of its own");
	inside(own_console,
	       "L44 --strict: the caller's terminal comes along, and says its new name");
	inside(console_of_another,
	       "L44 --strict: not one of the same number that is of another devpts");
	inside(sealed, "L44 --strict: /dev is read-only when it is done");
}

int main(void)
{
	tap_begin();
	test_record();
	test_dev();
	return tap_done();
}
