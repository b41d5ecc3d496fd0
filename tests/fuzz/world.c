/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See world.h. */
#include "fuzz/world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

#define FDS_MAX	  1024
#define FILES_MAX 4
#define CUT	  0xff
#define NL_PORT	  7
#define NL_FAMILY 1 /* of a socket that the world made: netlink */
#define NL_SPOILT 0x8000

uint32_t world_nl_seq, world_nl_port = NL_PORT;

static struct {
	bool on, whole;
	struct bytes rest, choices, wire;
	struct {
		const char *end;
		struct bytes is;
	} file[FILES_MAX];
	size_t n_files;
	uint8_t made[FDS_MAX]; /* by the world: 1 a file, 2 a socket, 3 one of netlink */
	int64_t now_ms;
} w;

enum { MADE_FILE = 1, MADE_SOCKET, MADE_NETLINK };

void must(bool what)
{
	if (!what)
		abort();
}

void must_be_sentence(const struct err *e)
{
	/* What it quotes is cleaned by log.c, where it is printed. */
	if (e->code < 0 && strchr(e->msg, ' ') && memchr(e->msg, '\0', sizeof(e->msg)))
		return;
	fprintf(stderr, "code %d, and not a sentence: '%.300s'\n", e->code, e->msg);
	abort();
}

/* --- the bytes ------------------------------------------------------------------------------- */

bool world_piece(struct bytes *ret)
{
	const uint8_t *cut;

	if (w.whole) {
		*ret = w.rest;
		return true;
	}
	*ret = (struct bytes){0};
	if (!w.rest.at)
		return false;
	cut = w.rest.len ? memchr(w.rest.at, CUT, w.rest.len) : NULL;
	*ret = (struct bytes){w.rest.at, cut ? (size_t)(cut - w.rest.at) : w.rest.len};
	w.rest = cut ? (struct bytes){cut + 1, w.rest.len - ret->len - 1} : (struct bytes){0};
	return true;
}

unsigned int world_choice(unsigned int n)
{
	if (!w.choices.len)
		return 0;
	w.choices.len--;
	return *w.choices.at++ % n;
}

void *world_copy(struct bytes b)
{
	void *copy = malloc(b.len ? b.len : 1);

	must(copy != NULL);
	if (b.len)
		memcpy(copy, b.at, b.len);
	return copy;
}

char *world_text(struct bytes b)
{
	char *text = malloc(b.len + 1);

	must(text != NULL);
	for (size_t i = 0; i < b.len; i++)
		text[i] = b.at[i] ? (char)b.at[i] : ' ';
	text[b.len] = '\0';
	return text;
}

char *world_next_text(void)
{
	struct bytes b = {0};

	world_piece(&b);
	return world_text(b);
}

void world_set_file(const char *end, struct bytes is)
{
	must(w.n_files < FILES_MAX);
	w.file[w.n_files].end = end;
	w.file[w.n_files++].is = is;
}

static void begin(const uint8_t *data, size_t size, bool whole)
{
	w.on = true;
	w.whole = whole;
	w.rest = (struct bytes){data, size};
	w.choices = (struct bytes){0};
	w.n_files = 0;
	w.now_ms = 1000000;
	w.wire = w.rest;
	world_nl_seq = 0;
}

void world_begin(const uint8_t *data, size_t size)
{
	begin(data, size, false);
	world_piece(&w.choices);
	w.wire = w.rest;
}

void world_begin_whole(const uint8_t *data, size_t size)
{
	begin(data, size, true);
}

void world_end(void)
{
	w.on = false;
	for (size_t i = 0; i < FDS_MAX; i++)
		must(!w.made[i]);
}

/* --- files ----------------------------------------------------------------------------------- */

static int made(int fd, uint8_t kind)
{
	must(fd >= 0 && fd < FDS_MAX);
	w.made[fd] = kind;
	return fd;
}

static bool find(const char *path, struct bytes *ret)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < w.n_files; i++) {
		size_t n = strlen(w.file[i].end);

		if (n <= len && !strcmp(path + len - n, w.file[i].end)) {
			*ret = w.file[i].is;
			return true;
		}
	}
	return world_piece(ret);
}

static int give(const char *path, int flags)
{
	struct bytes b;
	int fd;

	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT)) {
		errno = EROFS;
		return -1;
	}
	if (!find(path, &b)) {
		errno = ENOENT;
		return -1;
	}
	fd = memfd_create("lie", MFD_CLOEXEC);
	must(fd >= 0);
	for (size_t at = 0; at < b.len;) {
		ssize_t n = pwrite(fd, b.at + at, b.len - at, (off_t)at);

		must(n > 0);
		at += (size_t)n;
	}
	return made(fd, MADE_FILE);
}

#define WRAP(type, name, ...)            \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	unsigned int mode;
	va_list ap;

	va_start(ap, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, unsigned int) : 0;
	va_end(ap);
	return w.on ? give(path, flags) : __real_open(path, flags, mode);
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...)
{
	unsigned int mode;
	va_list ap;

	va_start(ap, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, unsigned int) : 0;
	va_end(ap);
	return w.on ? give(path, flags) : __real_openat(dir, path, flags, mode);
}

WRAP(FILE *, fopen, const char *path, const char *mode)
{
	int fd;

	/* The fuzzer itself writes down what it has found. */
	if (!w.on || mode[0] != 'r')
		return __real_fopen(path, mode);
	fd = give(path, O_RDONLY);
	if (fd < 0)
		return NULL;
	w.made[fd] = 0; /* the stream closes it by itself */
	return fdopen(fd, "r");
}

WRAP(int, close, int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		w.made[fd] = 0;
	return __real_close(fd);
}

static int tell(struct stat *st)
{
	static const mode_t modes[] = {
		S_IFREG | 0644, 0, S_IFDIR | 0755, S_IFREG | 0600, S_IFLNK | 0777, S_IFSOCK | 0755,
		S_IFIFO | 0666};
	unsigned int i = world_choice(sizeof(modes) / sizeof(modes[0]));

	if (!modes[i]) {
		errno = ENOENT;
		return -1;
	}
	memset(st, 0, sizeof(*st));
	st->st_mode = modes[i];
	st->st_uid = world_choice(2) ? 1000 : 0;
	st->st_ino = 1 + world_choice(3);
	return 0;
}

WRAP(int, stat, const char *path, struct stat *st)
{
	return w.on ? tell(st) : __real_stat(path, st);
}

WRAP(int, lstat, const char *path, struct stat *st)
{
	return w.on ? tell(st) : __real_lstat(path, st);
}

WRAP(int, fstatat, int dir, const char *path, struct stat *st, int flags)
{
	return w.on ? tell(st) : __real_fstatat(dir, path, st, flags);
}

WRAP(int, access, const char *path, int mode)
{
	if (!w.on)
		return __real_access(path, mode);
	errno = ENOENT;
	return world_choice(2) ? -1 : 0;
}

WRAP(int, faccessat, int dir, const char *path, int mode, int flags)
{
	if (!w.on)
		return __real_faccessat(dir, path, mode, flags);
	errno = ENOENT;
	return world_choice(2) ? -1 : 0;
}

static ssize_t link_of(char *buf, size_t size)
{
	struct bytes b;

	if (!world_piece(&b)) {
		errno = ENOENT;
		return -1;
	}
	if (b.len > size)
		b.len = size;
	for (size_t i = 0; i < b.len; i++)
		buf[i] = b.at[i] ? (char)b.at[i] : '/';
	return (ssize_t)b.len;
}

WRAP(ssize_t, readlink, const char *path, char *buf, size_t size)
{
	return w.on ? link_of(buf, size) : __real_readlink(path, buf, size);
}

WRAP(ssize_t, readlinkat, int dir, const char *path, char *buf, size_t size)
{
	return w.on ? link_of(buf, size) : __real_readlinkat(dir, path, buf, size);
}

/* The names in it are the lines of a piece. */
struct lie_dir {
	struct bytes rest;
	struct dirent entry;
};

static DIR *list(void)
{
	struct bytes b;
	struct lie_dir *d;

	if (!world_piece(&b)) {
		errno = ENOENT;
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	must(d != NULL);
	d->rest = b;
	return (DIR *)(void *)d;
}

WRAP(DIR *, opendir, const char *path)
{
	return w.on ? list() : __real_opendir(path);
}

WRAP(DIR *, fdopendir, int fd)
{
	if (!w.on)
		return __real_fdopendir(fd);
	__wrap_close(fd);
	return list();
}

WRAP(struct dirent *, readdir, DIR *dir)
{
	struct lie_dir *d = (void *)dir;
	size_t n = 0;

	if (!w.on)
		return __real_readdir(dir);
	while (d->rest.len) {
		uint8_t c = *d->rest.at++;

		d->rest.len--;
		if (c == '\n')
			break;
		if (c && c != '/' && n < sizeof(d->entry.d_name) - 1)
			d->entry.d_name[n++] = (char)c;
	}
	d->entry.d_name[n] = '\0';
	d->entry.d_type = (unsigned char)(world_choice(2) ? DT_DIR : DT_UNKNOWN);
	return n ? &d->entry : NULL;
}

WRAP(int, closedir, DIR *dir)
{
	if (!w.on)
		return __real_closedir(dir);
	free(dir);
	return 0;
}

WRAP(int, scandir, const char *path, struct dirent ***ret, int (*want)(const struct dirent *),
     int (*cmp)(const struct dirent **, const struct dirent **))
{
	struct dirent **all = NULL, *de;
	DIR *d;
	int n = 0;

	if (!w.on)
		return __real_scandir(path, ret, want, cmp);
	d = list();
	if (!d)
		return -1;
	while (n < 64 && (de = __wrap_readdir(d))) {
		if (want && !want(de))
			continue;
		all = realloc(all, sizeof(*all) * (size_t)(n + 1));
		must(all != NULL);
		all[n] = malloc(sizeof(*de));
		must(all[n] != NULL);
		*all[n++] = *de;
	}
	free(d);
	*ret = all;
	return n;
}

WRAP(int, glob, const char *pattern, int flags, int (*fn)(const char *, int), glob_t *ret)
{
	if (!w.on)
		return __real_glob(pattern, flags, fn, ret);
	memset(ret, 0, sizeof(*ret));
	return GLOB_NOMATCH;
}

/* --- what would change something ------------------------------------------------------------- */

static int refuse(void)
{
	errno = EROFS;
	return -1;
}

WRAP(int, mkdir, const char *path, mode_t mode)
{
	return w.on ? refuse() : __real_mkdir(path, mode);
}

WRAP(int, rmdir, const char *path)
{
	return w.on ? refuse() : __real_rmdir(path);
}

WRAP(int, unlink, const char *path)
{
	return w.on ? refuse() : __real_unlink(path);
}

WRAP(int, rename, const char *from, const char *to)
{
	return w.on ? refuse() : __real_rename(from, to);
}

WRAP(int, symlink, const char *to, const char *path)
{
	return w.on ? refuse() : __real_symlink(to, path);
}

WRAP(int, kill, pid_t pid, int sig)
{
	return w.on ? refuse() : __real_kill(pid, sig);
}

WRAP(int, mount, const char *src, const char *dst, const char *type, unsigned long flags,
     const void *data)
{
	return w.on ? (int)world_choice(2) - 1 : __real_mount(src, dst, type, flags, data);
}

WRAP(int, gethostname, char *ret, size_t size)
{
	if (!w.on)
		return __real_gethostname(ret, size);
	snprintf(ret, size, "host");
	return 0;
}

/* --- sockets --------------------------------------------------------------------------------- */

int world_socket(void)
{
	int fd = memfd_create("wire", MFD_CLOEXEC);

	must(fd >= 0);
	return made(fd, MADE_SOCKET);
}

static bool is_wire(int fd)
{
	return w.on && fd >= 0 && fd < FDS_MAX && w.made[fd] >= MADE_SOCKET;
}

WRAP(int, socket, int domain, int type, int protocol)
{
	int fd;

	if (!w.on)
		return __real_socket(domain, type, protocol);
	fd = world_socket();
	if (domain == AF_NETLINK)
		w.made[fd] = MADE_NETLINK;
	return fd;
}

WRAP(int, connect, int fd, const struct sockaddr *sa, socklen_t len)
{
	return w.on ? 0 : __real_connect(fd, sa, len);
}

WRAP(int, bind, int fd, const struct sockaddr *sa, socklen_t len)
{
	return w.on ? 0 : __real_bind(fd, sa, len);
}

WRAP(int, setsockopt, int fd, int level, int name, const void *value, socklen_t len)
{
	return w.on ? 0 : __real_setsockopt(fd, level, name, value, len);
}

WRAP(int, getsockname, int fd, struct sockaddr *sa, socklen_t *len)
{
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_pid = NL_PORT};

	if (!w.on)
		return __real_getsockname(fd, sa, len);
	memcpy(sa, &nl, *len < sizeof(nl) ? *len : sizeof(nl));
	return 0;
}

static void hear_request(const void *buf, size_t len)
{
	struct nlmsghdr h;

	for (size_t at = 0; at <= len && len - at >= sizeof(h); at += NLMSG_ALIGN(h.nlmsg_len)) {
		memcpy(&h, (const uint8_t *)buf + at, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len - at)
			return;
		world_nl_seq = h.nlmsg_seq;
	}
}

WRAP(ssize_t, sendto, int fd, const void *buf, size_t len, int flags, const struct sockaddr *sa,
     socklen_t sa_len)
{
	if (!w.on)
		return __real_sendto(fd, buf, len, flags, sa, sa_len);
	if (fd >= 0 && fd < FDS_MAX && w.made[fd] == MADE_NETLINK)
		hear_request(buf, len);
	return (ssize_t)len;
}

WRAP(ssize_t, send, int fd, const void *buf, size_t len, int flags)
{
	return w.on ? (ssize_t)len : __real_send(fd, buf, len, flags);
}

WRAP(ssize_t, sendmsg, int fd, const struct msghdr *m, int flags)
{
	size_t len = 0;

	if (!w.on)
		return __real_sendmsg(fd, m, flags);
	for (size_t i = 0; i < (size_t)m->msg_iovlen; i++)
		len += m->msg_iov[i].iov_len;
	return (ssize_t)len;
}

/* The next datagram: two bytes say how long it is. An end that was not said is the end of all. */
static bool datagram(struct bytes *ret, bool *ret_spoilt)
{
	uint16_t n;

	if (w.wire.len < sizeof(n))
		return false;
	memcpy(&n, w.wire.at, sizeof(n));
	*ret_spoilt = n & NL_SPOILT;
	n &= NL_SPOILT - 1;
	w.wire = (struct bytes){w.wire.at + sizeof(n), w.wire.len - sizeof(n)};
	*ret = (struct bytes){w.wire.at, n < w.wire.len ? n : w.wire.len};
	w.wire = (struct bytes){w.wire.at + ret->len, w.wire.len - ret->len};
	return true;
}

/* Small numbers mean "the right one": no fuzzer guesses it, and nothing behind would be reached. */
static void address_answers(uint8_t *buf, size_t len)
{
	struct nlmsghdr h;

	for (size_t at = 0; at <= len && len - at >= sizeof(h); at += NLMSG_ALIGN(h.nlmsg_len)) {
		memcpy(&h, buf + at, sizeof(h));
		if (h.nlmsg_pid < 128)
			h.nlmsg_pid = NL_PORT;
		if (h.nlmsg_seq < 128)
			h.nlmsg_seq = world_nl_seq;
		memcpy(buf + at, &h, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len - at)
			return;
	}
}

static ssize_t nothing_left(int flags)
{
	errno = flags & MSG_DONTWAIT ? EAGAIN : ECONNRESET;
	return -1;
}

static ssize_t receive(int fd, void *buf, size_t size, int flags, bool *ret_spoilt)
{
	struct bytes b;

	if (!datagram(&b, ret_spoilt))
		return nothing_left(flags);
	if (buf && size)
		memcpy(buf, b.at, b.len < size ? b.len : size);
	if (w.made[fd] == MADE_NETLINK)
		address_answers(buf, b.len < size ? b.len : size);
	return (ssize_t)(flags & MSG_TRUNC || b.len < size ? b.len : size);
}

WRAP(ssize_t, recvfrom, int fd, void *buf, size_t size, int flags, struct sockaddr *sa,
     socklen_t *len)
{
	bool spoilt = false;
	ssize_t n;

	if (!is_wire(fd))
		return __real_recvfrom(fd, buf, size, flags, sa, len);
	n = receive(fd, buf, size, flags, &spoilt);
	if (sa && *len >= sizeof(struct sockaddr_nl))
		*(struct sockaddr_nl *)(void *)sa =
			(struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_pid = spoilt};
	return n;
}

WRAP(ssize_t, recv, int fd, void *buf, size_t size, int flags)
{
	bool spoilt;

	return is_wire(fd) ? receive(fd, buf, size, flags, &spoilt)
			   : __real_recv(fd, buf, size, flags);
}

WRAP(ssize_t, recvmsg, int fd, struct msghdr *m, int flags)
{
	bool spoilt = false;
	ssize_t n;

	if (!is_wire(fd))
		return __real_recvmsg(fd, m, flags);
	n = receive(fd, m->msg_iov[0].iov_base, m->msg_iov[0].iov_len, flags & ~MSG_TRUNC, &spoilt);
	m->msg_controllen = 0;
	m->msg_flags = spoilt ? MSG_TRUNC : 0;
	return n;
}

/* A stream: as much as there is, or what the next length says. */
WRAP(ssize_t, read, int fd, void *buf, size_t size)
{
	struct bytes b;
	bool spoilt;

	if (!is_wire(fd))
		return __real_read(fd, buf, size);
	if (!datagram(&b, &spoilt))
		return 0;
	if (b.len > size) {
		w.wire.at -= b.len - size;
		w.wire.len += b.len - size;
		b.len = size;
	}
	if (b.len)
		memcpy(buf, b.at, b.len);
	return (ssize_t)b.len;
}

WRAP(int, poll, struct pollfd *p, nfds_t n, int timeout_ms)
{
	if (!w.on)
		return __real_poll(p, n, timeout_ms);
	for (nfds_t i = 0; i < n; i++)
		p[i].revents = POLLIN;
	w.now_ms += timeout_ms > 0 && w.wire.len < 2 ? timeout_ms : 0;
	return n && w.wire.len >= 2 ? 1 : 0;
}

/* Whoever waits until a time sees it come. */
WRAP(int64_t, util_now_ms, void)
{
	return w.on ? (w.now_ms += 10) : __real_util_now_ms();
}
