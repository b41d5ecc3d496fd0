/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnrun-hook STAGE: see vpnrun-hook(8). Reads all of stdin (crun before 1.17 fails otherwise),
 * makes no process but the one that carries ports, ends within its own deadline, below the
 * engine's: one that the engine kills says nothing. Writes one line where the user sees it, if
 * anywhere, and into the log.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "oci/hook.h"

#define HOOK_DEADLINE_S 8

static void on_alarm(int sig)
{
	static const char text[] = "vpnrun-hook: gave up: it took too long\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) {
		/* nobody reads it */
	}
	_exit(HOOK_DEADLINE);
}

/* Engines swallow stderr of some stages. Not where /proc is a stranger's. */
static void write_log(const char *stage, const char *msg)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;
	char path[HOOK_PLACE_MAX], line[512], when[32];
	time_t now = time(NULL);
	struct tm tm;
	int n;

	openlog("vpnrun-hook", LOG_PID, LOG_DAEMON);
	syslog(LOG_ERR, "%s: %s", stage, msg);
	hook_place(path, "hook.log");
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > 1 << 20)
		return;
	localtime_r(&now, &tm);
	strftime(when, sizeof(when), "%F %T", &tm);
	n = snprintf(line, sizeof(line), "%s %s: %s\n", when, stage, msg);
	if (n > 0 && (size_t)n < sizeof(line) && write(fd, line, (size_t)n) < 0) {
		/* a full disk: stderr has it */
	}
}

static int precreate(json_t *config, const struct hook_want *w, struct err *e)
{
	char *text;
	int r = hook_image_check(config, e);

	if (r == 0)
		r = hook_config_edit(config, ".", w, e);
	if (r < 0)
		return r;
	text = json_dumps(config, JSON_COMPACT);
	if (!text)
		return err_set(e, -ENOMEM, "cannot write the configuration");
	r = fd_write_all(STDOUT_FILENO, text, strlen(text));
	free(text);
	return r < 0 ? err_sys(e, r, "cannot write the configuration") : 0;
}

static int serve(const char *stage, struct err *e)
{
	struct hook_want w;
	json_t *input = NULL;
	int r = hook_input_read(&input, e);

	if (r < 0)
		return hook_fail(HOOK_INPUT, r);
	r = hook_want_read(input, &w, e);
	if (r < 0)
		hook_fail(HOOK_ANNOTATED, r);
	else if (!strcmp(stage, "precreate"))
		r = precreate(input, &w, e);
	else if (!strcmp(stage, "createContainer"))
		r = hook_create_container(input, &w, e);
	else
		r = hook_create_runtime(input, &w, e);
	json_decref(input);
	return r;
}

int main(int argc, char **argv)
{
	static const char *const stages[] = {"createRuntime", "prestart", "createContainer",
					     "precreate"};
	const struct sigaction act = {.sa_handler = on_alarm};
	const char *stage = argc >= 2 ? argv[1] : "";
	struct err e = ERR_INIT;
	bool known = false, wrong = false;

	log_program = "vpnrun-hook";
	if (!strcmp(stage, "--version")) {
		puts("vpnrun-hook " VPNRUN_VERSION);
		return HOOK_OK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		known = known || !strcmp(stage, stages[i]);
	for (int i = 2; i < argc; i++) {
		hook_images_allowed |= !strcmp(argv[i], "--images");
		/* What is in brackets is for those who see the command in an engine's message. */
		wrong |= argv[i][0] != '(' && strcmp(argv[i], "--images") != 0;
	}
	if (!known || wrong) {
		log_error("usage: vpnrun-hook precreate|createRuntime|prestart|createContainer, "
			  "by a container engine; see vpnrun-hook(8)");
		return HOOK_USAGE;
	}
	sigaction(SIGALRM, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
	alarm(HOOK_DEADLINE_S);
	umask(022);
	if (serve(stage, &e) == 0)
		return HOOK_OK;
	hook_err_clean(&e);
	log_error("%s", e.msg);
	if (strcmp(stage, "createContainer") != 0)
		write_log(stage, e.msg);
	return hook_exit_code;
}
