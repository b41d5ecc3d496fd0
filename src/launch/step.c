/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time line of a launch. Noted while it runs, printed once at its end, so that printing is not
 * measured. Called by launch/run.c.
 */
#include "launch/launch.h"

#include <time.h>

#include "base/log.h"
#include "base/util.h"

#define STEPS_MAX 40

static struct {
	const char *what;
	int64_t at_ns;
} steps[STEPS_MAX];
static size_t n_steps;

void launch_step(const char *what)
{
	struct timespec ts;

	if (n_steps == STEPS_MAX)
		return;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	steps[n_steps].what = what;
	steps[n_steps].at_ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	n_steps++;
}

void launch_steps_print(void)
{
	for (size_t i = 1; i < n_steps; i++)
		log_debug("%6lld us  %s", (long long)(steps[i].at_ns - steps[i - 1].at_ns) / 1000,
			  steps[i].what);
	if (n_steps > 1)
		log_debug("%6lld us  in all",
			  (long long)(steps[n_steps - 1].at_ns - steps[0].at_ns) / 1000);
	n_steps = 0;
}
