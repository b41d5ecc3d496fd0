/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See port_forward.h. The port is opened before anybody is told of it and closed before anybody is
 * told that it is gone. The socket is born in the VPN's namespace, bound to the tunnel's device and
 * address and connected to the gateway, so that no question leaves, and no answer comes, by another
 * way; it is open only while a question is, since it keeps the namespace alive. Whatever fails here
 * is said and tried again: the VPN stays up. Called by keeper/supervise_run.c.
 */
#include "keeper/port_forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/child.h"
#include "base/log.h"
#include "ns/netns.h"
#include "keeper/natpmp.h"
#include "state/forwarded.h"
#include "wall/firewall.h"

#define LIFETIME_S 60
#define RETRY_MS   60000
#define REFRESH_MS 1000
#define SAY_TRIES  3 /* unanswered questions, before it is said */
#define INNER	   0 /* "whatever you forward": what such providers document */
#define SUGGEST	   1

/* --- what others see ------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void tell(struct forwarder *f, const char *fmt, ...)
{
	char path[64], text[FORWARDED_WHY];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	log_error("%s: %s", f->name, text);
	str_copy(text + strlen(text), 2, "\n");
	forwarded_path(f->name, "natpmp", path);
	file_replace(path, text, strlen(text), 0644, NULL);
	f->said = true;
}

static void unsay(struct forwarder *f)
{
	char path[64];

	forwarded_path(f->name, "natpmp", path);
	file_remove(path, NULL);
	f->said = false;
}

/* Makes the firewall say what the file and the cables say now. */
static void refresh(struct forwarder *f, int ns_fd)
{
	struct err e = ERR_INIT;

	f->refresh_at = 0;
	if (firewall_refresh_ports(&f->record, ns_fd, &e) == 0)
		return;
	tell(f, "cannot set the open ports: %.150s", e.msg);
	f->refresh_at = util_now_ms() + REFRESH_MS;
}

/* The line is "TCP UDP", or one number for both, or "" for none. */
static void format_ports(const struct forwarder *f, char ret[FORWARDED_SIZE])
{
	ret[0] = '\0';
	if (f->ports[0] && f->ports[0] == f->ports[1])
		str_fmt(ret, FORWARDED_SIZE, "%u\n", f->ports[0]);
	else if (f->ports[0])
		str_fmt(ret, FORWARDED_SIZE, "%u %u\n", f->ports[0], f->ports[1]);
}

static int write_ports(const struct forwarder *f, struct err *e)
{
	char path[64], text[FORWARDED_SIZE];
	int r;

	forwarded_path(f->name, "port", path);
	format_ports(f, text);
	r = text[0] ? file_replace(path, text, strlen(text), 0644, e) : file_remove(path, e);
	return r < 0 ? r : forwarded_share(f->name, text, e);
}

static void publish(struct forwarder *f, const uint16_t ports[2], int ns_fd)
{
	struct err e = ERR_INIT;
	int r;

	memcpy(f->ports, ports, sizeof(f->ports));
	/* The firewall is made from this file, so it comes first; it opens nothing. */
	r = write_ports(f, &e);
	if (r == 0)
		refresh(f, ns_fd);
	if (r < 0)
		tell(f, "cannot publish the forwarded port: %.150s", e.msg);
	else if (ports[0])
		log_info("%s: the provider forwards port %u (TCP) and %u (UDP)", f->name, ports[0],
			 ports[1]);
	else
		log_info("%s: the provider forwards no port any more", f->name);
	forward_hook_run(&f->hook);
}

static void lose(struct forwarder *f, int ns_fd)
{
	static const uint16_t none[2];

	f->expires_at = 0;
	if (f->ports[0])
		publish(f, none, ns_fd);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void end_asking(struct forwarder *f, int64_t again_ms)
{
	util_close(&f->fd);
	f->tries = 0;
	f->at = util_now_ms() + again_ms;
}

static int open_socket(const struct forwarder *f, int ns_fd, struct err *e)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = f->record.addr4};
	struct sockaddr_in gateway = {
		.sin_family = AF_INET,
		.sin_addr = f->record.natpmp_gateway,
		.sin_port = htons(NATPMP_PORT),
	};
	const char *dev = f->record.device;
	AUTO_CLOSE int fd = -1;
	int back, r = ns_netns_enter(ns_fd, &back, e);

	if (r < 0)
		return r;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -errno : 0;
	ns_netns_leave(&back);
	if (r < 0)
		return err_sys(e, r, "cannot make a socket");
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, dev, (socklen_t)strlen(dev)) < 0 ||
	    bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0 ||
	    connect(fd, (const struct sockaddr *)&gateway, sizeof(gateway)) < 0)
		return err_sys(e, -errno, "cannot ask the gateway for a port");
	return take_fd(&fd);
}

static enum natpmp_op op_of(int asking)
{
	return asking ? NATPMP_UDP : NATPMP_TCP;
}

static void ask(struct forwarder *f)
{
	uint16_t wish = f->ports[f->asking] ? f->ports[f->asking] : SUGGEST;
	uint8_t q[NATPMP_REQUEST_LEN];

	/* Both are to be the same number, where the gateway lets. */
	if (f->asking == 0)
		wish = f->answer[1];
	natpmp_request(op_of(f->asking), INNER, wish, LIFETIME_S, q);
	/* A refusal of the kernel's is as good as no answer: the next may get through. */
	if (send(f->fd, q, sizeof(q), MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
		send(f->fd, q, sizeof(q), MSG_NOSIGNAL);
	f->at = util_now_ms() + ((int64_t)NATPMP_FIRST_MS << f->tries);
	f->tries++;
}

static void begin(struct forwarder *f, int ns_fd)
{
	struct err e = ERR_INIT;
	int fd = open_socket(f, ns_fd, &e);

	if (fd < 0) {
		if (!f->said)
			tell(f, "%.190s", e.msg);
		end_asking(f, f->expires_at ? RETRY_MS / 60 : RETRY_MS);
		return;
	}
	f->fd = fd;
	f->tries = 0;
	f->asking = 1;
	f->remap = false;
	f->lifetime_s = UINT32_MAX;
	ask(f);
}

static void repeat(struct forwarder *f)
{
	char addr[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &f->record.natpmp_gateway, addr, sizeof(addr));
	if (f->tries == SAY_TRIES && !f->said)
		tell(f,
		     "%s does not answer NAT-PMP: the provider's server may forward no ports, or "
		     "\"port_forward_gateway\" is another",
		     addr);
	if (f->tries >= NATPMP_TRIES)
		end_asking(f, RETRY_MS);
	else
		ask(f);
}

static void finish(struct forwarder *f, int ns_fd)
{
	int64_t now = util_now_ms();

	f->expires_at = now + (int64_t)f->lifetime_s * 1000;
	/* It is renewed after 45 s of 60. What a restarted gateway has forgotten is asked for at
	 * once. */
	end_asking(f, f->remap ? 0 : (int64_t)f->lifetime_s * 750);
	if (f->said)
		unsay(f);
	if (memcmp(f->ports, f->answer, sizeof(f->ports)) != 0)
		publish(f, f->answer, ns_fd);
}

static void refuse(struct forwarder *f, uint16_t result, int ns_fd)
{
	tell(f, "the provider refuses to forward a port: %s (result %u)",
	     natpmp_result_text(result), result);
	lose(f, ns_fd);
	end_asking(f, RETRY_MS);
}

static void note_epoch(struct forwarder *f, uint32_t epoch)
{
	int64_t now = util_now_ms();

	if (f->has_epoch && natpmp_is_reset(f->epoch, epoch, (now - f->epoch_at) / 1000)) {
		log_info("%s: the gateway has started anew: asking for the port again", f->name);
		f->remap = true;
	}
	f->has_epoch = true;
	f->epoch = epoch;
	f->epoch_at = now;
}

static void read_answers(struct forwarder *f, int ns_fd)
{
	struct natpmp_reply reply;
	uint8_t buf[64];
	ssize_t n;

	while (f->fd >= 0 && (n = recv(f->fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0) {
		if (natpmp_parse(buf, (size_t)n, op_of(f->asking), INNER, &reply) < 0)
			continue;
		note_epoch(f, reply.epoch);
		if (reply.result) {
			refuse(f, reply.result, ns_fd);
			return;
		}
		f->answer[f->asking] = reply.outer;
		if (reply.lifetime_s < f->lifetime_s)
			f->lifetime_s = reply.lifetime_s < 86400 ? reply.lifetime_s : 86400;
		if (f->asking == 0) {
			finish(f, ns_fd);
			return;
		}
		f->asking = 0;
		f->tries = 0;
		ask(f);
	}
}

/* --- the supervisor's side ------------------------------------------------------------------- */

void forwarder_init(struct forwarder *f, const char *name)
{
	*f = (struct forwarder){.name = name, .fd = -1};
	f->hook = (struct forward_hook){
		.name = name,
		.user = f->record.hook_user,
		.command = f->record.hook_command,
		.ports = f->ports,
		.fd = -1,
	};
}

void forwarder_reread(struct forwarder *f, int vpn_netns_fd)
{
	struct err e = ERR_INIT;
	struct record r;

	util_close(&f->fd);
	f->at = 0;
	if (record_read(f->name, &r, NULL) < 0 || r.state != RECORD_UP)
		r = (struct record){0};
	if (!r.natpmp_gateway.s_addr) {
		lose(f, vpn_netns_fd);
		unsay(f);
	}
	f->record = r;
	f->refresh_at = 0;
	/* `up` may have read the file and the cables before, and written the firewall after, a
	 * change that was made here: only who writes last knows what is so. */
	if (r.id)
		refresh(f, vpn_netns_fd);
	if (!r.natpmp_gateway.s_addr)
		return;
	if (!f->expires_at) {
		/* A predecessor's port is still ours unless the gateway says otherwise. */
		forwarded_ports(&r, f->ports);
		f->expires_at = f->ports[0] ? util_now_ms() + LIFETIME_S * 1000 : 0;
		/* A container may start before there is a port: its directory is there. */
		if (write_ports(f, &e) < 0)
			tell(f, "%.190s", e.msg);
	}
	f->at = util_now_ms();
}

void forwarder_close(struct forwarder *f)
{
	util_close(&f->fd);
	forward_hook_end(&f->hook, false);
}

void forwarder_poll(const struct forwarder *f, struct pollfd ret[FORWARD_FDS], int *ret_timeout_ms)
{
	int64_t at = f->at, left;

	if (f->expires_at && (!at || f->expires_at < at))
		at = f->expires_at;
	if (f->refresh_at && (!at || f->refresh_at < at))
		at = f->refresh_at;
	if (f->hook.pid && (!at || f->hook.until < at))
		at = f->hook.until;
	left = at - util_now_ms();
	ret[0] = (struct pollfd){.fd = f->fd, .events = POLLIN};
	ret[1] = (struct pollfd){.fd = f->hook.fd, .events = POLLIN};
	*ret_timeout_ms = !at ? -1 : left > 0 ? (int)left : 0;
}

bool forwarder_is_due(const struct forwarder *f)
{
	struct pollfd p[FORWARD_FDS];
	int timeout;

	forwarder_poll(f, p, &timeout);
	return timeout == 0 || poll(p, FORWARD_FDS, 0) > 0;
}

void forwarder_step(struct forwarder *f, int vpn_netns_fd)
{
	if (f->hook.pid && (child_wait_pidfd(f->hook.fd, 0) || util_now_ms() >= f->hook.until))
		forward_hook_end(&f->hook, true);
	if (f->fd >= 0)
		read_answers(f, vpn_netns_fd);
	if (f->expires_at && util_now_ms() >= f->expires_at)
		lose(f, vpn_netns_fd);
	if (f->refresh_at && util_now_ms() >= f->refresh_at)
		refresh(f, vpn_netns_fd);
	if (!f->at || util_now_ms() < f->at)
		return;
	if (f->fd < 0)
		begin(f, vpn_netns_fd);
	else
		repeat(f);
}
