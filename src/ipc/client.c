/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the broker for a cable. Holds no state but the socket, which is the caller's; must not
 * interpret what the broker refuses, only hand on its sentence. Called by the launcher and the
 * container hooks.
 */
#include "ipc/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/progress.h"
#include "base/util.h"
#include "ipc/conn.h"

/* A launch among hundreds on a slow machine waits its turn for seconds. */
#define ANSWER_MS 20000
#define WORD_MS	  1000 /* then a terminal shows it */

int ipc_connect(const char *path, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	AUTO_CLOSE int sock = -1;
	int r;

	if (!path)
		path = PROTO_SOCKET;
	if (str_copy(sa.sun_path, sizeof(sa.sun_path), path) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of the broker's socket is too long: %s",
			       path);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_sys(e, -errno, "cannot make a socket");
	do {
		r = connect(sock, (const struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	} while (r == -EINTR);
	if (r == -ENOENT || r == -ECONNREFUSED)
		return err_set(e, r,
			       "the broker is not running (nobody answers at %s): start it with "
			       "`sudo systemctl start vpnrund.socket`, or without systemd as "
			       "vpnrund(8) says",
			       path);
	if (r < 0)
		return err_sys(e, r, "cannot connect to the broker at %s", path);
	return take_fd(&sock);
}

int ipc_attach_send(int sock, const char *vpn, int netns_fd, const struct ipc_wish *wish,
		    struct err *e)
{
	const struct port_maps *expose = wish->expose;
	struct proto_request req;
	struct err send_error = ERR_INIT;
	int r, sent;

	r = conn_request_init(&req, PROTO_ATTACH, vpn, e);
	if (r < 0)
		return r;
	req.flags = wish->lan ? PROTO_LAN : 0;
	req.n_expose = (uint32_t)expose->n;
	memcpy(req.expose, expose->at, expose->n * sizeof(expose->at[0]));
	/* A broker that refuses at sight has closed its side already, and its sentence waits. */
	sent = conn_request_send(sock, &req, netns_fd, &send_error);
	if (sent < 0 && sent != -EPIPE && sent != -ECONNRESET) {
		if (e)
			*e = send_error;
		return sent;
	}
	return 0;
}

int ipc_attach_receive(int sock, uint32_t *ret_host, struct err *e)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct pollfd p = {.fd = sock, .events = POLLIN};
	int64_t begun = util_now_ms();
	struct proto_reply reply;
	int r;

	if (poll(&p, 1, WORD_MS) == 0)
		progress_late(&progress, begun, ANSWER_MS, "waiting for a cable from the broker");
	r = conn_reply_recv(sock, ANSWER_MS, &reply, e);

	if (r < 0)
		return r;
	if (reply.code < 0)
		return err_set(e, reply.code, "%s", reply.msg);
	if (reply.version != PROTO_VERSION || reply.op != PROTO_ATTACH)
		return err_set(e, -EPROTO, "the broker's answer is to another question");
	*ret_host = reply.host;
	return 0;
}

int ipc_attach(int sock, const char *vpn, int netns_fd, uint32_t *ret_host, struct err *e)
{
	const struct port_maps none = {.n = 0};
	const struct ipc_wish wish = {.expose = &none};
	int r = ipc_attach_send(sock, vpn, netns_fd, &wish, e);

	return r < 0 ? r : ipc_attach_receive(sock, ret_host, e);
}
