// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linked into every program of `make coverage`, and into nothing else. The compiler sets a byte for
 * each block of code that is entered; here the bytes are laid over a file, before main and so
 * before any wall is up. A set byte is in the file at once: a program that is killed, execs, has
 * lost its privileges or may call nothing any more has told already what it ran. All processes of a
 * program, of whatever user and namespace, share its file.
 *
 * COVERAGE_SEED=1 makes the file, unless it is there, says its name and ends. Without the file,
 * nothing is kept.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct block {
	uintptr_t pc;
	uintptr_t is_function;
};

/* The linker's script gives the bytes pages of their own. */
extern unsigned char __start___sancov_bools[], __stop___sancov_bools[];
extern const struct block __start___sancov_pcs[], __stop___sancov_pcs[];
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

/* The compiler's calls, one an object: all that they say is known from the sections. */
void __sanitizer_cov_bool_flag_init(unsigned char *start, unsigned char *end);
void __sanitizer_cov_bool_flag_init(unsigned char *start, unsigned char *end)
{
	(void)start;
	(void)end;
}

void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *end);
void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *end)
{
	(void)start;
	(void)end;
}

/* A page, then the bytes, then the address of each byte's block. */
struct head {
	char magic[8];
	uint64_t blocks;
	uint64_t room; /* of the bytes, in whole pages */
	char program[4072];
};

static size_t blocks(void)
{
	return (size_t)(__stop___sancov_pcs - __start___sancov_pcs);
}

static uint64_t address(size_t i)
{
	return __start___sancov_pcs[i].pc - (uintptr_t)__ehdr_start;
}

/* Named by its blocks: a program is the same when it is installed, linked or called by another
 * name. */
static void name_file(char *path, size_t len)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < blocks(); i++)
		h = (h ^ address(i)) * 1099511628211u;
	snprintf(path, len, COVERAGE_DIR "/%016llx.cov", (unsigned long long)h);
}

static void seed(const char *path)
{
	struct head h = {.magic = "vpnrcov", .blocks = blocks()};
	int fd;

	puts(path);
	fflush(stdout);
	if (access(path, F_OK) == 0)
		_exit(0);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	h.room = (uint64_t)(__stop___sancov_bools - __start___sancov_bools);
	if (fd < 0 || fchmod(fd, 0666) < 0 ||
	    readlink("/proc/self/exe", h.program, sizeof(h.program) - 1) < 0 ||
	    write(fd, &h, sizeof(h)) != sizeof(h) ||
	    lseek(fd, (off_t)(sizeof(h) + h.room), SEEK_SET) < 0) {
		perror(path);
		_exit(1);
	}
	for (size_t i = 0; i < blocks(); i++) {
		uint64_t a = address(i);

		if (write(fd, &a, sizeof(a)) != sizeof(a))
			_exit(1);
	}
	_exit(0);
}

/* What fails here fails in silence: a test must see what the program says, and nothing else. */
__attribute__((constructor(101))) static void keep(void)
{
	size_t room = (size_t)(__stop___sancov_bools - __start___sancov_bools);
	char path[4096];
	int fd;

	name_file(path, sizeof(path));
	if (getenv("COVERAGE_SEED"))
		seed(path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	mmap(__start___sancov_bools, room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
	     sizeof(struct head));
	close(fd);
}
