/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of health.h. Readers trust it as far as they trust root, who alone can write RUN_DIR,
 * and still check its size and its texts. Links nothing but libc: the launcher reads it.
 */
#include "state/health.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEALTH_MAGIC 0x544c4548u /* "HELT" */
#define TIME_MAX     (INT64_MAX / 4)

static int health_path(const char *name, char *ret, size_t size)
{
	return str_is_vpn_name(name) && str_fmt(ret, size, RUN_DIR "/%s.health", name) >= 0
		       ? 0
		       : -EINVAL;
}

int64_t health_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int health_write(const char *name, const struct health *s, struct err *e)
{
	struct health out = *s;
	char path[64];

	if (health_path(name, path, sizeof(path)) < 0)
		return err_set(e, -EINVAL, "'%s' is not the name of a VPN", name);
	out.magic = HEALTH_MAGIC;
	out.size = sizeof(out);
	out.at_ms = util_now_ms();
	return file_replace(path, &out, sizeof(out), 0644, e);
}

void health_remove(const char *name)
{
	char path[64];

	if (health_path(name, path, sizeof(path)) == 0)
		file_remove(path, NULL);
}

static bool is_text(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

/* An age can be reckoned from it. A clock that was set may put it before the machine's start. */
static bool is_time(int64_t ms)
{
	return ms > -TIME_MAX && ms < TIME_MAX;
}

int health_read(const char *name, struct health *ret)
{
	AUTO_CLOSE int fd = -1;
	struct health s;
	char path[64];
	ssize_t n;

	if (health_path(name, path, sizeof(path)) < 0)
		return -EINVAL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	n = read(fd, &s, sizeof(s));
	if (n != (ssize_t)sizeof(s) || s.magic != HEALTH_MAGIC || s.size != sizeof(s) ||
	    !is_time(s.at_ms) || !is_time(s.silent_ms) || !is_time(s.handshake_ms) ||
	    !is_text(s.endpoint, sizeof(s.endpoint)) || !is_text(s.left, sizeof(s.left)) ||
	    !is_text(s.why, sizeof(s.why)))
		return -EPROTO;
	*ret = s;
	return 0;
}

bool health_is_fresh(const struct health *s)
{
	int64_t age = util_now_ms() - s->at_ms;

	return age >= 0 && age < HEALTH_FRESH_MS;
}

static void say_silent(const struct health *s, char *ret, size_t size)
{
	int64_t seconds = (health_now_ms() - s->silent_ms) / 1000;
	const char *at = s->endpoint[0] ? " at " : "";

	if (!s->handshake_ms)
		str_fmt(ret, size, "the server%s%s has never answered", at, s->endpoint);
	else if (seconds < 120)
		str_fmt(ret, size, "the server%s%s has not answered for %lld seconds", at,
			s->endpoint, (long long)seconds);
	else
		str_fmt(ret, size, "the server%s%s has not answered for %lld minutes", at,
			s->endpoint, (long long)seconds / 60);
}

bool health_is_dead(const struct health *s, char *ret, size_t size)
{
	switch ((enum health_far)s->far) {
	case HEALTH_SILENT:
		say_silent(s, ret, size);
		return true;
	case HEALTH_NO_WAY:
		str_fmt(ret, size, "this machine has no route to the server at %s", s->endpoint);
		return true;
	case HEALTH_UNTRIED:
	case HEALTH_ANSWERS:
		break;
	}
	return false;
}

bool health_is_of_no_use(const char *name, char *ret, size_t size)
{
	struct health s;

	if (health_read(name, &s) < 0 || !health_is_fresh(&s))
		return false;
	if (!s.why[0])
		return health_is_dead(&s, ret, size);
	str_copy(ret, size, s.why);
	return true;
}
