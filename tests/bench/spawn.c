/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawn STDIN LOG PROGRAM ARGUMENT...: starts a program as engines do
 * (posix_spawn: no copy of the starter's memory) and prints how many
 * milliseconds pass until it is reaped. Its output goes to LOG, its environment
 * is ours, its exit status too.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t files;
	double start;
	pid_t pid;
	int r, status;

	if (argc < 4) {
		fputs("usage: spawn STDIN LOG PROGRAM ARGUMENT...\n", stderr);
		return 126;
	}
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, argv[1], O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	start = now_ms();
	r = posix_spawn(&pid, argv[3], &files, NULL, argv + 3, environ);
	if (r != 0) {
		fprintf(stderr, "spawn: %s: %s\n", argv[3], strerror(r));
		return 127;
	}
	if (waitpid(pid, &status, 0) != pid)
		return 126;
	printf("%.4f\n", now_ms() - start);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
