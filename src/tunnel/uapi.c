/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests and answers of WireGuard's text interface. What is read may come from any program that
 * root let listen there: every line is judged, nothing is trusted to end. Buffers hold keys and are
 * wiped, so they are never handed to a stream that would copy them. Called by the device's front
 * and by the supervisor.
 */
#include "tunnel/uapi.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"

#define ANSWER_MAX   (16u * 1024 * 1024)
#define ANSWER_FIRST (64u * 1024)
#define TIMEOUT_S    5

int uapi_path(const char *name, char *ret, size_t size)
{
	return str_fmt(ret, size, UAPI_DIR "/%s.sock", name);
}

static int uapi_connect(const char *name, struct err *e)
{
	const struct timeval tv = {.tv_sec = TIMEOUT_S};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	AUTO_CLOSE int fd = -1;

	if (uapi_path(name, sun.sun_path, sizeof(sun.sun_path)) < 0)
		return err_set(e, -ENAMETOOLONG, "no socket can be called %s", name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0)
		return err_sys(e, -errno, "cannot reach wireguard-go at %s", sun.sun_path);
	return take_fd(&fd);
}

bool uapi_is_alive(const char *name)
{
	AUTO_CLOSE int fd = uapi_connect(name, NULL);

	return fd >= 0;
}

void uapi_remove_stale(const char *name)
{
	AUTO_CLOSE int fd = uapi_connect(name, NULL);
	char path[108];

	if (fd == -ECONNREFUSED && uapi_path(name, path, sizeof(path)) >= 0)
		unlink(path);
}

/* A text of a size that was reckoned beforehand. */
struct text {
	char *buf;
	size_t len, size;
};

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->size - t->len)
		t->len = t->size - 1; /* put_fits() sees it */
	else
		t->len += (size_t)n;
}

static void put_key(struct text *t, const char *what, const uint8_t *key)
{
	put(t, "%s=", what);
	for (size_t i = 0; i < WG_KEY_LEN; i++)
		put(t, "%02x", key[i]);
	put(t, "\n");
}

static void put_endpoint(struct text *t, const struct wg_peer *p)
{
	char addr[INET6_ADDRSTRLEN];

	if (p->endpoint.family == AF_INET)
		put(t, "endpoint=%s:%u\n",
		    inet_ntop(AF_INET, &p->endpoint.in.sin_addr, addr, sizeof(addr)),
		    ntohs(p->endpoint.in.sin_port));
	else if (p->endpoint.family == AF_INET6)
		put(t, "endpoint=[%s]:%u\n",
		    inet_ntop(AF_INET6, &p->endpoint.in6.sin6_addr, addr, sizeof(addr)),
		    ntohs(p->endpoint.in6.sin6_port));
}

static void put_peer(struct text *t, const struct wg_peer *p)
{
	char addr[INET6_ADDRSTRLEN];

	put_key(t, "public_key", p->public_key);
	if (p->psk)
		put_key(t, "preshared_key", p->psk);
	put_endpoint(t, p);
	put(t, "persistent_keepalive_interval=%u\nreplace_allowed_ips=true\n", p->keepalive);
	for (size_t i = 0; i < p->n_allowed; i++)
		put(t, "allowed_ip=%s/%u\n",
		    inet_ntop(p->allowed[i].family, &p->allowed[i].v4, addr, sizeof(addr)),
		    p->allowed[i].plen);
}

int uapi_format_device(const struct wg_device *d, char **ret, size_t *ret_len)
{
	struct text t = {.size = 512};

	for (size_t i = 0; i < d->n_peers; i++)
		t.size += 512 + d->peers[i].n_allowed * 64;
	t.buf = malloc(t.size);
	if (!t.buf)
		return -ENOMEM;
	put(&t, "set=1\n");
	put_key(&t, "private_key", d->private_key);
	if (d->listen_port)
		put(&t, "listen_port=%u\n", d->listen_port);
	put(&t, "fwmark=%" PRIu32 "\nreplace_peers=true\n", d->fwmark);
	for (size_t i = 0; i < d->n_peers; i++)
		put_peer(&t, &d->peers[i]);
	put(&t, "\n");
	if (t.len >= t.size - 1) {
		util_wipe(t.buf, t.size);
		free(t.buf);
		return -EMSGSIZE;
	}
	*ret = t.buf;
	*ret_len = t.len;
	return 0;
}

static void wipe_free(char *buf, size_t len)
{
	if (buf)
		util_wipe(buf, len);
	free(buf);
}

/* Twice the room, without leaving the old text behind as realloc() would. */
static int grow(char **buf, size_t *size)
{
	size_t bigger = *size ? *size * 2 : ANSWER_FIRST;
	char *new;

	if (bigger > ANSWER_MAX)
		return -EFBIG;
	new = malloc(bigger);
	if (!new)
		return -ENOMEM;
	if (*buf)
		memcpy(new, *buf, *size);
	wipe_free(*buf, *size);
	*buf = new;
	*size = bigger;
	return 0;
}

/* Reads up to the empty line that ends an answer. */
static int read_answer(int fd, char **ret, size_t *ret_len, struct err *e)
{
	size_t size = 0, len = 0;
	char *buf = NULL;
	int r = 0;

	for (;;) {
		ssize_t n;

		if (len == size) {
			r = grow(&buf, &size);
			if (r < 0)
				break;
		}
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = n < 0 ? -errno : -EPROTO;
			break;
		}
		len += (size_t)n;
		if (len >= 2 && buf[len - 1] == '\n' && buf[len - 2] == '\n') {
			*ret = buf;
			*ret_len = len;
			return 0;
		}
	}
	wipe_free(buf, size);
	if (r == -EPROTO)
		return err_set(e, r, "wireguard-go ended in the middle of its answer");
	return err_sys(e, r, "cannot read wireguard-go's answer");
}

/* The number after "KEY=" if the line [at, at + len) is of that key. */
static bool line_u64(const char *at, size_t len, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);
	char num[24];

	if (len <= n || memcmp(at, key, n) != 0 || len - n >= sizeof(num))
		return false;
	memcpy(num, at + n, len - n);
	num[len - n] = '\0';
	return str_uint(num, 0, UINT64_MAX, ret) == 0;
}

static bool line_is(const char *at, size_t len, const char *key)
{
	return len >= strlen(key) && memcmp(at, key, strlen(key)) == 0;
}

/* "1.2.3.4:5" or "[::1]:5"; what cannot be read (a zone) is shown as no endpoint. */
static void line_endpoint(const char *at, size_t len, union wg_endpoint *ret)
{
	union wg_endpoint ep = {0};
	char text[80], *colon, *host = text;
	uint64_t port;

	if (len >= sizeof(text))
		return;
	memcpy(text, at, len);
	text[len] = '\0';
	colon = strrchr(text, ':');
	if (!colon || str_uint(colon + 1, 1, UINT16_MAX, &port) < 0)
		return;
	*colon = '\0';
	if (*host == '[' && colon > host + 1 && colon[-1] == ']') {
		colon[-1] = '\0';
		if (inet_pton(AF_INET6, host + 1, &ep.in6.sin6_addr) != 1)
			return;
		ep.in6.sin6_family = AF_INET6;
		ep.in6.sin6_port = htons((uint16_t)port);
	} else {
		if (inet_pton(AF_INET, host, &ep.in.sin_addr) != 1)
			return;
		ep.in.sin_family = AF_INET;
		ep.in.sin_port = htons((uint16_t)port);
	}
	*ret = ep;
}

struct peer_lines {
	bool open;
	union wg_endpoint endpoint;
	uint64_t handshake, rx, tx, keepalive;
};

static void peer_close(struct peer_lines *p, struct wg_stats *st)
{
	const struct wg_peer_numbers is = {p->endpoint, (int64_t)p->handshake, p->rx, p->tx,
					   (uint16_t)p->keepalive};

	if (p->open)
		wg_stats_add(st, &is);
	memset(p, 0, sizeof(*p));
}

/* Returns 1 on the line that ends the answer, with what it says in *ret_errno. */
static int parse_line(const char *at, size_t len, struct peer_lines *p, struct wg_stats *st,
		      int *ret_errno)
{
	uint64_t v;

	if (line_is(at, len, "errno=")) {
		int sign = len > 6 && at[6] == '-' ? 1 : 0; /* the text says "not negative" */

		if (sign ? !line_u64(at, len, "errno=-", &v) : !line_u64(at, len, "errno=", &v))
			return -EPROTO;
		*ret_errno = v > 4095 ? EPROTO : (int)v;
		return 1;
	}
	if (line_is(at, len, "public_key=")) {
		peer_close(p, st);
		p->open = true;
	} else if (line_is(at, len, "endpoint=")) {
		line_endpoint(at + 9, len - 9, &p->endpoint);
	} else if (line_u64(at, len, "listen_port=", &v) && v <= UINT16_MAX) {
		st->listen_port = (uint16_t)v;
	} else if (line_u64(at, len, "last_handshake_time_sec=", &v) && v <= INT64_MAX) {
		p->handshake = v;
	} else if (line_u64(at, len, "persistent_keepalive_interval=", &v) && v <= UINT16_MAX) {
		p->keepalive = v;
	} else if (!line_u64(at, len, "rx_bytes=", &p->rx)) {
		line_u64(at, len, "tx_bytes=", &p->tx);
	}
	return 0;
}

int uapi_parse_device(const char *text, size_t len, struct wg_stats *ret, struct err *e)
{
	struct peer_lines p = {0};
	struct wg_stats st = {0};
	int code = 0, r = 0;
	size_t at = 0;

	while (r == 0 && at < len) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t n = nl ? (size_t)(nl - (text + at)) : 0;

		if (!nl || n == 0)
			break;
		r = parse_line(text + at, n, &p, &st, &code);
		at += n + 1;
	}
	if (r != 1)
		return err_set(e, -EPROTO, "wireguard-go's answer makes no sense");
	if (code)
		return err_sys(e, -code, "wireguard-go refused");
	peer_close(&p, &st);
	*ret = st;
	return 0;
}

struct uapi_answer {
	char *text;
	size_t len;
};

/* The whole answer, which the caller has to wipe and free. */
static int exchange(const char *name, const char *request, size_t len, struct uapi_answer *ret,
		    struct err *e)
{
	AUTO_CLOSE int fd = uapi_connect(name, e);

	if (fd < 0)
		return fd;
	while (len > 0) {
		ssize_t n = send(fd, request, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, -errno, "cannot write to wireguard-go");
		request += n;
		len -= (size_t)n;
	}
	return read_answer(fd, &ret->text, &ret->len, e);
}

static int converse(const char *name, const char *request, size_t len, struct wg_stats *ret,
		    struct err *e)
{
	struct uapi_answer a = {NULL, 0};
	int r = exchange(name, request, len, &a, e);

	if (r < 0)
		return r;
	r = uapi_parse_device(a.text, a.len, ret, e);
	wipe_free(a.text, a.len);
	return r;
}

static int check_both(bool ipv4, bool ipv6, struct err *e)
{
	if (!ipv4 || !ipv6)
		return 0;
	return err_set(e, -EPFNOSUPPORT,
		       "wireguard-go sends to strangers where one tunnel has IPv4 and IPv6 "
		       "endpoints: give all peers endpoints of one family, or load the kernel's "
		       "WireGuard");
}

int uapi_check_families(const union wg_endpoint *at, size_t n, struct err *e)
{
	bool ipv4 = false, ipv6 = false;

	for (size_t i = 0; i < n; i++) {
		ipv4 |= at[i].family == AF_INET;
		ipv6 |= at[i].family == AF_INET6;
	}
	return check_both(ipv4, ipv6, e);
}

int uapi_check_endpoints(const struct wg_stats *is, const struct wg_peer *peers, size_t n,
			 struct err *e)
{
	bool ipv4 = false, ipv6 = false;
	int r;

	for (size_t i = 0; i < n; i++) {
		ipv4 |= peers[i].endpoint.family == AF_INET;
		ipv6 |= peers[i].endpoint.family == AF_INET6;
	}
	r = check_both(ipv4, ipv6, e);
	if (r < 0)
		return r;
	/* A peer that has no endpoint now may have had one. */
	if (ipv6 && is->n_peers && (is->has_ipv4 || !is->has_ipv6))
		return err_set(e, -EAFNOSUPPORT,
			       "wireguard-go may have sent by IPv4, and only a fresh one may send "
			       "by IPv6");
	return 0;
}

static int check_endpoints(const char *name, const struct wg_peer *peers, size_t n, struct err *e)
{
	struct wg_stats is;
	int r = uapi_device_get(name, &is, e);

	return r < 0 ? r : uapi_check_endpoints(&is, peers, n, e);
}

int uapi_device_set(const char *name, const struct wg_device *d, struct err *e)
{
	struct wg_stats none;
	char *text = NULL;
	size_t len = 0;
	int r = check_endpoints(name, d->peers, d->n_peers, e);

	if (r < 0)
		return err_wrap(e, r, "cannot configure %s", name);
	r = uapi_format_device(d, &text, &len);
	if (r < 0)
		return err_sys(e, r, "cannot write down the configuration of %s", name);
	r = converse(name, text, len, &none, e);
	wipe_free(text, len);
	return r < 0 ? err_wrap(e, r, "cannot configure %s", name) : 0;
}

static void put_update(struct text *t, const struct wg_peer *p)
{
	put_key(t, "public_key", p->public_key);
	put(t, "update_only=true\n");
}

static void put_new_endpoint(struct text *t, const struct wg_peer *p)
{
	put_update(t, p);
	put_endpoint(t, p);
}

static void put_call(struct text *t, const struct wg_peer *p)
{
	put_update(t, p);
	put(t, "persistent_keepalive_interval=%u\n", p->keepalive ? 0 : UINT16_MAX);
	put_update(t, p);
	put(t, "persistent_keepalive_interval=%u\n", p->keepalive);
}

static int update_peers(const char *name, const struct wg_peer *peers, size_t n,
			void (*put_one)(struct text *t, const struct wg_peer *p), struct err *e)
{
	struct text t = {.size = 64 + n * 512};
	AUTO_FREE char *buf = malloc(t.size);
	struct wg_stats none;

	if (!buf)
		return err_sys(e, -ENOMEM, "cannot hold %zu peers", n);
	t.buf = buf;
	put(&t, "set=1\n");
	for (size_t i = 0; i < n; i++)
		if (peers[i].endpoint.family)
			put_one(&t, &peers[i]);
	put(&t, "\n");
	return converse(name, buf, t.len, &none, e);
}

int uapi_endpoints_set(const char *name, const struct wg_peer *peers, size_t n, struct err *e)
{
	int r = check_endpoints(name, peers, n, e);

	r = r ?: update_peers(name, peers, n, put_new_endpoint, e);
	return r < 0 ? err_wrap(e, r, "cannot set the endpoint of %s", name) : 0;
}

int uapi_peers_call(const char *name, const struct wg_peer *peers, size_t n, struct err *e)
{
	int r = update_peers(name, peers, n, put_call, e);

	return r < 0 ? err_wrap(e, r, "cannot call the far end of %s", name) : 0;
}

int uapi_port_set(const char *name, uint16_t port, struct err *e)
{
	struct wg_stats none;
	char text[48];
	int r;

	str_fmt(text, sizeof(text), "set=1\nlisten_port=%u\n\n", port);
	r = converse(name, text, strlen(text), &none, e);
	if (r < 0)
		return err_wrap(e, r, "cannot listen on UDP port %u for %s", port, name);
	return 0;
}

int uapi_device_get(const char *name, struct wg_stats *ret, struct err *e)
{
	int r = converse(name, "get=1\n\n", 7, ret, e);

	return r < 0 ? err_wrap(e, r, "cannot read the state of %s", name) : 0;
}

static char *next_line(const struct uapi_answer *a, char *at)
{
	char *end = memchr(at, '\n', a->len - (size_t)(at - a->text));

	return end ? end + 1 : NULL;
}

bool uapi_device_has_key(const char *name, const uint8_t key[WG_KEY_LEN])
{
	char wanted[128], *at;
	struct text t = {.buf = wanted, .size = sizeof(wanted)};
	struct uapi_answer a = {NULL, 0};
	bool same = false;

	put_key(&t, "private_key", key);
	if (exchange(name, "get=1\n\n", 7, &a, NULL) == 0)
		for (at = a.text; at && !same; at = next_line(&a, at))
			same = a.len - (size_t)(at - a.text) >= t.len && !memcmp(at, wanted, t.len);
	util_wipe(wanted, sizeof(wanted));
	if (a.text)
		wipe_free(a.text, a.len);
	return same;
}
