/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * createRuntime: plugs the container's network namespace into the VPN. Runs in the runtime's
 * namespaces, with the container's first process waiting. Must refuse any namespace that has, or
 * will get, another way out.
 *
 * Root plugs by itself. Everybody else, and root of a rootless engine's user namespace, asks the
 * broker: what is made before the container's namespace is entered (sockets) belongs to the host's
 * network, as the broker wants it.
 */
#include "base/same.h"
#include "oci/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/client.h"
#include "nl/link.h"
#include "plug/attach.h"
#include "plug/cable.h"
#include "plug/cable_alone.h"

/* Whether to be root here is to be root where the VPN is. */
static bool is_vpns_root(const struct record *r)
{
	AUTO_CLOSE int vpn = -1, owner = -1;

	if (geteuid() != 0)
		return false;
	vpn = record_open_netns(r, NULL);
	owner = vpn < 0 ? -1 : ioctl(vpn, NS_GET_USERNS);
	return owner >= 0 && same_fd_path(owner, "/proc/self/ns/user");
}

int hook_netns_open(const json_t *state, struct err *e)
{
	const json_t *pid = json_object_get(state, "pid");
	AUTO_CLOSE int fd = -1;
	struct stat own, theirs;
	char path[64];

	if (!json_is_integer(pid) || json_integer_value(pid) <= 0 ||
	    json_integer_value(pid) > INT32_MAX)
		return err_set(e, -EINVAL, "the engine does not say the container's pid");
	str_fmt(path, sizeof(path), "/proc/%lld/ns/net", (long long)json_integer_value(pid));
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open the container's network namespace %s", path);
	if (fstat(fd, &theirs) < 0 || stat("/proc/self/ns/net", &own) < 0 ||
	    same_stat(&own, &theirs)) {
		hook_fail(HOOK_NETWORK, 0);
		return err_set(e, -EPERM,
			       "the container is in the host's own network: start it with "
			       "--network none");
	}
	return take_fd(&fd);
}

/* A runtime without an engine calls as the user, without capabilities: those are in the container's
 * user namespace. */
int hook_netns_enter(int netns, struct err *e)
{
	AUTO_CLOSE int user = -1;

	if (setns(netns, CLONE_NEWNET) == 0)
		return 0;
	if (errno == EPERM) {
		user = ioctl(netns, NS_GET_USERNS);
		if (user >= 0 && setns(user, CLONE_NEWUSER) == 0 && setns(netns, CLONE_NEWNET) == 0)
			return 0;
	}
	return err_sys(e, -errno, "cannot enter the container's network namespace");
}

static int check_links(struct nl_sock *inside, struct err *e)
{
	AUTO_FREE struct rtnl_link *links = NULL;
	size_t n;
	int r = rtnl_link_list(inside, RTNL_HERE, &links, &n, e);

	for (size_t i = 0; r >= 0 && i < n; i++)
		if (cable_is_other(&links[i], "")) {
			hook_fail(HOOK_NETWORK, 0);
			return err_set(e, -EPERM,
				       "the container has the network device %s already: start it "
				       "with --network none",
				       links[i].name);
		}
	return r < 0 ? r : 0;
}

static int rename_cable(const char *name, struct err *e)
{
	AUTO_CLOSE int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {.ifr_name = LEASE_CABLE};

	str_copy(ifr.ifr_newname, sizeof(ifr.ifr_newname), name);
	if (sock < 0 || ioctl(sock, SIOCSIFNAME, &ifr) < 0)
		return err_sys(e, -errno, "cannot call the container's device %s", name);
	return 0;
}

static int ask_broker(int sock, const struct hook_want *w, int netns, uint32_t *ret_host,
		      struct err *e)
{
	int r = ipc_attach_send(sock, w->vpn, netns, &(struct ipc_wish){&w->expose, w->lan}, e);

	r = r ?: ipc_attach_receive(sock, ret_host, e);
	if (r == -EACCES || r == -EPERM)
		hook_fail(HOOK_FORBIDDEN, 0);
	return r;
}

static int plug_as_root(struct nl_sock *outside, const struct record *r, const struct hook_want *w,
			int netns, uint32_t *ret_host, struct err *e)
{
	const struct attach_cable cable = {LEASE_CABLE, w->lan};
	int rc = attach_as_root(outside, r, netns, &cable, ret_host, e);

	return rc ?: inbound_ask_as_root(r, *ret_host, &w->expose, e);
}

/* Entering comes between: the sockets before it are the host's, those after the container's. */
static int plug(const struct record *r, const struct hook_want *w, int netns, uint32_t *ret_host,
		struct err *e)
{
	AUTO_NL_SOCK struct nl_sock outside = NL_SOCK_INIT, inside = NL_SOCK_INIT;
	AUTO_NL_SOCK struct nl_sock nft = NL_SOCK_INIT;
	AUTO_CLOSE int broker = -1;
	const char *dev = w->ifname[0] ? w->ifname : LEASE_CABLE;
	struct cable_end end = {.dev = dev, .table = CABLE_TABLE};
	bool root = is_vpns_root(r);
	int rc;

	if (root) {
		rc = nl_sock_open(&outside, NETLINK_ROUTE, e);
	} else {
		broker = ipc_connect(NULL, e);
		rc = broker < 0 ? hook_fail(HOOK_NO_BROKER, broker) : 0;
	}
	rc = rc ?: hook_netns_enter(netns, e);
	rc = rc ?: nl_sock_open(&inside, NETLINK_ROUTE, e);
	rc = rc ?: nl_sock_open(&nft, NETLINK_NETFILTER, e);
	rc = rc ?: check_links(&inside, e);
	if (rc < 0)
		return rc;
	cable_prepare(r);
	cable_let_ping();
	rc = root ? plug_as_root(&outside, r, w, netns, &end.host, e)
		  : ask_broker(broker, w, netns, &end.host, e);
	/* It is renamed before it is up: older kernels rename no other. */
	if (strcmp(dev, LEASE_CABLE) != 0)
		rc = rc ?: rename_cable(dev, e);
	rc = rc ?: cable_alone(&inside, &nft, dev, e);
	rc = rc ?: cable_up(&inside, r, &end, e);
	*ret_host = end.host;
	return rc ?: cable_wait(&inside, r, &end, e);
}

/* The namespace of another container, in a pod: that one was plugged, and there is nothing else. */
static int join(const struct record *r, const struct hook_want *w, int netns, uint32_t *ret_host,
		struct err *e)
{
	AUTO_NL_SOCK struct nl_sock inside = NL_SOCK_INIT, nft = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	const char *dev = w->ifname[0] ? w->ifname : LEASE_CABLE;
	struct lease_pool pool = record_pool(r);
	bool other = false;
	uint8_t mac[6];
	size_t n = 0;
	int rc;

	*ret_host = 0;
	if (w->expose.n || w->lan)
		return err_set(e, -EINVAL,
			       "annotation vpnrun: %s= is for the container that makes the "
			       "network namespace, which others join",
			       w->lan ? "lan" : "expose");
	rc = hook_netns_enter(netns, e);
	rc = rc ?: nl_sock_open(&inside, NETLINK_ROUTE, e);
	rc = rc ?: nl_sock_open(&nft, NETLINK_NETFILTER, e);
	rc = rc ?: rtnl_link_list(&inside, RTNL_HERE, &links, &n, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		uint32_t host = lease_from_mac(links[i].mac);

		lease_mac(&pool, host, mac);
		if (!strcmp(links[i].name, dev) && !strcmp(links[i].kind, "veth") &&
		    !memcmp(links[i].mac, mac, sizeof(mac)))
			*ret_host = host;
		else if (cable_is_other(&links[i], dev))
			other = true;
	}
	/* One that is not closed is alone until something else comes. */
	rc = *ret_host && !other ? cable_is_alone(&inside, &nft, e) : 0;
	if (rc != 0)
		return rc < 0 ? rc : 0;
	hook_fail(HOOK_NETWORK, 0);
	return err_set(e, -EPERM,
		       "the container is in a network namespace that something else made, and "
		       "that is not in VPN '%s' alone: start it with --network none; of a pod, "
		       "the infra container has to be in the VPN",
		       r->name);
}

/* What precreate should have done, seen from after it. */
static int check_policy(const json_t *config, const struct hook_want *w, struct err *e)
{
	const char *k;
	json_t *v;

	if (!w->policy_is_said || !strcmp(w->policy, "none"))
		return 0;
	json_object_foreach(json_object_get(config, "annotations"), k, v)
	{
		if (str_starts(k, "run.oci.seccomp"))
			break;
	}
	if (!k && json_is_true(hook_get(config, "process.noNewPrivileges")) &&
	    json_is_object(hook_get(config, "linux.seccomp")))
		return 0;
	return err_set(e, -EPERM,
		       "policy=%s is not in force: this engine has no precreate stage; use "
		       "vpnrun-runtime",
		       w->policy);
}

static int read_config(const json_t *state, json_t **ret, struct err *e)
{
	const char *bundle = hook_get_string(state, "bundle");
	AUTO_FREE char *text = NULL;
	char path[4096];
	json_error_t je;
	size_t len;
	int r;

	/* crun before 1.27 gave some hooks no bundle; both runtimes call us in it. */
	if (!bundle || !*bundle)
		bundle = ".";
	if (str_fmt(path, sizeof(path), "%s/config.json", bundle) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of the bundle is too long");
	r = file_read(path, HOOK_INPUT_MAX, &text, &len, e);
	if (r < 0)
		return r;
	*ret = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (!*ret)
		return err_set(e, -EINVAL, "%s:%d: %.160s", path, je.line, je.text);
	return 0;
}

static int check_config(const json_t *state, const struct hook_want *w, bool *ret_given,
			struct err *e)
{
	json_t *config = NULL;
	int r = read_config(state, &config, e);

	if (r < 0)
		return hook_fail(HOOK_INPUT, r);
	r = hook_config_check(config, ret_given, e);
	r = r ?: hook_upcalls_check(config, e);
	if (r < 0)
		hook_fail(HOOK_NETWORK, r);
	r = r ?: hook_image_check(config, e);
	if (r == 0) {
		r = check_policy(config, w, e);
		if (r < 0)
			hook_fail(HOOK_NO_POLICY, r);
	}
	r = r ?: hook_ports_check(config, w, e);
	r = r ?: hook_peers_check(config, w, e);
	json_decref(config);
	return r;
}

int hook_create_runtime(const json_t *state, const struct hook_want *w, struct err *e)
{
	struct relay_sandbox ports = RELAY_SANDBOX_INIT;
	AUTO_CLOSE int netns = -1;
	bool given = false;
	uint32_t host = 0;
	struct record r;
	int rc = check_config(state, w, &given, e);

	if (rc < 0)
		return rc;
	rc = hook_find(w->vpn, &r, e);
	if (rc < 0)
		return hook_fail(HOOK_NO_VPN, rc);
	rc = w->lan && !given ? record_check_lan(&r, e) : 0;
	if (rc < 0)
		return hook_fail(HOOK_FORBIDDEN, rc);
	if (w->lan)
		rc = record_check_lan_dns(&r, w->dns, w->n_dns, "annotation vpnrun: dns", e);
	if (rc < 0)
		return hook_fail(HOOK_FORBIDDEN, rc);
	rc = hook_ports_open(state, w, &ports, e);
	if (rc < 0)
		return rc;
	netns = hook_netns_open(state, e);
	rc = netns < 0 ? netns : 0;
	rc = rc ?: (given ? join : plug)(&r, w, netns, &host, e);
	rc = rc ?: hook_ports_serve(&ports, w, &r, host, e);
	relay_sandbox_close(&ports);
	return rc;
}
