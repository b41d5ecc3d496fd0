/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session/: what others wrote into a list of sockets, and what a compositor answers that is none of
 * ours to trust (L33, L43).
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "session/listeners.h"
#include "session/session.h"
#include "session/words.h"

/* In a hurry, a hundredth of the time that is asked for; who asks for none waits for ever. */
static bool in_a_hurry;

static int hurry(int fd, int level, int name, const void *value, socklen_t len)
{
	struct timeval t = *(const struct timeval *)value;

	if (in_a_hurry) {
		t.tv_usec = (t.tv_sec * 1000000 + t.tv_usec) / 100;
		t.tv_sec = 0;
	}
	return setsockopt(fd, level, name, &t, len);
}
#define setsockopt hurry
#include "session/wayland.c"
#undef setsockopt

/* --- /proc/net/unix --------------------------------------------------------------------------- */

#define HEAD "Num       RefCount Protocol Flags    Type St Inode Path\n"

static const char *names_of(const char *lines, bool *ret_relative)
{
	static const char *const hidden[] = {"/run/", NULL};
	static char out[4096];
	struct listeners l = LISTENERS_INIT;
	char text[4096];
	size_t n = 0;

	out[0] = '\0';
	l.hidden = hidden;
	snprintf(text, sizeof(text), HEAD "%s", lines);
	is_int(listeners_parse(text, &l), 0, "a list is read");
	for (size_t i = 0; i < l.n; i++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "[%s]", l.text + l.at[i].name);
	if (ret_relative)
		*ret_relative = l.some_relative;
	listeners_free(&l);
	return out;
}

static void test_list(void)
{
	static const char *const cases[][3] = {
		{"0000: 00000002 00000000 00010000 0001 01 101 /tmp/a\n", "[/tmp/a]",
		 "L33 one that listens"},
		{"0000: 00000002 00000000 00000000 0001 03 101 /tmp/a\n", "",
		 "one that is connected is none"},
		{"0000: 00000002 00000000 00000000 0002 01 101 /tmp/d\n", "[/tmp/d]",
		 "L33 one of datagrams has a name"},
		{"0000: 00000002 00000000 00000000 0002 03 101 /tmp/d\n", "[/tmp/d]",
		 "L33 also when it is connected itself"},
		{"0000: 00000002 00000000 00010000 0001 01 101 @abstract\n", "",
		 "an abstract one is in another network"},
		{"0000: 00000002 00000000 00010000 0001 01 101\n", "", "one without a name"},
		{"0000: 00000002 00000000 00010000 0001 01 101 /run/x\n", "",
		 "what no sandbox has"},
		{"0000: 00000002 00000000 00010000 0001 01 101 /run/media/u/x\n",
		 "[/run/media/u/x]", "but removable media"},
		{"0000: 00000002 00000000 00010000 0001 01 101 /tmp/a\nb\n"
		 "0000: 00000002 00000000 00010000 0001 01 102 /tmp/c\n",
		 "[/tmp/a\nb][/tmp/c]", "L33 a newline in a name hides neither"},
		{"0000: 00000002 00000000 00010000 0001 01 101 /tmp/a\n\n\nb\n", "[/tmp/a\n\n\nb]",
		 "L33 nor do several"},
		{"0000: 00000002 00000000 00010000 0001 01 101 /tmp/a b \n", "[/tmp/a b ]",
		 "blanks are part of a name"},
		{"nonsense\n", "", "no line at all"},
		{"", "", "nobody listens"},
	};
	bool relative;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is_str(names_of(cases[i][0], &relative), cases[i][1], cases[i][2]);
	names_of("0000: 00000002 00000000 00010000 0001 01 101 rel\n", &relative);
	ok(relative, "L33 a relative name is said to be there");
}

/* --- a compositor ------------------------------------------------------------------------------
 */

static char path[] = "/tmp/test_session.XXXXXX";

struct word {
	uint32_t at[16];
	size_t n;
};

static void put(struct word *w, uint32_t value)
{
	w->at[w->n++] = value;
}

/* What it says to the first that connects, once that has asked for the registry (object 2). */
static void serve(int listener, const struct word *say) __attribute__((noreturn));
static void serve(int listener, const struct word *say)
{
	int conn = accept(listener, NULL, NULL);
	char asked[256];

	if (read(conn, asked, sizeof(asked)) < 0 ||
	    write(conn, say->at, say->n * sizeof(say->at[0])) < 0)
		_exit(1);
	/* Until it goes. */
	while (read(conn, asked, sizeof(asked)) > 0)
		;
	_exit(0);
}

static int talk(const struct word *say)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct wayland w = WAYLAND_INIT;
	struct err e = ERR_INIT;
	pid_t pid;
	int r;

	unlink(path);
	str_copy(sa.sun_path, sizeof(sa.sun_path), path);
	if (bind(listener, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(listener, 5) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		serve(listener, say);
	r = wayland_open(&w, path, &e);
	wayland_close(&w);
	close(listener);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
	return r;
}

/* registry.global: a name, an interface of that length, a version; then the sync's end. */
static struct word global(uint32_t len, const char *interface, uint32_t size)
{
	struct word w = {.n = 0};

	put(&w, 2);
	put(&w, size << 16);
	put(&w, 1);
	put(&w, len);
	memcpy(&w.at[w.n], interface, strlen(interface) + 1);
	w.n += 4;
	put(&w, 1);
	put(&w, 3);
	put(&w, 12 << 16);
	put(&w, 0);
	return w;
}

static void test_compositor(void)
{
	static const struct {
		const char *what, *interface;
		uint32_t len, size;
		int want;
	} cases[] = {
		{"L43 a plain one", "wl_compositor", 14, 36, 0},
		{"L43 one by which a program reaches others", "zwlr_a_manager1", 16, 36, -EPERM},
		{"L43 one that nobody knows", "xx_new", 7, 36, -EPERM},
		{"a string of no length", "wl_compositor", 0, 36, -EBADMSG},
		{"a string that is longer than the message", "wl_compositor", 400, 36, -EBADMSG},
		{"one of four thousand million", "wl_compositor", 0xfffffff0, 36, -EBADMSG},
		{"a string without an end", "wl_compositor", 5, 36, -EBADMSG},
		{"a message shorter than its head", "wl_compositor", 14, 4, -EBADMSG},
		{"a message of no whole words", "wl_compositor", 14, 35, -EBADMSG},
		{"a message that is none", "wl_compositor", 14, 0, -EBADMSG},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct word w = global(cases[i].len, cases[i].interface, cases[i].size);

		is_int(talk(&w), cases[i].want, cases[i].what);
	}
}

static void test_silent_compositor(void)
{
	const struct word nothing = {.n = 0};

	in_a_hurry = true;
	alarm(30);
	is_int(talk(&nothing), -ETIMEDOUT, "L43 one that never answers: given up");
	alarm(0);
	in_a_hurry = false;
}

/* --- the session's directory ---------------------------------------------------------------------
 */

static char top[] = "/tmp/test_session_r.XXXXXX";

static const char *in_top(const char *rel)
{
	static char buf[4][128];
	static unsigned int i;
	char *p = buf[i++ % 4];

	snprintf(p, sizeof(buf[0]), "%s/%s", top, rel);
	return p;
}

/* What session_open() says, for a runtime directory of that name. */
static int open_with(const char *runtime, struct session *s)
{
	struct err e = ERR_INIT;
	int r;

	setenv("XDG_RUNTIME_DIR", runtime, 1);
	r = session_open("demo", s, &e);
	if (r == 0 && !strncmp(s->runtime, top, strlen(top)))
		return 0;
	session_close(s);
	return r < 0 ? r : 1; /* the usual one was taken */
}

/* Opened once, then as it is after change: what is said then. */
static int reopen_after(void (*change)(void))
{
	struct session s = SESSION_INIT;
	int r = open_with(in_top("r"), &s);

	session_close(&s);
	if (r != 0)
		return 99;
	change();
	r = open_with(in_top("r"), &s);
	session_close(&s);
	return r;
}

static void let_others_in(void)
{
	chmod(in_top("r/vpnrun"), 0750);
}

static void let_others_into_demo(void)
{
	chmod(in_top("r/vpnrun"), 0700);
	chmod(in_top("r/vpnrun/demo"), 0701);
}

static void give_away(void)
{
	chmod(in_top("r/vpnrun/demo"), 0700);
	if (chown(in_top("r/vpnrun/demo"), 12345, 12345) < 0)
		printf("#   cannot give it away\n");
}

static void link_elsewhere(void)
{
	if (geteuid() == 0 && chown(in_top("r/vpnrun/demo"), 0, 0) < 0)
		printf("#   cannot take it back\n");
	rename(in_top("r/vpnrun/demo"), in_top("r/away"));
	if (symlink(in_top("r/away"), in_top("r/vpnrun/demo")) < 0)
		printf("#   cannot make a link\n");
}

static void replace(void)
{
	rename(in_top("r/vpnrun/demo"), in_top("r/away2"));
	mkdir(in_top("r/vpnrun/demo"), 0700);
	mkdir(in_top("r/vpnrun/demo/run"), 0700);
}

static void test_places(void)
{
	struct session s = SESSION_INIT;
	char cwd[PATH_MAX];

	is_int(open_with(in_top("r"), &s), 0, "a runtime directory");
	session_close(&s);
	is_int(open_with("r", &s), 1, "one that is relative is none");
	if (!getcwd(cwd, sizeof(cwd)) || chdir(top) < 0)
		return;
	is_int(open_with("r", &s), 1, "also if it is there");
	if (chdir(cwd) < 0)
		return;
	is_int(open_with(in_top("link"), &s), 1, "one that is a link");
	chmod(in_top("r"), 0755);
	is_int(open_with(in_top("r"), &s), 1, "one that others can enter");
	chmod(in_top("r"), 0700);
	setenv("HOME", in_top("r/home"), 1);
	is_int(open_with(in_top("r"), &s), 1, "one that the home lies in, which it would hide");
	setenv("HOME", "/", 1);
	is_int(open_with(in_top("r"), &s), 0, "control: it is one");
	session_close(&s);
}

static void test_directories(void)
{
	struct session s = SESSION_INIT;
	struct err e = ERR_INIT;
	struct stat st = {0};

	is_int(reopen_after(let_others_in), -EPERM, "vpnrun/ open to others: refused");
	chmod(in_top("r/vpnrun"), 0700);
	is_int(reopen_after(let_others_into_demo), -EPERM, "the session open to others: refused");
	chmod(in_top("r/vpnrun/demo"), 0700);
	if (geteuid() == 0)
		is_int(reopen_after(give_away), -EPERM, "another user's: refused");
	else
		printf("ok %d - another user's # SKIP needs root\n", ++tap_count);
	link_elsewhere();
	ok(open_with(in_top("r"), &s) < 0, "a link: refused");
	session_close(&s);
	unlink(in_top("r/vpnrun/demo"));
	is_int(open_with(in_top("r"), &s), 0, "made anew");
	chmod(in_top("r/vpnrun/demo/run"), 0);
	session_close(&s);
	is_int(open_with(in_top("r"), &s), 0, "a mode that a program inside has set");
	ok(stat(in_top("r/vpnrun/demo/run"), &st) == 0 && (st.st_mode & 07777) == 0700,
	   "is made good");
	replace();
	is_int(session_enter(&s, &e), -EAGAIN, "replaced while the sandbox was made: refused");
	session_close(&s);
	is_int(open_with(in_top("r"), &s), 0, "again");
	is_int(session_enter(&s, &e), 0, "control: not replaced");
	session_close(&s);
}

/* --- what a sandbox has of the real one ----------------------------------------------------------
 */

static void put_file(const char *rel, const char *text)
{
	int fd = open(in_top(rel), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("#   cannot write %s\n", rel);
	close(fd);
}

static bool write_text(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	util_close(&fd);
	return good;
}

static bool enter(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	if (!write_text("/proc/self/setgroups", "deny") || !write_text("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	return write_text("/proc/self/gid_map", map);
}

static bool reads(const char *rel, const char *text)
{
	char got[32] = "";
	int fd = open(in_top(rel), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	bool good = fd >= 0 && read(fd, got, sizeof(got) - 1) > 0 && !strcmp(got, text);

	util_close(&fd);
	return good;
}

/* 0: what is there is what these classes are; else the number of what is not. */
static int mount_and_look(unsigned int classes)
{
	static const struct {
		unsigned int class; /* 0: never */
		const char *rel;
	} entries[] = {
		{SESSION_WAYLAND, "wayland-0"},
		{SESSION_X11, "xauth_BB"},
		{SESSION_SOUND, "pipewire-0"},
		{SESSION_SOUND, "pulse/native"},
		{SESSION_AGENTS, "gnupg/S.gpg-agent"},
		{SESSION_AGENTS, "keyring/ssh"},
		{SESSION_AGENTS, "gcr/ssh"},
		{0, "bus"},
		{0, "wayland-0.lock"},
		{0, "systemd/private"},
		{0, "gnupg/S.dirmngr"},
		{0, "keyring/control"},
		{0, "podman/podman.sock"},
	};
	struct session s = SESSION_INIT;
	struct err e = ERR_INIT;
	char rel[64];

	if (open_with(in_top("r"), &s) != 0)
		return 101;
	s.classes = classes;
	if (!enter())
		return 77;
	if (session_enter(&s, &e) < 0 || session_mount(&s, &e) < 0)
		return 102;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		snprintf(rel, sizeof(rel), "r/%s", entries[i].rel);
		/* An empty file is the place where another sandbox had it. */
		if (reads(rel, "real") != ((classes & entries[i].class) != 0))
			return (int)i + 1;
	}
	if (access(in_top("r/vpnrun"), F_OK) == 0)
		return 103;
	session_close(&s);
	return reads("victim", "mine") ? 0 : 105;
}

static void look_in_sandbox(unsigned int classes, const char *what)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(mount_and_look(classes));
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		printf("ok %d - %s # SKIP no user namespaces\n", ++tap_count, what);
	else
		is_int(WEXITSTATUS(status), 0, what);
}

static void test_inside(void)
{
	static const char *const dirs[] = {"r/pulse", "r/gnupg",   "r/keyring",
					   "r/gcr",   "r/systemd", "r/podman"};
	static const char *const files[] = {"r/wayland-0",
					    "r/wayland-0.lock",
					    "r/xauth_BB",
					    "r/pipewire-0",
					    "r/pulse/native",
					    "r/gnupg/S.gpg-agent",
					    "r/gnupg/S.dirmngr",
					    "r/keyring/ssh",
					    "r/keyring/control",
					    "r/gcr/ssh",
					    "r/systemd/private",
					    "r/podman/podman.sock",
					    "r/bus"};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		mkdir(in_top(dirs[i]), 0700);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put_file(files[i], "real");
	put_file("victim", "mine");
	look_in_sandbox(SESSION_ALL, "L36 L37 L40 what the desktop serves is there, and no more");
	look_in_sandbox(SESSION_WAYLAND, "L43 of a class that was named, that class alone");
	look_in_sandbox(SESSION_SOUND, "L42 the same of another");
	look_in_sandbox(0, "and of none, nothing");
	/* What a program inside has left in the places. */
	unlink(in_top("r/vpnrun/demo/run/wayland-0"));
	unlink(in_top("r/vpnrun/demo/run/pipewire-0"));
	if (symlink(in_top("victim"), in_top("r/vpnrun/demo/run/wayland-0")) < 0 ||
	    mkfifo(in_top("r/vpnrun/demo/run/pipewire-0"), 0600) < 0)
		printf("#   cannot prepare\n");
	look_in_sandbox(SESSION_ALL, "L37 a link and a pipe in the places: not followed, replaced");
	unlink(in_top("r/vpnrun/demo/run/wayland-0"));
	mkdir(in_top("r/vpnrun/demo/run/wayland-0"), 0700);
	look_in_sandbox(SESSION_ALL, "L37 a directory in the place of a file");
}

static void test_session_dir(void)
{
	if (!mkdtemp(top))
		return;
	mkdir(in_top("r"), 0700);
	mkdir(in_top("r/home"), 0700);
	if (symlink("r", in_top("link")) < 0)
		return;
	setenv("HOME", "/", 1);
	test_places();
	test_directories();
	test_inside();
	if (fork() == 0)
		execl("/bin/rm", "rm", "-r", top, NULL);
	wait(NULL);
}

/* --- what the words of --allow stand for --------------------------------------------------------
 */

static bool make_socket(const char *name)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = str_copy(sa.sun_path, sizeof(sa.sun_path), name) >= 0 &&
		    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;

	close(fd);
	return good;
}

/* How many things word gives back, or -errno. */
static int given(unsigned int word, const char *variable, const char *value)
{
	struct session s = SESSION_INIT;
	struct session_words w = SESSION_WORDS_INIT;
	struct err e = ERR_INIT;
	int r;

	str_copy(s.runtime, sizeof(s.runtime), "/tmp/r");
	setenv(variable, value, 1);
	r = session_words_open(word, true, &s, &w, &e);
	session_words_close(&w);
	unsetenv(variable);
	return r < 0 ? r : (int)w.n_grants;
}

/* 0, or the number of what is wrong. Of a directory in the place of a socket all would be given. */
static int look_at_words(void)
{
	if (mount("t", "/tmp", "tmpfs", 0, NULL) < 0)
		return 77;
	if (mkdir("/tmp/r", 0700) < 0 || mkdir("/tmp/.X11-unix", 0700) < 0 ||
	    mkdir("/tmp/.X11-unix/X6", 0700) < 0 || mknod("/tmp/file", S_IFREG | 0600, 0) < 0 ||
	    !make_socket("/tmp/socket") || !make_socket("/tmp/.X11-unix/X5"))
		return 1;
	if (given(SESSION_BUS, "DBUS_SESSION_BUS_ADDRESS", "unix:path=/tmp/socket") != 1 ||
	    given(SESSION_SOUND, "PULSE_SERVER", "unix:/tmp/socket") != 1 ||
	    given(SESSION_X11, "DISPLAY", ":5") != 1)
		return 2;
	if (given(SESSION_BUS, "DBUS_SESSION_BUS_ADDRESS", "unix:path=/tmp/r") != -ENOENT ||
	    given(SESSION_BUS, "DBUS_SESSION_BUS_ADDRESS", "unix:path=/tmp/file") != -ENOENT)
		return 3;
	/* What a bus's address may be besides: what follows is no path then. */
	if (given(SESSION_BUS, "DBUS_SESSION_BUS_ADDRESS", "tcp:host=a/tmp/socket") != -EINVAL ||
	    given(SESSION_BUS, "DBUS_SESSION_BUS_ADDRESS", "unixexec:p/tmp/socket") != -EINVAL)
		return 6;
	if (given(SESSION_SOUND, "PULSE_SERVER", "unix:/tmp/r") != -ENOENT ||
	    given(SESSION_SOUND, "PIPEWIRE_REMOTE", "/tmp/r") != -ENOENT ||
	    given(SESSION_WAYLAND, "WAYLAND_DISPLAY", "/tmp/r") != -ENOENT ||
	    given(SESSION_X11, "DISPLAY", ":6") != -ENOENT)
		return 4;
	setenv("DISPLAY", ":5", 1);
	return given(SESSION_X11, "XAUTHORITY", "/tmp/file") == 2 &&
			       given(SESSION_X11, "XAUTHORITY", "/tmp/r") == 1
		       ? 0
		       : 5;
}

static void test_words(void)
{
	static const char *const unset[] = {
		"DBUS_SESSION_BUS_ADDRESS", "PULSE_SERVER", "PIPEWIRE_REMOTE",
		"WAYLAND_DISPLAY",	    "DISPLAY",	    "XAUTHORITY"};
	const char *what =
		"L43 what is given back is a socket, and an authority a file: no directory";
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(unset); i++)
			unsetenv(unset[i]);
		_exit(enter() ? look_at_words() : 77);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		printf("ok %d - %s # SKIP no user namespaces\n", ++tap_count, what);
	else
		is_int(status, 0, what);
}

int main(void)
{
	int fd;

	tap_begin();
	signal(SIGPIPE, SIG_IGN);
	fd = mkstemp(path);
	close(fd);
	test_list();
	test_compositor();
	test_silent_compositor();
	test_session_dir();
	test_words();
	unlink(path);
	return tap_done();
}
