/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A FUSE file system with one file, DIR/file, whose close never ends for one user: it does not
 * answer that uid's FLUSH. Needs root to mount. Runs until killed, and then the kernel lets go.
 *
 *   fusehang DIR UID        prints "ready"
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void answer(int dev, const struct fuse_in_header *in, int error, const void *data,
		   size_t len)
{
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + (error ? 0 : len)),
		.error = error,
		.unique = in->unique,
	};
	struct iovec iov[2] = {
		{.iov_base = &out, .iov_len = sizeof(out)},
		{.iov_base = (void *)(uintptr_t)data, .iov_len = error ? 0 : len},
	};

	if (writev(dev, iov, 2) < 0)
		perror("answer");
}

static struct fuse_attr attr_of(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.nlink = 1,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
	};
}

static void serve(int dev, const struct fuse_in_header *in, uid_t victim)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = 4096,
	};
	struct fuse_entry_out entry = {.nodeid = 2, .attr = attr_of(2)};
	struct fuse_attr_out attr = {.attr = attr_of(in->nodeid)};
	struct fuse_open_out opened = {.fh = 1};

	switch (in->opcode) {
	case FUSE_INIT:
		answer(dev, in, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		answer(dev, in, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(dev, in, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(dev, in, 0, &opened, sizeof(opened));
		break;
	case FUSE_FLUSH:
		if (in->uid != victim)
			answer(dev, in, 0, NULL, 0);
		break;
	case FUSE_RELEASE:
		answer(dev, in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(dev, in, -ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char buf[FUSE_MIN_READ_BUFFER * 8] __attribute__((aligned(8)));
	char opts[128];
	int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (argc != 3 || dev < 0) {
		perror("/dev/fuse");
		return 1;
	}
	snprintf(opts, sizeof(opts), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", dev);
	if (mount("fuse", argv[1], "fuse", MS_NOSUID | MS_NODEV, opts) < 0) {
		perror("mount");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		ssize_t n = read(dev, buf, sizeof(buf));

		if (n < 0 && (errno == EINTR || errno == ENOENT))
			continue;
		if (n < (ssize_t)sizeof(struct fuse_in_header))
			return 0;
		serve(dev, (const struct fuse_in_header *)(void *)buf,
		      (uid_t)strtoul(argv[2], NULL, 10));
	}
}
