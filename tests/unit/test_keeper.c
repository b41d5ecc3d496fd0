/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that stays: whose lock and namespace it is, when it looks and restores, whom it
 * forgets, and when it ends by itself. The kernel's words and what restores are stood in for.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/util.h"
#include "ensure/applied.h"
#include "ensure/ensure.h"
#include "ensure/made.h"
#include "inside.h"
#include "keeper/helper.h"
#include "nl/change.h"
#include "nl/gone.h"
#include "tunnel/supervise.h"
#include "wall/flows.h"

/* --- stand-ins -------------------------------------------------------------------------------- */

#define LOCK "/run/vpnrun/a.supervisor"

/* Somebody removes the file between its open and its lock, so often. */
static int removals;

static int fcntl_late(int fd, int cmd, void *arg)
{
	if (cmd == F_OFD_SETLK && removals-- > 0)
		unlink(LOCK);
	return fcntl(fd, cmd, arg);
}

/* What is missing of the VPN, how long it takes to see it, and how often it was restored. */
static struct {
	int n;
	uint32_t flags;
	int takes_ms;
	int restored, looked;
	bool ahead; /* a switch has noted another server than the record has */
} vpn;

static int fake_made(const char *name, struct want_list *ret, struct err *e)
{
	(void)name;
	(void)ret;
	(void)e;
	return 0;
}

static int fake_missing(const struct want_list *l, int ns, ensure_fn fn, void *arg, struct err *e)
{
	const struct want w = {.flags = vpn.flags};

	(void)l;
	(void)ns;
	(void)e;
	vpn.looked++;
	poll(NULL, 0, vpn.takes_ms);
	for (int i = 0; i < vpn.n; i++)
		fn(&w, "something", arg);
	return vpn.n;
}

static int fake_exec(struct keep_helper *h, int limit_ms, const char *command, const char *name,
		     const char *more)
{
	(void)h;
	(void)limit_ms;
	(void)command;
	(void)name;
	(void)more;
	vpn.restored++;
	return -EAGAIN;
}

static bool fake_ahead(const struct record *r)
{
	(void)r;
	return vpn.ahead;
}

static bool kernel_told;

static bool fake_change(struct nl_sock *s)
{
	(void)s;
	return kernel_told;
}

/* What the kernel says of links that are gone, and of whom the table of connections is cleared. */
static const char *gone_name;
static int gone_says;
static uint8_t forgotten[FLOWS_HOSTS];

static int fake_gone(struct nl_sock *s, void (*fn)(const char *name, void *arg), void *arg)
{
	(void)s;
	if (gone_name)
		fn(gone_name, arg);
	return gone_says;
}

static int fake_forget(const struct record *r, int ns_fd, const uint8_t gone[FLOWS_HOSTS],
		       struct err *e)
{
	(void)r;
	(void)ns_fd;
	(void)e;
	memcpy(forgotten, gone, sizeof(forgotten));
	return 0;
}

static int loads;
static enum vpn_layout layout_now;

static int fake_load(const char *name, struct profile *p, struct err *e)
{
	(void)name;
	(void)e;
	loads++;
	p->layout = layout_now;
	return 0;
}

#define fcntl		  fcntl_late
#define made_read	  fake_made
#define ensure_missing	  fake_missing
#define helper_exec	  fake_exec
#define applied_is_ahead  fake_ahead
#define nl_change_read	  fake_change
#define nl_gone_names	  fake_gone
#define flows_forget_gone fake_forget
#define applied_load	  fake_load
#include "keeper/ground.c"
#undef fcntl
#include "keeper/heal.c"
#undef SETTLE_MS
#include "keeper/reap.c"
#include "keeper/supervise_run.c"

static bool write_record(enum record_state state)
{
	const struct record r = {.name = "a",
				 .id = 1,
				 .subnet4_plen = 24,
				 .subnet4 = {htonl(0x0a140100)},
				 .state = state};
	struct err e = ERR_INIT;

	return record_write(&r, &e) == 0;
}

/* --- the lock and the namespace --------------------------------------------------------------- */

static int one_supervisor(void)
{
	struct ground g = {.name = "a", .lock_fd = -1}, other = g;
	struct err e = ERR_INIT;

	if (!write_record(RECORD_UP) || ground_lock(&g, &e) < 0)
		return 1;
	if (ground_lock(&other, &e) != -EAGAIN)
		return 2;
	ground_unlock(&g);
	return ground_lock(&other, &e) == 0 ? 0 : 3;
}

static int removed_meanwhile(void)
{
	struct ground g = {.name = "a", .lock_fd = -1};
	struct err e = ERR_INIT;

	if (!write_record(RECORD_UP))
		return 1;
	removals = 2;
	if (ground_lock(&g, &e) < 0)
		return 2;
	return same_fd_path(g.lock_fd, LOCK) ? 0 : 3;
}

static int lock_is_a_link(void)
{
	struct ground g = {.name = "a", .lock_fd = -1};
	struct err e = ERR_INIT;
	struct stat st;

	if (!write_record(RECORD_UP) || !write_file("/run/victim", "mine") ||
	    symlink("/run/victim", LOCK) < 0)
		return 1;
	if (ground_lock(&g, &e) >= 0)
		return 2;
	return stat("/run/victim", &st) == 0 && st.st_size == 4 ? 0 : 3;
}

/* A child that does not exec, as the one that loads the firewall, outlives its parent's lock. */
static int lock_of_a_child(void)
{
	struct ground g = {.name = "a", .lock_fd = -1}, other = g;
	struct err e = ERR_INIT;
	int p[2], r;
	pid_t child;
	char c;

	if (!write_record(RECORD_UP) || ground_lock(&g, &e) < 0 || pipe(p) < 0)
		return 1;
	child = fork();
	if (child == 0) {
		if (write(p[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	if (read(p[0], &c, 1) != 1)
		return 3;
	util_close(&g.lock_fd);
	r = ground_lock(&other, &e);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return r == 0 ? 0 : 2;
}

static bool is_lock_held(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	AUTO_CLOSE int fd = open(LOCK, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* A supervisor that gets the processor after whoever kills it: 1 if it lived when it had to, and
 * not any more, 0 if it was too fast for that. */
static int kill_slowly(void)
{
	struct ground g = {.name = "a", .lock_fd = -1};
	const struct sched_param none = {0};
	int p[2], was, is, held;
	pid_t child;
	char c;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		if (ground_lock(&g, NULL) == 0 && sched_setscheduler(0, SCHED_IDLE, &none) == 0 &&
		    write(p[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	close(p[1]);
	if (read(p[0], &c, 1) != 1)
		return -1;
	close(p[0]);
	was = supervise_is_alive("a", NULL);
	kill(child, SIGKILL);
	is = supervise_is_alive("a", NULL);
	held = is_lock_held();
	waitpid(child, NULL, 0);
	return was != 1 ? -1 : !held ? 0 : is == 0 ? 1 : -2;
}

static int killed_is_dead(void)
{
	cpu_set_t one;
	int r = 0;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	if (!write_record(RECORD_UP) || sched_setaffinity(0, sizeof(one), &one) < 0)
		return 1;
	for (int i = 0; r == 0 && i < 1000; i++)
		r = kill_slowly();
	return r == 1 ? 0 : r == 0 ? 2 : 3 - r;
}

static bool name_netns(void)
{
	umount2("/run/netns/a", MNT_DETACH);
	return mount("/proc/self/ns/net", "/run/netns/a", NULL, MS_BIND, NULL) == 0;
}

/* The namespace called a is another by now, or the lock's file is another's. */
static int ground_is_lost(void)
{
	struct ground g = {.name = "a", .layout = LAYOUT_NETNS, .lock_fd = -1};
	struct err e = ERR_INIT;
	int fd;

	if (!write_record(RECORD_UP) || mkdir("/run/netns", 0755) < 0 ||
	    !write_file("/run/netns/a", "") || !name_netns() || ground_lock(&g, &e) < 0)
		return 1;
	fd = ground_open(&g, &e);
	if (fd < 0 || !ground_is_wanted(&g))
		return 2;
	close(fd);
	if (rename(LOCK, "/run/vpnrun/away") < 0 || !write_file(LOCK, "1\n") ||
	    ground_is_wanted(&g))
		return 3;
	if (rename("/run/vpnrun/away", LOCK) < 0 || !ground_is_wanted(&g))
		return 4;
	if (unshare(CLONE_NEWNET) < 0 || !name_netns())
		return 5;
	if (ground_open(&g, &e) != -ESTALE || ground_is_wanted(&g))
		return 6;
	/* Who cannot look must not end: nobody else looks after it. */
	if (mount("none", "/run/netns", "tmpfs", 0, NULL) < 0 || symlink("a", "/run/netns/a") < 0)
		return 7;
	if (ground_open(&g, &e) != -ELOOP || ground_has_gone(-ELOOP) || !ground_is_wanted(&g))
		return 8;
	return unlink("/run/netns/a") == 0 && ground_has_gone(ground_open(&g, &e)) &&
			       !ground_is_wanted(&g)
		       ? 0
		       : 9;
}

static void test_ground(void)
{
	inside(one_supervisor, "one supervisor a VPN: the second is refused");
	inside(removed_meanwhile, "the lock is on the file that is there, not on one removed");
	inside(lock_is_a_link, "a link in the place of the lock: refused, and not followed");
	inside(lock_of_a_child, "a child does not say that the supervisor lives");
	inside(killed_is_dead, "R95: a supervisor that is killed is not counted on until it ends");
	inside(ground_is_lost, "L29 in another namespace of that name nothing is done");
}

/* --- what is missing is restored ---------------------------------------------------------------
 */

static struct healer new_healer(void)
{
	return (struct healer){
		.name = "a", .route = NL_SOCK_INIT, .nft = NL_SOCK_INIT, .helper = HELPER_INIT};
}

static int restores_after_look(struct healer *h)
{
	int before = vpn.restored;

	healer_look(h, -1);
	return vpn.restored - before;
}

static int what_is_restored(void)
{
	struct healer h = new_healer();

	vpn.n = 2;
	if (!write_record(RECORD_UP) || restores_after_look(&h) != 1)
		return 1;
	vpn.flags = WANT_OTHERS;
	h = new_healer();
	if (restores_after_look(&h) != 0)
		return 2;
	vpn.flags = 0;
	h = new_healer();
	vpn.n = 0;
	if (restores_after_look(&h) != 0)
		return 5;
	vpn.ahead = true;
	if (restores_after_look(&h) != 1 || !h.why[0])
		return 6;
	vpn.ahead = false;
	vpn.n = 2;
	h = new_healer();
	if (!write_record(RECORD_DOWN) || restores_after_look(&h) != 0)
		return 3;
	h = new_healer();
	return write_record(RECORD_LOST) && restores_after_look(&h) == 1 ? 0 : 4;
}

static int while_somebody_changes_it(void)
{
	struct healer h = new_healer();
	struct err e = ERR_INIT;
	int lock;

	vpn.n = 2;
	if (!write_record(RECORD_UP))
		return 1;
	lock = vpn_lock(h.name, &e);
	if (lock < 0 || restores_after_look(&h) != 0 || vpn.looked)
		return 2;
	if (h.due_at > util_now_ms() + AGAIN_MS)
		return 3;
	close(lock);
	return restores_after_look(&h) == 1 ? 0 : 4;
}

/* Somebody takes it away again each time. */
static int longer_each_time(void)
{
	struct healer h = new_healer();
	int64_t waits[12];

	vpn.n = 1;
	if (!write_record(RECORD_UP))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		if (restores_after_look(&h) != 1)
			return 2;
		waits[i] = h.not_before - (h.due_at - LOOK_MS);
		if (i > 0 && i < 5 && waits[i] < waits[i - 1] * 3 / 2 + 1000)
			return 3;
	}
	if (waits[11] > LOOK_MS)
		return 4;
	/* All is there again: the next time it is quick. */
	vpn.n = 0;
	healer_look(&h, -1);
	return h.failures == 0 ? 0 : 5;
}

static int slow_looks(void)
{
	struct healer h = new_healer();

	vpn.takes_ms = 30;
	if (!write_record(RECORD_UP))
		return 1;
	healer_look(&h, -1);
	return h.not_before >= h.due_at - LOOK_MS + LOAD * vpn.takes_ms ? 0 : 2;
}

/* A storm of changes brings the look that is due, and no more of them. */
static void test_storm(void)
{
	struct healer h = new_healer();
	struct pollfd fds[HEALER_FDS];
	int64_t due;
	int ms;

	h.route.fd = h.nft.fd = 7;
	h.due_at = util_now_ms() + 3600000;
	healer_poll(&h, fds, &ms);
	ok(fds[0].fd == 7 && fds[1].fd == 7, "R78 the kernel's word is waited for");
	kernel_told = true;
	healer_wake(&h);
	due = h.due_at;
	ok(due < util_now_ms() + 3000000, "R78 and brings the next look near");
	h.due_at = due -= 100;
	healer_wake(&h);
	is_int(h.due_at, due, "one more word does not put it off");
	h.due_at = 0;
	h.not_before = util_now_ms() + 3600000;
	healer_poll(&h, fds, &ms);
	ok(fds[0].fd == -1 && fds[1].fd == -1 && ms > 3000000,
	   "nor keeps it a processor busy while a look is due");
	ok(!healer_wake(&h), "nor comes the look before its time");
	kernel_told = false;
	h.not_before = 0;
	h.due_at = util_now_ms() + 3600000;
	healer_hurry(&h);
	ok(healer_wake(&h), "R78 who is told looks at once, though the kernel says nothing");
}

/* A helper that hangs is ended, and nothing is looked at while one is at it. */
static int helpers(void)
{
	struct healer h = new_healer();
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	h.helper = (struct keep_helper){pid, child_pidfd(pid), util_now_ms() + 3600000};
	if (healer_wake(&h) || h.helper.pid != pid)
		return 1;
	h.helper.until_ms = 0;
	healer_wake(&h);
	return h.helper.pid == 0 && kill(pid, 0) < 0 ? 0 : 2;
}

static void test_heal(void)
{
	inside(what_is_restored,
	       "R78 R83 what is missing of a VPN that is up or lost, or was broken off, and is not "
	       "others'");
	inside(while_somebody_changes_it, "R78 not while an up or a down is under way");
	inside(longer_each_time, "R78 what does not stay is restored less often");
	inside(slow_looks, "R78 the longer a look takes, the later is the next");
	inside(helpers, "R78 who restores has an end");
	test_storm();
}

/* --- who has left ------------------------------------------------------------------------------
 */

static int who_is_gone(void)
{
	static struct reaper r = {.name = "a", .events = NL_SOCK_INIT};

	if (!write_record(RECORD_UP))
		return 1;
	r.events.fd = 7;
	gone_name = "vr2.9";
	if (reaper_wake(&r) || r.due_at)
		return 2;
	gone_name = "vr1.9";
	reaper_wake(&r);
	if (!r.due_at)
		return 3;
	reaper_run(&r, -1);
	if (forgotten[9] != 1 || r.due_at)
		return 4;
	/* Whoever has the number next has connections of its own. */
	reaper_run(&r, -1);
	return forgotten[9] == 0 ? 0 : 5;
}

static int words_were_lost(void)
{
	static struct reaper r = {.name = "a", .events = NL_SOCK_INIT};

	if (!write_record(RECORD_UP))
		return 1;
	r.events.fd = 7;
	gone_says = -ENOBUFS;
	reaper_wake(&r);
	if (!r.due_at)
		return 2;
	r.events.fd = -1;
	r.due_at = 0;
	reaper_run(&r, -1);
	return r.due_at ? 0 : 3;
}

static void test_reap(void)
{
	inside(who_is_gone, "L29 who has left is forgotten, once, and nobody else");
	inside(words_were_lost,
	       "L29 where the kernel's words were lost, or none are heard, it looks");
}

/* --- the supervisor ----------------------------------------------------------------------------
 */

static int ends_with_its_namespace(void)
{
	struct sup s = {.ground = {.name = "a", .layout = LAYOUT_NETNS, .lock_fd = -1}};

	start_again(&s);
	if (!s.told || loads)
		return 1;
	s = (struct sup){.ground = {.name = "a", .layout = LAYOUT_BRIDGE, .lock_fd = -1}};
	s.ground.lock_fd = open("/run", O_RDONLY | O_CLOEXEC);
	start_again(&s);
	return s.told && !loads ? 0 : 2;
}

static int another_layout(void)
{
	struct sup s = {.ground = {.name = "a", .layout = LAYOUT_NETNS, .lock_fd = -1}};
	struct err e = ERR_INIT;

	s.tunnel.fd = -1;
	layout_now = LAYOUT_BRIDGE;
	return launch(&s, false, &e) == -ESTALE && loads == 1 ? 0 : 1;
}

static int failures_wait(void)
{
	struct sup s = {.failures = 1000};
	int64_t before = util_now_ms();

	start_later(&s);
	return s.start_at >= before + 5000 && s.start_at <= util_now_ms() + 5000 ? 0 : 1;
}

static int log_is_bounded(void)
{
	struct sup s = {0};
	struct stat st;
	int fd = open("/run/log", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || ftruncate(fd, LOG_MAX) < 0)
		return 1;
	trim_log(&s, NULL);
	if (fstat(fd, &st) < 0 || st.st_size != LOG_MAX)
		return 2;
	if (ftruncate(fd, LOG_MAX + 1) < 0)
		return 3;
	trim_log(&s, NULL);
	return fstat(fd, &st) == 0 && st.st_size == 0 ? 0 : 4;
}

static void test_supervisor(void)
{
	inside(ends_with_its_namespace, "a wireguard-go is not started again for what is gone");
	inside(another_layout, "nor for another layout than that it was started for");
	inside(failures_wait, "one that fails and fails is tried every five seconds");
	inside(log_is_bounded, "the log has a bound, and is whole up to it");
}

int main(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	/* What it says to its log is not what is asked about. */
	dup2(null, STDERR_FILENO);
	util_close(&null);
	tap_begin();
	test_ground();
	test_heal();
	test_reap();
	test_supervisor();
	return tap_done();
}
