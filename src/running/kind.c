/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See kind.h. A list of brands is never whole: Gecko's programs carry an application.ini that says
 * where their profiles are, Chromium's and Electron's the same resources. Names count only where
 * nothing lies beside the file: a wrapper that is itself compiled, or a link to snap(1).
 */
#include "running/kind.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "running/command.h"

#define INI_MAX 65536

static const struct {
	const char *name;
	bool is_start; /* of the name only */
	enum running_kind kind;
} names[] = {
	{"wineserver", false, KIND_OTHER}, /* talks to the server, does not become one's client */
	{"wine", true, KIND_WINE},
	{"snap", false, KIND_SNAP},
	{"flatpak", false, KIND_FLATPAK},
	{"gnome-terminal", false, KIND_SERVER},
	{"firefox", true, KIND_GECKO},
	{"librewolf", true, KIND_GECKO},
	{"thunderbird", true, KIND_GECKO},
	{"chromium", true, KIND_CHROMIUM},
	{"google-chrome", true, KIND_CHROMIUM},
	{"brave", true, KIND_CHROMIUM},
	{"vivaldi", true, KIND_CHROMIUM},
	{"microsoft-edge", true, KIND_CHROMIUM},
	{"opera", false, KIND_CHROMIUM},
};

static bool has_beside(const char *path, const char *file)
{
	const char *slash = strrchr(path, '/');
	char at[PATH_MAX];

	return slash && str_fmt(at, sizeof(at), "%.*s/%s", (int)(slash - path), path, file) > 0 &&
	       access(at, F_OK) == 0;
}

enum running_kind running_kind_of(const char *path)
{
	const char *base = running_base(path);

	if (has_beside(path, "application.ini"))
		return KIND_GECKO;
	if ((has_beside(path, "icudtl.dat") && has_beside(path, "resources.pak")) ||
	    has_beside(path, "../icudtl.dat"))
		return KIND_CHROMIUM;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].is_start ? str_starts(base, names[i].name)
				      : !strcmp(base, names[i].name))
			return names[i].kind;
	return KIND_OTHER;
}

/* The value of "KEY=" in an ini file, in small letters; "" if it is not there. */
static void ini_value(const char *text, const char *key, char *ret, size_t size)
{
	size_t len = strlen(key), n = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) != 0 || line[len] != '=')
			continue;
		for (line += len + 1; *line && *line != '\n' && *line != '\r' && n + 1 < size;
		     line++)
			ret[n++] = (char)tolower((unsigned char)*line);
		break;
	}
	ret[n] = '\0';
}

int running_gecko_places(const char *path, char *home, char *config, size_t size)
{
	const char *slash = strrchr(path, '/');
	char at[PATH_MAX], vendor[64], name[64], profile[64];
	AUTO_FREE char *text = NULL;

	if (!slash ||
	    str_fmt(at, sizeof(at), "%.*s/application.ini", (int)(slash - path), path) < 0 ||
	    file_read(at, INI_MAX, &text, NULL, NULL) < 0)
		return -ENOENT;
	ini_value(text, "Vendor", vendor, sizeof(vendor));
	ini_value(text, "Name", name, sizeof(name));
	ini_value(text, "Profile", profile, sizeof(profile));
	if (!profile[0] && (!name[0] || str_fmt(profile, sizeof(profile), "%s%s%s", vendor,
						vendor[0] ? "/" : "", name) < 0))
		return -ENOENT;
	return str_fmt(home, size, ".%s", profile) < 0 || str_copy(config, size, profile) < 0
		       ? -ENOENT
		       : 0;
}
