/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose word an annotation is. podman before 5 gives a container the annotations of its image,
 * where the user says no other: an image could give itself a network under `--network none`. The
 * storage that the container's root file system lies in tells what the image says. Called by the
 * stages and the wrapper runtime.
 */
#include "oci/hook.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORAGE_MAX (64u << 20)

bool hook_images_allowed;

/* GRAPHROOT/DRIVER/ID/merged, or GRAPHROOT/DRIVER/SOMETHING/ID. */
struct layer {
	char graph[PATH_MAX]; /* GRAPHROOT/DRIVER */
	char id[128];
};

static bool cut(char *path, const char **ret_last)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return false;
	*slash = '\0';
	*ret_last = slash + 1;
	return true;
}

static bool find_layer(const char *root, struct layer *ret)
{
	char path[PATH_MAX];
	const char *last, *before;

	if (!root || root[0] != '/' || str_copy(path, sizeof(path), root) < 0 ||
	    !cut(path, &last) || !cut(path, &before))
		return false;
	return str_copy(ret->graph, sizeof(ret->graph), path) == 0 &&
	       str_copy(ret->id, sizeof(ret->id), strcmp(last, "merged") ? last : before) == 0;
}

/* GRAPHROOT/DRIVER-KIND/NAME */
static json_t *load(const struct layer *l, const char *kind, const char *name)
{
	AUTO_FREE char *text = NULL;
	char path[PATH_MAX];
	size_t len;

	if (str_fmt(path, sizeof(path), "%s-%s/%s", l->graph, kind, name) < 0 ||
	    file_read(path, STORAGE_MAX, &text, &len, NULL) < 0)
		return NULL;
	return json_loadb(text, len, 0, NULL);
}

/* The image of the container whose layer that is; false: not of an image. */
static bool find_image(const struct layer *l, char ret[128])
{
	static const char *const lists[] = {"containers.json", "volatile-containers.json"};
	bool found = false;

	for (size_t f = 0; f < ARRAY_SIZE(lists) && !found; f++) {
		json_t *all = load(l, "containers", lists[f]), *c;
		size_t i;

		json_array_foreach(all, i, c)
		{
			const char *layer = hook_get_string(c, "layer");
			const char *image = hook_get_string(c, "image");

			if (layer && image && *image && !strcmp(layer, l->id) &&
			    !strchr(image, '/'))
				found = str_copy(ret, 128, image) == 0;
		}
		json_decref(all);
	}
	return found;
}

/* Engines that speak runtime-spec 1.2 take nothing from an image any more. */
static bool is_new_engine(const json_t *config)
{
	const char *version = hook_get_string(config, "ociVersion");
	int major = 0, minor = 0;

	return version && sscanf(version, "%d.%d", &major, &minor) == 2 &&
	       (major > 1 || (major == 1 && minor >= 2));
}

int hook_image_says(const json_t *config)
{
	const char *own = hook_get_string(config, "annotations." HOOK_ANNOTATION), *theirs;
	struct layer l;
	json_t *manifest;
	char image[128], name[160];
	int says;

	if (!own || !find_layer(hook_get_string(config, "root.path"), &l) || !find_image(&l, image))
		return 0;
	str_fmt(name, sizeof(name), "%s/manifest", image);
	manifest = load(&l, "images", name);
	theirs = hook_get_string(manifest, "annotations." HOOK_ANNOTATION);
	/* It may lie in a store that we do not know of. */
	says = manifest ? theirs && !strcmp(own, theirs) : !is_new_engine(config);
	json_decref(manifest);
	return says;
}

int hook_image_check(const json_t *config, struct err *e)
{
	if (hook_images_allowed || !hook_image_says(config))
		return 0;
	hook_fail(HOOK_ANNOTATED, 0);
	return err_set(e, -EPERM,
		       "the image itself carries the annotation vpnrun=%.60s, and no image chooses "
		       "its own network: say it in other words, as --annotation "
		       "'vpnrun=NAME;policy=default', or allow all images by `vpnctl oci enable "
		       "--images`",
		       hook_get_string(config, "annotations." HOOK_ANNOTATION));
}
