/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See browsers.h. A browser asks the user's directory first. Called by ways.c.
 */
#include "wrap/browsers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "wrap/layers.h"
#include "wrap/manifest.h"

/* system: with colons. The first holds below the home directory, the others below the user's
 * configuration. */
static const struct {
	bool in_config;
	const char *own, *system;
} browsers[] = {
	{false, ".mozilla/native-messaging-hosts",
	 "/usr/lib/mozilla/native-messaging-hosts:/usr/lib64/mozilla/native-messaging-hosts:"
	 "/usr/share/mozilla/native-messaging-hosts"},
	{false, ".librewolf/native-messaging-hosts",
	 "/usr/lib/librewolf/native-messaging-hosts:/usr/lib64/librewolf/native-messaging-hosts"},
	{false, ".waterfox/native-messaging-hosts", ""},
	{false, ".thunderbird/native-messaging-hosts",
	 "/usr/lib/thunderbird/native-messaging-hosts"},
	{true, "mozilla/native-messaging-hosts", ""},
	{true, "chromium/NativeMessagingHosts",
	 "/etc/chromium/native-messaging-hosts:/usr/share/chromium/native-messaging-hosts"},
	{true, "google-chrome/NativeMessagingHosts", "/etc/opt/chrome/native-messaging-hosts"},
	{true, "BraveSoftware/Brave-Browser/NativeMessagingHosts",
	 "/etc/opt/chrome/native-messaging-hosts:/etc/brave/native-messaging-hosts"},
	{true, "vivaldi/NativeMessagingHosts",
	 "/etc/opt/vivaldi/native-messaging-hosts:/etc/chromium/native-messaging-hosts"},
	{true, "microsoft-edge/NativeMessagingHosts", "/etc/opt/edge/native-messaging-hosts"},
};

static int plan_host(struct wrap_job *j, const struct wrap_found *found, struct err *e)
{
	char command[PATH_MAX], path[PATH_MAX], script[PATH_MAX], from[PATH_MAX];
	struct wrap_file f = {WRAP_HOST, 0644, path, NULL, from};

	if (manifest_path(found->text, command, sizeof(command)) < 0 || command[0] != '/' ||
	    !wrap_target_is(&j->target, command))
		return 0;
	if (str_fmt(path, sizeof(path), "%s/%s", found->dir, found->id) < 0 ||
	    str_copy(from, sizeof(from), found->path) < 0 ||
	    str_fmt(script, sizeof(script), "%s/%s", j->bin, j->target.program) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of the home directory is too long");
	if (!strcmp(command, script))
		return 0;
	f.text = manifest_wrap(found->text, script, j->cover.mark);
	return wrap_plan_add(j, &f, e);
}

/* A user's directory is not made for a browser that is not there: only where there is a manifest.
 */
int wrap_plan_browsers(struct wrap_job *j, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(browsers); i++) {
		char own[PATH_MAX];
		const struct wrap_layers l = {
			.own = own, .list = browsers[i].system, .below = "", .suffix = ".json"};

		if (str_fmt(own, sizeof(own), "%s/%s", browsers[i].in_config ? j->config : j->home,
			    browsers[i].own) < 0)
			return err_set(e, -ENAMETOOLONG,
				       "the path of the home directory is too long");
		r = wrap_layers_each(j, &l, plan_host, e);
	}
	return r;
}
