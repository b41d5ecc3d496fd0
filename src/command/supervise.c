/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl supervise NAME MTU [kernel]`: what `vpnctl up` starts beside a tunnel; see
 * tunnel/supervise.h. Reports on descriptor 3 where that is a pipe, and writes its log to stderr.
 * `vpnctl load NAME`: what that one starts for its firewall; see wall/firewall_load.h. Both are not
 * for people, and not in the help.
 */
#include "ctl/ctl.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/show.h"
#include "keeper/supervise_run.h"
#include "tunnel/supervise.h"
#include "wall/firewall_load.h"

int ctl_supervise(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct stat st;
	uint64_t mtu;
	int status = -1;

	if (argc < 3 || argc > 4 || (argc == 4 && strcmp(argv[3], "kernel") != 0) ||
	    !str_is_vpn_name(argv[1]) || str_uint(argv[2], 576, 65535, &mtu) < 0) {
		log_error("usage: vpnctl supervise NAME MTU [kernel]");
		return 2;
	}
	prctl(PR_SET_NAME, "vpnctl"); /* it was started as /proc/self/exe */
	if (fstat(SUPERVISE_STATUS_FD, &st) == 0 && S_ISFIFO(st.st_mode)) {
		status = SUPERVISE_STATUS_FD;
		if (fcntl(status, F_SETFD, FD_CLOEXEC) < 0)
			return 1;
	}
	if (supervise_run(argv[1], (uint32_t)mtu, argc == 4, status, &e) < 0) {
		log_error("%s", e.msg);
		return 1;
	}
	return 0;
}

/* It answers by a pipe, which is not text, and whoever types it has none. */
int ctl_load(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct stat st;

	if (argc != 2 || fstat(STDOUT_FILENO, &st) < 0 || !S_ISFIFO(st.st_mode)) {
		log_error("usage: vpnctl load NAME, as a keeper does");
		return CTL_USAGE;
	}
	e.code = firewall_load_here(argv[1], STDIN_FILENO, &e);
	return fd_write_all(STDOUT_FILENO, &e, sizeof(e)) < 0 ? CTL_FAILED : CTL_OK;
}
