/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs files and directories of files through a target, once each, without the fuzzer's own
 * runtime: that is how a corpus is a test. Says how many there were; whatever is wrong ends it, and
 * the last line names the file.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "fuzz/world.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static unsigned int count;

static void run_file(const char *path)
{
	struct err e = ERR_INIT;
	char *text = NULL;
	uint8_t *exact;
	size_t len;

	if (file_read(path, 16u << 20, &text, &len, &e) < 0) {
		printf("%s\n", e.msg);
		exit(2);
	}
	printf("%s\n", path);
	/* The copy has no byte more, so that the sanitizer sees what is read behind it.
	 */
	exact = world_copy((struct bytes){(const uint8_t *)text, len});
	free(text);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	count++;
}

static void run(const char *path)
{
	struct dirent **names;
	struct stat st;
	int n;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		run_file(path);
		return;
	}
	n = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char at[4096];

		if (names[i]->d_name[0] != '.' &&
		    str_fmt(at, sizeof(at), "%s/%s", path, names[i]->d_name) > 0)
			run_file(at);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		run(argv[i]);
	printf("%u files\n", count);
	return 0;
}
