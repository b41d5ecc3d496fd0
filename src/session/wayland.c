/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Speaks as much of Wayland's wire protocol as it takes to ask a compositor what it offers and to
 * make a security context. Must never leave a program of the strict view with a socket on which the
 * compositor types for it or shows it the screen: what a new context really offers is looked at,
 * too. The compositor is the user's own; what it sends is checked for its form all the same. Called
 * by session/words.c.
 *
 * A message: the object's id, then its size and opcode in one word, then arguments in words of the
 * machine's own byte order; a string is its length with the NUL, padded to words.
 */
#include "session/wayland.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"

#define TIMEOUT_S  5
#define BUF_MAX	   16384 /* no message of a compositor's comes near */
#define NAME_SIZE  64
#define ENGINE	   "vpnrun"
#define MANAGER	   "wp_security_context_manager_v1"
#define ID_DISPLAY 1u
#define HELD_FD	   100 /* out of the way of scripts' `exec 3>` */

/* Opcodes of requests, and of events. */
enum { DISPLAY_SYNC = 0, DISPLAY_GET_REGISTRY = 1, REGISTRY_BIND = 0, MANAGER_CREATE_LISTENER = 1 };
enum { CONTEXT_SET_ENGINE = 1, CONTEXT_SET_APP = 2, CONTEXT_COMMIT = 4 };
enum { DISPLAY_ERROR = 0, REGISTRY_GLOBAL = 0 };

/* --- messages out ----------------------------------------------------------------------------- */

struct msg {
	uint32_t word[96];
	size_t n;
};

static void msg_begin(struct msg *m, uint32_t object)
{
	m->n = 2;
	m->word[0] = object;
}

static void msg_uint(struct msg *m, uint32_t value)
{
	m->word[m->n++] = value;
}

/* The name has at most NAME_SIZE characters. */
static void msg_string(struct msg *m, const char *s)
{
	size_t len = strnlen(s, NAME_SIZE), words = (len + 4) / 4;

	msg_uint(m, (uint32_t)len + 1);
	memset(&m->word[m->n], 0, words * 4);
	memcpy(&m->word[m->n], s, len);
	m->n += words;
}

/* fds[]: what goes along, n_fds at most 2. */
static int msg_send(int sock, struct msg *m, unsigned int opcode, const int *fds, size_t n_fds)
{
	union {
		char buf[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {.iov_base = m->word, .iov_len = m->n * 4};
	struct msghdr head = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t sent;

	m->word[1] = (uint32_t)(m->n * 4) << 16 | opcode;
	if (n_fds) {
		struct cmsghdr *c;

		head.msg_control = control.buf;
		head.msg_controllen = (socklen_t)CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&head);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = (socklen_t)CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	sent = sendmsg(sock, &head, MSG_NOSIGNAL);
	if (sent < 0)
		return -errno;
	return (size_t)sent == iov.iov_len ? 0 : -EIO;
}

/* --- messages in ------------------------------------------------------------------------------ */

struct answers {
	uint32_t registry, callback;
	bool done;
	uint32_t manager;
	char dangerous[NAME_SIZE], strange[NAME_SIZE]; /* the first of each kind */
	char error[NAME_SIZE * 2];
};

/* The string at word i of a message of n words; NULL if it is not one. */
static const char *string_at(const uint32_t *word, size_t i, size_t n)
{
	const char *s = (const char *)&word[i + 1];

	if (i >= n || word[i] == 0 || word[i] > (n - i - 1) * 4 || s[word[i] - 1] != '\0')
		return NULL;
	return s;
}

static void note_global(struct answers *a, uint32_t name, const char *interface)
{
	if (strcmp(interface, MANAGER) == 0)
		a->manager = name;
	if (wayland_is_dangerous(interface) && !a->dangerous[0])
		snprintf(a->dangerous, sizeof(a->dangerous), "%.63s", interface);
	else if (!wayland_is_plain(interface) && !a->strange[0])
		snprintf(a->strange, sizeof(a->strange), "%.63s", interface);
}

/* One message of n words, the head included. */
static int take(struct answers *a, const uint32_t *word, size_t n)
{
	uint32_t object = word[0], opcode = word[1] & 0xffff;
	const char *s;

	if (object == a->callback)
		a->done = true;
	if (object == ID_DISPLAY && opcode == DISPLAY_ERROR) {
		s = string_at(word, 4, n);
		snprintf(a->error, sizeof(a->error), "%.120s", s ? s : "an error");
		return -EPROTO;
	}
	if (object == a->registry && opcode == REGISTRY_GLOBAL) {
		s = string_at(word, 3, n);
		if (!s)
			return -EBADMSG;
		note_global(a, word[2], s);
	}
	return 0;
}

/* Takes the whole messages of buf; *len is what remains of a cut one, moved to the front. */
static int take_all(struct answers *a, char *buf, size_t *len)
{
	uint32_t word[BUF_MAX / 4];
	size_t at = 0;
	int r = 0;

	while (r == 0 && *len - at >= 8) {
		size_t size;

		memcpy(word, buf + at, 8);
		size = word[1] >> 16;
		if (size < 8 || size % 4 || size > BUF_MAX)
			return -EBADMSG;
		if (size > *len - at)
			break;
		memcpy(word, buf + at, size);
		r = take(a, word, size / 4);
		at += size;
	}
	memmove(buf, buf + at, *len - at);
	*len -= at;
	return r;
}

/* Asks for a sign of life and reads until it comes. */
static int roundtrip(struct wayland *w, struct answers *a, struct err *e)
{
	char buf[BUF_MAX];
	struct msg m;
	size_t len = 0;
	int r;

	a->callback = ++w->last_id;
	a->done = false;
	msg_begin(&m, ID_DISPLAY);
	msg_uint(&m, a->callback);
	r = msg_send(w->sock, &m, DISPLAY_SYNC, NULL, 0);
	while (r == 0 && !a->done) {
		/* Descriptors that come along are not taken, so the kernel closes them. */
		ssize_t n = recv(w->sock, buf + len, sizeof(buf) - len, MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			r = n < 0 ? (errno == EAGAIN ? -ETIMEDOUT : -errno) : -ECONNRESET;
		else
			len += (size_t)n;
		if (r == 0)
			r = take_all(a, buf, &len);
	}
	if (r == -EPROTO)
		return err_set(e, r, "the compositor refuses: %s", a->error);
	if (r == -EBADMSG)
		return err_set(e, r, "what answers there does not speak Wayland");
	return r < 0 ? err_sys(e, r, "cannot talk to the compositor") : 0;
}

static int dial(struct wayland *w, const char *path, struct err *e)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = TIMEOUT_S};
	int r = str_copy(addr.sun_path, sizeof(addr.sun_path), path);

	if (r < 0)
		return err_set(e, r, "%s: name too long", path);
	w->last_id = ID_DISPLAY;
	w->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->sock < 0)
		return err_sys(e, -errno, "cannot make a socket");
	setsockopt(w->sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(w->sock, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(w->sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_sys(e, -errno, "cannot connect to the compositor at %s", path);
	return 0;
}

static int list_globals(struct wayland *w, struct answers *a, struct err *e)
{
	struct msg m;
	int r;

	a->registry = ++w->last_id;
	msg_begin(&m, ID_DISPLAY);
	msg_uint(&m, a->registry);
	r = msg_send(w->sock, &m, DISPLAY_GET_REGISTRY, NULL, 0);
	return r < 0 ? err_sys(e, r, "cannot talk to the compositor") : roundtrip(w, a, e);
}

int wayland_open(struct wayland *w, const char *path, struct err *e)
{
	struct answers a = {0};
	int r = dial(w, path, e);

	if (r == 0)
		r = list_globals(w, &a, e);
	if (r == 0 && !a.manager && (a.dangerous[0] || a.strange[0]))
		r = err_set(e, -EPERM,
			    "this compositor knows no security contexts (%s) and offers %s to "
			    "all, by which a program can reach others; to let it all the same: "
			    "--allow %s",
			    MANAGER, a.dangerous[0] ? a.dangerous : a.strange, path);
	w->manager = a.manager;
	/* The registry's id is what the manager is bound by later. */
	if (r < 0 || !a.manager)
		wayland_close(w);
	return r;
}

/* --- the context ------------------------------------------------------------------------------ */

static int make_listener(const char *path, struct err *e)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = str_copy(addr.sun_path, sizeof(addr.sun_path), path);

	if (r < 0)
		return err_set(e, r, "%s: name too long", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 16) < 0)
		return err_sys(e, -errno, "cannot listen at %s", path);
	return take_fd(&fd);
}

static int bind_manager(struct wayland *w, uint32_t registry, uint32_t id)
{
	struct msg m;

	msg_begin(&m, registry);
	msg_uint(&m, w->manager);
	msg_string(&m, MANAGER);
	msg_uint(&m, 1);
	msg_uint(&m, id);
	return msg_send(w->sock, &m, REGISTRY_BIND, NULL, 0);
}

static int set_string(int sock, uint32_t context, unsigned int opcode, const char *value)
{
	struct msg m;

	msg_begin(&m, context);
	msg_string(&m, value);
	return msg_send(sock, &m, opcode, NULL, 0);
}

static int commit_context(struct wayland *w, int listener, int closer, const char *app,
			  struct err *e)
{
	uint32_t registry = ID_DISPLAY + 1, manager = ++w->last_id, context = ++w->last_id;
	const char *slash = strrchr(app, '/');
	const int fds[2] = {listener, closer};
	struct answers a = {.registry = registry};
	struct msg m;
	int r = bind_manager(w, registry, manager);

	msg_begin(&m, manager);
	msg_uint(&m, context);
	r = r ?: msg_send(w->sock, &m, MANAGER_CREATE_LISTENER, fds, 2);
	r = r ?: set_string(w->sock, context, CONTEXT_SET_ENGINE, ENGINE);
	r = r ?: set_string(w->sock, context, CONTEXT_SET_APP, slash ? slash + 1 : app);
	msg_begin(&m, context);
	r = r ?: msg_send(w->sock, &m, CONTEXT_COMMIT, NULL, 0);
	return r < 0 ? err_sys(e, r, "cannot talk to the compositor") : roundtrip(w, &a, e);
}

/* Reads what a client of the new socket is offered. */
static int check_context(const char *path, struct err *e)
{
	struct wayland inside = WAYLAND_INIT;
	struct answers a = {0};
	int r = dial(&inside, path, e);

	if (r == 0)
		r = list_globals(&inside, &a, e);
	if (r == 0 && a.dangerous[0])
		r = err_set(e, -EPERM,
			    "this compositor makes security contexts, but offers %s in them",
			    a.dangerous);
	wayland_close(&inside);
	return r;
}

int wayland_listen(struct wayland *w, const char *path, const char *app, int *ret_held,
		   struct err *e)
{
	AUTO_CLOSE int listener = -1, held = -1, closer = -1;
	int p[2], r;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	closer = p[0];
	held = p[1];
	listener = make_listener(path, e);
	if (listener < 0)
		return listener;
	r = commit_context(w, listener, closer, app, e);
	wayland_close(w);
	if (r == 0)
		r = check_context(path, e);
	if (r < 0)
		return r;
	/* The command and what it starts hold it, so it goes when the last of them has gone. */
	*ret_held = fcntl(held, F_DUPFD, HELD_FD);
	if (*ret_held < 0)
		*ret_held = fcntl(held, F_DUPFD, 3);
	return *ret_held < 0 ? err_sys(e, -errno, "cannot hold the compositor's socket") : 0;
}

void wayland_close(struct wayland *w)
{
	util_close(&w->sock);
}
