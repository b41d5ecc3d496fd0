/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The place into which something of the session is bound (ns/view.c): the directory may be shared
 * with hostile programs, which change it between any two looks.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/same.h"

/* What a program does in there just before the place is opened. */
static void (*meanwhile)(void);

static int open_late(const char *path, int flags, ...)
{
	if (meanwhile && (flags & O_PATH))
		meanwhile();
	return open(path, flags, 0600);
}
#define open open_late
#include "ns/view.c"
#undef open

static char top[] = "/tmp/test_view.XXXXXX";
static char place[sizeof(top) + 8], victim[sizeof(top) + 8];

static void put_link(void)
{
	unlink(place);
	if (symlink(victim, place) < 0)
		printf("#   cannot make a link\n");
}

static void put_fifo(void)
{
	unlink(place);
	if (mkfifo(place, 0600) < 0)
		printf("#   cannot make a pipe\n");
}

/* What is opened there: 1 a place of its own, 0 the victim, or why not. */
static int opens(void (*before)(void), void (*then)(void))
{
	struct err e = ERR_INIT;
	struct stat of_fd, of_victim;
	int fd, good;

	unlink(place);
	if (before)
		before();
	meanwhile = then;
	fd = open_place(place, &e);
	meanwhile = NULL;
	if (fd < 0)
		return fd;
	good = fstat(fd, &of_fd) == 0 && stat(victim, &of_victim) == 0 &&
	       !same_stat(&of_fd, &of_victim);
	close(fd);
	return good;
}

static void test_place(void)
{
	is_int(opens(NULL, NULL), 1, "a place is made");
	is_int(opens(put_link, NULL), 1, "L37 a link in the place: not followed, replaced");
	is_int(opens(put_fifo, NULL), 1, "L37 a pipe: replaced");
	is_int(opens(NULL, put_link), -EBUSY,
	       "L37 a link that comes while it is looked at: refused");
	is_int(opens(NULL, put_fifo), -EBUSY, "L37 a pipe that does: refused");
}

int main(void)
{
	int fd;

	tap_begin();
	if (!mkdtemp(top))
		return 1;
	str_fmt(place, sizeof(place), "%s/place", top);
	str_fmt(victim, sizeof(victim), "%s/victim", top);
	fd = open(victim, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ok(fd >= 0, "control: a file of the user's");
	util_close(&fd);
	test_place();
	unlink(place);
	unlink(victim);
	rmdir(top);
	return tap_done();
}
