/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a launch takes, from before the program is started until it is reaped, beside the
 * kernel's floor and beside other programs' ways, in one interleaved run. As root, in the rig.
 *
 * Every round measures each competitor once, in a new random order, so that nobody always follows a
 * heavy one. When a network namespace dies, the kernel takes it apart asynchronously, for 20 to 80
 * ms, and holds the lock that the next launch needs: whoever comes next would pay for the one
 * before. So after every measurement, whoever it was, the benchmark waits until the VPN has no more
 * ports than before, and then equally long for what cannot be seen.
 *
 *   bench [-r ROUNDS] [-j JSON] [-x "PROGRAM OPTIONS"]... launch VPN
 *                                                everybody, or only other builds of vpnrun
 *   bench [-r ROUNDS] [-j JSON] [-x ...] many VPN N...
 *                                                the launcher and the floors beside N sandboxes
 *   bench [-r ROUNDS] [-j JSON] burst VPN N AT-ONCE
 *                                                the same beside N, as many at once, from when they
 *                                                are let go until each is reaped
 *   bench [-r ROUNDS] [-j JSON] phases VPN       the launcher's own time line
 *   bench floor VPN                              the milliseconds of one full floor (doors.pl)
 *   bench hold VPN N                             N sandboxes, "ready", until stdin ends
 *   bench plug VPN NETNS                         the floor of a container's attachment (cni.pl)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "burst.h"
#include "cable.h"
#include "phases.h"
#include "plug.h"
#include "stats.h"

#define ARGS	  16
#define PEERS	  16
#define GROUPS	  32
#define PAUSE_MS  15
#define LIMIT_S	  20 /* for one launch */
#define RATIO_BAD 0.0

enum who { USER, ROOT };

struct peer {
	const char *name;
	enum who who;
	bool floor;	    /* wants the plugger's socket */
	unsigned int every; /* rounds; slow ones take part in few */
	const char *argv[ARGS];
	char program[256];
	char why[200]; /* not in the run, and why */
	struct samples ms;
};

static struct {
	struct plug plug;
	struct passwd *user;
	gid_t groups[GROUPS];
	int n_groups;
	char *user_env[64];
	int null, errors, socket;
	char dir[200]; /* of our own programs */
	char policies[256];
	char args[8][64]; /* of by-hand.sh */
	unsigned int rounds;
	const char *builds[4]; /* to compare with */
	size_t n_builds;
} b = {.null = -1, .errors = -1, .socket = -1, .rounds = 60};

static volatile pid_t running;
extern char **environ;

static void die(const char *text)
{
	fprintf(stderr, "bench: %s\n", text);
	exit(1);
}

/* --- one launch ------------------------------------------------------------------------------ */

static void too_long(int sig)
{
	(void)sig;
	if (running > 0)
		kill(running, SIGKILL);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* In a vfork child, so system calls only: glibc's setuid would look for the parent's threads. */
static void become(const struct peer *p)
{
	dup2(b.null, 0);
	dup2(b.null, 1);
	dup2(b.errors, 2);
	if (p->floor)
		dup2(b.socket, CABLE_FD);
	if (p->who == ROOT) {
		execve(p->program, (char *const *)(uintptr_t)p->argv, environ);
		_exit(127);
	}
	if (syscall(SYS_setgroups, b.n_groups, b.groups) < 0 ||
	    syscall(SYS_setresgid, b.user->pw_gid, b.user->pw_gid, b.user->pw_gid) < 0 ||
	    syscall(SYS_setresuid, b.user->pw_uid, b.user->pw_uid, b.user->pw_uid) < 0)
		_exit(126);
	execve(p->program, (char *const *)(uintptr_t)p->argv, b.user_env);
	_exit(127);
}

/* Milliseconds, or a negative number and p->why. */
static double launch(struct peer *p)
{
	double t0, t1;
	int status = 0;
	ssize_t n;
	pid_t pid;

	if (ftruncate(b.errors, 0) < 0 || lseek(b.errors, 0, SEEK_SET) < 0)
		die("cannot empty the file for messages");
	t0 = now_ms();
	pid = vfork();
	if (pid == 0)
		become(p);
	if (pid < 0)
		die("cannot fork");
	running = pid;
	alarm(LIMIT_S);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	t1 = now_ms();
	running = 0;
	alarm(0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return t1 - t0;
	n = pread(b.errors, p->why, sizeof(p->why) - 1, 0);
	p->why[n > 0 ? n : 0] = '\0';
	p->why[strcspn(p->why, "\n\"\\")] = '\0';
	if (!p->why[0])
		snprintf(p->why, sizeof(p->why), "status %#x", (unsigned int)status);
	return -1;
}

/* --- competitors ----------------------------------------------------------------------------- */

static bool find_program(const char *name, char *ret, size_t size)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return str_copy(ret, size, name) == 0 && access(ret, X_OK) == 0;
	for (size_t len; path && *path; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		if (str_fmt(ret, size, "%.*s/%s", (int)len, path, name) > 0 &&
		    access(ret, X_OK) == 0)
			return true;
	}
	return false;
}

static struct peer *add(struct peer *peers, size_t *n, const char *name, enum who who,
			unsigned int every, const char *const argv[])
{
	struct peer *p = &peers[(*n)++];

	p->name = name;
	p->who = who;
	p->every = every;
	for (size_t i = 0; argv[i] && i < ARGS - 1; i++)
		p->argv[i] = argv[i];
	if (!find_program(argv[0], p->program, sizeof(p->program)))
		snprintf(p->why, sizeof(p->why), "not installed");
	return p;
}

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A program, and options of its after blanks. */
static void add_build(struct peer *v, size_t *n, const char *line)
{
	const char *argv[ARGS] = {NULL};
	char *words = strdup(line), *word, *save;
	size_t argc = 0;

	if (!words)
		die("out of memory");
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (argc < ARGS - 3)
			argv[argc++] = word;
	argv[argc++] = b.plug.r.name;
	argv[argc] = "true";
	add(v, n, line, USER, 1, argv);
}

static void prepare_hand(void)
{
	const struct plug *p = &b.plug;
	struct in_addr a4 = lease_ip4(&p->pool, plug_hand_host(p)), g4 = lease_ip4(&p->pool, 1);
	struct in6_addr a6 = lease_ip6(&p->pool, plug_hand_host(p)), g6 = lease_ip6(&p->pool, 1);
	char text[64];
	uint8_t m[6];

	lease_port(&p->pool, plug_hand_host(p), b.args[0]);
	lease_mac(&p->pool, plug_hand_host(p), m);
	snprintf(b.args[1], 64, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	if (p->r.flags & RECORD_HAS_IP4) {
		snprintf(b.args[2], 64, "%.50s/%u", inet_ntop(AF_INET, &a4, text, 64),
			 p->pool.plen);
		inet_ntop(AF_INET, &g4, b.args[3], 64);
	}
	if (p->r.flags & RECORD_HAS_IP6) {
		snprintf(b.args[4], 64, "%.50s/64", inet_ntop(AF_INET6, &a6, text, 64));
		inet_ntop(AF_INET6, &g6, b.args[5], 64);
	}
	snprintf(b.args[6], 64, "%u", b.user->pw_uid);
}

/* Vpnrun and the two floors come first: `many` measures only these. */
static size_t line_up(struct peer *v)
{
	static char floor_program[256], hand[256], jail[256], truth[256], at[256];
	const struct record *r = &b.plug.r;
	const char *tests = getenv("BENCH_TESTS");
	size_t n = 0;

	if (!tests)
		die("BENCH_TESTS is not set");
	if (!find_program("true", truth, sizeof(truth)))
		die("there is no program true");
	snprintf(floor_program, sizeof(floor_program), "%s/floor", b.dir);
	snprintf(hand, sizeof(hand), "%s/by-hand.sh", tests);
	snprintf(jail, sizeof(jail), "%s/firejail.sh", tests);
	prepare_hand();
	add(v, &n, "vpnrun", USER, 1, ARGV("vpnrun", r->name, "true"));
	add(v, &n, "bare floor", USER, 1, ARGV(floor_program, "bare", b.policies, "true"))->floor =
		true;
	add(v, &n, "full floor", USER, 1, ARGV(floor_program, "full", b.policies, "true"))->floor =
		true;
	for (size_t i = 0; i < b.n_builds; i++)
		add_build(v, &n, b.builds[i]);
	if (b.n_builds)
		return n;
	add(v, &n, "true alone", USER, 1, ARGV(truth));
	add(v, &n, "vpnrun host (no network made)", USER, 1, ARGV("vpnrun", "host", "true"));
	add(v, &n, "ip netns exec (root)", ROOT, 1, ARGV("ip", "netns", "exec", r->name, truth));
	add(v, &n, "ip(8) by hand (root)", ROOT, 2,
	    ARGV(hand, r->name, r->bridge, b.args[0], b.args[1], b.args[2], b.args[3], b.args[4],
		 b.args[5], b.args[6], truth));
	add(v, &n, "bwrap --unshare-all", USER, 1,
	    ARGV("bwrap", "--unshare-all", "--dev-bind", "/", "/", truth));
	add(v, &n, "pasta", USER, 6, ARGV("pasta", "--", truth));
	add(v, &n, "firejail --net=BRIDGE", ROOT, 30, ARGV(jail, r->name, r->bridge, truth));
	if (!find_program("firejail", at, sizeof(at)))
		snprintf(v[n - 1].why, sizeof(v[n - 1].why), "not installed");
	return n;
}

static void prepare(const char *vpn)
{
	const char *user = getenv("RIG_USER");
	struct sigaction sa = {.sa_handler = too_long, .sa_flags = SA_RESTART};
	struct err e = ERR_INIT;
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", home[256], name[128],
		    logname[128];
	size_t n = 0;
	ssize_t len = readlink("/proc/self/exe", b.dir, sizeof(b.dir) - 1);

	b.user = user ? getpwnam(user) : NULL;
	if (geteuid() != 0 || !b.user)
		die("needs root and RIG_USER: tests/rig/rig run -- tests/bench/run.sh");
	if (len <= 0 || !strrchr(b.dir, '/'))
		die("cannot find its own directory");
	*strrchr(b.dir, '/') = '\0';
	snprintf(b.policies, sizeof(b.policies), "%s/../lib/vpnrun/policy", b.dir);
	b.n_groups = GROUPS;
	if (getgrouplist(user, b.user->pw_gid, b.groups, &b.n_groups) < 0)
		die("RIG_USER is in too many groups");
	for (char **v = environ; *v && n < ARRAY_SIZE(b.user_env) - 5; v++)
		if (!str_starts(*v, "PATH=") && !str_starts(*v, "HOME=") &&
		    !str_starts(*v, "USER=") && !str_starts(*v, "LOGNAME=") &&
		    !str_starts(*v, "SUDO_"))
			b.user_env[n++] = *v;
	snprintf(home, sizeof(home), "HOME=%s", b.user->pw_dir);
	snprintf(name, sizeof(name), "USER=%s", b.user->pw_name);
	snprintf(logname, sizeof(logname), "LOGNAME=%s", b.user->pw_name);
	/* How long the machine's own PATH happens to be is not to be measured. */
	b.user_env[n++] = path;
	b.user_env[n++] = home;
	b.user_env[n++] = name;
	b.user_env[n++] = logname;

	b.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	b.errors = memfd_create("messages", MFD_CLOEXEC);
	if (b.null < 0 || b.errors < 0 || sigaction(SIGALRM, &sa, NULL) < 0)
		die("cannot prepare");
	if (plug_open(&b.plug, vpn, &e) < 0)
		die(e.msg);
	b.socket = plug_serve(&b.plug, lease_max(&b.plug.pool), PLUG_KEPT, &e);
	if (b.socket < 0)
		die(e.msg);
}

/* --- the run --------------------------------------------------------------------------------- */

static uint32_t random_below(uint32_t n)
{
	static uint64_t x = 0x9e3779b97f4a7c15; /* the same orders in every run */

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)((x >> 33) % n);
}

static void shuffle(size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; i > 1; i--) {
		size_t j = random_below((uint32_t)i), t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
}

static void settle(unsigned int ports)
{
	const struct timespec pause = {0, PAUSE_MS * 1000000L};
	struct err e = ERR_INIT;

	if (plug_settle(&b.plug, ports, &e) < 0)
		die(e.msg);
	nanosleep(&pause, NULL);
}

static unsigned int ports_now(void)
{
	struct err e = ERR_INIT;
	int n = plug_count(&b.plug, &e);

	if (n < 0)
		die(e.msg);
	return (unsigned int)n;
}

static void run(struct peer *peers, size_t n, unsigned int rounds, unsigned int ports)
{
	const unsigned int warm = 5;
	size_t order[PEERS];

	for (unsigned int r = 0; r < rounds + warm; r++) {
		shuffle(order, n);
		for (size_t i = 0; i < n; i++) {
			struct peer *p = &peers[order[i]];
			double ms;

			/* Slow ones get one warm-up. */
			if (p->why[0] || (r < warm ? p->every > 1 && r : (r - warm) % p->every))
				continue;
			ms = launch(p);
			settle(ports);
			if (ms >= 0 && r >= warm)
				samples_add(&p->ms, ms);
		}
	}
	for (size_t i = 0; i < n; i++)
		samples_sort(&peers[i].ms);
}

/* --- what came of it ------------------------------------------------------------------------- */

static double ratio(const struct peer *p, const struct peer *to)
{
	double m = samples_median(&to->ms);

	return m > 0 ? samples_median(&p->ms) / m : RATIO_BAD;
}

static void table(const struct peer *v, size_t n)
{
	printf("%-30s %9s %9s %9s %7s %8s %8s\n", "", "median ms", "min", "max", "runs", "x bare",
	       "x full");
	for (size_t i = 0; i < n; i++) {
		const struct peer *p = &v[i];

		if (p->ms.n == 0)
			printf("%-30s %s\n", p->name, p->why[0] ? p->why : "not run");
		else
			printf("%-30s %9.2f %9.2f %9.2f %7zu %8.2f %8.2f\n", p->name,
			       samples_median(&p->ms), samples_min(&p->ms), samples_max(&p->ms),
			       p->ms.n, ratio(p, &v[1]), ratio(p, &v[2]));
		if (p->ms.n && p->why[0])
			printf("%-30s failed in the end: %s\n", "", p->why);
	}
}

/* Other work on the machine lengthens medians, and not all of them alike. */
static void minima(const struct peer *v, double load)
{
	if (samples_min(&v[1].ms) > 0 && samples_min(&v[2].ms) > 0)
		printf("\nvpnrun by the minima: %.2f x bare, %.2f x full\n",
		       samples_min(&v[0].ms) / samples_min(&v[1].ms),
		       samples_min(&v[0].ms) / samples_min(&v[2].ms));
	if (load > 1)
		printf("The machine was busy with other things (load %.1f): trust the minima more.\n",
		       load);
}

static void json(FILE *f, const struct peer *v, size_t n, unsigned int beside)
{
	for (size_t i = 0; i < n; i++) {
		const struct peer *p = &v[i];

		fprintf(f, "%s\n    {\"name\": \"%s\", \"beside\": %u, \"n\": %zu", i ? "," : "",
			p->name, beside, p->ms.n);
		if (p->ms.n)
			fprintf(f,
				", \"min_ms\": %.3f, \"median_ms\": %.3f, \"max_ms\": %.3f, "
				"\"ratio_bare\": %.3f, \"ratio_full\": %.3f",
				samples_min(&p->ms), samples_median(&p->ms), samples_max(&p->ms),
				ratio(p, &v[1]), ratio(p, &v[2]));
		if (p->why[0])
			fprintf(f, ", \"error\": \"%s\"", p->why);
		fprintf(f, "}");
	}
}

static int verdict(const struct peer *vpnrun)
{
	if (vpnrun->ms.n)
		return 0;
	fprintf(stderr, "bench: vpnrun failed: %s\n", vpnrun->why);
	return 1;
}

static int cmd_launch(FILE *f)
{
	static struct peer peers[PEERS];
	size_t n = line_up(peers);
	unsigned int ports = ports_now();
	double load = 0;

	getloadavg(&load, 1);
	run(peers, n, b.rounds, ports);
	printf("One launch, from before it is started until it is reaped.\n\n");
	table(peers, n);
	minima(peers, load);
	json(f, peers, n, 0);
	return verdict(&peers[0]);
}

static int cmd_many(FILE *f, char **beside)
{
	static struct peer peers[PEERS];
	unsigned int ports = ports_now();
	struct err e = ERR_INIT;
	size_t n_peers;
	int rc = 0;

	n_peers = line_up(peers);
	if (!b.n_builds)
		n_peers = 3;
	for (int first = 1; *beside; beside++, first = 0) {
		uint64_t n;
		int hold;

		if (str_uint(*beside, 1, 1023, &n) < 0)
			die("many VPN N...: N is a number from 1 to 1023");
		if (plug_hold(&b.plug, (unsigned int)n, &hold, &e) < 0)
			die(e.msg);
		for (size_t i = 0; i < n_peers; i++)
			peers[i].ms.n = 0;
		run(peers, n_peers, b.rounds, ports + (unsigned int)n);
		printf("%sOne launch beside %u other sandboxes in the same VPN.\n\n",
		       first ? "" : "\n", (unsigned int)n);
		table(peers, n_peers);
		fputs(first ? "" : ",", f);
		json(f, peers, n_peers, (unsigned int)n);
		rc |= verdict(&peers[0]);
		close(hold);
		settle(ports);
	}
	return rc;
}

/* --- many at once ---------------------------------------------------------------------------- */

static void burst_become(void *arg, int socket)
{
	b.socket = socket;
	become(arg);
}

static void burst_report(FILE *f, struct peer *peers, size_t n, unsigned int beside)
{
	for (size_t i = 0; i < n; i++) {
		struct samples *s = &peers[i].ms;

		samples_sort(s);
		printf("%-30s %9.2f %9.2f %9.2f %7zu %s\n", peers[i].name, samples_at(s, 50),
		       samples_at(s, 99), samples_max(s), s->n, peers[i].why);
		fprintf(f,
			"%s\n    {\"name\": \"%s\", \"beside\": %u, \"n\": %zu, "
			"\"min\": %.3f, \"median\": %.3f, \"p99\": %.3f, \"max\": %.3f}",
			i ? "," : "", peers[i].name, beside, s->n, samples_min(s),
			samples_at(s, 50), samples_at(s, 99), samples_max(s));
	}
}

static int cmd_burst(FILE *f, char **words)
{
	static struct peer peers[PEERS];
	unsigned int ports = ports_now();
	int hold, sockets[PLUG_AT_ONCE];
	struct err e = ERR_INIT;
	uint64_t beside, n;
	size_t order[3];

	if (!words[0] || !words[1] || str_uint(words[0], 1, 1023, &beside) < 0 ||
	    str_uint(words[1], 1, PLUG_AT_ONCE, &n) < 0)
		die("burst VPN N AT-ONCE: at most 1023, at most 64");
	line_up(peers);
	if (plug_hold(&b.plug, (unsigned int)beside, &hold, &e) < 0)
		die(e.msg);
	for (unsigned int i = 0; i < n; i++) {
		sockets[i] = plug_serve(&b.plug, lease_max(&b.plug.pool) - i, 1, &e);
		if (sockets[i] < 0)
			die(e.msg);
	}
	for (unsigned int r = 0; r < b.rounds; r++) {
		shuffle(order, ARRAY_SIZE(order));
		for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
			struct peer *p = &peers[order[i]];
			struct burst at_once = {burst_become, p, sockets, (unsigned int)n};

			if (burst(&at_once, &p->ms) < 0)
				snprintf(p->why, sizeof(p->why), "failed");
			settle(ports + (unsigned int)beside);
		}
	}
	printf("%u launches at once beside %u sandboxes, from when they are let go.\n\n"
	       "%-30s %9s %9s %9s %7s\n",
	       (unsigned int)n, (unsigned int)beside, "", "median ms", "99 of 100", "max", "runs");
	burst_report(f, peers, ARRAY_SIZE(order), (unsigned int)beside);
	close(hold);
	settle(ports);
	return peers[0].ms.n < b.rounds * n;
}

static int cmd_phases(FILE *f)
{
	static struct peer p[1];
	unsigned int ports = ports_now();
	size_t n = 0;

	add(p, &n, "vpnrun -v", USER, 1, ARGV("vpnrun", "-v", b.plug.r.name, "true"));
	for (unsigned int r = 0; r < b.rounds && !p->why[0]; r++) {
		static char text[8192];
		ssize_t len;

		if (launch(p) < 0)
			break;
		len = pread(b.errors, text, sizeof(text) - 1, 0);
		text[len > 0 ? len : 0] = '\0';
		phases_add(text);
		settle(ports);
	}
	if (p->why[0]) {
		fprintf(stderr, "bench: vpnrun -v failed: %s\n", p->why);
		return 1;
	}
	phases_report(f);
	return 0;
}

/* --- for cni.pl ------------------------------------------------------------------------------ */

static int cmd_floor(void)
{
	char program[256];
	struct peer p[1];
	size_t n = 0;

	snprintf(program, sizeof(program), "%s/floor", b.dir);
	add(p, &n, "full floor", USER, 1, ARGV(program, "full", b.policies, "true"))->floor = true;
	if (!p->why[0]) {
		double ms = launch(p);

		if (ms >= 0)
			return printf("%.4f\n", ms) < 0;
	}
	fprintf(stderr, "bench: the floor failed: %s\n", p->why);
	return 1;
}

static int cmd_hold(const char *vpn, const char *count)
{
	struct err e = ERR_INIT;
	uint64_t n;
	char c;
	int hold;

	if (str_uint(count, 1, 1023, &n) < 0)
		die("hold VPN N: N is a number from 1 to 1023");
	if (plug_open(&b.plug, vpn, &e) < 0 || plug_hold(&b.plug, (unsigned int)n, &hold, &e) < 0)
		die(e.msg);
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}

static int cmd_plug(const char *vpn, const char *netns)
{
	struct err e = ERR_INIT;

	if (plug_open(&b.plug, vpn, &e) < 0 || plug_into(&b.plug, netns, &e) < 0)
		die(e.msg);
	return 0;
}

int main(int argc, char **argv)
{
	const char *out = "/dev/null", *what;
	uint64_t rounds;
	FILE *f;
	int opt, rc;

	while ((opt = getopt(argc, argv, "r:j:x:")) != -1) {
		if (opt == 'j')
			out = optarg;
		else if (opt == 'x' && b.n_builds < ARRAY_SIZE(b.builds))
			b.builds[b.n_builds++] = optarg;
		else if (opt == 'r' && str_uint(optarg, 1, SAMPLES_MAX, &rounds) == 0)
			b.rounds = (unsigned int)rounds;
		else
			return 2;
	}
	if (argc - optind < 2)
		die("usage: bench [-r ROUNDS] [-j JSON] [-x PROGRAM] "
		    "launch|many|burst|phases|floor|hold|plug VPN [N...|NETNS]");
	what = argv[optind];
	if (argc - optind == 3 && !strcmp(what, "hold"))
		return cmd_hold(argv[optind + 1], argv[optind + 2]);
	if (argc - optind == 3 && !strcmp(what, "plug"))
		return cmd_plug(argv[optind + 1], argv[optind + 2]);
	prepare(argv[optind + 1]);
	f = fopen(out, "we");
	if (!f)
		die("cannot write the JSON file");
	if (!strcmp(what, "launch"))
		rc = cmd_launch(f);
	else if (!strcmp(what, "many"))
		rc = cmd_many(f, argv + optind + 2);
	else if (!strcmp(what, "burst"))
		rc = cmd_burst(f, argv + optind + 2);
	else if (!strcmp(what, "floor"))
		rc = cmd_floor();
	else
		rc = cmd_phases(f);
	if (fclose(f) != 0)
		die("cannot write the JSON file");
	return rc;
}
