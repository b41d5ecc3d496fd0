/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See firewall_load.h. libnftables ends the whole program where it lacks memory or a socket, writes
 * to stderr itself, and an older one crashes over what a newer one has left in the kernel. So it
 * never runs in a process that has something to undo, nor in one that may be older than the library
 * that is installed. The only file that calls it.
 */
#include "wall/firewall_load.h"

#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/child.h"
#include "base/util.h"
#include "ns/netns.h"

#define TEXT_MAX (16u << 20)

static bool is_fresh; /* what loads is to be a program that has just started */

void firewall_load_fresh(void)
{
	is_fresh = true;
}

/* libnftables opens its netlink socket with its context, so the context belongs to the namespace.
 */
static int run_here(const char *name, const char *text, struct err *e)
{
	struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	int r = 0;

	if (!ctx)
		return err_set(e, -ENOMEM, "cannot load the firewall of %s: no memory", name);
	nft_ctx_buffer_output(ctx);
	nft_ctx_buffer_error(ctx);
	if (nft_run_cmd_from_buffer(ctx, text) != 0) {
		const char *why = nft_ctx_get_error_buffer(ctx);
		size_t line = why ? strcspn(why, "\n") : 0;

		r = err_set(e, -EINVAL, "cannot load the firewall of %s: %.*s", name, (int)line,
			    why ? why : "");
		if (why && strstr(why, "not supported"))
			err_hint(
				e, r,
				"this kernel lacks nftables (nf_tables, nft_reject, nft_chain_nat)");
	}
	nft_ctx_free(ctx);
	return r;
}

int firewall_load_here(const char *name, int text_fd, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	int r = file_read_fd(text_fd, TEXT_MAX, &text, &len);

	return r < 0 ? err_sys(e, r, "cannot read the firewall of %s", name)
		     : run_here(name, text, e);
}

struct nft_run {
	const char *name, *text;
	int netns_fd;
};

/* A descriptor from which the text can be read. */
static int put_text(const char *text, struct err *e)
{
	AUTO_CLOSE int fd = memfd_create("vpnrun-nft", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? err_sys(e, r, "cannot hold a firewall's text") : take_fd(&fd);
}

/* Becomes `vpnctl load NAME`, which answers in the place of this job. Its namespace is this one's.
 */
static int exec_load(const struct nft_run *run, struct err *e)
{
	static char arg0[] = "vpnctl", arg1[] = "load";
	static char env0[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char name[64];
	char *argv[] = {arg0, arg1, name, NULL}, *envp[] = {env0, NULL};
	AUTO_CLOSE int text = put_text(run->text, e);

	if (text < 0)
		return text;
	str_fmt(name, sizeof(name), "%s", run->name);
	if (dup2(text, STDIN_FILENO) < 0 || dup2(child_answer_fd(), STDOUT_FILENO) < 0)
		return err_sys(e, -errno, "cannot pass on a firewall's text");
	execve("/proc/self/exe", argv, envp);
	return err_sys(e, -errno, "cannot start vpnctl anew");
}

static int run_in_child(void *arg, void *answer, size_t *len, struct err *e)
{
	const struct nft_run *run = arg;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int back, r;

	(void)answer;
	(void)len;
	if (null < 0 || dup2(null, STDERR_FILENO) < 0)
		return err_sys(e, -errno, "cannot open /dev/null");
	r = ns_netns_enter(run->netns_fd, &back, e);
	if (r < 0)
		return r;
	return is_fresh ? exec_load(run, e) : run_here(run->name, run->text, e);
}

int firewall_run(const char *name, const char *text, int netns_fd, struct err *e)
{
	struct nft_run run = {name, text, netns_fd};
	char silent[ERR_MSG_MAX];
	const struct child_job job = {
		.fn = run_in_child, .arg = &run, .timeout_ms = -1, .silent = silent};

	snprintf(silent, sizeof(silent),
		 "cannot load the firewall of %s: libnftables gave up (out of memory, or of "
		 "sockets)",
		 name);
	return child_call(&job, NULL, e);
}
