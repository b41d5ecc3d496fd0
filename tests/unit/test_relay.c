/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relay/: what a published port carries, and what it holds on to (R46, R47, R48, R50). The relay
 * runs in a process of its own, in a network of the test's own; its clock can be set forward.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "relay/relay.h"

#define OUTER	9000
#define INNER	9001
#define SOON_MS 5000

/* --- the relay's clock ----------------------------------------------------------------------- */

static int *later_s; /* shared with the relay */

/* In the place of libc's. */
int clock_gettime(clockid_t id, struct timespec *ret)
{
	if (syscall(SYS_clock_gettime, id, ret) < 0)
		return -1;
	if (later_s)
		ret->tv_sec += *later_s;
	return 0;
}

/* --- sockets of the test's ------------------------------------------------------------------- */

static struct sockaddr_in at(uint32_t addr, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(addr)}};
}

static int bound(int type, uint32_t addr, uint16_t port)
{
	struct sockaddr_in sa = at(addr, port);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 100) < 0)) {
		perror("bind");
		exit(1);
	}
	return fd;
}

static int bound6(int type, uint16_t port)
{
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6,
				  .sin6_port = htons(port),
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 100) < 0)) {
		perror("bind");
		exit(1);
	}
	return fd;
}

/* To a port of the relay's, -errno. */
static int dial(int type, uint16_t port)
{
	struct sockaddr_in sa = at(INADDR_LOOPBACK, port);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), r;

	r = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	if (r < 0)
		util_close(&fd);
	return r < 0 ? r : fd;
}

/* Whether something can be read, or the end has come. */
static bool comes(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, SOON_MS) == 1;
}

static int taken(int listener)
{
	return comes(listener) ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
}

/* What comes next: its text, "end", "reset" or "nothing". */
static const char *said(int fd)
{
	static char text[256];
	ssize_t n;

	if (!comes(fd))
		return "nothing";
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (n < 0)
		return errno == ECONNRESET ? "reset" : errno == ECONNREFUSED ? "refused" : "error";
	text[n] = '\0';
	return n ? text : "end";
}

static void say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		ok(false, "cannot send: %m");
}

static void reset(int fd)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* --- the relay's process --------------------------------------------------------------------- */

static struct {
	pid_t pid;
	int end; /* written to: it is over */
} relay = {-1, -1};

static rlim_t files; /* 0: what there are */

static bool is_over(int fd)
{
	char c;

	return read(fd, &c, 1) != 1 || c == 'y';
}

static void run(struct relay *r, int ready)
{
	struct rlimit l = {files, files};
	struct err e = ERR_INIT;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (files)
		setrlimit(RLIMIT_NOFILE, &l);
	if (relay_prepare(r, &e) < 0 || write(ready, "y", 1) != 1)
		_exit(1);
	close(ready);
	_exit(relay_loop(&e) < 0 ? 2 : 0);
}

static bool start(struct relay *r)
{
	int end[2], ready[2];
	char c = 'n';

	if (pipe2(end, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0)
		exit(1);
	relay_end_add(r, end[0], is_over);
	relay.pid = fork();
	if (relay.pid == 0)
		run(r, ready[1]);
	close(ready[1]);
	close(end[0]);
	relay.end = end[1];
	if (read(ready[0], &c, 1) != 1)
		c = 'n';
	close(ready[0]);
	relay_ports_close(&r->ports);
	return ok(c == 'y', "a relay");
}

/* Its status once it has ended; -1: it has not. */
static int end_of(pid_t pid)
{
	int status;

	for (int i = 0; i < SOON_MS / 10; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		poll(NULL, 0, 10);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -1;
}

static void stop(void)
{
	kill(relay.pid, SIGKILL);
	waitpid(relay.pid, NULL, 0);
	util_close(&relay.end);
}

/* How many descriptors of that kind it has. */
static int holds(const char *kind)
{
	char path[64], name[64];
	const struct dirent *de;
	int n = 0;
	DIR *d;

	str_fmt(path, sizeof(path), "/proc/%d/fd", relay.pid);
	d = opendir(path);
	while (d && (de = readdir(d))) {
		ssize_t len = readlinkat(dirfd(d), de->d_name, name, sizeof(name) - 1);

		name[len > 0 ? len : 0] = '\0';
		n += str_starts(name, kind);
	}
	if (d)
		closedir(d);
	return n;
}

static bool comes_to_hold(int n, const char *kind)
{
	for (int i = 0; i < SOON_MS / 10 && holds(kind) != n; i++)
		poll(NULL, 0, 10);
	return holds(kind) == n;
}

/* Listens as the texts say, and goes to localhost. */
static struct relay relay_of(const char *publish)
{
	struct relay r = {.n_ends = 0};
	struct relay_specs specs = {.n = 0};
	struct err e = ERR_INIT;

	if (relay_spec_add(&specs, "-p", publish, &e) < 0 ||
	    relay_listen(&specs, "the host's", &r.ports, &e) < 0)
		ok(false, "%s: %s", publish, e.msg);
	relay_targets_loopback(&r);
	return r;
}

/* --- connections ----------------------------------------------------------------------------- */

struct both {
	int client, target;
};

static struct both join(int listener)
{
	struct both b = {.client = dial(SOCK_STREAM, OUTER)};

	b.target = taken(listener);
	return b;
}

static void part(const struct both *b)
{
	close(b->client);
	close(b->target);
}

static void test_ends(int listener)
{
	struct both b = join(listener);
	char c;

	say(b.client, "a line");
	is_str(said(b.target), "a line", "R46 what a client says arrives");
	shutdown(b.client, SHUT_WR);
	is_str(said(b.target), "end", "R46 so does its end");
	say(b.target, "an answer");
	is_str(said(b.client), "an answer", "R46 and the other direction goes on");
	close(b.target);
	is_str(said(b.client), "end", "R46 until it ends, too");
	close(b.client);
	ok(comes_to_hold(2, "socket:"), "then nothing is left of it");
	b = join(listener);
	shutdown(b.target, SHUT_WR);
	is_str(said(b.client), "end", "R46 the server's end arrives");
	say(b.client, "late");
	is_str(said(b.target), "late", "R46 and the client goes on");
	part(&b);
	b = join(listener);
	say(b.client, "x");
	said(b.target);
	reset(b.client);
	is_str(said(b.target), "reset", "R46 a reset arrives as a reset, not as an end");
	close(b.target);
	b = join(listener);
	say(b.client, "x");
	said(b.target);
	reset(b.target);
	ok(comes(b.client) && recv(b.client, &c, 1, 0) < 0 && errno == ECONNRESET,
	   "R46 so does the server's");
	close(b.client);
	ok(comes_to_hold(2, "socket:"), "and nothing is left");
}

/* What one connection has left in a pipe is not for the next. */
static void test_left(int listener)
{
	static char text[1 << 16];
	struct both b = join(listener);
	struct pollfd p = {.fd = b.client, .events = POLLOUT};
	int pipes = holds("pipe:");

	while (poll(&p, 1, 200) == 1 && send(b.client, text, sizeof(text), MSG_DONTWAIT) > 0)
		;
	reset(b.client);
	ok(comes_to_hold(2, "socket:"), "a client goes away before all of it has arrived");
	close(b.target);
	b = join(listener);
	say(b.client, "own");
	is_str(said(b.target), "own", "R46 the next connection has its own bytes");
	ok(holds("pipe:") <= pipes, "and no pipe more is held");
	part(&b);
}

/* So much that a socket takes without anybody who reads; false: it cannot be set. */
static bool make_room(void)
{
	static const char text[] = "4096 16777216 16777216";
	int fd = open("/proc/sys/net/ipv4/tcp_rmem", O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, sizeof(text) - 1) == sizeof(text) - 1;

	util_close(&fd);
	return good;
}

static size_t send_all(int fd, const char *data, size_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	size_t n = 0;

	while (n < len && poll(&p, 1, SOON_MS) == 1) {
		ssize_t sent = send(fd, data + n, len - n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0)
			break;
		n += (size_t)sent;
	}
	return n;
}

/* All of it is there before the relay looks, and nothing wakes it once more. */
static void test_much(void)
{
	static char text[6 << 20];
	struct relay r = {.n_ends = 0};
	struct both b;
	int listener, left = 1, got = 0;

	if (!make_room()) {
		ok(true, "# SKIP the kernel's buffers cannot be set");
		return;
	}
	r = relay_of("9000:9001");
	start(&r);
	listener = bound(SOCK_STREAM, INADDR_LOOPBACK, INNER);
	b = join(listener);
	kill(relay.pid, SIGSTOP);
	is_int((long long)send_all(b.client, text, sizeof(text)), sizeof(text), "six megabytes");
	for (int i = 0; i < SOON_MS / 10 && ioctl(b.client, SIOCOUTQ, &left) == 0 && left; i++)
		poll(NULL, 0, 10);
	is_int(left, 0, "are all with the relay, which sleeps");
	kill(relay.pid, SIGCONT);
	for (int i = 0; i < SOON_MS / 10 && got != sizeof(text); i++) {
		poll(NULL, 0, 10);
		if (ioctl(b.target, FIONREAD, &got) < 0)
			break;
	}
	is_int(got, sizeof(text), "R46 more than one turn carries: all of it arrives");
	part(&b);
	close(listener);
	stop();
}

/* The target reads nothing for as long as the client can send. */
static void test_slow(int listener)
{
	static char out[1 << 16], in[1 << 16];
	struct both b = join(listener);
	size_t sent = 0, got = 0;
	bool same = true;
	ssize_t n;

	/* The period is no power of two, so that a piece that is lost or doubled shows. */
	for (;;) {
		struct pollfd p = {.fd = b.client, .events = POLLOUT};

		for (size_t i = 0; i < sizeof(out); i++)
			out[i] = (char)((sent + i) % 251);
		if (poll(&p, 1, 200) != 1)
			break;
		n = send(b.client, out, sizeof(out), MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
	}
	ok(sent > 65536 && sent < (64u << 20),
	   "R46 a client that nobody listens to has to wait: after %zu bytes", sent);
	shutdown(b.client, SHUT_WR);
	while (comes(b.target) && (n = recv(b.target, in, sizeof(in), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			same &= in[i] == (char)((got + (size_t)i) % 251);
		got += (size_t)n;
	}
	ok(same && got == sent, "R46 and then all of it arrives, as it was: %zu of %zu", got, sent);
	part(&b);
}

static void test_idle(int listener)
{
	struct both many[40];
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		many[i] = join(listener);
		say(many[i].client, "x");
		n += !strcmp(said(many[i].target), "x");
	}
	is_int(n, ARRAY_SIZE(many), "forty connections");
	ok(holds("pipe:") < 16, "a pipe is lent: those that rest have none");
	is_int(holds("socket:"), 2 + 2 * (int)ARRAY_SIZE(many), "each has its two sockets");
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		part(&many[i]);
	ok(comes_to_hold(2, "socket:"), "and none when they have ended");
}

static void test_tcp(void)
{
	struct relay r = relay_of("9000:9001");
	int listener, fd, inner;
	struct both b;

	start(&r);
	listener = bound(SOCK_STREAM, INADDR_LOOPBACK, INNER);
	test_ends(listener);
	test_slow(listener);
	test_left(listener);
	test_idle(listener);
	close(listener);
	fd = dial(SOCK_STREAM, OUTER);
	is_str(said(fd), "reset", "nobody listens inside: the client is reset");
	close(fd);
	listener = bound6(SOCK_STREAM, INNER);
	fd = dial(SOCK_STREAM, OUTER);
	say(fd, "six");
	inner = taken(listener);
	is_str(said(inner), "six", "R47 who listens on ::1 alone is found");
	close(inner);
	close(fd);
	close(listener);
	listener = bound(SOCK_STREAM, INADDR_LOOPBACK, INNER);
	if (write(relay.end, "n", 1) != 1)
		exit(1);
	/* It arrives: the kernel goes on taking connections of one that has just ended. */
	b = join(listener);
	say(b.client, "on");
	is_str(said(b.target), "on", "an end that is none: it serves on");
	part(&b);
	close(listener);
	if (write(relay.end, "y", 1) != 1)
		exit(1);
	is_int(end_of(relay.pid), 0, "the end: it ends");
	util_close(&relay.end);
	is_int(dial(SOCK_STREAM, OUTER), -ECONNREFUSED, "and nobody listens any more");
}

/* As many descriptors as three connections may take, beside what it needs itself. */
static void test_few(void)
{
	struct relay r = relay_of("9000:9001");
	int listener, fd;
	struct both b[3];

	files = 64 + 256 + 2 + 3 * 6;
	start(&r);
	files = 0;
	listener = bound(SOCK_STREAM, INADDR_LOOPBACK, INNER);
	for (size_t i = 0; i < ARRAY_SIZE(b); i++)
		b[i] = join(listener);
	fd = dial(SOCK_STREAM, OUTER);
	is_str(said(fd), "reset", "more than there are descriptors for: the client is reset");
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(b); i++) {
		say(b[i].client, "still");
		is_str(said(b[i].target), "still", "the others go on");
	}
	part(&b[0]);
	ok(comes_to_hold(2 + 4, "socket:"), "one ends");
	b[0] = join(listener);
	say(b[0].client, "next");
	is_str(said(b[0].target), "next", "and the next has its place");
	for (size_t i = 0; i < ARRAY_SIZE(b); i++)
		part(&b[i]);
	close(listener);
	stop();
}

/* --- who the client is ----------------------------------------------------------------------- */

static const char *peer(int fd)
{
	static char text[INET_ADDRSTRLEN];
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);

	if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0)
		return "nobody";
	return inet_ntop(AF_INET, &sa.sin_addr, text, sizeof(text));
}

static void test_wide(void)
{
	const struct in_addr own = {htonl(0x7f000005)};
	struct relay r = relay_of("0.0.0.0:9000:9001/proxy");
	int listener;
	struct both b;

	relay_own_add(&r, AF_INET, &own);
	start(&r);
	listener = bound(SOCK_STREAM, INADDR_ANY, INNER);
	b = join(listener);
	is_str(peer(b.target), "127.0.0.5",
	       "R48 who comes by a port that is published widely does not look like localhost");
	ok(str_starts(said(b.target), "PROXY TCP4 127.0.0.1 127.0.0.1 "),
	   "with /proxy the server is told who it is");
	part(&b);
	close(listener);
	stop();
	/* Only IPv6 has an address there. */
	r = relay_of("0.0.0.0:9000:9001");
	relay_own_add(&r, AF_INET6, &in6addr_loopback);
	start(&r);
	listener = bound(SOCK_STREAM, INADDR_ANY, INNER);
	b.client = dial(SOCK_STREAM, OUTER);
	is_str(said(b.client), "reset", "R48 where there is no address to come from, nobody comes");
	close(b.client);
	close(listener);
	stop();
}

/* --- datagrams ------------------------------------------------------------------------------- */

/* Sends by UDP and gives back whence it arrives; 0: it does not. */
static uint16_t arrives(int client, int server, const char *text)
{
	struct sockaddr_in from = {.sin_port = 0};
	socklen_t len = sizeof(from);
	char got[64] = "";

	say(client, text);
	if (!comes(server))
		return 0;
	recvfrom(server, got, sizeof(got) - 1, 0, (struct sockaddr *)&from, &len);
	return strcmp(got, text) ? 0 : from.sin_port;
}

static void answer(int server, uint16_t port, const char *text)
{
	struct sockaddr_in to = at(INADDR_LOOPBACK, 0);

	to.sin_port = port;
	sendto(server, text, strlen(text), 0, (struct sockaddr *)&to, sizeof(to));
}

static void test_minute(int server)
{
	int one = dial(SOCK_DGRAM, OUTER), two = dial(SOCK_DGRAM, OUTER);
	uint16_t port = arrives(one, server, "first");

	*later_s += 40;
	is_int(arrives(one, server, "second"), port, "R47 one who speaks once a minute");
	*later_s += 40;
	is_int(arrives(one, server, "third"), port, "R47 is the same to the server");
	*later_s += 40;
	answer(server, port, "answer");
	is_str(said(one), "answer", "R47 and so is one who is spoken to");
	*later_s += 40;
	ok(arrives(two, server, "two") != 0, "when another comes");
	is_int(arrives(one, server, "fourth"), port, "R47 is still the same");
	*later_s += 61;
	ok(arrives(two, server, "another") != 0, "another, after a minute");
	ok(comes_to_hold(3, "socket:"), "who was silent for it is forgotten");
	ok(arrives(one, server, "anew") != port, "R47 and begins anew");
	close(one);
	close(two);
}

static void test_udp(void)
{
	struct relay r = relay_of("9000:9001/udp");
	int server, one, two, many[300], last = 0, before = 0;
	uint16_t from_one, from_two;

	start(&r);
	server = bound(SOCK_DGRAM, INADDR_LOOPBACK, INNER);
	one = dial(SOCK_DGRAM, OUTER);
	two = dial(SOCK_DGRAM, OUTER);
	from_one = arrives(one, server, "one");
	from_two = arrives(two, server, "two");
	ok(from_one && from_two && from_one != from_two, "R47 two clients are two to the server");
	answer(server, from_two, "to two");
	answer(server, from_one, "to one");
	is_str(said(one), "to one", "R47 each has its own answers");
	is_str(said(two), "to two", "R47 the other, too");
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		many[i] = dial(SOCK_DGRAM, OUTER);
		before = last;
		last = arrives(many[i], server, "many");
	}
	ok(last != 0, "three hundred clients, and the last is served");
	ok(holds("socket:") <= 2 + 256, "it remembers 256");
	is_int(arrives(many[298], server, "again"), before,
	       "R47 and forgets who was silent longest");
	ok(arrives(many[100], server, "again") != 0 && arrives(one, server, "again") != 0,
	   "R47 who was forgotten is served anew");
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		close(many[i]);
	*later_s += 61;
	arrives(one, server, "x");
	ok(comes_to_hold(3, "socket:"), "after a minute all but one are forgotten");
	test_minute(server);
	close(server);
	server = bound6(SOCK_DGRAM, INNER);
	*later_s += 61;
	say(two, "by six");
	is_str(said(server), "by six",
	       "R47 who listens on ::1 alone gets the first datagram already");
	close(server);
	close(one);
	close(two);
	stop();
}

/* --- listeners ------------------------------------------------------------------------------- */

static int listen_as(const char *text, struct relay_ports *p, struct err *e)
{
	struct relay_specs specs = {.n = 0};
	int r = relay_spec_add(&specs, "-p", text, e);

	return r < 0 ? r : relay_listen(&specs, "the host's", p, e);
}

static bool set_six(bool on)
{
	int fd = open("/proc/sys/net/ipv6/conf/lo/disable_ipv6", O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, on ? "0" : "1", 1) == 1;

	util_close(&fd);
	return good;
}

static void test_listen(void)
{
	static const char *const bad[] = {
		"0:1", "1:0", "1:65536", "1", "localhost:1:2", "[::1:1:2", "1:2/sctp", "",
	};
	struct relay_specs specs = {.n = 0};
	struct relay_ports p = {.n = 0}, other = {.n = 0};
	struct err e = ERR_INIT;
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	int fds = tap_open_fds(), fd, status;
	pid_t pid;

	is_int(listen_as("9000:9001", &p, &e), 0, "a port");
	is_int((long long)p.n, 2, "by IPv4 and by IPv6");
	ok(getsockname(p.at[0].fd, (struct sockaddr *)&sa, &len) == 0 &&
		   sa.sin_addr.s_addr == htonl(INADDR_LOOPBACK),
	   "R48 on localhost alone");
	is_int(listen_as("9000:9001", &other, &e), -EADDRINUSE, "R48 one that is in use: refused");
	ok(strstr(e.msg, "TCP port 9000 of the host's localhost is in use"), "and said: %s", e.msg);
	relay_ports_close(&p);
	/* Only IPv6's is taken: what was opened for IPv4 is closed again. */
	fd = bound6(SOCK_STREAM, OUTER);
	is_int(listen_as("9000:9001", &p, &e), -EADDRINUSE, "R48 in use by IPv6");
	is_int(dial(SOCK_STREAM, OUTER), -ECONNREFUSED, "all or none: nobody listens by IPv4");
	close(fd);
	is_int(listen_as("9000:9001/udp", &p, &e), 0, "one of UDP");
	is_int(listen_as("9000:9001/udp", &other, &e), -EADDRINUSE,
	       "R48 it is shared with nobody: refused");
	relay_ports_close(&p);
	/* A relay that goes a moment after its command. */
	fd = bound(SOCK_STREAM, INADDR_LOOPBACK, OUTER);
	pid = fork();
	if (pid == 0) {
		poll(NULL, 0, 60);
		_exit(0);
	}
	close(fd);
	is_int(listen_as("9000:9001", &p, &e), 0,
	       "one that becomes free in a moment is waited for");
	waitpid(pid, &status, 0);
	relay_ports_close(&p);
	for (int i = 0; i < RELAY_SPECS_MAX; i++)
		relay_spec_add(&specs, "-p", "1:1", &e);
	is_int(relay_spec_add(&specs, "-p", "1:1", &e), -E2BIG, "more than sixty-four: refused");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ok(listen_as(bad[i], &p, &e) == -EINVAL, "R48 refused: %s", e.msg);
	is_int(listen_as("192.0.2.1:9000:1", &p, &e), -EADDRNOTAVAIL,
	       "R48 an address that is somebody else's: refused");
	if (set_six(false)) {
		is_int(listen_as("9000:9001", &p, &e), 0, "a machine without IPv6");
		is_int((long long)p.n, 1, "by IPv4 alone");
		relay_ports_close(&p);
		set_six(true);
	}
	is_int(tap_open_fds(), fds, "nothing is left open");
}

/* --- the process that stays ------------------------------------------------------------------ */

#define CALLERS 20 /* a descriptor of the caller's that is not close-on-exec */

/* As a launch does it: what fails is said, and "ready" when it is served. */
static int command(const struct relay_specs *publish, const struct relay_specs *reach, int out)
{
	struct relay_sandbox s = RELAY_SANDBOX_INIT;
	struct err e = ERR_INIT;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (dup2(out, CALLERS) < 0 || dup2(out, STDERR_FILENO) < 0)
		return 1;
	if (relay_sandbox_open(&s, publish, reach, -1, &e) < 0 ||
	    relay_sandbox_serve(&s, reach, &e) < 0) {
		dprintf(out, "%s", e.msg);
		return 1;
	}
	relay_sandbox_close(&s);
	dprintf(out, "ready");
	close(CALLERS);
	close(STDERR_FILENO);
	close(out);
	for (;;)
		pause();
}

static pid_t begin(const char *publish, const char *reach, int *ret_said)
{
	struct relay_specs p = {.n = 0}, r = {.n = 0};
	struct err e = ERR_INIT;
	int out[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0 || (publish && relay_spec_add(&p, "-p", publish, &e) < 0) ||
	    (reach && relay_reach_add(&r, "--reach", reach, &e) < 0))
		exit(1);
	pid = fork();
	if (pid == 0)
		_exit(command(&p, &r, out[1]));
	close(out[1]);
	*ret_said = out[0];
	return pid;
}

/* All that it says, until nobody holds the other end. */
static const char *all_said(int fd)
{
	static char text[512];
	size_t n = 0;
	ssize_t got = 1;

	while (n < sizeof(text) - 1 && comes(fd) &&
	       (got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(fd);
	return got ? "somebody still holds it" : text;
}

/* The one child of ours that is not the command; -1: none. What its parent left came to us. */
static pid_t find_relay(pid_t but)
{
	char path[64], text[256] = "", *p = text, *next;
	long pid;
	int fd;

	str_fmt(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	util_close(&fd);
	for (; (pid = strtol(p, &next, 10)), next != p; p = next)
		if (pid != but)
			return (pid_t)pid;
	return -1;
}

static bool status_has(pid_t pid, const char *line)
{
	AUTO_FREE char *text = NULL;
	char path[64];

	str_fmt(path, sizeof(path), "/proc/%d/status", pid);
	return file_read(path, 1 << 16, &text, NULL, NULL) >= 0 && strstr(text, line);
}

/* It is what who stays ends with. AddressSanitizer asks for the signal stack before _exit(2), which
 * the filter does not know. */
#ifdef __SANITIZE_ADDRESS__
#define STAYED SIGSYS
#else
#define STAYED 0
#endif

static void test_stays(void)
{
	int listener = bound(SOCK_STREAM, INADDR_LOOPBACK, INNER), out, fd;
	pid_t pid = begin("9000:9001", NULL, &out), stays;
	struct both b;

	is_str(all_said(out), "ready", "L32 who stays holds no descriptor of the command's");
	stays = find_relay(pid);
	ok(stays > 0 && getsid(stays) == stays, "one stays, in a session of its own");
	ok(status_has(stays, "SigBlk:\t0000000000000000"), "it has no signal blocked");
	ok(status_has(stays, "Seccomp:\t2") && status_has(stays, "CapEff:\t0000000000000000"),
	   "it has a filter and no capability");
	b = join(listener);
	say(b.client, "x");
	is_str(said(b.target), "x", "R46 it serves");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	is_str(said(b.client), "end", "the command is killed: so are its connections");
	part(&b);
	is_int(end_of(stays), STAYED, "and who stayed ends");
	pid = begin(NULL, "9100:9001", &out);
	is_str(all_said(out), "ready", "--reach: what listens inside is handed over");
	fd = dial(SOCK_STREAM, 9100);
	b.target = taken(listener);
	say(fd, "y");
	is_str(said(b.target), "y", "R50 it serves");
	close(fd);
	close(b.target);
	stays = find_relay(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	is_int(end_of(stays), STAYED, "and ends with the command");
	close(listener);
}

static void test_stays_not(void)
{
	int taken_port = bound(SOCK_STREAM, INADDR_LOOPBACK, 9100), out;
	pid_t pid = begin("0.0.0.0:9000:9001", NULL, &out), stays;

	ok(strstr(all_said(out), "would look like localhost"),
	   "R48 where strangers would look like localhost, it is refused");
	waitpid(pid, NULL, 0);
	is_int(dial(SOCK_STREAM, OUTER), -ECONNREFUSED, "and nobody listens");
	is_int(find_relay(-1), -1, "nor does anybody stay");
	pid = begin("9000:9001", "9100:9001", &out);
	ok(strstr(all_said(out), "TCP port 9100 of the sandbox's localhost is in use"),
	   "a port inside that is in use: it is refused");
	waitpid(pid, NULL, 0);
	while ((stays = find_relay(-1)) > 0 && end_of(stays) >= 0)
		;
	is_int(stays, -1, "nor does anybody stay who was handed nothing");
	is_int(dial(SOCK_STREAM, OUTER), -ECONNREFUSED, "and the host's is let go, too");
	close(taken_port);
}

/* --- the whole ------------------------------------------------------------------------------- */

static bool own_network(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd, r;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r = ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
	return r == 0;
}

int main(void)
{
	if (!own_network()) {
		printf("1..0 # SKIP no user namespaces\n");
		return 0;
	}
	later_s = mmap(NULL, sizeof(*later_s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (later_s == MAP_FAILED)
		return 1;
	tap_begin();
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	test_listen();
	test_tcp();
	test_much();
	test_few();
	test_wide();
	test_udp();
	test_stays();
	test_stays_not();
	return tap_done();
}
