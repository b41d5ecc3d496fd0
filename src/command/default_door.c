/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both sides of the door, and who may pass: those whom "allow_default" of the VPN names, and for
 * taking a default away, those of the VPN that is it. The server is started by systemd for each
 * connection with the socket as its standard input; it believes nothing of the message but its two
 * fields, takes no descriptor, and ends after one answer.
 */
#include "command/default_door.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/ctl.h"
#include "ctl/show.h"
#include "default/default.h"
#include "ipc/door.h"

#define REQUEST_MS 1000
#define ANSWER_MS  60000 /* another default may be on its way */
#define GROUPS_MAX 1024

/* --- the user's side ------------------------------------------------------------------------- */

static int door_connect(struct err *e)
{
	const struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = DOOR_SOCKET};
	AUTO_CLOSE int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return err_sys(e, -errno, "cannot make a socket");
	if (connect(sock, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_set(
			e, -errno,
			"default needs root (sudo vpnctl default ...), or the service that does it "
			"for those whom \"allow_default\" names: systemctl enable --now "
			"vpnrun-default.socket");
	return take_fd(&sock);
}

int door_ask(const char *name, bool strict, char *ret_name, struct err *e)
{
	struct door_request req = {.magic = DOOR_MAGIC, .strict = strict};
	AUTO_CLOSE int sock = door_connect(e);
	struct pollfd p = {.fd = sock, .events = POLLIN};
	struct door_reply reply;

	if (sock < 0)
		return sock;
	if (str_copy(req.name, sizeof(req.name), name) < 0)
		return err_set(e, -EINVAL, "that is not a VPN's name");
	if (send(sock, &req, sizeof(req), MSG_NOSIGNAL) < 0)
		return err_sys(e, -errno, "cannot ask for the default");
	if (poll(&p, 1, ANSWER_MS) <= 0 ||
	    recv(sock, &reply, sizeof(reply), 0) != (ssize_t)sizeof(reply) ||
	    reply.magic != DOOR_MAGIC || reply.code > 0)
		return err_set(e, -EPROTO, "no answer came: journalctl -u 'vpnrun-default@*'");
	reply.msg[sizeof(reply.msg) - 1] = '\0';
	memcpy(ret_name, reply.name, sizeof(reply.name));
	ret_name[sizeof(reply.name) - 1] = '\0';
	return reply.code < 0 ? err_set(e, reply.code, "%s", reply.msg) : 0;
}

/* --- root's side ----------------------------------------------------------------------------- */

/* A name, or a decimal number. */
static bool is_entry(const char *entry, const char *name, uint32_t id)
{
	uint64_t n;

	return (name && !strcmp(entry, name)) ||
	       (str_uint(entry, 0, UINT32_MAX, &n) == 0 && n == id);
}

static bool is_in_group(const struct record *r, const struct passwd *pw)
{
	AUTO_FREE gid_t *groups = calloc(GROUPS_MAX, sizeof(*groups));
	int n = GROUPS_MAX;

	if (!groups || getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++) {
		const struct group *gr = getgrgid(groups[i]);

		for (int k = 0; k < RECORD_DEFAULT_MAX && r->default_groups[k][0]; k++)
			if (is_entry(r->default_groups[k], gr ? gr->gr_name : NULL, groups[i]))
				return true;
	}
	return false;
}

static bool is_allowed(const struct record *r, uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	if (uid == 0)
		return true;
	for (int k = 0; k < RECORD_DEFAULT_MAX && r->default_users[k][0]; k++)
		if (is_entry(r->default_users[k], pw ? pw->pw_name : NULL, uid))
			return true;
	return pw && is_in_group(r, pw);
}

static int check_allowed(const char *name, uid_t uid, struct err *e)
{
	struct record r;

	if (record_read(name, &r, NULL) < 0)
		return record_fail_down(name, e);
	if (!is_allowed(&r, uid))
		return err_set(
			e, -EPERM,
			"you may not make %s the default, nor take it away: \"allow_default\" in "
			"/etc/vpnrun/%s.json names who may",
			name, name);
	return 0;
}

struct asked {
	const struct door_request *req;
	uid_t uid;
};

/* Of every VPN that it takes the default from or gives it to, he must be one who may. */
static int judge(const struct default_note *n, const void *arg, struct err *e)
{
	const struct asked *a = arg;
	int r = a->uid && !n ? default_awaited(e) : 0;

	/* What root has closed at the machine's start is not opened by going another way. */
	if (r > 0)
		return err_set(e, -EPERM,
			       "this machine is closed until the VPN that root has chosen is its "
			       "default (vpnctl status); root ends that: sudo vpnctl default none");
	if (r == 0 && !n && !strcmp(a->req->name, "none"))
		return 1;
	if (n)
		r = check_allowed(n->now.name, a->uid, e);
	if (r == 0 && n && n->old.id)
		r = check_allowed(n->old.name, a->uid, e);
	if (r == 0 && strcmp(a->req->name, "none") != 0)
		r = check_allowed(a->req->name, a->uid, e);
	return r;
}

static int serve(const struct door_request *req, uid_t uid, char *ret_name, struct err *e)
{
	struct asked a = {req, uid};
	const struct default_permit permit = {judge, &a};
	struct default_note n;
	int r = default_note_read(&n, e);

	if (r < 0 && r != -ENOENT)
		return r;
	/* Whoever may not is not to wait for the lock: and under it he is asked again. */
	r = judge(r == 0 ? &n : NULL, &a, e);
	if (r != 0)
		return r < 0 ? r : 0;
	return strcmp(req->name, "none") != 0 ? default_set(req->name, req->strict, &permit, e)
					      : default_clear(&permit, ret_name, e);
}

static bool is_request(const struct door_request *req, ssize_t n)
{
	return n == (ssize_t)sizeof(*req) && req->magic == DOOR_MAGIC && req->strict <= 1 &&
	       memchr(req->name, '\0', sizeof(req->name)) &&
	       (str_is_vpn_name(req->name) || !strcmp(req->name, "none"));
}

int ctl_serve_default(int argc, char **argv)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	struct door_reply reply = {.magic = DOOR_MAGIC};
	struct err e = ERR_INIT;
	struct door_request req;
	struct ucred who;
	socklen_t len = sizeof(who);

	(void)argv;
	if (argc != 1 || getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0) {
		log_error("serve-default is for vpnrun-default.socket to start");
		return CTL_USAGE;
	}
	if (poll(&p, 1, REQUEST_MS) <= 0)
		return CTL_FAILED;
	if (!is_request(&req, recv(STDIN_FILENO, &req, sizeof(req), MSG_TRUNC))) {
		log_error("uid %u sent what is not a request", who.uid);
		return CTL_FAILED;
	}
	reply.code = serve(&req, who.uid, reply.name, &e);
	memcpy(reply.msg, e.msg, sizeof(reply.msg));
	log_info("uid %u: default %s: %s", who.uid, req.name, reply.code < 0 ? e.msg : "done");
	return send(STDIN_FILENO, &reply, sizeof(reply), MSG_NOSIGNAL | MSG_DONTWAIT) < 0
		       ? CTL_FAILED
		       : CTL_OK;
}
