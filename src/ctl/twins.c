/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See twins.h. Keys are compared where they were read, and wiped with the profile. Called by
 * `import` and `up`; it only reads.
 */
#include "ctl/twins.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "conf/profile.h"
#include "conf/value.h"

static bool are_twins(const struct tunnel *a, const struct tunnel *b)
{
	uint8_t x[WG_KEY_LEN], y[WG_KEY_LEN];
	bool same;

	memcpy(x, a->private_key, sizeof(x));
	memcpy(y, b->private_key, sizeof(y));
	wgkey_clamp(x);
	wgkey_clamp(y);
	same = !memcmp(x, y, sizeof(x));
	util_wipe(x, sizeof(x));
	util_wipe(y, sizeof(y));
	return same;
}

static bool is_twin(const char *name, const struct tunnel *t)
{
	struct profile p = {0};
	bool same = profile_load_name(name, &p, NULL) == 0 && are_twins(&p.tunnel, t);

	profile_free(&p);
	return same;
}

bool twins_find(const char *name, const struct tunnel *t, bool (*counts)(const char *name),
		char ret[NAME_MAX_LEN + 1])
{
	AUTO_FREE struct profile_entry *entries = NULL;
	size_t n = 0;

	if (profile_list(&entries, &n, NULL) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *other = entries[i].name;

		if (!strcmp(other, name) || (counts && !counts(other)) || !is_twin(other, t))
			continue;
		str_copy(ret, NAME_MAX_LEN + 1, other);
		return true;
	}
	return false;
}
