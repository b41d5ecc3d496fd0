/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loader of compiled policies, on the path of every launch: one open, one read, one system
 * call. A policy decides what a program may do, so a file that is cut, too long, of another machine
 * or of another name is refused, and must never lead to a weaker policy or to none.
 *
 * Called by vpnrun after all else is dropped, and by the broker for its own filter.
 */
#include "box/seccomp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

static void list_names(const char *const dirs[], char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; dirs[i]; i++) {
		DIR *d = opendir(dirs[i]);
		const struct dirent *de;

		while (d && (de = readdir(d))) {
			size_t n = strlen(de->d_name);
			char name[POLICY_NAME_MAX + 1];

			if (n < 5 || n - 4 > POLICY_NAME_MAX ||
			    strcmp(de->d_name + n - 4, ".bpf") != 0)
				continue;
			memcpy(name, de->d_name, n - 4);
			name[n - 4] = '\0';
			if (policy_name_ok(name) && len + n < size)
				len += (size_t)snprintf(out + len, size - len, "%s, ", name);
		}
		if (d)
			closedir(d);
	}
	snprintf(out + len, size - len, "none");
}

static int check(const struct box_policy *p, size_t got, const char *path, const char *name,
		 struct err *e)
{
	const struct policy_header *h = &p->header;

	if (got < sizeof(*h) || memcmp(h->magic, POLICY_MAGIC, sizeof(h->magic)) != 0)
		return err_set(e, -EINVAL, "%s is not a compiled policy", path);
	if (h->version != POLICY_VERSION)
		return err_set(e, -EINVAL,
			       "%s has format %u, this vpnrun reads %d: compile it again "
			       "with 'sudo vpnctl policy install'",
			       path, h->version, POLICY_VERSION);
	if (h->arch != POLICY_ARCH)
		return err_set(e, -EINVAL, "%s is for another machine (architecture %#x, not %#x)",
			       path, h->arch, POLICY_ARCH);
	if (h->n_insns == 0 || h->n_insns > POLICY_INSNS_MAX ||
	    got != sizeof(*h) + h->n_insns * sizeof(p->insns[0]))
		return err_set(e, -EINVAL,
			       "%s is damaged: %zu bytes do not fit its %u instructions", path, got,
			       h->n_insns);
	if (h->name[POLICY_NAME_MAX] != '\0' || strcmp(h->name, name) != 0)
		return err_set(e, -EINVAL, "%s holds the policy '%.*s', not '%s'", path,
			       POLICY_NAME_MAX, h->name, name);
	if (h->load_flags & ~(uint32_t)POLICY_LOAD_FLAGS)
		return err_set(e, -EINVAL, "%s asks for unknown flags %#x", path, h->load_flags);
	return 0;
}

int box_seccomp_read(const char *const dirs[], const char *name, struct box_policy *ret,
		     struct err *e)
{
	char path[4096], names[160];
	ssize_t got;
	int rc;

	for (size_t i = 0; policy_name_ok(name) && dirs[i]; i++) {
		struct err why = ERR_INIT;
		AUTO_CLOSE int fd = -1;

		rc = str_fmt(path, sizeof(path), "%s/%s.bpf", dirs[i], name);
		if (rc < 0)
			return err_set(e, rc, "the policy directory's path is too long");
		fd = file_open(path, &why);
		if (fd == -ENOENT || fd == -ENOTDIR)
			continue;
		if (fd < 0)
			return err_set(e, fd, "policy '%s': %s", name, why.msg);
		got = read(fd, ret, sizeof(*ret));
		if (got < 0)
			return err_sys(e, -errno, "cannot read the policy %s", path);
		rc = check(ret, (size_t)got, path, name, e);
		/* What failed the check must not look like a policy to a careless caller. */
		if (rc < 0)
			ret->header.n_insns = 0;
		return rc;
	}
	list_names(dirs, names, sizeof(names));
	return err_set(e, -ENOENT, "no policy '%.64s'; there are: %s", name, names);
}

static int load(const struct sock_filter *insns, size_t n, uint32_t flags, struct err *e)
{
	union {
		const struct sock_filter *in;
		struct sock_filter *out;
	} u = {.in = insns}; /* the kernel's struct has no const */
	struct sock_fprog prog = {.len = (unsigned short)n, .filter = u.out};

	if (n == 0 || n > POLICY_INSNS_MAX)
		return err_set(e, -EINVAL, "a system call filter of %zu instructions", n);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog) == 0)
		return 0;
	if (errno == EINVAL)
		return err_set(e, -EINVAL,
			       "cannot load the system call filter: the kernel has no "
			       "seccomp filters, or does not know one of the policy's flags");
	return err_sys(e, -errno, "cannot load the system call filter");
}

int box_seccomp_load_program(const struct sock_filter *insns, size_t n, struct err *e)
{
	return load(insns, n, 0, e);
}

int box_seccomp_load(const struct box_policy *p, struct err *e)
{
	int rc = load(p->insns, p->header.n_insns, p->header.load_flags, e);

	if (rc < 0)
		return err_wrap(e, rc, "policy '%s'", p->header.name);
	return 0;
}
