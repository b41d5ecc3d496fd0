/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of one launch, in the order of these files: options, find, identity, run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "ns/names.h"
#include "relay/relay.h"
#include "running/check.h"
#include "session/words.h"
#include "state/inbound.h"
#include "state/record.h"
#include "state/sandbox.h"

#define LAUNCH_FAILED	 125
#define LAUNCH_NO_EXEC	 126
#define LAUNCH_NOT_FOUND 127
#define LAUNCH_ALLOW_MAX 64
#define LAUNCH_KEEP_MAX	 64

struct launch_options {
	bool verbose;
	bool strict;
	bool help;
	bool version;
	int with_pid;	    /* 0: make a sandbox */
	const char *vpn;    /* NULL: the default */
	const char *policy; /* NULL: "default", or "strict" with --strict */
	const char *socket; /* NULL: the usual one */
	struct names_dns dns[NAMES_DNS_MAX];
	size_t n_dns;
	const char *allow[LAUNCH_ALLOW_MAX];
	size_t n_allow;
	unsigned int words; /* of --allow, enum session_word */
	int keep_fd[LAUNCH_KEEP_MAX];
	size_t n_keep_fd;
	struct relay_specs publish, reach;
	struct port_maps expose;
	bool notify;	    /* say a failure on the desktop, where no terminal shows it */
	bool as_root;	    /* under sudo: stays root */
	const char *user;   /* root: becomes that user; NULL: nobody */
	bool allow_running; /* although the command may hand over to an instance outside */
	char **command;	    /* NULL: the shell */
};

/* argv is kept, not copied. e says what is wrong with the line. */
int launch_parse(int argc, char **argv, struct launch_options *ret, struct err *e);
extern const char launch_usage[];

enum launch_network { LAUNCH_NONE, LAUNCH_HOST, LAUNCH_VPN };

/* *ret_record is filled for a VPN, which is up; otherwise zeroed. */
int launch_find(const char *vpn, enum launch_network *ret, struct record *ret_record,
		struct err *e);

/* Adds to what e says already that the word in the VPN's place is a program, if it is one. */
void launch_hint_command(const char *vpn, struct err *e);

/* One line where the VPN's keeper has seen that the tunnel is of no use. */
void launch_say_dead(const struct record *r);

/* 0: nothing is around this process, the launch goes on. 1: it is in a sandbox of the VPN that was
 * asked for, and the command belongs there as it is; *ret says which. Otherwise e says where one
 * is: nothing that was asked for can be had from there. */
int launch_inside(const struct launch_options *o, struct sandbox *ret, struct err *e);

/* Leaves SANDBOX_FILE and VPNRUN_VPN for the command. network: LAUNCH_NONE or LAUNCH_VPN. */
int launch_mark(const struct launch_options *o, const struct record *r, uint32_t host,
		const char *policy, struct err *e);
/* VPNRUN_VPN of the sandbox that this process has joined. */
void launch_mark_joined(const struct sandbox *s);

/* Root becomes o->user; under sudo, without --as-root, the user who called it. For good. *ret_sudo:
 * whether it was sudo's caller. Otherwise does nothing. */
int launch_become(const struct launch_options *o, bool *ret_sudo, struct err *e);

/* One line where the command is a program that cannot do its work inside: why, and what instead.
 * by_sudo: what was meant to be root's is the caller's now. */
void launch_say_hint(const char *command, bool by_sudo);

/* $SHELL, or the user's of /etc/passwd, or /bin/sh. Never NULL; static or the environment's. */
const char *launch_shell(void);

/* Takes out of the environment what would lead to what is not there any more, and says where the
 * runtime directory is ("": it is the host's). */
void launch_clean_env(const char *runtime, bool closed_fds);

/* -EBUSY if the command is a program that would hand its window over to an instance that runs in
 * another network than the VPN's (id 0: none), or than that of o->with_pid. Otherwise *ret says
 * what it found on the way. */
int launch_check_running(const struct launch_options *o, const struct record *vpn,
			 struct running_state *ret, struct err *e);
/* The command's environment keeps those that it starts from doing so. own_bus: the session bus
 * inside, if there is one, is not that of outside. */
void launch_hold_windows(const struct record *vpn, bool own_bus, const struct running_state *s);

/* Published ports: before the namespaces, and when the network inside is there. Where the line asks
 * for none these do nothing. */
struct launch_ports {
	struct relay relay;
	int channel; /* to the one that reaches out, -1: none */
};
#define LAUNCH_PORTS_INIT      \
	{                      \
		.channel = -1, \
	}
int launch_ports_open(const struct launch_options *o, struct launch_ports *p, struct err *e);
int launch_ports_serve(const struct launch_options *o, const struct record *r, uint32_t host,
		       struct launch_ports *p, struct err *e);
void launch_ports_close(struct launch_ports *p);

/* Notes that a step is done, for launch_steps_print(). */
void launch_step(const char *what);
void launch_steps_print(void);

/* Says a failure on the desktop and ends with status; returns where nobody asked for that, where
 * somebody reads standard error, or where it cannot. */
void launch_notify(const struct launch_options *o, int status, const char *sentence);

/* Becomes the program: returns on failure only, with LAUNCH_NOT_FOUND or LAUNCH_NO_EXEC. */
int launch_exec(char **argv, struct err *e);

/* Does it all and becomes the command: returns on failure only, with one of the statuses above. */
int launch_run(const struct launch_options *o, struct err *e);
