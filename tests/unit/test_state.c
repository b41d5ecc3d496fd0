/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is read back from /run/vpnrun: a record, a note, a health, a list, a settings' note that is
 * not whole, not of this version or not of this VPN is refused. Each change of one byte's worth is
 * made to one that is good.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/util.h"
#include "default/default.h"
#include "default/default_part.h"
#include "ensure/made.h"
#include "inside.h"
#include "state/boot.h"
#include "state/forwarded.h"
#include "state/health.h"
#include "state/lock.h"
#include "state/note.h"
#include "state/record.h"
#include "wall/sysctls.h"

/* A change of a good file, by its bytes. */
struct change {
	size_t at, len;
	uint8_t with;
	const char *what;
};

#define FILLED(type, field)                                             \
	{                                                               \
		offsetof(type, field), sizeof(((type *)0)->field), 'x', \
			"a text without an end: " #field                \
	}
#define OTHER(type, field, value)                                  \
	{                                                          \
		offsetof(type, field), 1, value, "another " #field \
	}

static bool put_bytes(const char *path, const void *data, size_t len)
{
	return file_replace(path, data, len, 0644, NULL) == 0;
}

/* Each change of the good file, one at a time, and each of its lengths that is not its own: read()
 * is to say what. The number of the first that is believed, plus one; 0: none. */
static int believed(const char *path, int (*read_it)(void), int refusal, const struct change *all,
		    size_t n)
{
	AUTO_FREE char *good = NULL;
	size_t len;

	if (file_read(path, 1 << 20, &good, &len, NULL) < 0 || read_it() != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *bad = malloc(len);

		memcpy(bad, good, len);
		memset(bad + all[i].at, all[i].with, all[i].len);
		if (!put_bytes(path, bad, len) || read_it() != refusal)
			return (int)i + 1;
	}
	if (!put_bytes(path, good, len - 1) || read_it() != refusal)
		return 100;
	if (!put_bytes(path, "", 0) || read_it() != refusal)
		return 101;
	return put_bytes(path, good, len) && read_it() == 0 ? 0 : 102;
}

/* --- the record ------------------------------------------------------------------------------- */

static struct record sample(const char *name, uint8_t id)
{
	struct record r = {.state = RECORD_UP, .id = id, .subnet4_plen = 24};
	struct stat st;

	str_copy(r.name, sizeof(r.name), name);
	if (stat("/proc/self/ns/net", &st) == 0) {
		r.layout = LAYOUT_BRIDGE;
		r.netns_dev = st.st_dev;
		r.netns_ino = st.st_ino;
	}
	return r;
}

static bool put_record(const struct record *r)
{
	return record_write(r, NULL) == 0;
}

static int read_demo(void)
{
	struct record r;

	return record_read("demo", &r, NULL);
}

static int record_bounds(void)
{
	static const struct change all[] = {
		OTHER(struct record, magic, 1),
		OTHER(struct record, version, 99),
		OTHER(struct record, size, 1),
		FILLED(struct record, name),
		OTHER(struct record, name, 'x'),
		FILLED(struct record, bridge),
		FILLED(struct record, device),
		FILLED(struct record, search),
		FILLED(struct record, via),
		FILLED(struct record, endpoint),
		FILLED(struct record, hook_user),
		FILLED(struct record, hook_command),
		FILLED(struct record, why),
		FILLED(struct record, allow_users[RECORD_ALLOW_MAX - 1]),
		FILLED(struct record, allow_groups[RECORD_ALLOW_MAX - 1]),
		FILLED(struct record, default_users[RECORD_DEFAULT_MAX - 1]),
		FILLED(struct record, default_groups[RECORD_DEFAULT_MAX - 1]),
		OTHER(struct record, id, 0),
		OTHER(struct record, id, 100),
		OTHER(struct record, subnet4_plen, 21),
		OTHER(struct record, subnet4_plen, 30),
	};
	struct record r = sample("demo", 1);

	return put_record(&r) ? believed(RUN_DIR "/demo", read_demo, -EPROTO, all, ARRAY_SIZE(all))
			      : -1;
}

/* A link in its place is not followed, and a pipe does not hold whoever looks. */
static int record_is_a_file(void)
{
	struct record r = sample("demo", 1);

	if (!put_record(&r) || rename(RUN_DIR "/demo", RUN_DIR "/other") < 0 ||
	    symlink("other", RUN_DIR "/demo") < 0)
		return 1;
	if (read_demo() != -ELOOP)
		return 2;
	if (unlink(RUN_DIR "/demo") < 0 || mkfifo(RUN_DIR "/demo", 0644) < 0)
		return 3;
	alarm(5);
	return read_demo() == -EPROTO ? 0 : 4;
}

static int record_is_readable(void)
{
	struct record r = sample("demo", 1);
	struct stat dir, file;

	umask(077);
	return put_record(&r) && stat(RUN_DIR, &dir) == 0 && stat(RUN_DIR "/demo", &file) == 0 &&
			       (dir.st_mode & 0777) == 0755 && (file.st_mode & 0777) == 0644
		       ? 0
		       : 1;
}

static int record_of_the_lowest(void)
{
	struct record two = sample("two", 2), one = sample("one", 1), got;

	if (record_read_default(&got, NULL) != -ENOENT || !put_record(&two))
		return 1;
	one.state = RECORD_DOWN;
	if (!put_record(&one) || record_read_default(&got, NULL) != 0 || got.id != 2)
		return 2;
	/* It was up and is made anew: another VPN is not what was asked for, unless it stays so. */
	one.state = RECORD_LOST;
	if (!put_record(&one) || record_read_default(&got, NULL) != 0 || got.id != 2)
		return 3;
	one.state = RECORD_UP;
	return put_record(&one) && record_read_default(&got, NULL) == 0 && got.id == 1 ? 0 : 4;
}

/* It comes back within the second that is waited. */
static int record_settles(void)
{
	struct record one = sample("one", 1), two = sample("two", 2), got;
	pid_t pid;

	one.state = RECORD_LOST;
	if (!put_record(&one) || !put_record(&two))
		return 1;
	pid = fork();
	if (pid == 0) {
		usleep(50000);
		one.state = RECORD_UP;
		_exit(put_record(&one) ? 0 : 1);
	}
	if (record_read_default(&got, NULL) != 0 || got.id != 1)
		return 2;
	waitpid(pid, NULL, 0);
	return 0;
}

static int record_up_only(void)
{
	struct record r = sample("demo", 1), got;

	r.state = RECORD_DOWN;
	if (!put_record(&r) || record_read_up("demo", &got, NULL) != -ENETDOWN)
		return 1;
	r.state = RECORD_LOST;
	if (!put_record(&r) || record_read_up("demo", &got, NULL) != -ENETDOWN)
		return 2;
	r.state = RECORD_UP;
	if (record_read_up("nothing", &got, NULL) != -ENETDOWN)
		return 3;
	return put_record(&r) && record_read_up("demo", &got, NULL) == 0 ? 0 : 4;
}

static int record_of_another_namespace(void)
{
	struct record r = sample("demo", 1);
	struct err e = ERR_INIT;
	int fd = record_open_netns(&r, &e);

	if (fd < 0)
		return 1;
	close(fd);
	if (unshare(CLONE_NEWNET) < 0 || record_open_netns(&r, &e) != -ESTALE)
		return 2;
	/* The name in /run/netns is somebody else's by now. */
	r.layout = LAYOUT_NETNS;
	if (mkdir(NETNS_DIR, 0755) < 0 || !write_file(NETNS_DIR "/demo", ""))
		return 3;
	return record_open_netns(&r, &e) == -ESTALE ? 0 : 4;
}

static int record_servers_in_reach(void)
{
	struct record r = sample("demo", 1);
	struct names_dns got[NAMES_DNS_MAX];

	r.dns[0].family = AF_INET6;
	r.dns[1].family = AF_INET;
	r.flags = RECORD_HAS_IP4;
	if (record_servers(&r, got) != 1 || got[0].family != AF_INET)
		return 1;
	r.flags |= RECORD_HAS_IP6;
	return record_servers(&r, got) == 2 ? 0 : 2;
}

static int record_by_a_path(void)
{
	struct record r = sample("demo", 1);

	return put_record(&r) && write_file("/run/demo", "") &&
			       record_read("../demo", &r, NULL) == -ENOENT
		       ? 0
		       : 1;
}

static int lan_dns(const struct record *r, const char *text)
{
	struct names_dns d = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

	return inet_pton(d.family, text, d.addr) == 1
		       ? record_check_lan_dns(r, &d, 1, "--dns", NULL)
		       : -EINVAL;
}

static void test_lan_dns(void)
{
	struct record r = sample("demo", 1);

	memset(r.dns, 0, sizeof(r.dns));
	is_int(lan_dns(&r, "192.168.7.1"), 0, "R86: where nothing is opened, nothing is refused");
	r.lan[0] = (struct record_net){AF_INET, 24, {192, 168, 7}};
	r.lan[1] = (struct record_net){AF_INET6, 64, {0xfd, 7}};
	is_int(lan_dns(&r, "192.168.7.1"), -EACCES, "R86: a name server in the LAN is refused");
	is_int(lan_dns(&r, "fd07::1"), -EACCES, "R86: and one of IPv6");
	is_int(lan_dns(&r, "192.168.8.1"), 0, "R86: one beside it is not");
	is_int(lan_dns(&r, "fd07:0:0:1::1"), 0, "R86: nor of IPv6");
	r.dns[0] = (struct record_ip){AF_INET, {192, 168, 7, 1}};
	is_int(lan_dns(&r, "192.168.7.1"), 0, "R86: nor the VPN's own, which is asked there");
	is_int(lan_dns(&r, "192.168.7.2"), -EACCES, "R86: but its neighbour");
	r.lan[0].plen = 200;
	is_int(lan_dns(&r, "192.168.7.2"), 0, "R86: what is no network is none");
}

static void test_record(void)
{
	inside(record_bounds, "L02 R76: a record that is not whole is believed by nobody");
	inside(record_is_a_file, "L02: nor is one that is no file");
	inside(record_is_readable, "R26: whatever the umask, users can read it");
	inside(record_of_the_lowest, "R02: the default VPN is the lowest that is up");
	inside(record_settles, "R31: one that is made anew is waited for");
	inside(record_up_only, "L02: one that is down or lost is not up");
	inside(record_of_another_namespace,
	       "L20: a namespace by that name that is another's is refused");
	inside(record_servers_in_reach,
	       "R60: a name server of a family that the tunnel lacks is not asked");
	inside(record_by_a_path, "R27: a name that is a path is not a VPN's");
}

/* --- the note of the default, health, the list ------------------------------------------------ */

static int read_note(void)
{
	struct default_note n;

	return default_note_read(&n, NULL);
}

static int note_bounds(void)
{
	static const struct change all[] = {
		OTHER(struct default_note, magic, 1),	 OTHER(struct default_note, size, 1),
		OTHER(struct default_note, now.id, 0),	 OTHER(struct default_note, now.id, 100),
		OTHER(struct default_note, old.id, 100), FILLED(struct default_note, now.name),
		FILLED(struct default_note, now.dev),	 FILLED(struct default_note, now.search),
		FILLED(struct default_note, old.name),	 OTHER(struct default_note, now.name, '/'),
	};
	struct default_note n = {.state = DEFAULT_ON, .now = {.name = "demo", .id = 1}};
	struct record r = sample("demo", 1);

	if (!put_record(&r) || default_note_write(&n, NULL) < 0)
		return -1;
	return believed(DEFAULT_NOTE_PATH, read_note, -EPROTO, all, ARRAY_SIZE(all));
}

static int note_is_a_file(void)
{
	struct record r = sample("demo", 1);

	if (!put_record(&r) || symlink("demo", DEFAULT_NOTE_PATH) < 0)
		return 1;
	return read_note() == -ELOOP ? 0 : 2;
}

static int read_health(void)
{
	struct health h;

	return health_read("demo", &h);
}

static int health_bounds(void)
{
	static const struct change all[] = {
		OTHER(struct health, magic, 1),	 OTHER(struct health, size, 1),
		FILLED(struct health, endpoint), FILLED(struct health, left),
		FILLED(struct health, why),
	};
	const struct health h = {.far = HEALTH_ANSWERS};
	struct record r = sample("demo", 1);

	if (!put_record(&r) || health_write("demo", &h, NULL) < 0)
		return -1;
	return believed(RUN_DIR "/demo.health", read_health, -EPROTO, all, ARRAY_SIZE(all));
}

static int health_ages(void)
{
	struct health h = {.at_ms = util_now_ms()};

	if (!health_is_fresh(&h))
		return 1;
	h.at_ms -= HEALTH_FRESH_MS + 1;
	if (health_is_fresh(&h))
		return 2;
	h.at_ms = util_now_ms() + 60000;
	return health_is_fresh(&h) ? 3 : 0;
}

static int read_made(void)
{
	AUTO_WANT_LIST struct want_list l = {0};

	return made_read("demo", &l, NULL);
}

static int made_bounds(void)
{
	static const struct change all[] = {
		{0, 1, 1, "another magic"},
		{4, 1, 99, "another version"},
		{8, 1, 1, "another size of an object"},
		{12, 1, 1, "fewer objects than there are"},
		{12, 1, 3, "more objects than there are"},
		{12, 4, 0xff, "so many objects that their size wraps"},
	};
	AUTO_WANT_LIST struct want_list l = {0};
	struct record r = sample("demo", 1);

	want_add_up(&l, "lo");
	want_add_nft(&l, NFPROTO_INET, "vpnrun", 0);
	if (!put_record(&r) || made_write("demo", &r, &l, NULL) < 0)
		return -1;
	return believed(RUN_DIR "/demo.made", read_made, -EPROTO, all, ARRAY_SIZE(all));
}

static int made_of_nobody(void)
{
	AUTO_WANT_LIST struct want_list l = {0};
	struct record r = sample("demo", 1), got;
	struct stat st;

	if (!put_record(&r) || made_write("demo", NULL, &l, NULL) < 0 ||
	    made_read_record("demo", &got, NULL) != -ENOENT)
		return 1;
	if (stat(RUN_DIR "/demo.made", &st) < 0 || (st.st_mode & 077))
		return 2;
	return made_write("demo", &r, &l, NULL) == 0 && made_read_record("demo", &got, NULL) == 0 &&
			       got.id == 1
		       ? 0
		       : 3;
}

/* Without the digest that is noted, an altered table is not known to be one. */
static int made_digests(void)
{
	AUTO_WANT_LIST struct want_list made = {0}, l = {0};
	struct record r = sample("demo", 1);

	want_add_nft(&made, NFPROTO_INET, "vpnrun", 0);
	made.at[0].nft.digest = 77;
	want_add_up(&l, "lo");
	want_add_nft(&l, NFPROTO_INET, "vpnrun", 0);
	want_add_nft(&l, NFPROTO_BRIDGE, "vpnrun", 0);
	if (!put_record(&r) || made_write("demo", &r, &made, NULL) < 0)
		return 1;
	made_keep_digests("demo", &l);
	return l.at[1].nft.digest == 77 && l.at[2].nft.digest == 0 ? 0 : 2;
}

/* The keeper's umask lets nobody in, and who is inside is nobody's root. */
static int forwarded_shared(void)
{
	struct stat dir, file;
	struct err e = ERR_INIT;

	umask(077);
	if (mkdir(RUN_DIR, 0755) < 0 || forwarded_share("demo", "51413\n", &e) < 0 ||
	    stat(RUN_DIR "/demo.forwarded", &dir) < 0 ||
	    stat(RUN_DIR "/demo.forwarded/port", &file) < 0)
		return 1;
	if ((dir.st_mode & 0777) != 0755 || (file.st_mode & 0777) != 0644)
		return 2;
	if (forwarded_share("demo", "", &e) < 0 ||
	    access(RUN_DIR "/demo.forwarded/port", F_OK) == 0)
		return 3;
	forwarded_unshare("demo");
	return access(RUN_DIR "/demo.forwarded", F_OK) == 0 ? 4 : 0;
}

static int forwarded_numbers(void)
{
	static const struct {
		const char *text;
		uint16_t tcp, udp;
	} all[] = {
		{"4711\n", 4711, 4711}, {"4711 4712\n", 4711, 4712}, {"", 0, 0},     {"x\n", 0, 0},
		{"65536\n", 0, 0},	{"1 65536\n", 0, 0},	     {"-1\n", 0, 0},
	};
	struct record r = sample("demo", 1);
	uint16_t got[2];

	if (!put_record(&r))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		r.natpmp_gateway.s_addr = htonl(INADDR_LOOPBACK);
		put_bytes(RUN_DIR "/demo.port", all[i].text, strlen(all[i].text));
		forwarded_ports(&r, got);
		if (got[0] != all[i].tcp || got[1] != all[i].udp)
			return (int)i + 2;
		r.natpmp_gateway.s_addr = 0;
		forwarded_ports(&r, got);
		if (got[0] || got[1])
			return 100;
	}
	return 0;
}

static void test_files(void)
{
	inside(note_bounds,
	       "R12 R13: a note of the default that is not whole is believed by nobody");
	inside(note_is_a_file, "R12: nor is one that is a link");
	inside(health_bounds, "R70: nor a health that is not whole");
	inside(health_ages, "R79: nor one of a keeper that is gone, or of a time to come");
	inside(made_bounds, "R76: nor a list of another shape");
	inside(made_of_nobody, "R76: a list says whose it is, and is root's");
	inside(made_digests, "R78: a table's digest outlasts the making of its list");
	inside(forwarded_numbers, "R72: a forwarded port is a port");
	inside(forwarded_shared, "R87: containers may read which one it is");
}

/* --- settings of others ----------------------------------------------------------------------- */

#define KEY  "ipv4/conf/lo/forwarding"
#define KEY2 "ipv4/conf/lo/accept_source_route"

static const struct sysctl_want one_want[] = {{KEY, "1"}};
static const struct sysctl_want two_wants[] = {{KEY, "1"}, {KEY2, "1"}};

static bool is_now(const char *key, const char *value)
{
	AUTO_FREE char *text = NULL;
	char path[128];

	str_fmt(path, sizeof(path), "/proc/sys/net/%s", key);
	return file_read(path, 64, &text, NULL, NULL) == 0 && text[0] == value[0];
}

static bool set_now(const char *key, const char *value)
{
	char path[128];

	str_fmt(path, sizeof(path), "/proc/sys/net/%s", key);
	return file_write_existing(path, value, NULL) == 0;
}

static int take(const char *vpn, const struct sysctl_want *want, size_t n)
{
	return sysctls_take(vpn, want, n, true, NULL);
}

static bool prepare(void)
{
	return mkdir(RUN_DIR, 0755) == 0 && set_now("ipv4/ip_forward", "0") && set_now(KEY, "0") &&
	       set_now(KEY2, "0");
}

static int settings_return(void)
{
	if (!prepare() || take("a", two_wants, 2) < 0 || !is_now(KEY, "1") || !is_now(KEY2, "1"))
		return 1;
	if (access(RUN_DIR "/sysctls-of-others.undo", F_OK) < 0 || !sysctls_is_ours(KEY))
		return 2;
	if (sysctls_give_back("a", NULL) < 0 || !is_now(KEY, "0") || !is_now(KEY2, "0"))
		return 3;
	return access(RUN_DIR "/sysctls-of-others.undo", F_OK) < 0 ? 0 : 4;
}

/* The last of them puts it back, and to what it was before the first. */
static int settings_are_shared(void)
{
	if (!prepare() || take("a", one_want, 1) < 0 || take("b", one_want, 1) < 0)
		return 1;
	if (sysctls_give_back("a", NULL) < 0 || !is_now(KEY, "1"))
		return 2;
	return sysctls_give_back("b", NULL) == 0 && is_now(KEY, "0") ? 0 : 3;
}

static int settings_no_more_wanted(void)
{
	if (!prepare() || take("a", two_wants, 2) < 0 || take("a", one_want, 1) < 0)
		return 1;
	return is_now(KEY, "1") && is_now(KEY2, "0") ? 0 : 2;
}

/* Twice is as once: what it was is not overwritten by what it is. */
static int settings_twice(void)
{
	if (!prepare() || take("a", one_want, 1) < 0 || take("a", one_want, 1) < 0)
		return 1;
	/* Nor is it put back for a moment. */
	if (sysctls_take("a", one_want, 1, false, NULL) < 0 || !is_now(KEY, "1"))
		return 2;
	return sysctls_give_back("a", NULL) == 0 && is_now(KEY, "0") ? 0 : 3;
}

static int settings_noted_first(void)
{
	if (!prepare() || sysctls_take("a", one_want, 1, false, NULL) < 0)
		return 1;
	return is_now(KEY, "0") && sysctls_is_ours(KEY) ? 0 : 2;
}

/* Somebody has made the machine a router since: that device stays open. */
static int settings_switched_on(void)
{
	if (!prepare() || take("a", one_want, 1) < 0 || !set_now("ipv4/ip_forward", "1"))
		return 1;
	return sysctls_give_back("a", NULL) == 0 && is_now(KEY, "1") ? 0 : 2;
}

static int settings_gone(void)
{
	static const struct sysctl_want gone[] = {{"ipv4/conf/x0/forwarding", "1"}};

	if (!prepare() || run("ip link add x0 type veth peer name x1") != 0)
		return SKIPPED;
	if (take("a", gone, 1) < 0 || run("ip link del x0") != 0)
		return 1;
	return sysctls_give_back("a", NULL) == 0 ? 0 : 2;
}

static int settings_broken_note(void)
{
	static const char text[] = "a " KEY " 0 1\nnonsense\n\na " KEY2 " 0\n";

	if (!prepare() || !set_now(KEY, "1") || !set_now(KEY2, "1") ||
	    !put_bytes(RUN_DIR "/sysctls-of-others.undo", text, sizeof(text) - 1))
		return 1;
	return sysctls_give_back("a", NULL) == 0 && is_now(KEY, "0") && is_now(KEY2, "1") ? 0 : 2;
}

static void test_settings(void)
{
	inside(settings_return, "R37: a setting of the host's is noted, set and put back");
	inside(settings_are_shared, "R37 R08: one that two VPNs want stays until the last is down");
	inside(settings_no_more_wanted, "R37: one that is wanted no more is put back at once");
	inside(settings_twice, "R13: taken twice, it goes back to what it was before the first");
	inside(settings_noted_first, "R76: it can be noted before it is set");
	inside(settings_switched_on,
	       "R03: forwarding that somebody else has switched on since stays");
	inside(settings_gone, "R37: a device that has gone took its setting along");
	inside(settings_broken_note, "R76: of a note that is not whole the lines that are count");
}

/* --- what a killed writer has begun ------------------------------------------------------------
 */

static bool begin_file(const char *path, mode_t mode)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode);

	return fd >= 0 && fchmod(fd, mode) == 0;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static int begun_is_cleared(void)
{
	AUTO_CLOSE int lock = -1;

	if (!prepare() || !begin_file(RUN_DIR "/default.note.new", 0644) ||
	    !begin_file(RUN_DIR "/b.made.new", 0600) || !begin_file(RUN_DIR "/b.made", 0600))
		return 1;
	lock = vpn_lock("a", NULL);
	if (lock < 0 || is_there(RUN_DIR "/default.note.new") || is_there(RUN_DIR "/b.made.new"))
		return 2;
	return is_there(RUN_DIR "/b.made") && is_there(RUN_DIR "/a.lock") ? 0 : 3;
}

/* Whoever is still at it holds its lock, and what is no file of a writer's is somebody else's. */
static int begun_is_let(void)
{
	AUTO_CLOSE int writer = -1, lock = -1;

	if (!prepare() || !begin_file(RUN_DIR "/b.new", 0600) ||
	    mkdir(RUN_DIR "/c.new", 0755) < 0 || symlink("b.new", RUN_DIR "/d.new") < 0 ||
	    mkfifo(RUN_DIR "/e.new", 0600) < 0)
		return 1;
	writer = open(RUN_DIR "/b.new", O_RDWR | O_CLOEXEC);
	if (writer < 0 || flock(writer, LOCK_EX) < 0)
		return 2;
	lock = vpn_lock("a", NULL);
	return lock >= 0 && is_there(RUN_DIR "/b.new") && is_there(RUN_DIR "/c.new") &&
			       is_there(RUN_DIR "/d.new") && is_there(RUN_DIR "/e.new")
		       ? 0
		       : 3;
}

/* A link to itself is neither there nor not. */
static int there_or_not(void)
{
	struct err e = ERR_INIT;
	struct record r;
	struct boot b;
	int fd;

	if (!prepare() || !begin_file(RUN_DIR "/a", 0600) || symlink("b", RUN_DIR "/b") < 0 ||
	    symlink("default.boot", BOOT_WAIT_PATH) < 0)
		return 1;
	if (file_is_there(RUN_DIR "/a", &e) != 1 || file_is_there(RUN_DIR "/c", &e) != 0 ||
	    file_is_there(RUN_DIR "/a/x", &e) != 0)
		return 2;
	if (e.msg[0] || file_is_there(RUN_DIR "/b", &e) != -ELOOP || !strstr(e.msg, RUN_DIR "/b"))
		return 3;
	if (record_find("a", &r, &e) != 0 || record_find("c", &r, &e) != 0 ||
	    record_find("b", &r, &e) != -ELOOP)
		return 4;
	if (boot_read(BOOT_WAIT_PATH, &b, &e) != -ELOOP || default_awaited(&e) != -ELOOP ||
	    default_boot_open(true, &e) != -ELOOP)
		return 5;
	str_copy(r.name, sizeof(r.name), "b");
	r.layout = LAYOUT_NETNS;
	if (record_find_netns(&r, &fd, &e) != 0 || fd != -1)
		return 6;
	return mkdir(NETNS_DIR, 0755) == 0 && symlink("b", NETNS_DIR "/b") == 0 &&
			       record_find_netns(&r, &fd, &e) == -ELOOP
		       ? 0
		       : 7;
}

static void test_there(void)
{
	inside(there_or_not, "R36 R78: what cannot be looked at is neither there nor not");
}

static void test_begun(void)
{
	inside(begun_is_cleared,
	       "R76: whoever takes a VPN's lock clears what killed writers had begun");
	inside(begun_is_let, "R76: and what another is writing now stays");
}

int main(void)
{
	tap_begin();
	test_record();
	test_lan_dns();
	test_files();
	test_begun();
	test_there();
	test_settings();
	return tap_done();
}
