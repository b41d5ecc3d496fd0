/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads policies in the OCI runtime-spec's own format, so that one file serves vpnrun and container
 * engines. Whatever two engines would read differently (the same argument twice in a rule, a key of
 * one engine only) is refused here: a policy must mean the same everywhere.
 *
 * Must never guess: an unknown action, operator or key is an error that names its place. Called by
 * the build-time compiler, vpnctl and tests; never linked into vpnrun or the broker.
 */
#include "policy/oci.h"

#include <errno.h>
#include <jansson.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

#include "base/util.h"

static void json_release(json_t **j)
{
	json_decref(*j);
}
#define AUTO_JSON __attribute__((cleanup(json_release)))

struct oci_reader {
	const char *file;
	struct policy *p;
	struct err *e;
};

static int check_keys(struct oci_reader *r, json_t *obj, const char *where,
		      const char *const *known)
{
	const char *key;
	json_t *v;

	json_object_foreach(obj, key, v)
	{
		size_t i = 0;

		if (strcmp(key, "comment") == 0)
			continue;
		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return err_set(r->e, -EINVAL,
				       "%s: %s%s: not a key of the OCI format that "
				       "is supported here",
				       r->file, where, key);
	}
	return 0;
}

/* An object of the policy, and where it stands. */
struct oci_place {
	json_t *obj;
	const char *where;
};

/* *ret stays where the key is not there. */
static int get_uint(struct oci_reader *r, const struct oci_place *at, const char *key, uint64_t max,
		    uint64_t *ret)
{
	json_t *v = json_object_get(at->obj, key);

	if (!v)
		return 0;
	if (json_is_integer(v) && json_integer_value(v) >= 0 &&
	    (uint64_t)json_integer_value(v) <= max) {
		*ret = (uint64_t)json_integer_value(v);
		return 0;
	}
	return err_set(r->e, -EINVAL, "%s: %s%s: must be a whole number from 0 to %llu", r->file,
		       at->where, key, (unsigned long long)max);
}

static int get_action(struct oci_reader *r, const struct oci_place *at, const char *key,
		      const char *errno_key, uint32_t *ret)
{
	static const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
		{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO},
		{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
		{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
		{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
		{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
		{"SCMP_ACT_LOG", SECCOMP_RET_LOG},
	};
	const char *s = json_string_value(json_object_get(at->obj, key));
	uint64_t code = EPERM;
	int rc;

	if (!s)
		return err_set(r->e, -EINVAL, "%s: %s%s: missing, or not a string", r->file,
			       at->where, key);
	rc = get_uint(r, at, errno_key, 4095, &code);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(s, actions[i].name) != 0)
			continue;
		*ret = actions[i].action;
		if (*ret == SECCOMP_RET_ERRNO)
			*ret |= (uint32_t)code;
		else if (json_object_get(at->obj, errno_key))
			return err_set(r->e, -EINVAL, "%s: %s%s: only SCMP_ACT_ERRNO has an errno",
				       r->file, at->where, errno_key);
		return 0;
	}
	return err_set(r->e, -EINVAL,
		       "%s: %s%s: '%s' is not an action that can be enforced "
		       "without a supervisor (ALLOW, LOG, ERRNO, TRAP, KILL, KILL_PROCESS)",
		       r->file, at->where, key, s);
}

static int read_arg(struct oci_reader *r, json_t *obj, const char *where, struct policy_arg *ret)
{
	static const char *const known[] = {"index", "value", "valueTwo", "op", NULL};
	static const char *const ops[] = {
		[POLICY_EQ] = "SCMP_CMP_EQ",
		[POLICY_NE] = "SCMP_CMP_NE",
		[POLICY_LT] = "SCMP_CMP_LT",
		[POLICY_LE] = "SCMP_CMP_LE",
		[POLICY_GT] = "SCMP_CMP_GT",
		[POLICY_GE] = "SCMP_CMP_GE",
		[POLICY_MASKED] = "SCMP_CMP_MASKED_EQ",
	};
	const char *op = json_string_value(json_object_get(obj, "op"));
	const struct oci_place at = {obj, where};
	struct policy_arg a = {0};
	uint64_t index = UINT64_MAX;
	size_t i = 0;
	int rc;

	if (!json_is_object(obj))
		return err_set(r->e, -EINVAL, "%s: %s must be an object", r->file, where);
	rc = check_keys(r, obj, where, known);
	rc = rc ?: get_uint(r, &at, "index", 5, &index);
	rc = rc ?: get_uint(r, &at, "value", INT64_MAX, &a.value);
	rc = rc ?: get_uint(r, &at, "valueTwo", INT64_MAX, &a.value_two);
	if (rc < 0)
		return rc;
	if (index > 5)
		return err_set(r->e, -EINVAL, "%s: %sindex: missing", r->file, where);
	while (i < ARRAY_SIZE(ops) && (!op || strcmp(op, ops[i]) != 0))
		i++;
	if (i == ARRAY_SIZE(ops))
		return err_set(r->e, -EINVAL, "%s: %sop: '%s' is not a comparison", r->file, where,
			       op ? op : "(missing)");
	a.index = (unsigned)index;
	a.op = (enum policy_op)i;
	if (a.op == POLICY_MASKED && (a.value_two & ~a.value))
		return err_set(r->e, -EINVAL,
			       "%s: %svalueTwo: has bits outside the mask in "
			       "\"value\", so it could never match",
			       r->file, where);
	*ret = a;
	return 0;
}

static int read_args(struct oci_reader *r, json_t *list, size_t entry, struct policy_rule *rule)
{
	unsigned seen = 0;
	char where[64];
	json_t *v;
	size_t i;

	if (json_array_size(list) > ARRAY_SIZE(rule->args))
		return err_set(r->e, -EINVAL, "%s: syscalls[%zu].args: more than six", r->file,
			       entry);
	json_array_foreach(list, i, v)
	{
		int rc;

		snprintf(where, sizeof(where), "syscalls[%zu].args[%zu].", entry, i);
		rc = read_arg(r, v, where, &rule->args[i]);
		if (rc < 0)
			return rc;
		if (seen & (1U << rule->args[i].index))
			return err_set(r->e, -EINVAL,
				       "%s: %sindex: the same argument twice in one "
				       "rule means AND to some engines and OR to others; use a "
				       "mask, or several rules",
				       r->file, where);
		seen |= 1U << rule->args[i].index;
	}
	rule->n_args = json_array_size(list);
	return 0;
}

static int add_rule(struct oci_reader *r, const struct policy_rule *proto, const char *name)
{
	struct policy *p = r->p;
	struct policy_rule *grown;

	if (p->n_rules % 64 == 0) {
		grown = reallocarray(p->rules, p->n_rules + 64, sizeof(*grown));
		if (!grown)
			return err_set(r->e, -ENOMEM, "%s: out of memory", r->file);
		p->rules = grown;
	}
	grown = &p->rules[p->n_rules];
	*grown = *proto;
	grown->name = strdup(name);
	if (!grown->name)
		return err_set(r->e, -ENOMEM, "%s: out of memory", r->file);
	p->n_rules++;
	return 0;
}

static int read_entry(struct oci_reader *r, json_t *obj, size_t entry)
{
	static const char *const known[] = {"names", "action", "errnoRet", "args", NULL};
	struct policy_rule rule = {.entry = entry};
	json_t *names = json_object_get(obj, "names"), *args = json_object_get(obj, "args"), *v;
	char where[48];
	size_t i;
	int rc;

	snprintf(where, sizeof(where), "syscalls[%zu].", entry);
	rc = check_keys(r, obj, where, known);
	if (rc < 0)
		return rc;
	if (!json_is_array(names) || json_array_size(names) == 0)
		return err_set(r->e, -EINVAL, "%s: %snames: must be a list of names", r->file,
			       where);
	if (args && !json_is_array(args) && !json_is_null(args))
		return err_set(r->e, -EINVAL, "%s: %sargs: must be a list", r->file, where);
	rc = get_action(r, &(struct oci_place){obj, where}, "action", "errnoRet", &rule.action);
	if (rc == 0)
		rc = read_args(r, args, entry, &rule);
	if (rc < 0)
		return rc;
	/* libseccomp's users skip such rules: they add nothing, and must not be exceptions. */
	if (rule.action == r->p->default_action)
		return policy_warn(r->p,
				   "syscalls[%zu] does what defaultAction does anyway: it "
				   "is skipped",
				   entry);
	json_array_foreach(names, i, v)
	{
		if (!json_is_string(v))
			return err_set(r->e, -EINVAL, "%s: %snames[%zu]: not a string", r->file,
				       where, i);
		rc = add_rule(r, &rule, json_string_value(v));
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_archs(struct oci_reader *r, json_t *list)
{
	json_t *v;
	size_t i;

	if (list && !json_is_array(list))
		return err_set(r->e, -EINVAL, "%s: architectures: must be a list", r->file);
	json_array_foreach(list, i, v)
	{
		const char *s = json_is_string(v) ? json_string_value(v) : "";
		char lower[32] = "";
		uint32_t token = 0;

		/* libseccomp resolves "x86_64"; the OCI format says SCMP_ARCH_X86_64. */
		if (strncmp(s, "SCMP_ARCH_", 10) == 0 && strlen(s + 10) < sizeof(lower)) {
			for (size_t k = 0; s[10 + k]; k++)
				lower[k] = (char)(s[10 + k] | (s[10 + k] == '_' ? 0 : 0x20));
			token = seccomp_arch_resolve_name(lower);
		}
		if (!token)
			return err_set(r->e, -EINVAL,
				       "%s: architectures[%zu]: '%s' is not an "
				       "architecture",
				       r->file, i, s);
		if (r->p->n_archs == POLICY_ARCHS_MAX)
			return err_set(r->e, -EINVAL, "%s: architectures: too many", r->file);
		r->p->archs[r->p->n_archs++] = token;
	}
	return 0;
}

static int read_flags(struct oci_reader *r, json_t *list)
{
	json_t *v;
	size_t i;

	if (list && !json_is_array(list))
		return err_set(r->e, -EINVAL, "%s: flags: must be a list", r->file);
	json_array_foreach(list, i, v)
	{
		const char *s = json_is_string(v) ? json_string_value(v) : "";

		if (strcmp(s, "SECCOMP_FILTER_FLAG_LOG") == 0)
			r->p->load_flags |= SECCOMP_FILTER_FLAG_LOG;
		else if (strcmp(s, "SECCOMP_FILTER_FLAG_SPEC_ALLOW") == 0)
			r->p->load_flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
		else if (strcmp(s, "SECCOMP_FILTER_FLAG_TSYNC") != 0)
			/* TSYNC is for engines with threads; a launcher has one. */
			return err_set(r->e, -EINVAL, "%s: flags[%zu]: '%s' is not supported",
				       r->file, i, s);
	}
	return 0;
}

static int load_object(const char *file, const char *text, size_t len, json_t **ret, struct err *e)
{
	json_error_t je;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);

	if (!root)
		return err_set(e, -EINVAL, "%s:%d: %s", file, je.line, je.text);
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(e, -EINVAL, "%s: must be a JSON object", file);
	}
	*ret = root;
	return 0;
}

int policy_oci_parse(const char *file, const char *text, size_t len, struct policy *ret,
		     struct err *e)
{
	static const char *const known[] = {"defaultAction", "defaultErrnoRet", "architectures",
					    "flags",	     "syscalls",	NULL};
	AUTO_JSON json_t *root = NULL;
	struct policy p = {0};
	struct oci_reader r = {file, &p, e};
	json_t *list, *v;
	size_t i;
	int rc = load_object(file, text, len, &root, e);

	if (rc < 0)
		return rc;
	list = json_object_get(root, "syscalls");
	rc = check_keys(&r, root, "", known);
	rc = rc
		     ?: get_action(&r, &(struct oci_place){root, ""}, "defaultAction",
				   "defaultErrnoRet", &p.default_action);
	rc = rc ?: read_archs(&r, json_object_get(root, "architectures"));
	rc = rc ?: read_flags(&r, json_object_get(root, "flags"));
	if (rc == 0 && list && !json_is_array(list))
		rc = err_set(e, -EINVAL, "%s: syscalls: must be a list", file);
	for (i = 0; rc == 0 && i < json_array_size(list); i++) {
		v = json_array_get(list, i);
		rc = json_is_object(v)
			     ? read_entry(&r, v, i)
			     : err_set(e, -EINVAL, "%s: syscalls[%zu]: must be an object", file, i);
	}
	if (rc < 0) {
		policy_free(&p);
		return rc;
	}
	*ret = p;
	return 0;
}

static int read_cap_set(const char *file, json_t *root, const char *key, uint64_t *ret,
			struct err *e)
{
	json_t *list = json_object_get(root, key), *v;
	uint64_t mask = 0;
	size_t i;

	if (list && !json_is_array(list))
		return err_set(e, -EINVAL, "%s: %s: must be a list", file, key);
	json_array_foreach(list, i, v)
	{
		const char *s = json_is_string(v) ? json_string_value(v) : "";
		cap_value_t cap;

		if (strncmp(s, "CAP_", 4) != 0 || cap_from_name(s, &cap) != 0 || cap > 63)
			return err_set(e, -EINVAL, "%s: %s[%zu]: '%s' is not a capability", file,
				       key, i, s);
		mask |= (uint64_t)1 << cap;
	}
	*ret = mask;
	return 0;
}

int policy_caps_parse(const char *file, const char *text, size_t len, uint64_t *ret, struct err *e)
{
	static const char *const known[] = {"bounding",	   "effective", "permitted",
					    "inheritable", "ambient",	NULL};
	AUTO_JSON json_t *root = NULL;
	struct oci_reader r = {file, NULL, e};
	uint64_t bounding, other;
	int rc = load_object(file, text, len, &root, e);

	rc = rc ?: check_keys(&r, root, "", known);
	rc = rc ?: read_cap_set(file, root, "bounding", &bounding, e);
	for (size_t i = 1; rc == 0 && known[i]; i++) {
		rc = read_cap_set(file, root, known[i], &other, e);
		if (rc == 0 && (other & ~bounding))
			rc = err_set(e, -EINVAL, "%s: %s: has more than \"bounding\"", file,
				     known[i]);
	}
	if (rc == 0)
		*ret = bounding;
	return rc;
}

void policy_caps_words(uint64_t caps, char *buf, size_t size)
{
	size_t len = 0;

	snprintf(buf, size, "no capability");
	for (cap_value_t c = 0; c < 64; c++) {
		char *name;

		if (!(caps >> c & 1) || len >= size)
			continue;
		name = cap_to_name(c);
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? " " : "",
					name ? name : "?");
		cap_free(name);
	}
}

int policy_warn(struct policy *p, const char *fmt, ...)
{
	char **grown = reallocarray(p->warnings, p->n_warnings + 1, sizeof(*grown));
	va_list ap;
	int n;

	if (!grown)
		return -ENOMEM;
	p->warnings = grown;
	va_start(ap, fmt);
	n = vasprintf(&grown[p->n_warnings], fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	p->n_warnings++;
	return 0;
}

void policy_free(struct policy *p)
{
	for (size_t i = 0; i < p->n_rules; i++)
		free(p->rules[i].name);
	free(p->rules);
	for (size_t i = 0; i < p->n_warnings; i++)
		free(p->warnings[i]);
	free(p->warnings);
	memset(p, 0, sizeof(*p));
}
