/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the head of a program's file. One that may be executed and not read is taken for an
 * ordinary one. Called by running/check.c and the launcher.
 */
#include "running/elf.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "running/command.h"

#if defined(__x86_64__)

bool running_is_i386(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	unsigned char head[20];

	/* The header begins with the magic number and the class, 32 bits, and has the machine at
	 * 18: 3, the lower half first. */
	return fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) &&
	       memcmp(head, "\177ELF\1", 5) == 0 && head[18] == 3 && head[19] == 0;
}

#else

bool running_is_i386(const char *path)
{
	(void)path;
	return false;
}

#endif

struct elf_found {
	char *path;
	size_t size;
};

static int note_i386(const struct running_program *p, void *arg)
{
	struct elf_found *f = arg;

	return running_is_i386(p->path) && str_copy(f->path, f->size, p->path) == 0;
}

bool running_find_i386(char *const *argv, char *ret, size_t size)
{
	return running_each(argv, note_i386, &(struct elf_found){ret, size}) > 0;
}
