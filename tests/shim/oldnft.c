/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands before libnftables (/etc/ld.so.preload, in the rig): one that was loaded before an upgrade
 * crashes over what a newer one has left in the kernel, as 1.0.6 does over the sets of 1.1.3. It is
 * the old one that is loaded while OLD is there, and the upgrade is over when that has gone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#define OLD "/run/old-libnftables"

struct nft_ctx;
int nft_run_cmd_from_buffer(struct nft_ctx *nft, const char *buf);

static bool is_old;

__attribute__((constructor)) static void load(void)
{
	is_old = access(OLD, F_OK) == 0;
}

int nft_run_cmd_from_buffer(struct nft_ctx *nft, const char *buf)
{
	int (*next)(struct nft_ctx *, const char *) = NULL;

	if (is_old && access(OLD, F_OK) < 0)
		raise(SIGSEGV);
	*(void **)&next = dlsym(RTLD_NEXT, "nft_run_cmd_from_buffer");
	return next ? next(nft, buf) : -1;
}
