/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker's decisions, in this order: the VPN is there and up; the user may use it; the
 * descriptor is a network namespace; it is the user's own. Only after the first two is the
 * descriptor taken from the socket at all.
 *
 * Should: take identity from the socket, group membership from /etc/group at this moment.
 * Mustn't: change anything; make any system call on a descriptor that could reach its maker's code
 * (fstat() of a FUSE file does) or use our capability (an ioctl on a device or tun does) before
 * readlink() has told what it is; take a number from the message for an identity.
 *
 * Called by a connection's child in broker/server.c.
 */
#include "broker/authorize.h"

#include <errno.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/proto.h"
#include "state/inbound.h"

#define PASSWD_FILE	 "/etc/passwd"
#define GROUP_FILE	 "/etc/group"
#define SUBUID_FILE	 "/etc/subuid"
#define GROUPS_MAX	 65536

#define USERNS_DEPTH_MAX 33 /* the kernel's own limit, and one */

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

struct ns_id {
	dev_t dev;
	ino_t ino;
};

static struct ns_id own_user, own_net;
static uint64_t own_net_cookie; /* 0: the kernel has none */

static int ns_id_of(const char *path, struct ns_id *ret, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, -errno, "cannot look at %s", path);
	*ret = (struct ns_id){st.st_dev, st.st_ino};
	return 0;
}

static bool ns_is(int fd, const struct ns_id *id)
{
	struct stat st;

	/* What cannot be looked at must not pass for another one. */
	return fstat(fd, &st) < 0 || (st.st_dev == id->dev && st.st_ino == id->ino);
}

static uint64_t net_cookie(void)
{
	AUTO_CLOSE int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (sock < 0 || getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		return 0;
	return cookie;
}

int authorize_init(struct err *e)
{
	int r = ns_id_of("/proc/self/ns/user", &own_user, e);

	own_net_cookie = net_cookie();
	return r < 0 ? r : ns_id_of("/proc/self/ns/net", &own_net, e);
}

/* Nearly every uid is its own, which one file says. What cannot be read gives nobody away. */
static uid_t find_owner(uid_t uid)
{
	AUTO_ACCOUNTS struct accounts a = {NULL, NULL};
	AUTO_FREE char *text = NULL;

	if (file_read(SUBUID_FILE, ACCOUNTS_FILE_MAX, &text, NULL, NULL) < 0 ||
	    !accounts_is_subordinate(text, uid) ||
	    accounts_load(PASSWD_FILE, GROUP_FILE, &a, NULL) < 0)
		return uid;
	return accounts_owner(&a, text, uid);
}

int authorize_peer_get(int sock, struct peer *ret, struct err *e)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return err_sys(e, -errno, "cannot learn who a client is");
	*ret = (struct peer){
		.uid = cred.uid,
		.owner = find_owner(cred.uid),
		.gid = cred.gid,
		.pid = cred.pid,
	};
	return 0;
}

void authorize_peer_groups(int sock, struct peer *p)
{
	socklen_t len = 0;

	/* The first call fails with ERANGE and says how much room it takes. */
	if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE ||
	    len == 0 || len > GROUPS_MAX * sizeof(gid_t))
		return;
	p->groups = malloc(len);
	if (!p->groups)
		return;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, p->groups, &len) == 0)
		p->n_groups = len / sizeof(gid_t);
}

void authorize_peer_free(struct peer *p)
{
	free(p->groups);
	p->groups = NULL;
	p->n_groups = 0;
}

struct name_list {
	char text[128];
	bool more;
};

static int add_name(const struct record *r, void *arg)
{
	struct name_list *l = arg;
	size_t len = strlen(l->text);

	if (r->state != RECORD_UP || l->more)
		return 0;
	if (len + strnlen(r->name, sizeof(r->name)) + 8 > sizeof(l->text)) {
		l->more = true;
		str_copy(l->text + len, sizeof(l->text) - len, ", ...");
		return 0;
	}
	snprintf(l->text + len, sizeof(l->text) - len, "%s%.*s", len ? ", " : "",
		 (int)sizeof(r->name), r->name);
	return 0;
}

int authorize_vpn(const char *name, struct record *ret, struct err *e)
{
	struct name_list l = {"", false};
	int r = record_read_settled(name, ret, e);

	if (r == -ENOENT) {
		record_for_each(add_name, &l);
		return err_set(e, r,
			       "no VPN '%s' is up (these are: %s): `vpnctl list` shows those that "
			       "exist, `sudo vpnctl up %s` brings it up",
			       name, l.text[0] ? l.text : "none", name);
	}
	if (r < 0)
		return r;
	if (ret->state != RECORD_UP)
		return err_set(e, -ENETDOWN,
			       "VPN '%s' is down: bring it up with `sudo vpnctl up %s`", name,
			       name);
	return 0;
}

static bool peer_has_gid(const struct peer *p, gid_t gid)
{
	if (p->gid == gid)
		return true;
	for (size_t i = 0; i < p->n_groups; i++)
		if (p->groups[i] == gid)
			return true;
	return false;
}

static bool user_entry_matches(const char *entry, const struct accounts *a, const struct peer *p)
{
	uint64_t num;
	uid_t uid;

	if (accounts_user_by_name(a, entry, &uid, NULL))
		return uid == p->uid;
	return str_uint(entry, 0, UINT32_MAX - 1, &num) == 0 && num == p->uid;
}

/*
 * A process keeps the groups it was born with, so its own list says what was true at login. Where
 * the files know both the user and the group, they alone decide: being taken out of the group
 * counts at once. The process's list is believed only for what the files do not know: users and
 * groups of a directory service.
 */
static bool group_entry_matches(const char *entry, const struct accounts *a, const struct peer *p)
{
	uint64_t num;
	gid_t gid;
	bool in_file = accounts_group_by_name(a, entry, &gid);

	if (!in_file) {
		if (str_uint(entry, 0, UINT32_MAX - 1, &num) < 0)
			return false;
		gid = (gid_t)num;
		in_file = accounts_group_has_gid(a, gid);
	}
	if (in_file && accounts_user_by_uid(a, p->uid, NULL))
		return accounts_is_member(a, p->uid, gid);
	return peer_has_gid(p, gid);
}

bool authorize_is_allowed(const struct record *r, const struct accounts *a, const struct peer *p)
{
	char entry[RECORD_ALLOW_LEN + 1] = "";

	if (r->flags & RECORD_EVERYONE)
		return true;
	for (int i = 0; i < RECORD_ALLOW_MAX && r->allow_users[i][0]; i++) {
		memcpy(entry, r->allow_users[i], RECORD_ALLOW_LEN);
		if (user_entry_matches(entry, a, p))
			return true;
	}
	for (int i = 0; i < RECORD_ALLOW_MAX && r->allow_groups[i][0]; i++) {
		memcpy(entry, r->allow_groups[i], RECORD_ALLOW_LEN);
		if (group_entry_matches(entry, a, p))
			return true;
	}
	return false;
}

/* "Everyone" is everyone once: who has 65536 uids by subuid(5) must not have as many shares of the
 * broker's children and as many limits. */
static bool is_spare_uid(const struct record *r, const struct accounts *a, uid_t uid)
{
	AUTO_FREE char *text = NULL;

	return (r->flags & RECORD_EVERYONE) && !accounts_user_by_uid(a, uid, NULL) &&
	       file_read(SUBUID_FILE, ACCOUNTS_FILE_MAX, &text, NULL, NULL) == 0 &&
	       accounts_is_subordinate(text, uid);
}

int authorize_user(const struct record *r, const struct peer *p, struct err *e)
{
	AUTO_ACCOUNTS struct accounts a = {NULL, NULL};
	char name[ACCOUNTS_NAME_MAX];
	bool named;
	int n;

	/* Root attaches by itself. A root that asks is one that was talked into asking. */
	if (p->uid == 0)
		return err_set(e, -EPERM,
			       "the broker serves ordinary users only: root needs no broker to use "
			       "VPN '%s'",
			       r->name);
	n = accounts_load(PASSWD_FILE, GROUP_FILE, &a, e);
	if (n < 0)
		return n;
	if (is_spare_uid(r, &a, p->uid))
		return err_set(e, -EACCES,
			       "uid %u may not use VPN '%s': it is a subordinate uid of somebody's "
			       "(/etc/subuid), not a user",
			       p->uid, r->name);
	if (authorize_is_allowed(r, &a, p))
		return 0;
	named = accounts_user_by_uid(&a, p->uid, name);
	err_set(e, -EACCES, "user %s (uid %u) may not use VPN '%s'", named ? name : "unknown",
		p->uid, r->name);
	/* The advice only where it is true. */
	if (named && r->allow_groups[0][0])
		return err_hint(e, -EACCES,
				"let them in with `sudo usermod -aG %.*s %s`, which counts at once",
				RECORD_ALLOW_LEN, r->allow_groups[0], name);
	return err_hint(e, -EACCES, "\"allow\" in /etc/vpnrun/%s.json says who may", r->name);
}

/*
 * Who asks from within the network namespace of a sandbox must not be a client. A unix socket keeps
 * the network namespace it was made in, and the accepted end is given its maker's: nobody can
 * change that afterwards. Kernels before 5.14 cannot tell.
 */
static int check_asker(int sock, struct err *e)
{
	uint64_t theirs;
	socklen_t len = sizeof(theirs);

	if (own_net_cookie == 0 || getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, &theirs, &len) < 0)
		return err_set(e, -EPERM,
			       "that network namespace is of a sandbox within a sandbox, and this "
			       "kernel cannot tell from where the broker is asked: Linux 5.14 can");
	if (theirs != own_net_cookie)
		return err_set(e, -EPERM,
			       "that network namespace is of a sandbox within a sandbox: from "
			       "inside one, no VPN can be attached");
	return 0;
}

/*
 * The user namespace that owns the descriptor, and each one above it up to ours, must be the
 * peer's. A child of ours is what a launch makes. What nests deeper is a container of an engine,
 * which asks from the host's network, or the work of a program inside a sandbox, which must not be
 * a client.
 */
int authorize_expose(const struct record *r, const struct proto_request *req, struct err *e)
{
	for (uint32_t i = 0; i < req->n_expose; i++)
		if (!inbound_is_sound(&req->expose[i]))
			return err_set(e, -EBADMSG, "what the request wants opened is no port");
	return inbound_check(r, req->expose, req->n_expose, e);
}

static int check_owner(int user_fd, int sock, const struct peer *p, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	uid_t owner;

	if (ns_is(user_fd, &own_user))
		return err_set(e, -EPERM,
			       "that network namespace belongs to the system, not to a sandbox of "
			       "uid %u",
			       p->uid);
	for (int depth = 0; depth < USERNS_DEPTH_MAX; depth++) {
		int here = depth ? fd : user_fd, parent;

		if (ioctl(here, NS_GET_OWNER_UID, &owner) < 0)
			return err_sys(e, -errno, "cannot learn whose the network namespace is");
		if (owner != p->uid)
			return err_set(e, -EPERM,
				       "that network namespace belongs to uid %u, not to uid %u",
				       owner, p->uid);
		parent = ioctl(here, NS_GET_PARENT);
		util_close(&fd);
		fd = parent;
		if (fd < 0)
			break;
		if (ns_is(fd, &own_user))
			return depth ? check_asker(sock, e) : 0;
	}
	return err_set(e, -EPERM, "that network namespace is of no user namespace below this one");
}

int authorize_netns(int fd, int sock, const struct record *r, const struct peer *p, struct err *e)
{
	AUTO_CLOSE int user_fd = -1;
	struct ns_id vpn = {r->netns_dev, r->netns_ino};
	char path[64], target[64];
	ssize_t n;

	str_fmt(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return err_sys(e, -errno, "cannot learn what the client's descriptor is");
	target[n] = '\0';
	/* Files of any file system read "/...", and so does a namespace that was opened by a bind
	 * mount of it; this form is the kernel's own. */
	if (target[0] == '/')
		return err_set(e, -EBADF,
			       "the descriptor is a file, not a network namespace opened as "
			       "/proc/PID/ns/net");
	if (!str_starts(target, "net:["))
		return err_set(e, -EBADF, "the descriptor is no network namespace");
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return err_set(e, -EBADF, "the descriptor is no network namespace");
	if (ns_is(fd, &own_net))
		return err_set(e, -EPERM,
			       "the network namespace is the host's own: that is never attached to "
			       "a VPN");
	if (ns_is(fd, &vpn))
		return err_set(e, -EPERM, "the network namespace is that of VPN '%s' itself",
			       r->name);
	user_fd = ioctl(fd, NS_GET_USERNS);
	if (user_fd < 0)
		return err_set(e, -EPERM,
			       "the network namespace belongs to no user namespace of this system");
	return check_owner(user_fd, sock, p, e);
}
