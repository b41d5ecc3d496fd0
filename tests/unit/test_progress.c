/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line that says what is waited for (R28), on a real terminal: what it shows, and that nothing
 * of it stays.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>

#include "tap.h"

#include "base/progress.c"

static char shown[65536];
static size_t n_shown;
static int screen = -1; /* the terminal's other side */

/* A '#' stands for a digit. */
static bool is_at(const char *at, const char *text)
{
	for (; *text; at++, text++)
		if (*text == '#' ? *at < '0' || *at > '9' : *at != *text)
			return false;
	return true;
}

static bool is_shown(const char *text)
{
	for (const char *at = shown; *at; at++)
		if (is_at(at, text))
			return true;
	return false;
}

/* It waits until text has been shown, or the last of its programs has gone. */
static bool wait_shown(const char *text)
{
	struct pollfd p = {.fd = screen, .events = POLLIN};
	int64_t end = util_now_ms() + 20000;
	ssize_t n;

	while (!is_shown(text)) {
		if (util_now_ms() > end || poll(&p, 1, 20000) <= 0)
			return false;
		n = read(screen, shown + n_shown, sizeof(shown) - 1 - n_shown);
		if (n <= 0)
			return false;
		n_shown += (size_t)n;
		shown[n_shown] = '\0';
	}
	return true;
}

static void become_program(const char *side, void (*fn)(void))
{
	int tty;

	setsid();
	tty = open(side, O_RDWR); /* which makes it the terminal of this session */
	dup2(tty, STDIN_FILENO);
	dup2(tty, STDOUT_FILENO);
	dup2(tty, STDERR_FILENO);
	setenv("TERM", "xterm", 1);
	is_forbidden = false;
	log_program = "vpnctl";
	fn();
	_exit(0);
}

static pid_t on_terminal(void (*fn)(void), unsigned short columns)
{
	const struct winsize size = {.ws_row = 24, .ws_col = columns};
	char side[64];
	pid_t pid;

	n_shown = 0;
	shown[0] = '\0';
	screen = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (screen < 0 || grantpt(screen) < 0 || unlockpt(screen) < 0 ||
	    ptsname_r(screen, side, sizeof(side)) != 0)
		return -1;
	ioctl(screen, TIOCSWINSZ, &size);
	pid = fork();
	if (pid == 0)
		become_program(side, fn);
	return pid;
}

static int end_terminal(pid_t pid)
{
	int status = child_reap(pid);

	wait_shown("\x01");
	close(screen);
	return status;
}

/* What a terminal of one line has at the end; an own newline begins another. */
static const char *left(void)
{
	static char line[1024];
	size_t at = 0;

	memset(line, 0, sizeof(line));
	for (const char *c = shown; *c; c++) {
		if (*c == '\n' || *c == '\r')
			at = 0;
		else if (!strncmp(c, "\033[K", 3))
			c += 2, memset(line + at, 0, sizeof(line) - at);
		else if (at < sizeof(line) - 1)
			line[at++] = *c;
		if (*c == '\n')
			memset(line, 0, sizeof(line));
	}
	return line;
}

static void press_enter(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

/* Who paints has nothing more to do but to wait. */
static bool sleeps(pid_t pid)
{
	int64_t end = util_now_ms() + 20000;
	char path[64], state = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (state != 'S' && util_now_ms() < end) {
		FILE *f = fopen(path, "re");

		if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		if (f)
			fclose(f);
		sched_yield();
	}
	return state == 'S';
}

static int count_fds(pid_t pid)
{
	char path[64];
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

static void quick(void)
{
	AUTO_PROGRESS p = PROGRESS_INIT;

	first_ms = 60000;
	progress_begin(&p, 0, "waiting for nothing");
	if (!sleeps(painter))
		_exit(1);
	if (count_fds(painter) != 1)
		_exit(2);
}

static void slow(void)
{
	AUTO_PROGRESS p = PROGRESS_INIT;
	AUTO_PROGRESS inner = PROGRESS_INIT;

	first_ms = 0;
	progress_begin(&p, 15000, "waiting\033 for the server");
	press_enter();
	log_info("a word");
	press_enter();
	progress_begin(&inner, 0, "asking");
	press_enter();
	progress_end(&inner);
	press_enter();
}

static void test_quick(void)
{
	int status = end_terminal(on_terminal(quick, 80));

	is_int(status, 0, "what is over at once ends well; who paints had the terminal alone");
	is_str(shown, "", "R28: and shows nothing");
}

static void test_slow(void)
{
	pid_t pid = on_terminal(slow, 80);

	ok(wait_shown("vpnctl: waiting? for the server (# of 15 s)"),
	   "R28: what is waited for, and how long that may take");
	shown[n_shown = 0] = '\0';
	ok(wait_shown("(# of 15 s)"), "R28: and again each second");
	shown[n_shown = 0] = '\0';
	dprintf(screen, "\n");
	ok(wait_shown("\r\033[Kvpnctl: a word\r\n") && wait_shown("waiting? for the server ("),
	   "R28: what else is said has a line of its own, and it comes again behind that");
	dprintf(screen, "\n");
	ok(wait_shown("vpnctl: asking (# s)"), "R28: a part of it is shown in its place");
	shown[n_shown = 0] = '\0';
	dprintf(screen, "\n");
	ok(wait_shown("waiting? for the server ("), "R28: and it again when that is over");
	dprintf(screen, "\n");
	is_int(end_terminal(pid), 0, "it ends");
	is_str(left(), "", "R28: and leaves a clean line");
}

static void test_signal(void)
{
	pid_t pid = on_terminal(slow, 80);
	int status;

	wait_shown("(# of 15 s)");
	dprintf(screen, "\x03");
	status = end_terminal(pid);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT, "R28: Ctrl-C ends it as ever");
	is_str(left(), "", "R28: and it leaves a clean line");
	ok(strstr(shown, "\r\033[K"), "R28: as it was erased");
}

static void test_narrow(void)
{
	pid_t pid = on_terminal(slow, 24);

	ok(wait_shown("\rvpnctl: wai (# of 15 s)\033[K"),
	   "R28: it never takes more than the line that is erased");
	kill(pid, SIGKILL);
	is_int(WTERMSIG(end_terminal(pid)), SIGKILL, "R28: who paints ends with who was killed");
}

static void lock_after(int ms)
{
	int fd = open("lock", O_RDWR | O_CLOEXEC);

	first_ms = ms;
	if (progress_lock(fd, "demo") == 0)
		log_info("locked");
}

static void locked(void)
{
	lock_after(0);
}

/* Who has no terminal has a child that says so late. */
static void test_aside(void)
{
	char path[64];
	pid_t pid = fork(), late = 0;
	int64_t end = util_now_ms() + 20000;

	if (pid == 0) {
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		lock_after(60000);
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	while (!late && util_now_ms() < end) {
		FILE *f = fopen(path, "re");

		if (!f || fscanf(f, "%d", &late) != 1)
			late = 0;
		if (f)
			fclose(f);
		sched_yield();
	}
	ok(late && sleeps(late) && count_fds(late) == 1,
	   "who says late that a lock is waited for holds no descriptor but its standard error");
	kill(pid, SIGKILL);
	child_reap(pid);
}

static void test_lock(void)
{
	char dir[] = "/tmp/vpnrun-progress-XXXXXX", file[64];
	int fd;
	pid_t pid;

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return;
	snprintf(file, sizeof(file), "%s/lock", dir);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	flock(fd, LOCK_EX);
	pid = on_terminal(locked, 120);
	/* progress.t asks for the name: there are file systems for which /proc/locks has none. */
	ok(wait_shown(", which is at work on demo ("),
	   "R28: a lock that another has is waited for, and said");
	test_aside();
	flock(fd, LOCK_UN);
	close(fd);
	ok(wait_shown("vpnctl: locked\r\n"), "R28: and got");
	end_terminal(pid);
	pid = on_terminal(locked, 80);
	end_terminal(pid);
	is_str(shown, "vpnctl: locked\r\n", "R28: of one that is free nothing is said");
	unlink(file);
	if (chdir("/") == 0)
		rmdir(dir);
}

static void test_none(void)
{
	struct progress p;

	setenv("TERM", "dumb", 1);
	progress_begin(&p, 0, "x");
	is_int(p.is_on, false, "R28: without a terminal that can erase, nothing is done");
	progress_forbid();
	is_int(progress_is_seen(), false, "R28: nor where it is forbidden");
}

int main(void)
{
	tap_begin();
	test_quick();
	test_slow();
	test_signal();
	test_narrow();
	test_lock();
	test_none();
	return tap_done();
}
