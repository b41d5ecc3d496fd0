/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP flows, as fast as they go, for as long as is said: how much the far end has received, and
 * what it cost both ends in processor time. On two veths the kernel carries a packet the whole way
 * within the system call that sends it, so that time has the hops between in it too; and unlike the
 * speed it does not depend on what else the machine is doing. A tunnel's work is nobody's own time:
 * for that there is what the whole machine has spent, where it does nothing else. Each end stays on
 * a processor of its own, where there are two. Called by run.sh.
 *
 *   flow serve ADDRESS PORT             until killed; says "ready"
 *   flow send ADDRESS PORT SECONDS [STREAMS]
 *                      prints Mbit/s, ns of the ends' processor time for each KiB, and the
 * machine's
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct count {
	uint64_t bytes, ns; /* from the first byte to the last */
	uint64_t cpu_ns;    /* of the server, for this flow */
};

static char buf[1 << 18];

static void die(const char *what)
{
	fprintf(stderr, "flow: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static uint64_t cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static void stay_on(size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set); /* a machine of one */
}

static void serve_one(int fd)
{
	struct count c = {0};
	uint64_t first = 0, cpu = cpu_ns();
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		if (!first)
			first = now_ns();
		c.bytes += (uint64_t)n;
	}
	c.ns = first ? now_ns() - first : 0;
	c.cpu_ns = cpu_ns() - cpu;
	if (n == 0 && send(fd, &c, sizeof(c), MSG_NOSIGNAL) < 0)
		fprintf(stderr, "flow: the sender did not wait\n");
}

static void serve(int fd, const struct sockaddr_in *sa)
{
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 || listen(fd, 64) < 0)
		die("listen");
	puts("ready");
	fflush(stdout);
	fclose(stdout);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c < 0)
			die("accept");
		if (fork() == 0) {
			serve_one(c);
			_exit(0);
		}
		close(c);
	}
}

/* One stream; what the far end says of it, and this end's time. */
static struct count send_for(const struct sockaddr_in *sa, unsigned int seconds)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct count c;
	uint64_t until, cpu = cpu_ns();

	if (fd < 0 || connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0)
		die("connect");
	until = now_ns() + seconds * UINT64_C(1000000000);
	while (now_ns() < until)
		if (send(fd, buf, sizeof(buf), MSG_NOSIGNAL) < 0)
			die("send");
	shutdown(fd, SHUT_WR);
	if (recv(fd, &c, sizeof(c), MSG_WAITALL) != (ssize_t)sizeof(c) || c.ns == 0)
		die("the far end's count");
	c.cpu_ns += cpu_ns() - cpu;
	return c;
}

/* Of all processors, since the start: what was neither idle nor waiting for a disk. */
static uint64_t machine_ns(void)
{
	unsigned long long v[8] = {0}, busy = 0;
	FILE *f = fopen("/proc/stat", "re");

	if (!f || fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", v, v + 1, v + 2, v + 3,
			 v + 4, v + 5, v + 6, v + 7) != 8)
		die("/proc/stat");
	fclose(f);
	for (size_t i = 0; i < 8; i++)
		busy += i == 3 || i == 4 ? 0 : v[i];
	return busy * (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void send_all(const struct sockaddr_in *sa, unsigned int seconds, unsigned int streams)
{
	struct count c, all = {0};
	uint64_t machine = machine_ns();
	int pipes[2];

	if (pipe(pipes) < 0)
		die("pipe");
	for (unsigned int i = 0; i < streams; i++)
		if (fork() == 0) {
			c = send_for(sa, seconds);
			_exit(write(pipes[1], &c, sizeof(c)) != (ssize_t)sizeof(c));
		}
	close(pipes[1]);
	for (unsigned int i = 0; i < streams; i++) {
		if (read(pipes[0], &c, sizeof(c)) != (ssize_t)sizeof(c))
			exit(1);
		all.bytes += c.bytes;
		all.cpu_ns += c.cpu_ns;
		all.ns = c.ns > all.ns ? c.ns : all.ns;
	}
	printf("%.1f %.2f %.2f\n", (double)all.bytes * 8e3 / (double)all.ns,
	       (double)all.cpu_ns * 1024 / (double)all.bytes,
	       (double)(machine_ns() - machine) * 1024 / (double)all.bytes);
}

int main(int argc, char **argv)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	int fd;

	if (argc < 4 || inet_pton(AF_INET, argv[2], &sa.sin_addr) != 1) {
		fprintf(stderr, "usage: flow serve ADDRESS PORT | "
				"send ADDRESS PORT SECONDS [STREAMS]\n");
		return 2;
	}
	sa.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
	stay_on(strcmp(argv[1], "serve") ? 0 : 1);
	if (!strcmp(argv[1], "serve")) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			die("socket");
		serve(fd, &sa);
	} else {
		send_all(&sa, argc > 4 ? (unsigned int)strtoul(argv[4], NULL, 10) : 3,
			 argc > 5 ? (unsigned int)strtoul(argv[5], NULL, 10) : 1);
	}
	return 0;
}
