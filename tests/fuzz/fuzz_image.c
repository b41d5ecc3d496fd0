/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as the store of an engine in which an image and its manifest are looked up, to see
 * whether the annotation is the image's own word; as mountinfo beside a configuration's volumes;
 * as what Docker writes down of a container's ports; and as a policy that the hook loads.
 */
#include "fuzz/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "oci/hook.h"
#include "runtime/docker.h"

static const char config_text[] =
	"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"/s/overlay/abc/merged\"},"
	"\"annotations\":{\"vpnrun\":\"demo\"},\"mounts\":[{\"destination\":\"/data\","
	"\"type\":\"bind\",\"source\":\"/net/a\",\"options\":[\"rbind\"]},"
	"{\"destination\":\"/etc/hostname\",\"source\":\"/s/containers/abc/hostname\"}],"
	"\"linux\":{}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *config = json_loads(config_text, 0, NULL), *policy = NULL;
	struct err e = ERR_INIT;
	int says;

	must(config != NULL);
	world_begin(data, size);
	says = hook_image_says(config);
	must(says == 0 || says == 1);
	if (hook_image_check(config, &e) < 0)
		must_be_sentence(&e);
	if (hook_upcalls_check(config, &e) < 0)
		must_be_sentence(&e);
	if (hook_upcalls_cover(config, &e) < 0)
		must_be_sentence(&e);
	if (docker_look(config, "abc", &e) < 0)
		must_be_sentence(&e);
	if (hook_policy_load("seccomp", "default", &policy, &e) < 0) {
		must_be_sentence(&e);
	} else {
		json_t *merged = hook_seccomp_merge(NULL, policy);

		json_decref(merged);
		json_decref(policy);
	}
	world_end();
	json_decref(config);
	return 0;
}
