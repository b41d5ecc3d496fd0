/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnrund: the broker's front. Parses its options, takes or makes the listening socket, starts the
 * plugger, gives up every capability and serves. Must not accept a client before isolate_lock() has
 * returned. Started by systemd, by the administrator, or by tests.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "base/util.h"
#include "box/isolate.h"
#include "broker/listen.h"
#include "broker/plugger.h"
#include "broker/server.h"
#include "ipc/conn.h"
#include "ipc/proto.h"
#include "vpnrund_filter.h"

#define IDLE_ACTIVATED_S 30

static const char usage[] =
	"Usage: vpnrund [--listen PATH] [--plugger PATH] [--idle SECONDS] [--ready-fd N] [-v]\n"
	"The broker of vpnrun: has users' sandboxes plugged into VPNs that they may use.\n"
	"Started as root it becomes user '" ISOLATE_USER
	"' and keeps no capability; vpnrund-plug, which\n"
	"it starts, keeps CAP_NET_ADMIN.\n"
	"\n"
	"  --listen PATH     make the socket here (default: " PROTO_SOCKET ");\n"
	"                    not for a broker that systemd passes its socket\n"
	"  --plugger PATH    connect to the plugger here, where systemd starts it, in place of\n"
	"                    starting it\n"
	"  --idle SECONDS    exit when nothing happened for so long (0: never; default:\n"
	"                    30 with a socket from systemd, else 0)\n"
	"  --ready-fd N      write a newline to descriptor N when ready\n"
	"  -v, --verbose     log clients that leave without a request, too\n"
	"  --help, --version\n"
	"\n"
	"One line is logged to stderr for each decision. See vpnrund(8).\n";

struct options {
	const char *listen;
	const char *plugger; /* NULL: start it */
	int idle_s;	     /* -1: not given */
	int ready_fd;
};

static bool number(uint64_t min, uint64_t max, const char *rule, int *ret)
{
	uint64_t n = 0;
	bool good = str_uint(optarg, min, max, &n) == 0;

	*ret = (int)n;
	if (!good)
		log_error("%s, not '%s'", rule, optarg);
	return good;
}

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"listen", required_argument, NULL, 'l'},
		{"plugger", required_argument, NULL, 'p'},
		{"idle", required_argument, NULL, 'i'},
		{"ready-fd", required_argument, NULL, 'r'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int c;

	opterr = 0; /* what it says would be shown as it came */
	while ((c = getopt_long(argc, argv, "v", longs, NULL)) >= 0) {
		switch (c) {
		case 'l':
			o->listen = optarg;
			break;
		case 'p':
			o->plugger = optarg;
			break;
		case 'i':
			if (!number(0, 86400, "--idle takes seconds, up to 86400", &o->idle_s))
				return 2;
			break;
		case 'r':
			if (!number(3, 1023, "--ready-fd takes a descriptor", &o->ready_fd))
				return 2;
			break;
		case 'v':
			log_verbose = 1;
			break;
		case 'h':
			return fputs(usage, stdout) < 0 || fflush(stdout) != 0;
		case 'V':
			return puts("vpnrund " VPNRUN_VERSION) < 0 || fflush(stdout) != 0;
		default:
			log_error("there is no option %s, or it needs a value; see vpnrund(8)",
				  argv[optind - 1]);
			return 2;
		}
	}
	if (optind < argc) {
		log_error("'%s' is one argument too many", argv[optind]);
		return 2;
	}
	return -1;
}

static int run(struct options *o, struct err *e)
{
	int listen_fd, plugger_fd, signal_fd, notify_fd = -1, r;
	bool activated = false;

	if (o->ready_fd >= 0 && fcntl(o->ready_fd, F_GETFD) < 0)
		return err_set(e, -EBADF, "--ready-fd: descriptor %d is not open", o->ready_fd);
	r = isolate_stdio(e);
	listen_fd = r < 0 ? r : listen_open(o->listen, &activated, e);
	if (listen_fd < 0)
		return listen_fd;
	if (o->idle_s < 0)
		o->idle_s = activated ? IDLE_ACTIVATED_S : 0;
	conn_remember_place();
	r = listen_notify_open(&notify_fd, e);
	r = r ?: isolate_fds((const int[]){listen_fd, notify_fd, o->ready_fd}, 3, e);
	plugger_fd = r < 0 ? r : plugger_start(o->plugger, e);
	if (plugger_fd < 0)
		return plugger_fd;
	r = isolate_limits(ISOLATE_FRONT_FILES, e);
	r = r ?: isolate_privileges(e);
	signal_fd = r < 0 ? r : server_signals(e);
	if (signal_fd < 0)
		return signal_fd;
	r = isolate_lock(vpnrund_filter, ARRAY_SIZE(vpnrund_filter), e);
	if (r < 0)
		return r;
	listen_notify_ready(notify_fd, o->ready_fd);
	return server_run(listen_fd, signal_fd, plugger_fd, (unsigned int)o->idle_s, e);
}

int main(int argc, char **argv)
{
	struct options o = {.listen = PROTO_SOCKET, .idle_s = -1, .ready_fd = -1};
	struct err e = ERR_INIT;
	int r;

	log_program = "vpnrund";
	r = parse(argc, argv, &o);
	if (r >= 0)
		return r;
	if (run(&o, &e) < 0) {
		log_error("%s", e.msg);
		return 1;
	}
	return 0;
}
