/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question, one datagram, one answer, a connected socket with a port of the kernel's choice.
 * getaddrinfo(3) cannot be told to mark its packets. The answer is a stranger's: libc's own parser
 * reads it, and it is used for nothing but an endpoint, which has to prove its key. Called by
 * tunnel/resolve.
 */
#include "tunnel/uplink_dns.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <poll.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "conf/model.h"
#include "state/boot.h"
#include "state/note.h"

#define DNS_PORT   53
#define ANSWER_MAX 4096
#define TRY_MS	   2000
#define TRIES	   2

static bool is_loopback(const struct record_ip *a)
{
	static const uint8_t one6[16] = {[15] = 1};

	return a->family == AF_INET ? a->addr[0] == 127 : memcmp(a->addr, one6, sizeof(one6)) == 0;
}

int uplink_dns_parse(const char *path, struct record_ip *ret, int max, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct err why = ERR_INIT;
	char *save = NULL;
	int n = 0, r = file_read(path, 65536, &text, NULL, &why);

	if (r < 0)
		return r == -ENOENT ? 0 : err_set(e, r, "%s", why.msg);
	for (char *l = strtok_r(text, "\n", &save); l && n < max; l = strtok_r(NULL, "\n", &save)) {
		struct record_ip a = {0};

		if (!str_starts(l, "nameserver"))
			continue;
		l += strlen("nameserver");
		l += strspn(l, " \t");
		l[strcspn(l, " \t%#;")] = '\0';
		a.family = strchr(l, ':') ? AF_INET6 : AF_INET;
		if (inet_pton(a.family, l, a.addr) == 1 && !is_loopback(&a))
			ret[n++] = a;
	}
	return n;
}

static int ask_socket(const struct record_ip *server)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(DNS_PORT)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT)};
	AUTO_CLOSE int fd = socket(server->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const uint32_t mark = MARK_BASE;
	int r;

	memcpy(&in.sin_addr, server->addr, sizeof(in.sin_addr));
	memcpy(&in6.sin6_addr, server->addr, sizeof(in6.sin6_addr));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return -errno;
	r = server->family == AF_INET ? connect(fd, (const struct sockaddr *)&in, sizeof(in))
				      : connect(fd, (const struct sockaddr *)&in6, sizeof(in6));
	return r < 0 ? -errno : take_fd(&fd);
}

/* A name that is asked for, and what has been found of it. */
struct lookup {
	const char *host;
	uint16_t port;
	int type; /* ns_t_a, ns_t_aaaa */
	union wg_endpoint *at;
	size_t n, max;
};

static void read_answer(struct lookup *q, const uint8_t *buf, size_t len)
{
	ns_msg msg;
	ns_rr rr;

	if (ns_initparse(buf, (int)len, &msg) < 0 ||
	    ns_msg_getflag(msg, ns_f_rcode) != ns_r_noerror)
		return;
	for (int i = 0; i < ns_msg_count(msg, ns_s_an) && q->n < q->max; i++) {
		union wg_endpoint ep = {0};

		if (ns_parserr(&msg, ns_s_an, i, &rr) < 0)
			break;
		if ((int)ns_rr_type(rr) != q->type)
			continue;
		if (q->type == ns_t_a && ns_rr_rdlen(rr) == sizeof(ep.in.sin_addr)) {
			ep.in.sin_family = AF_INET;
			ep.in.sin_port = htons(q->port);
			memcpy(&ep.in.sin_addr, ns_rr_rdata(rr), sizeof(ep.in.sin_addr));
		} else if (q->type == ns_t_aaaa && ns_rr_rdlen(rr) == sizeof(ep.in6.sin6_addr)) {
			ep.in6.sin6_family = AF_INET6;
			ep.in6.sin6_port = htons(q->port);
			memcpy(&ep.in6.sin6_addr, ns_rr_rdata(rr), sizeof(ep.in6.sin6_addr));
		} else {
			continue;
		}
		q->at[q->n++] = ep;
	}
}

/* False: no answer came. */
static bool ask(const struct record_ip *server, struct lookup *q)
{
	AUTO_CLOSE int fd = ask_socket(server);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t question[NS_PACKETSZ], answer[ANSWER_MAX];
	int len = res_mkquery(ns_o_query, q->host, ns_c_in, q->type, NULL, 0, NULL, question,
			      sizeof(question));
	int64_t end = util_now_ms() + TRY_MS;
	uint16_t id;
	ssize_t n;

	if (fd < 0 || len < NS_HFIXEDSZ || getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
		return false;
	memcpy(question, &id, sizeof(id));
	if (send(fd, question, (size_t)len, 0) < 0)
		return false;
	for (;;) {
		int64_t left = end - util_now_ms();

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return false;
		n = recv(fd, answer, sizeof(answer), 0);
		if (n < 0)
			return false;
		/* The question comes back with its answer, name and type and all. */
		if (n >= len && memcmp(answer, question, sizeof(id)) == 0 && (answer[2] & 0x80) &&
		    !strncasecmp((const char *)answer + NS_HFIXEDSZ,
				 (const char *)question + NS_HFIXEDSZ,
				 (size_t)(len - NS_HFIXEDSZ - 4))) {
			read_answer(q, answer, (size_t)n);
			return true;
		}
	}
}

/* Those of now, where somebody keeps them: the uplink may have changed since the switch. */
static int servers_of(const struct default_note *n, struct record_ip *ret, int max, struct err *e)
{
	struct record_ip all[16];
	int found = 0, k = 0;

	if (n->dns == DEFAULT_DNS_RESOLVED)
		found = uplink_dns_parse(RESOLVED_UPLINK, all, ARRAY_SIZE(all), e);
	else if (n->dns == DEFAULT_DNS_FILE)
		found = uplink_dns_parse(RESOLV_SAVED, all, ARRAY_SIZE(all), e);
	if (found < 0)
		return found;
	for (int i = 0; i < found && k < max; i++) {
		bool of_vpn = false;

		for (size_t j = 0; j < RECORD_DNS_MAX; j++)
			of_vpn = of_vpn || memcmp(&n->now.dns[j], &all[i], sizeof(all[i])) == 0;
		if (!of_vpn)
			ret[k++] = all[i];
	}
	for (int i = 0; k == 0 && i < DEFAULT_DNS_MAX && i < max && n->uplink_dns[i].family; i++)
		ret[k++] = n->uplink_dns[i];
	return k;
}

/* Those of a machine that is closed and has no default yet: nobody has replaced them. */
static int servers_while_closed(struct record_ip *ret, int max, struct err *e)
{
	int closed = file_is_there(BOOT_WAIT_PATH, e);

	/* Where it is not closed, these are whom everybody asks. */
	if (closed <= 0)
		return closed;
	return uplink_dns_parse("/etc/resolv.conf", ret, max, e)
		       ?: uplink_dns_parse(RESOLVED_UPLINK, ret, max, e);
}

int uplink_dns_servers(struct record_ip *ret, int max, struct err *e)
{
	struct default_note note;
	struct err why = ERR_INIT;
	int r = default_note_read(&note, &why);

	if (r == -ENOENT)
		return servers_while_closed(ret, max, e);
	return r < 0 ? err_set(e, r, "%s", why.msg) : servers_of(&note, ret, max, e);
}

size_t uplink_dns_resolve(const char *host, uint16_t port, union wg_endpoint *ret, size_t max)
{
	struct lookup q = {.host = host, .port = port, .at = ret, .max = max};
	struct record_ip servers[DEFAULT_DNS_MAX];
	int n = uplink_dns_servers(servers, ARRAY_SIZE(servers), NULL);

	for (int i = 0; i < n * TRIES; i++) {
		const struct record_ip *s = &servers[i % n];

		q.type = ns_t_a;
		if (!ask(s, &q))
			continue;
		q.type = ns_t_aaaa;
		ask(s, &q);
		if (q.n)
			return q.n;
	}
	return 0;
}
