/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plugger whose front the test is. One a program.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "box/caps.h"
#include "ipc/plug.h"

/* Its socket; where its answers come; its process. */
static int plug, answers[2];
static pid_t plugger_pid;

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	exit(99);
}

static void plugger_start(const char *program)
{
	struct plug_answer ready;
	struct err e = ERR_INIT;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, answers) < 0)
		die("socketpair");
	plugger_pid = fork();
	if (plugger_pid == 0) {
		dup2(pair[1], STDIN_FILENO);
		execl(program, "vpnrund-plug", NULL);
		die(program);
	}
	close(pair[1]);
	plug = pair[0];
	if (recv(plug, &ready, sizeof(ready), 0) != (ssize_t)sizeof(ready))
		die("the plugger did not start");
	if (box_caps_keep(0, &e) < 0)
		die(e.msg);
}
