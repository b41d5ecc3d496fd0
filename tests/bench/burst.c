/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See burst.h. */
#include "burst.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Ready, and then at the gate until that is closed. */
static void child(const struct burst *b, unsigned int i, const int gate[2], int ready)
{
	char c;

	close(gate[1]);
	if (write(ready, "y", 1) == 1 && read(gate[0], &c, 1) == 0)
		b->become(b->arg, b->sockets[i]);
	_exit(1);
}

static int start(const struct burst *b, const int gate[2], int ready)
{
	for (unsigned int i = 0; i < b->n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			child(b, i, gate, ready);
		if (pid < 0)
			return -1;
	}
	return 0;
}

int burst(const struct burst *b, struct samples *ret)
{
	const struct timespec rest = {0, 50000000};
	int gate[2], ready[2], status, rc;
	double t0;
	char c;

	if (pipe2(gate, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	rc = start(b, gate, ready[1]);
	close(gate[0]);
	close(ready[1]);
	for (unsigned int i = 0; i < b->n && rc == 0; i++)
		rc = read(ready[0], &c, 1) == 1 ? 0 : -1;
	nanosleep(&rest, NULL);
	t0 = now_ms();
	close(gate[1]);
	for (unsigned int i = 0; i < b->n && rc == 0; i++)
		if (wait(&status) > 0 && status == 0)
			samples_add(ret, now_ms() - t0);
		else
			rc = -1;
	close(ready[0]);
	return rc;
}
