/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See progress.h. Must leave nothing on the terminal, whether what is waited for comes, fails, or
 * is broken off: who paints is ended before the line is erased, and by whoever ends this process by
 * a signal, too. Whatever else is said meanwhile stands on a line of its own.
 */
#include "base/progress.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/log.h"
#include "base/str.h"
#include "base/util.h"

#define ERASE "\r\033[K"

static int first_ms = 1000; /* before that, nobody has begun to wonder */
static bool is_forbidden;

static struct progress *top; /* the innermost */
static pid_t painter;	     /* of top, or 0 */
static pid_t owner;	     /* a child of ours has what we have, and none of it is its */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction former[ARRAY_SIZE(signals)];

void progress_forbid(void)
{
	is_forbidden = true;
}

bool progress_is_seen(void)
{
	const char *term = getenv("TERM");

	return !is_forbidden && term && *term && strcmp(term, "dumb") != 0 && isatty(STDERR_FILENO);
}

/* --- the child ------------------------------------------------------------------------------- */

static void sleep_ms(int64_t ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (ms > 0 && nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* It is never longer than a line: only the last one would be erased. */
static void paint_once(const struct progress *p)
{
	int seconds = (int)((util_now_ms() - p->since_ms) / 1000);
	struct winsize size = {0};
	char line[512], time[40];
	int width, len;

	/* It is not for who was put into the background to write there. */
	if (tcgetpgrp(STDERR_FILENO) != getpgrp())
		return;
	if (p->limit_s)
		snprintf(time, sizeof(time), " (%d of %d s)", seconds, p->limit_s);
	else
		snprintf(time, sizeof(time), " (%d s)", seconds);
	ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
	width = (size.ws_col ? size.ws_col : 80) - 1 - (int)strlen(time);
	len = snprintf(line, sizeof(line), "\r%.*s%s\033[K", width > 0 ? width : 0, p->text, time);
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return; /* nobody reads it */
}

/* Nothing of what this process holds must be held by the child: a lock, a pipe that somebody
 * reads. */
static void let_go(void)
{
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
}

static int paint(void *arg)
{
	const struct progress *p = arg;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_IGN);
	let_go();
	for (int64_t at = p->since_ms + first_ms;; at += 1000) {
		sleep_ms(at - util_now_ms());
		paint_once(p);
	}
	return 0;
}

/* --- its parent ------------------------------------------------------------------------------ */

/* Who was ended has painted nothing before its time. */
static void hide(void)
{
	if (!painter)
		return;
	child_end(painter);
	painter = 0;
	if (util_now_ms() - top->since_ms >= first_ms &&
	    write(STDERR_FILENO, ERASE, strlen(ERASE)) < 0)
		return;
}

static void on_signal(int sig)
{
	if (getpid() == owner && top)
		hide();
	raise(sig);
}

/* Who has another use for a signal ends as that says. */
static void catch_signals(void)
{
	const struct sigaction act = {.sa_handler = on_signal,
				      .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], NULL, &former[i]) == 0 && former[i].sa_handler == SIG_DFL)
			sigaction(signals[i], &act, NULL);
}

static void release_signals(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (former[i].sa_handler == SIG_DFL)
			sigaction(signals[i], &former[i], NULL);
}

static void show(void)
{
	pid_t pid = child_start(CHILD_DIES_WITH_US, paint, top);

	painter = pid > 0 ? pid : 0;
}

/* Something else is said, or has been. */
static void step_aside(bool is_over)
{
	if (getpid() != owner || !top)
		return;
	if (is_over)
		show();
	else
		hide();
}

static void begin(struct progress *p, int64_t since_ms, int limit_ms)
{
	p->since_ms = since_ms;
	p->limit_s = limit_ms / 1000;
	p->is_on = true;
	if (top) {
		hide();
	} else {
		owner = getpid();
		log_step_aside = step_aside;
		catch_signals();
	}
	p->outer = top;
	top = p;
	show();
}

static bool is_ours(void)
{
	return (!top || getpid() == owner) && progress_is_seen();
}

static void __attribute__((format(printf, 2, 0)))
set_text(struct progress *p, const char *fmt, va_list ap)
{
	int n = snprintf(p->text, sizeof(p->text), "%s: ", log_program);

	vsnprintf(p->text + n, sizeof(p->text) - (size_t)n, fmt, ap);
	p->text[log_clean(p->text, strlen(p->text))] = '\0';
}

void progress_begin(struct progress *p, int limit_ms, const char *fmt, ...)
{
	va_list ap;

	*p = (struct progress)PROGRESS_INIT;
	if (!is_ours())
		return;
	va_start(ap, fmt);
	set_text(p, fmt, ap);
	va_end(ap);
	begin(p, util_now_ms(), limit_ms);
}

void progress_late(struct progress *p, int64_t since_ms, int limit_ms, const char *fmt, ...)
{
	va_list ap;

	if (p->is_on || util_now_ms() - since_ms < first_ms || !is_ours())
		return;
	va_start(ap, fmt);
	set_text(p, fmt, ap);
	va_end(ap);
	begin(p, since_ms, limit_ms);
}

void progress_end(struct progress *p)
{
	if (!p->is_on || getpid() != owner)
		return;
	hide();
	p->is_on = false;
	top = p->outer;
	if (top) {
		show();
		return;
	}
	log_step_aside = NULL;
	release_signals();
}

/* --- a lock ----------------------------------------------------------------------------------- */

/* proc_locks(5): "1: FLOCK  ADVISORY  WRITE 1234 00:1a:567 0 EOF", and those who wait come after
 * it. It is not said who has it, if that is a process of another pid namespace, or of the past. */
static void name_holder(const struct stat *st, char *ret, size_t size)
{
	AUTO_FREE char *locks = NULL, *comm = NULL;
	char file[60], path[32], *at;

	str_copy(ret, size, "another vpnctl");
	if (file_read("/proc/locks", 1 << 20, &locks, NULL, NULL) < 0)
		return;
	str_fmt(file, sizeof(file), " %02x:%02x:%llu ", major(st->st_dev), minor(st->st_dev),
		(unsigned long long)st->st_ino);
	at = strstr(locks, file);
	if (!at)
		return;
	while (at > locks && at[-1] >= '0' && at[-1] <= '9')
		at--;
	str_fmt(path, sizeof(path), "/proc/%ld/comm", strtol(at, NULL, 10));
	if (file_read(path, 64, &comm, NULL, NULL) < 0)
		return;
	comm[strcspn(comm, "\n")] = '\0';
	str_fmt(ret, size, "%s (process %ld)", comm, strtol(at, NULL, 10));
}

/* In a unit's journal a line is the only sign that this waits at all. */
static int say_late(void *text)
{
	let_go();
	sleep_ms(10 * (int64_t)first_ms);
	log_info("%s", (const char *)text);
	return 0;
}

int progress_lock(int fd, const char *what)
{
	AUTO_PROGRESS p = PROGRESS_INIT;
	char holder[100], text[200];
	struct stat st;
	pid_t late = 0;
	int r;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	name_holder(&st, holder, sizeof(holder));
	str_fmt(text, sizeof(text), "waiting for %s, which is at work on %s", holder, what);
	progress_begin(&p, 0, "%s", text);
	if (!p.is_on)
		late = child_start(CHILD_DIES_WITH_US | CHILD_PLAIN_SIGNALS, say_late, text);
	r = flock(fd, LOCK_EX) < 0 ? -errno : 0;
	if (late > 0)
		child_end(late);
	return r;
}
