/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the order of a launch. Must never fork but where a port is published, never run the command
 * with less around it than was asked for, and leave nothing behind if it is killed: all that it
 * makes is in namespaces of its own. Called by main.
 *
 * What the order is forced by: descriptors are looked at while all of them are inherited ones; the
 * broker wants to be connected to from the initial user namespace, and works while we mount; the
 * policy is read before /etc and /run change; powers go last, the filter last of all.
 */
#include "launch/launch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "box/apparmor.h"
#include "box/drop.h"
#include "box/fds.h"
#include "box/landlock.h"
#include "ipc/client.h"
#include "launch/i386.h"
#include "nl/sock.h"
#include "ns/netns.h"
#include "ns/userns.h"
#include "ns/view.h"
#include "running/elf.h"
#include "session/bus.h"
#include "running/holder.h"
#include "session/listeners.h"
#include "session/session.h"
#include "session/ssh.h"
#include "plug/attach.h"
#include "plug/cable.h"

/* Root's command keeps these where no policy says it: chown, dac_override, fowner, kill, setgid,
 * setuid, sys_chroot. Root is no boundary, but the network must stay what it is. */
#define ROOT_CAPS (1u << 0 | 1u << 1 | 1u << 3 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 18)

struct launch {
	const struct launch_options *o;
	enum launch_network network;
	bool root;    /* no user namespace, no broker */
	bool strict;  /* by the line, or by the sandbox that it joins */
	bool by_sudo; /* root's once, the caller's now */
	struct running_state running;
	unsigned int closed_fds;
	int sock;	   /* to the broker, -1: none */
	int netns;	   /* our own new one, -1: none */
	int host_netns;	   /* root: the one we came from, until plugged; -1: none */
	uint32_t host;	   /* the lease, 0: none yet */
	struct nl_sock nl; /* in the new one, once the cable is there */
	struct session session;
	struct listeners listeners;
	int display; /* held for the compositor, -1: none */
	struct launch_ports ports;
	struct session_words words;
	struct record record;
	char resolv_conf[NAMES_RESOLV_MAX];
};

/* 32 KiB each, and one launch a process. The second is of the sandbox that one joins. */
static struct box_policy policy, policy_around;

/* --- policy ---------------------------------------------------------------------------------- */

/* NULL where no filter is asked for. */
static const char *policy_name(const struct launch *l)
{
	const char *name = l->o->policy;

	if (!name && l->network == LAUNCH_HOST && !l->o->strict)
		return NULL;
	if (!name)
		return launch_default_policy(l->running.i386, l->o->strict);
	return strcmp(name, "none") == 0 ? NULL : name;
}

/* The policies lie beside the program, wherever it was installed: BIN/../lib/vpnrun/policy. */
static int find_policy(const char *name, struct box_policy *ret, struct err *e)
{
	const char *dirs[] = {VPN_CONFIG_DIR "/policy", NULL, NULL};
	char dir[PATH_MAX + 32];
	ssize_t n;

	n = readlink("/proc/self/exe", dir, PATH_MAX);
	for (int up = 0; n > 0 && up < 2; up++)
		while (n > 0 && dir[--n] != '/')
			;
	if (n >= 0) {
		snprintf(dir + n, sizeof(dir) - (size_t)n, "/lib/vpnrun/policy");
		dirs[1] = dir;
	}
	return box_seccomp_read(dirs, name, ret, e);
}

static int read_policy(const struct launch *l, struct err *e)
{
	const char *name = policy_name(l);

	return name ? find_policy(name, &policy, e) : 0;
}

/* Whoever joins a sandbox keeps to its policy. One that the line names comes on top of it; what the
 * launcher would choose by itself gives way to it. */
static int keep_policy_of(const struct sandbox *s, bool is_named, struct err *e)
{
	if (!strcmp(s->policy, "none") ||
	    (policy.header.n_insns && !strcmp(s->policy, policy.header.name)))
		return 0;
	if (is_named)
		return find_policy(s->policy, &policy_around, e);
	/* The two are one, for programs of either width. */
	if (!s->strict && (!strcmp(s->policy, "default") || !strcmp(s->policy, "i386")))
		return 0;
	return find_policy(s->policy, &policy, e);
}

static uint64_t kept_caps(const struct launch *l)
{
	if (!l->root)
		return 0;
	return policy.header.n_insns ? policy.header.root_caps : ROOT_CAPS;
}

/* --- names ----------------------------------------------------------------------------------- */

static int check_dns(const struct launch *l, const struct names_dns *own, size_t n, struct err *e)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; (l->record.flags & RECORD_OWN_DNS) && i < l->o->n_dns; i++) {
		const struct names_dns *d = &l->o->dns[i];
		bool found = false;

		for (size_t k = 0; k < n; k++)
			found |= own[k].family == d->family &&
				 memcmp(own[k].addr, d->addr,
					d->family == AF_INET ? 4 : sizeof(d->addr)) == 0;
		if (!found)
			return err_set(
				e, -EPERM,
				"--dns %s: VPN '%s' lets nobody ask another name server than "
				"its own (\"other_dns\" in its file)",
				inet_ntop(d->family, d->addr, text, sizeof(text)), l->record.name);
	}
	return 0;
}

/* The host's network without a word about names has the host's. */
static int copy_names(struct launch *l, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = file_read("/etc/resolv.conf", sizeof(l->resolv_conf) - 1, &text, NULL, NULL);

	if (r == -ENOENT)
		return 0;
	if (r < 0 || str_copy(l->resolv_conf, sizeof(l->resolv_conf), text) < 0)
		return err_sys(e, r < 0 ? r : -E2BIG, "cannot take over /etc/resolv.conf");
	return 0;
}

static int write_names(struct launch *l, struct err *e)
{
	struct names_dns dns[NAMES_DNS_MAX];
	size_t n = record_servers(&l->record, dns);
	int r = check_dns(l, dns, n, e);

	if (r < 0)
		return r;
	if (l->network == LAUNCH_HOST && !l->o->n_dns)
		return copy_names(l, e);
	if (l->o->n_dns)
		r = names_resolv_conf(l->resolv_conf, sizeof(l->resolv_conf), l->o->dns,
				      l->o->n_dns, NULL);
	else
		r = names_resolv_conf(l->resolv_conf, sizeof(l->resolv_conf), dns, n,
				      l->record.search);
	return r < 0 ? err_sys(e, r, "cannot write the sandbox's resolv.conf") : 0;
}

/* --- namespaces ------------------------------------------------------------------------------ */

static int enter_namespaces(struct launch *l, struct err *e)
{
	int flags = CLONE_NEWNS | (l->network == LAUNCH_HOST ? 0 : CLONE_NEWNET) |
		    (l->o->strict ? CLONE_NEWIPC : 0);

	if (!l->root)
		return ns_userns_enter(flags, e);
	l->host_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (l->host_netns < 0 || unshare(flags) < 0)
		return err_sys(e, -errno, "cannot make the sandbox's namespaces");
	return 0;
}

static int open_netns(struct launch *l, struct err *e)
{
	l->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (l->netns < 0)
		return err_sys(e, -errno, "cannot open the sandbox's own network namespace");
	return 0;
}

/* Every port is root's. */
static int open_as_root(const struct launch *l, struct err *e)
{
	const struct port_maps *m = &l->o->expose;
	struct record r = l->record;
	int rc;

	r.may_expose[0] = (struct record_range){1, 65535};
	rc = inbound_check(&r, m->at, m->n, e);
	return rc < 0 ? rc : inbound_ask(&r, l->host, 0, m->at, m->n, e);
}

/* Root plugs at once: the VPN's namespace has no name any more when /run is covered. */
static int plug_as_root(struct launch *l, struct err *e)
{
	struct nl_sock s AUTO_NL_SOCK = NL_SOCK_INIT;
	int back, r = ns_netns_enter(l->host_netns, &back, e);

	if (r < 0)
		return r;
	r = nl_sock_open(&s, NETLINK_ROUTE, e);
	if (r == 0)
		r = attach_as_root(&s, &l->record, l->netns, LEASE_CABLE, (uint32_t)getpid(),
				   &l->host, e);
	ns_netns_leave(&back);
	util_close(&l->host_netns);
	if (r == 0 && l->o->expose.n)
		r = open_as_root(l, e);
	return r;
}

static int ask_for_cable(struct launch *l, struct err *e)
{
	int r;

	cable_prepare(l->network == LAUNCH_VPN ? &l->record : NULL);
	if (l->network != LAUNCH_VPN)
		return 0;
	r = open_netns(l, e);
	if (r < 0)
		return r;
	if (l->root)
		return plug_as_root(l, e);
	return ipc_attach_send(l->sock, l->record.name, l->netns, l->o->expose.at, l->o->expose.n,
			       e);
}

static int take_cable(struct launch *l, struct err *e)
{
	int r = nl_sock_open(&l->nl, NETLINK_ROUTE, e);

	if (r == 0 && l->network == LAUNCH_VPN && !l->root)
		r = ipc_attach_receive(l->sock, &l->host, e);
	launch_step("cable plugged");
	return r < 0 ? r
		     : cable_up(&l->nl, &l->record, &(struct cable_end){LEASE_CABLE, l->host, 0},
				e);
}

static int fill_runtime(void *arg, struct err *e)
{
	return session_mount(arg, e);
}

static int allow_in_runtime(void *arg, const char *path, struct err *e)
{
	return session_allow(arg, path, e);
}

/* The host's network has the host's session, unless the view is strict. */
static bool has_session(const struct launch *l)
{
	return l->network != LAUNCH_HOST || l->o->strict;
}

static int cover_listeners(struct launch *l, struct err *e)
{
	struct listeners_allowed allowed = {
		.session = &l->session,
		.classes = l->session.classes | l->o->words,
		.paths = l->o->allow,
		.n_paths = l->o->n_allow,
		.home = getenv("HOME"),
	};
	size_t n = 0;
	int r = session_ssh_cover(&l->session, allowed.home, e);

	if (r == 0)
		r = listeners_cover(&l->listeners, &allowed, &n, e);
	if (r == 0 && n)
		log_debug("%zu sockets with a listener outside are dead", n);
	launch_step("listeners covered");
	return r;
}

static int change_view(struct launch *l, struct err *e)
{
	struct view_report report;
	struct view_runtime runtime = {
		.path = l->session.runtime,
		.fill = fill_runtime,
		.allow = allow_in_runtime,
		.arg = &l->session,
	};
	struct ns_view v = {
		.runtime = has_session(l) ? &runtime : NULL,
		.resolv_conf = l->resolv_conf,
		.host_network = l->network == LAUNCH_HOST,
		.own_userns = !l->root,
		.strict = l->o->strict,
		.display = l->o->words & (SESSION_WAYLAND | SESSION_X11),
		.grants = l->words.grants,
		.n_grants = l->words.n_grants,
		.allow = l->o->allow,
		.n_allow = l->o->n_allow,
	};
	int r = v.runtime ? session_enter(&l->session, e) : 0;

	if (r == 0)
		r = ns_view_make(&v, &report, e);
	if (r < 0)
		return r;
	if (report.etc_copied)
		log_debug("the kernel makes no overlay over /etc here: it is a copy");
	if (report.sys_masked)
		log_debug(
			"the kernel mounts no new /sys here: only its network devices are hidden");
	launch_step("names, /run and /sys hidden");
	r = v.runtime ? cover_listeners(l, e) : 0;
	if (r < 0)
		return r;
	if (!l->o->strict && !l->o->words)
		return 0;
	r = session_words_finish(&l->words, l->o->command ? l->o->command[0] : "shell", &l->display,
				 e);
	launch_step("the session's rest");
	return r;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* Directories in which no listener has to be covered. */
static const char *const *hidden_directories(const struct launch *l)
{
	static const char *const all[] = {"/tmp/", "/run/", "/var/run/", NULL};
	static const char *const tmp[] = {"/tmp/", NULL};

	if (l->network == LAUNCH_HOST)
		return l->o->strict ? tmp : NULL;
	return l->o->strict ? all : all + 1;
}

static bool is_in_other_network(pid_t pid, void *arg)
{
	return holder_is_outside(pid, &(struct running_where){.vpn = arg});
}

/* A sandbox that runs already has its own. */
static int open_session(struct launch *l, struct err *e)
{
	const char *name = l->network == LAUNCH_VPN ? l->record.name : "none";
	struct others others = {
		.session = &l->session, .is_outside = is_in_other_network, .arg = &l->record};
	int r;

	if (!has_session(l))
		return 0;
	if (l->o->with_pid || l->network == LAUNCH_HOST)
		name = NULL;
	/* What a strict sandbox has of it the line names: session_words_open(). */
	if (l->o->strict)
		r = others_note_strict(name, &l->session, e);
	else
		r = session_open(name, &l->session, e);
	launch_step("session");
	if (r < 0 || l->o->with_pid)
		return r;
	l->listeners.hidden = hidden_directories(l);
	if (!l->o->strict)
		r = others_note_use(&l->session, e);
	if (r == 0)
		r = listeners_list(&l->listeners, &others, e);
	launch_step("listeners outside listed");
	return r;
}

/* Gives back what the words name, and does what that means. */
static int open_words(struct launch *l, struct err *e)
{
	unsigned int words = l->o->words;
	int r = session_words_open(words, l->o->strict, &l->session, &l->words, e);

	if (r == 0 && (words & SESSION_BUS))
		log_info("--allow bus: whoever listens on the session's bus can be asked to run "
			 "programs and to open connections outside the VPN");
	if (r == 0 && l->o->strict && (words & SESSION_SOUND))
		log_info("--allow sound: a sound server loads modules for whoever asks, and these "
			 "can run code and open connections outside the VPN");
	if (r == 0 && l->o->strict && (words & SESSION_X11))
		log_info("--allow x11: the command can see and type into all other X11 windows");
	return r;
}

/* That there is none shuts a door and opens none: the launch goes on. */
static int join_bus(const struct launch *l)
{
	struct err e;
	int conn = -1;

	if (l->network == LAUNCH_HOST || l->o->strict || l->root || (l->o->words & SESSION_BUS))
		return -1;
	if (session_bus_join(&l->session, l->o->socket, &conn, &e) < 0)
		log_info("no session bus in VPN '%s': %s", l->session.name, e.msg);
	launch_step("session bus");
	return conn;
}

static int make_sandbox(struct launch *l, struct err *e)
{
	AUTO_CLOSE int bus = -1;
	int r = open_session(l, e);

	if (r == 0 && (l->o->words || l->o->strict))
		r = open_words(l, e);
	if (r < 0)
		return r;
	if (l->network == LAUNCH_VPN && !l->root) {
		l->sock = ipc_connect(l->o->socket, e);
		if (l->sock < 0)
			return l->sock;
		launch_step("connected to the broker");
	}
	bus = join_bus(l);
	r = enter_namespaces(l, e);
	if (r < 0)
		return r;
	launch_step("namespaces");
	if (l->network == LAUNCH_HOST)
		return change_view(l, e);
	r = ask_for_cable(l, e);
	if (r < 0)
		return r;
	session_bus_tell(bus, l->netns);
	launch_step("cable asked for");
	r = change_view(l, e);
	if (r == 0)
		r = take_cable(l, e);
	if (r == 0)
		r = launch_mark(l->o, &l->record, l->host,
				policy.header.n_insns ? policy.header.name : NULL, e);
	if (r == 0)
		launch_step("network configured");
	return r;
}

/* The host's network without a change of names is no sandbox unless a policy makes it one. */
static bool is_bare(const struct launch *l)
{
	return l->network == LAUNCH_HOST && !l->o->n_dns && !l->o->strict && !l->o->policy &&
	       !l->o->with_pid;
}

static int join_sandbox(struct launch *l, struct err *e)
{
	struct sandbox s;
	char cwd[PATH_MAX];
	bool has_cwd = getcwd(cwd, sizeof(cwd)) && cwd[0] == '/';
	int r = open_session(l, e);

	if (r == 0)
		r = ns_userns_join(l->o->with_pid, e);
	if (r == 0)
		r = sandbox_look(&s, e);
	if (r < 0)
		return r;
	if (r == 0)
		return err_set(e, -EINVAL,
			       "process %d is confined, but not by vpnrun: what this command sends "
			       "could leave by any way",
			       l->o->with_pid);
	r = keep_policy_of(&s, l->o->policy != NULL, e);
	if (r < 0)
		return err_wrap(e, r, "the sandbox of process %d", l->o->with_pid);
	l->strict |= s.strict;
	if ((!has_cwd || chdir(cwd) < 0) && chdir("/") < 0)
		return err_sys(e, -errno, "cannot enter / of the sandbox");
	launch_mark_joined(&s);
	launch_step("sandbox entered");
	return 0;
}

static int prepare(struct launch *l, struct err *e)
{
	const struct launch_options *o = l->o;
	int r = box_fds_guard_stdio(e);

	if (r == 0)
		r = launch_become(o, &l->by_sudo, e);
	l->root = geteuid() == 0;
	if (r == 0 && !o->with_pid)
		r = launch_find(o->vpn, &l->network, &l->record, e);
	if (r == 0 && l->network == LAUNCH_HOST && (o->publish.n || o->reach.n) && !o->with_pid)
		r = err_set(e, -EINVAL,
			    "'host' is the host's own network: its ports need neither "
			    "-p nor --reach");
	if (r == 0 && o->expose.n && l->network != LAUNCH_VPN)
		r = err_set(e, -EINVAL, "-e opens a port of a VPN's: give a VPN");
	if (r == 0 && l->network != LAUNCH_HOST && !o->allow_running)
		r = launch_check_running(o, &l->record, &l->running, e);
	else if (r == 0 && (l->network != LAUNCH_HOST || o->strict))
		running_find_i386(o->command, l->running.i386, sizeof(l->running.i386));
	if (r < 0)
		return r;
	if (l->network == LAUNCH_VPN)
		launch_say_dead(&l->record);
	/* Who has given something back knows what for. */
	if (o->command && l->network != LAUNCH_HOST && !o->n_allow)
		launch_say_hint(o->command[0], l->by_sudo);
	launch_step("VPN found");
	/* A socket of the host's network is no way out of the host's network. */
	if (l->network != LAUNCH_HOST || o->strict) {
		r = box_fds_check_stdio(o->keep_fd, o->n_keep_fd, e);
		if (r == 0)
			r = box_fds_filter(o->keep_fd, o->n_keep_fd, &l->closed_fds, e);
		launch_step("descriptors");
	}
	if (r == 0)
		r = write_names(l, e);
	if (r == 0)
		r = read_policy(l, e);
	return r;
}

/* Signals and sockets of programs outside. A right of the file system forbids mount(2), so sockets
 * with a path are shut only where the policy forbids that, too. */
static int scope(const struct launch *l, struct err *e)
{
	const char *allowed[LAUNCH_ALLOW_MAX + SESSION_GRANTS_MAX + 1];
	/* Who joins a sandbox is not of its domain, and has to reach its sockets. */
	bool sockets = !l->o->with_pid && (!l->o->policy || strcmp(l->o->policy, "strict") == 0);
	char wayland[PATH_MAX + 16];
	size_t n = 0;
	int r;

	for (size_t i = 0; i < l->o->n_allow; i++)
		allowed[n++] = l->o->allow[i];
	for (size_t i = 0; i < l->words.n_grants; i++)
		allowed[n++] = l->words.grants[i].dst;
	if (l->display >= 0) {
		snprintf(wayland, sizeof(wayland), "%s/wayland-0", l->session.runtime);
		allowed[n++] = wayland;
	}
	r = box_landlock_enter(sockets, allowed, n, e);
	if (r == BOX_LANDLOCK_NONE)
		log_debug("this kernel cannot keep signals in (Landlock, Linux 6.12)");
	launch_step("Landlock");
	return r < 0 ? r : 0;
}

static int confine(struct launch *l, struct err *e)
{
	int r;

	r = launch_ports_open(l->o, &l->ports, e);
	if (r < 0)
		return r;
	if (l->o->with_pid)
		r = join_sandbox(l, e);
	else if (l->network != LAUNCH_HOST || l->o->n_dns || l->o->strict)
		r = make_sandbox(l, e);
	else
		r = 0;
	if (r == 0)
		r = launch_ports_serve(l->o, &l->record, l->host, &l->ports, e);
	if (r == 0)
		r = box_apparmor_leave(e);
	/* This is done as late as may be, for the kernel goes on with it meanwhile. */
	if (r == 0 && l->nl.fd >= 0 && l->host) {
		r = cable_wait(&l->nl, &l->record, &(struct cable_end){LEASE_CABLE, l->host, 0}, e);
		launch_step("cable ready");
	}
	if (r < 0 || is_bare(l))
		return r;
	launch_clean_env(l->session.runtime, l->closed_fds > 0);
	if (l->network != LAUNCH_HOST && !l->o->allow_running)
		launch_hold_windows(&l->record, !(l->o->words & SESSION_BUS), &l->running);
	r = l->strict ? scope(l, e) : 0;
	if (r < 0)
		return r;
	r = box_drop(kept_caps(l), policy.header.n_insns ? &policy : NULL, e);
	if (r == 0 && policy_around.header.n_insns)
		r = box_seccomp_load(&policy_around, e);
	launch_step("powers dropped");
	return r;
}

static int become_command(const struct launch_options *o, struct err *e)
{
	char *shell[] = {NULL, NULL};
	char **argv = o->command;
	union {
		const char *in;
		char *out;
	} u = {.in = NULL}; /* execve(2) has no const */

	if (!argv) {
		u.in = launch_shell();
		shell[0] = u.out;
		argv = shell;
	}
	launch_steps_print();
	return launch_exec(argv, e);
}

/* A policy that the line names comes on top of the sandbox's: less is allowed, never more. */
static int add_policy(const struct launch *l, const struct sandbox *around, struct err *e)
{
	int r;

	if (!l->o->policy || !strcmp(l->o->policy, around->policy))
		return 0;
	r = read_policy(l, e);
	return r == 0 && policy.header.n_insns ? box_seccomp_load(&policy, e) : r;
}

int launch_run(const struct launch_options *o, struct err *e)
{
	struct launch l = {.o = o,
			   .strict = o->strict,
			   .network = LAUNCH_NONE,
			   .sock = -1,
			   .netns = -1,
			   .host_netns = -1,
			   .session = SESSION_INIT,
			   .listeners = LISTENERS_INIT,
			   .display = -1,
			   .words = SESSION_WORDS_INIT,
			   .nl = NL_SOCK_INIT,
			   .ports = LAUNCH_PORTS_INIT};
	struct sandbox around;
	int r;

	launch_step("start");
	r = launch_inside(o, &around, e);
	if (r == 1)
		return add_policy(&l, &around, e) < 0 ? LAUNCH_FAILED : become_command(o, e);
	if (r == 0)
		r = prepare(&l, e);
	if (r == 0)
		r = confine(&l, e);
	launch_ports_close(&l.ports);
	util_close(&l.sock);
	util_close(&l.netns);
	util_close(&l.host_netns);
	session_close(&l.session);
	listeners_free(&l.listeners);
	session_words_close(&l.words);
	nl_sock_close(&l.nl);
	return r < 0 ? LAUNCH_FAILED : become_command(o, e);
}
