/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See target.h. One file may be many programs: busybox and its like do what their name says, so
 * that another name of the same file is the program only where the file has its name, or where the
 * link is an alternative's. Called by the commands of wrap.
 */
#include "wrap/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/same.h"
#include "base/util.h"
#include "running/command.h"

static const char *const many_programs[] = {"busybox", "toybox", "coreutils"};

bool wrap_is_program_name(const char *s)
{
	if (!s[0] || s[0] == '.' || s[0] == '-' || strlen(s) > 200)
		return false;
	for (; *s; s++)
		if (!str_is_alnum(*s) && !strchr("._+-", *s))
			return false;
	return true;
}

static bool is_executable(const char *path, struct stat *ret)
{
	return access(path, X_OK) == 0 && stat(path, ret) == 0 && S_ISREG(ret->st_mode);
}

static bool find_command(const char *word, char ret[PATH_MAX], struct stat *ret_st)
{
	const char *path = getenv("PATH");

	if (strchr(word, '/'))
		return word[0] == '/' && str_copy(ret, PATH_MAX, word) == 0 &&
		       is_executable(ret, ret_st);
	for (size_t len; *word && path && *path; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		if (path[0] == '/' && len < PATH_MAX &&
		    str_fmt(ret, PATH_MAX, "%.*s/%s", (int)len, path, word) > 0 &&
		    is_executable(ret, ret_st))
			return true;
	}
	return false;
}

bool wrap_find_command(const char *word, char ret[PATH_MAX])
{
	struct stat st;

	return find_command(word, ret, &st);
}

int wrap_path_without(const char *dir, const char *program, char *ret_first, size_t size,
		      struct err *e)
{
	const char *path = getenv("PATH");
	AUTO_FREE char *rest = path ? malloc(strlen(path) + 2) : NULL;
	bool before = true;
	size_t n = 0;

	ret_first[0] = '\0';
	for (size_t len; rest && *path; path += len + (path[len] == ':')) {
		char at[PATH_MAX];
		struct stat st;

		len = strcspn(path, ":");
		if (strlen(dir) == len && !strncmp(path, dir, len)) {
			before = false;
			continue;
		}
		if (before && !ret_first[0] && path[0] == '/' &&
		    str_fmt(at, sizeof(at), "%.*s/%s", (int)len, path, program) > 0 &&
		    is_executable(at, &st))
			str_fmt(ret_first, size, "%.*s", (int)len, path);
		memcpy(rest + n, path, len);
		n += len;
		rest[n++] = ':';
	}
	if (!rest)
		return path ? err_sys(e, -ENOMEM, "cannot look through PATH") : 0;
	rest[n ? n - 1 : 0] = '\0';
	return setenv("PATH", rest, 1) < 0 ? err_sys(e, -errno, "cannot set PATH") : 0;
}

static int note_engine(const struct running_program *p, void *arg)
{
	struct wrap_target *t = arg;
	enum running_kind kind = running_kind_of(p->path);

	if (kind != KIND_GECKO && kind != KIND_CHROMIUM)
		return 0;
	t->kind = kind;
	/* One electron is the executable of many programs. */
	if (!str_starts(running_base(p->path), "electron") && stat(p->path, &t->engine_st) == 0)
		str_copy(t->engine, sizeof(t->engine), p->path);
	return 1;
}

int wrap_target_find(struct wrap_target *t, struct err *e)
{
	char *const argv[] = {t->path, NULL};

	if (!find_command(t->program, t->path, &t->real_st) || !realpath(t->path, t->real))
		return err_set(e, -ENOENT, "there is no program '%s' in PATH", t->program);
	if (strpbrk(t->path, " \t\"'\\$`%"))
		return err_set(e, -EINVAL, "the path %s has characters that no wrapper can hold",
			       t->path);
	t->kind = KIND_OTHER;
	running_each(argv, note_engine, t);
	return 0;
}

static bool is_alternative(const char *path)
{
	char to[64];
	ssize_t n = readlink(path, to, sizeof(to) - 1);

	if (n <= 0)
		return false;
	to[n] = '\0';
	return str_starts(to, "/etc/alternatives/");
}

static bool is_many(const char *base)
{
	for (size_t i = 0; i < ARRAY_SIZE(many_programs); i++)
		if (!strcmp(base, many_programs[i]))
			return true;
	return false;
}

bool wrap_target_is(const struct wrap_target *t, const char *word)
{
	const char *base = running_base(word), *real_base = running_base(t->real);
	char path[PATH_MAX], real[PATH_MAX];
	struct stat st;

	if (!strcmp(base, t->program))
		return true;
	/*
	 * All of PATH and each word of the machine's units are asked about, and realpath(3) looks
	 * at every directory of a path: what is another file is told from its number alone.
	 */
	if (!find_command(word, path, &st) ||
	    (!same_stat(&st, &t->real_st) && !(t->engine[0] && same_stat(&st, &t->engine_st))) ||
	    !realpath(path, real))
		return false;
	if (t->engine[0] && !strcmp(real, t->engine))
		return true;
	return !strcmp(real, t->real) && !is_many(real_base) &&
	       (!strcmp(base, real_base) || !strcmp(real_base, t->program) || is_alternative(path));
}
