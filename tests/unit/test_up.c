/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * up/ against the kernel, in namespaces of the test's own: what is somebody else's stays (R37,
 * L02), an `up` that fails leaves nothing, and a `down` leaves what somebody is inside of (R18).
 * There is no tunnel here, which is what lets `up` fail.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/stat.h>

#include "addr.h"
#include "base/util.h"
#include "ensure/made.h"
#include "inside.h"
#include "nl/link.h"
#include "state/note.h"
#include "state/record.h"
#include "up/apply.h"
#include "up/foreign.h"
#include "up/hold.h"
#include "up/netnsfiles.h"
#include "up/strays.h"
#include "up/steps.h"

#define OURS "# VPN demo\nnameserver 10.64.0.1\n"

/* Inside, the first that is not so is the status. */
#define SO(it)                                                  \
	do {                                                    \
		if (!(it)) {                                    \
			fprintf(stderr, "# not so: %s\n", #it); \
			return 1;                               \
		}                                               \
	} while (0)

static struct err e;

/* An /etc and a /run of its own. */
static int begin(void)
{
	e = (struct err)ERR_INIT;
	if (mount("t", "/etc", "tmpfs", 0, NULL) < 0 || record_make_dir(&e) < 0 ||
	    !write_file("/etc/nsswitch.conf", "passwd: files\nhosts: files mdns4 resolve dns\n") ||
	    run("mkdir /etc/vpnrun && echo '{\"id\": 1}' >/etc/vpnrun/demo.json && "
		"ip link set lo up") != 0)
		_exit(SKIPPED);
	return 0;
}

static bool holds(const char *path, const char *text)
{
	AUTO_FREE char *got = NULL;

	return file_read(path, 65536, &got, NULL, NULL) >= 0 && strstr(got, text);
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* --- its files in /etc/netns ------------------------------------------------------------------ */

static int files_are_made(void)
{
	begin();
	SO(netnsfiles_check("demo", &e) == 0);
	SO(netnsfiles_write("demo", OURS, &e) == 0);
	SO(holds("/etc/netns/demo/resolv.conf", "10.64.0.1"));
	SO(holds("/etc/netns/demo/nsswitch.conf", "\nhosts: files dns\n") ||
	   holds("/etc/netns/demo/nsswitch.conf", "hosts:"));
	SO(!holds("/etc/netns/demo/nsswitch.conf", "resolve"));
	SO(netnsfiles_write("demo", "# VPN demo\nnameserver 10.64.0.2\n", &e) == 0);
	SO(holds("/etc/netns/demo/resolv.conf", "10.64.0.2"));
	SO(netnsfiles_remove("demo", &e) == 0);
	SO(!is_there("/etc/netns"));
	return 0;
}

static int files_of_others_stay(void)
{
	AUTO_WANT_LIST struct want_list l = {0};

	begin();
	SO(run("mkdir -p /etc/netns/demo") == 0);
	SO(write_file("/etc/netns/demo/resolv.conf", "nameserver 192.0.2.1\n"));
	SO(netnsfiles_want("demo", OURS, &l, &e) == 0 && l.n == 1);
	SO(netnsfiles_write("demo", OURS, &e) == 0);
	SO(holds("/etc/netns/demo/resolv.conf", "192.0.2.1"));
	SO(is_there("/etc/netns/demo/nsswitch.conf"));
	SO(netnsfiles_remove("demo", &e) == 0);
	SO(holds("/etc/netns/demo/resolv.conf", "192.0.2.1"));
	SO(!is_there("/etc/netns/demo/nsswitch.conf"));
	return 0;
}

static int links_of_others_stay(void)
{
	begin();
	SO(run("mkdir -p /etc/netns/demo && echo '# VPN of somebody' >/etc/file && "
	       "ln -s /etc/file /etc/netns/demo/resolv.conf") == 0);
	SO(netnsfiles_write("demo", OURS, &e) == 0);
	SO(holds("/etc/file", "of somebody"));
	SO(netnsfiles_remove("demo", &e) == 0);
	SO(is_there("/etc/netns/demo/resolv.conf"));
	return 0;
}

static int no_directory(void)
{
	begin();
	SO(run("mkdir /etc/netns && : >/etc/netns/demo") == 0);
	SO(netnsfiles_check("demo", &e) == -ENOTDIR);
	return 0;
}

static int unreadable_is_not_absent(void)
{
	begin();
	SO(run("rm /etc/nsswitch.conf && mkdir /etc/nsswitch.conf") == 0);
	SO(netnsfiles_write("demo", OURS, &e) < 0);
	SO(!is_there("/etc/netns/demo/nsswitch.conf"));
	SO(run("rmdir /etc/nsswitch.conf") == 0);
	SO(netnsfiles_write("demo", OURS, &e) == 0);
	SO(holds("/etc/netns/demo/nsswitch.conf", "passwd: files"));
	return 0;
}

static void test_files(void)
{
	inside(files_are_made, "L02: its resolv.conf and nsswitch.conf come and go");
	inside(files_of_others_stay, "R37: a file of somebody else's stays as it is");
	inside(links_of_others_stay, "R37: so does a link, and what it leads to");
	inside(no_directory, "R37: what is no directory is refused before");
	inside(unreadable_is_not_absent, "L02: what cannot be read is not taken for absent");
}

/* --- what others have in its place ------------------------------------------------------------ */

static int tables(void)
{
	begin();
	SO(foreign_check_table(1, false, &e) == 0);
	SO(run("ip route add 192.0.2.0/24 dev lo table 1") == 0);
	SO(foreign_check_table(1, false, &e) == -EEXIST);
	SO(foreign_check_table(1, true, &e) == -EEXIST);
	SO(foreign_check_table(2, false, &e) == 0);
	SO(run("ip route flush table 1") == 0);
	SO(run("ip route add 192.0.2.0/24 dev lo table 1 proto kernel") == 0);
	SO(foreign_check_table(1, true, &e) == 0);
	SO(foreign_check_table(1, false, &e) == -EEXIST);
	SO(run("ip route flush table 1 && ip -6 route add 2001:db8::/32 dev lo table 1") == 0);
	SO(foreign_check_table(1, false, &e) == -EEXIST);
	return 0;
}

static int rules(void)
{
	begin();
	SO(run("ip rule add to 192.0.2.1 table 1") == 0);
	SO(foreign_check_table(1, false, &e) == -EEXIST);
	SO(foreign_check_table(1, true, &e) == 0);
	SO(run("ip rule del to 192.0.2.1 table 1 && ip -6 rule add to 2001:db8::1 table 1") == 0);
	SO(foreign_check_table(1, false, &e) == -EEXIST);
	return 0;
}

static struct lease_pool pool(void)
{
	struct lease_pool p = {.id = 1, .plen = 24};

	inet_pton(AF_INET, "10.20.1.0", &p.subnet4);
	return p;
}

static int check_pool(void)
{
	const struct lease_pool p = pool();

	return foreign_check_pool(&p, "demo", "br-demo", &e);
}

static int addresses(void)
{
	begin();
	SO(run("ip link add br-demo type bridge && ip addr add 10.20.1.1/24 dev br-demo") == 0);
	SO(run("ip addr add 10.20.2.1/24 dev lo && ip link set br-demo up") == 0);
	SO(check_pool() == 0);
	SO(run("ip addr add 10.20.1.9/32 dev lo") == 0);
	SO(check_pool() == -EADDRINUSE && strstr(e.msg, "10.20.1.9, on lo"));
	SO(run("ip addr del 10.20.1.9/32 dev lo && ip addr add fd76:706e:7275:1::9/128 dev lo") ==
	   0);
	SO(check_pool() == -EADDRINUSE && strstr(e.msg, "\"id\""));
	SO(run("ip addr del fd76:706e:7275:1::9/128 dev lo && "
	       "ip addr add fd76:706e:7275:2::9/128 dev lo") == 0);
	SO(check_pool() == 0);
	return 0;
}

static void test_foreign(void)
{
	inside(tables, "R37: routes of somebody else's in its table are found");
	inside(rules, "R37: and rules that lead there");
	inside(addresses, "R37: and addresses in the sandboxes' subnet");
}

/* --- cables ----------------------------------------------------------------------------------- */

static int index_of(const char *name)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	int index = 0;

	if (nl_sock_open(&s, NETLINK_ROUTE, &e) == 0)
		rtnl_link_index(&s, name, &index, &e);
	return index;
}

static int strays(void)
{
	const struct lease_pool p = pool();
	AUTO_CLOSE int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct strays s;
	int bridge;

	begin();
	SO(run("ip link add br-demo type bridge && ip link add vr1.7 type veth peer name x7 && "
	       "ip link add vr1.8 master br-demo type veth peer name x8 && "
	       "ip link add vr2.9 type veth peer name x9") == 0);
	bridge = index_of("br-demo");
	SO(strays_find(ns, &p, bridge, &s, &e) == 0 && s.n == 1 && !strcmp(s.first, "vr1.7"));
	SO(run("ip link show vr1.7 | grep -q master") == 1);
	SO(strays_mend(ns, &p, bridge, &s, &e) == 0 && s.n == 1);
	SO(run("ip link show vr1.7 | grep -q 'master br-demo'") == 0);
	SO(run("ip link show vr2.9 | grep -q master") == 1);
	SO(strays_find(ns, &p, bridge, &s, &e) == 0 && s.n == 0);
	return 0;
}

static int holders(void)
{
	AUTO_CLOSE int ns = -1;
	struct hold h;
	pid_t pid;

	begin();
	SO(run("ip netns add demo && ip -n demo link add vr1.7 type veth peer name x && "
	       "ip -n demo link add br-demo type bridge") == 0);
	ns = open("/run/netns/demo", O_RDONLY | O_CLOEXEC);
	SO(hold_count(ns, &h, &e) == 0 && h.leases == 1 && h.processes == 0);
	pid = fork();
	if (pid == 0) {
		setns(ns, CLONE_NEWNET);
		pause();
	}
	for (int i = 0; i < 500 && h.processes == 0; i++) {
		usleep(10000);
		SO(hold_count(ns, &h, &e) == 0);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	SO(h.processes == 1);
	return 0;
}

static void test_cables(void)
{
	inside(strays, "R77: a cable that somebody took out of the bridge is put back");
	inside(holders, "R18: cables and processes are counted");
}

/* --- down ------------------------------------------------------------------------------------- */

/* A VPN as a record and a namespace say it. */
static int put_vpn(const char *name, const char *via)
{
	struct record r = {.state = RECORD_UP, .id = 1, .mtu = 1420, .subnet4_plen = 24};
	char path[64], command[128];
	struct stat st;

	str_fmt(command, sizeof(command), "ip netns add %s", name);
	if (run(command) != 0)
		_exit(SKIPPED);
	str_copy(r.name, sizeof(r.name), name);
	str_copy(r.device, sizeof(r.device), name);
	str_copy(r.via, sizeof(r.via), via);
	str_fmt(r.bridge, sizeof(r.bridge), "br-%s", name);
	r.subnet4 = pool().subnet4;
	str_fmt(path, sizeof(path), NETNS_DIR "/%s", name);
	if (stat(path, &st) < 0)
		return -errno;
	r.netns_dev = st.st_dev;
	r.netns_ino = st.st_ino;
	return record_write(&r, &e);
}

static enum record_state state_of(const char *name)
{
	struct record r;

	return record_read(name, &r, NULL) < 0 ? 0 : (enum record_state)r.state;
}

static int nobody_inside(void)
{
	struct down_report rep;

	begin();
	SO(put_vpn("demo", "") == 0 && netnsfiles_write("demo", OURS, &e) == 0);
	SO(vpn_down("demo", false, &rep, &e) == 0);
	SO(rep.was_there && !rep.kept);
	SO(!is_there("/run/netns/demo") && !is_there("/etc/netns"));
	SO(!is_there("/run/vpnrun/demo"));
	return 0;
}

static int somebody_inside(void)
{
	struct down_report rep;

	begin();
	SO(put_vpn("demo", "") == 0);
	SO(run("ip -n demo link add vr1.7 type veth peer name x") == 0);
	SO(vpn_down("demo", false, &rep, &e) == 0);
	SO(rep.kept && rep.leases == 1 && is_there("/run/netns/demo"));
	SO(state_of("demo") == RECORD_DOWN);
	SO(run("ip -n demo link show vr1.7 >/dev/null") == 0);
	SO(vpn_down("demo", true, &rep, &e) == 0);
	SO(!rep.kept && rep.leases == 0 && !is_there("/run/netns/demo"));
	return 0;
}

static int of_somebody_else(void)
{
	struct down_report rep;

	begin();
	SO(run("ip netns add demo && ip -n demo link add eth0 type veth peer name x && "
	       "ip -n demo link set eth0 up") == 0);
	SO(vpn_down("demo", true, &rep, &e) == 0);
	SO(!rep.was_there && is_there("/run/netns/demo"));
	SO(run("ip -n demo link show eth0 >/dev/null") == 0);
	return 0;
}

/* The record is of a namespace that has gone, and its name is another's by now. */
static int another_by_now(void)
{
	AUTO_CLOSE int old = -1;
	struct down_report rep;

	begin();
	SO(put_vpn("demo", "") == 0);
	/* As long as somebody has the old one its number is not given to another. */
	old = open("/run/netns/demo", O_RDONLY | O_CLOEXEC);
	SO(old >= 0 && run("ip netns del demo && ip netns add demo && "
			   "ip -n demo link add eth0 type veth peer name x && "
			   "ip -n demo link set eth0 up") == 0);
	SO(vpn_down("demo", true, &rep, &e) == 0);
	SO(is_there("/run/netns/demo") && !is_there("/run/vpnrun/demo"));
	return 0;
}

static int is_default(void)
{
	struct default_note n = {.state = DEFAULT_ON, .now = {.name = "demo", .id = 1}};
	struct down_report rep;

	begin();
	SO(put_vpn("demo", "") == 0 && default_note_write(&n, &e) == 0);
	SO(vpn_down("demo", false, &rep, &e) == -EBUSY && strstr(e.msg, "vpnctl default none"));
	SO(state_of("demo") == RECORD_UP && is_there("/run/netns/demo"));
	n = (struct default_note){.state = DEFAULT_CHANGING,
				  .now = {.name = "other", .id = 2},
				  .old = {.name = "demo", .id = 1}};
	SO(default_note_write(&n, &e) == 0);
	SO(vpn_down("demo", false, &rep, &e) == -EBUSY);
	SO(write_file(DEFAULT_NOTE_PATH, "x") && truncate(DEFAULT_NOTE_PATH, 1) == 0);
	SO(vpn_down("demo", false, &rep, &e) < 0 && state_of("demo") == RECORD_UP);
	return 0;
}

static int is_used(void)
{
	struct down_report rep;

	begin();
	SO(put_vpn("demo", "") == 0 && put_vpn("inner", "demo") == 0);
	SO(vpn_down("demo", false, &rep, &e) == -EBUSY && state_of("demo") == RECORD_UP);
	SO(vpn_down("inner", false, &rep, &e) == 0 && vpn_down("demo", false, &rep, &e) == 0);
	return 0;
}

static void test_down(void)
{
	inside(nobody_inside, "R18: down, and nobody inside: nothing is left");
	inside(somebody_inside, "R18: somebody inside: it stays, closed; --force cuts them off");
	inside(of_somebody_else, "R37: a namespace of somebody else's stays");
	inside(another_by_now, "R37: also where a record had that name once");
	inside(is_default, "R11: the machine's default is not taken down, nor is half of one");
	inside(is_used, "R60: nor what another VPN goes through");
}

/* --- up --------------------------------------------------------------------------------------- */

static char bridge_name[] = "br-demo";
static struct ipaddr address, allowed;
static struct tunnel_peer peer = {.allowed = &allowed, .n_allowed = 1};

static struct profile profile(void)
{
	struct profile p = {.id = 1, .layout = LAYOUT_NETNS, .bridge = bridge_name};

	address = addr("10.64.0.2", 32);
	allowed = addr("0.0.0.0", 0);
	str_copy(p.name, sizeof(p.name), "demo");
	p.subnet4 = pool().subnet4;
	p.subnet4_plen = 24;
	p.tunnel.fwmark = MARK_BASE + 1;
	p.tunnel.private_key[0] = 1;
	p.tunnel.addresses = &address;
	p.tunnel.n_addresses = 1;
	p.tunnel.peers = &peer;
	p.tunnel.n_peers = 1;
	return p;
}

static bool nothing_is_left(void)
{
	return run("ls -A /run/vpnrun /run/netns /etc/netns 2>/dev/null | grep -Ev "
		   "'^$|:$|[.-]lock$|^lock|^forwarded' >&2") == 1;
}

static int fails_at_first(void)
{
	const struct profile p = profile();
	struct err note = ERR_INIT;

	begin();
	SO(run("ip link add demo type bridge") == 0);
	SO(vpn_up(&p, &note, &e) == -EEXIST && strstr(e.msg, "has an interface demo already"));
	SO(run("ip link show demo >/dev/null") == 0);
	SO(nothing_is_left());
	return 0;
}

static int namespace_of_others(void)
{
	const struct profile p = profile();
	struct err note = ERR_INIT;

	begin();
	SO(run("ip netns add demo && ip -n demo link add eth0 type veth peer name x && "
	       "ip -n demo link set eth0 up") == 0);
	SO(vpn_up(&p, &note, &e) == -EEXIST && strstr(e.msg, "would be a way around the VPN"));
	SO(run("ip -n demo link show eth0 >/dev/null && ! ip -n demo link show br-demo 2>/dev/null") ==
	   0);
	SO(run("ip netns del demo") == 0 && nothing_is_left());
	return 0;
}

/* One that was up: who is inside stays, closed, and the record says that it is to be brought back.
 */
static int fails_again(void)
{
	const struct profile p = profile();
	struct err note = ERR_INIT;
	struct record r;

	begin();
	SO(put_vpn("demo", "") == 0);
	SO(run("ip -n demo link add vr1.7 type veth peer name x && ip link add demo type bridge") ==
	   0);
	SO(vpn_up(&p, &note, &e) == -EEXIST);
	SO(is_there("/run/netns/demo") && state_of("demo") == RECORD_LOST);
	SO(record_read("demo", &r, &e) == 0 && r.why[0]);
	SO(run("ip -n demo link show vr1.7 >/dev/null") == 0);
	SO(!is_there("/etc/netns"));
	return 0;
}

static int is_in_use(void)
{
	const struct default_note n = {.state = DEFAULT_ON, .now = {.name = "demo", .id = 1}};
	struct profile p = profile();
	struct err note = ERR_INIT;

	begin();
	SO(put_vpn("demo", "") == 0);
	SO(run("ip -n demo link add vr1.7 type veth peer name x") == 0);
	p.id = 2;
	inet_pton(AF_INET, "10.20.2.0", &p.subnet4);
	SO(vpn_up(&p, &note, &e) == -EBUSY && state_of("demo") == RECORD_UP);
	SO(vpn_restart(&p, &note, &e) == -EBUSY && state_of("demo") == RECORD_UP);
	SO(run("ip -n demo link del vr1.7") == 0 && default_note_write(&n, &e) == 0);
	SO(vpn_restart(&p, &note, &e) == -EBUSY && strstr(e.msg, "is the machine's default"));
	return 0;
}

static int is_down_on_purpose(void)
{
	const struct profile p = profile();
	struct err note = ERR_INIT;
	struct down_report rep;

	begin();
	SO(vpn_revive(&p, &note, &e) == 1 && nothing_is_left());
	SO(put_vpn("demo", "") == 0);
	SO(run("ip -n demo link add vr1.7 type veth peer name x") == 0);
	SO(vpn_down("demo", false, &rep, &e) == 0 && rep.kept);
	SO(vpn_revive(&p, &note, &e) == 1 && state_of("demo") == RECORD_DOWN);
	return 0;
}

static int has_no_keys(void)
{
	struct profile p = profile();
	struct err note = ERR_INIT;

	begin();
	SO(put_vpn("demo", "") == 0);
	p.tunnel.private_key[0] = 0;
	SO(vpn_revive(&p, &note, &e) == -ENOKEY && state_of("demo") == RECORD_UP);
	return 0;
}

/* Neither there nor not: whoever takes it for gone takes it away, or makes another in its place. */
static bool hide(const char *name)
{
	char command[128];

	str_fmt(command, sizeof(command),
		"mount -t tmpfs none " NETNS_DIR " && ln -s %s " NETNS_DIR, name);
	return run(command) == 0;
}

static int cannot_be_looked_at(void)
{
	const struct profile p = profile();
	struct down_report rep;
	struct err note = ERR_INIT;

	begin();
	SO(put_vpn("demo", "") == 0 && hide("demo"));
	SO(vpn_up(&p, &note, &e) == -ELOOP && vpn_restart(&p, &note, &e) == -ELOOP);
	SO(vpn_switch(&p, &note, &e) == -ELOOP && state_of("demo") == RECORD_UP);
	SO(vpn_down("demo", true, &rep, &e) == -ELOOP && run("umount " NETNS_DIR) == 0);
	SO(is_there("/run/netns/demo") && is_there("/run/vpnrun/demo"));
	SO(run("mv /run/vpnrun/demo /run/kept && ln -s demo /run/vpnrun/demo") == 0);
	SO(vpn_up(&p, &note, &e) == -ELOOP && vpn_switch(&p, &note, &e) == -ELOOP);
	SO(vpn_down("demo", true, &rep, &e) == -ELOOP && vpn_unhold("demo", &rep, &e) == -ELOOP);
	SO(is_there("/run/netns/demo") && run("test -h /run/vpnrun/demo") == 0);
	return 0;
}

static void test_up(void)
{
	inside(fails_at_first, "R37: an up that fails leaves nothing");
	inside(namespace_of_others, "R37: a namespace of somebody else's is refused, and stays");
	inside(fails_again, "L18: one that was up is closed, kept, and to be brought back");
	inside(is_in_use, "R18: one that is in use gets no other subnet");
	inside(is_down_on_purpose, "R78: what is down on purpose is not brought back");
	inside(has_no_keys, "R78: nor what has no key any more");
	inside(cannot_be_looked_at,
	       "R18 R36 R78: what cannot be looked at is left as it is, with who is inside");
}

int main(int argc, char **argv)
{
	(void)argv;
	/* What `up` starts is the test itself, for want of vpnctl. */
	if (argc > 1)
		return 1;
	tap_begin();
	test_files();
	test_foreign();
	test_cables();
	test_down();
	test_up();
	return tap_done();
}
