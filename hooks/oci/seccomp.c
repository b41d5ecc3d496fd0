/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two seccomp sections made one: what remains is allowed by both. A runtime loads one filter only,
 * and in it a rule without conditions beats every conditional one of the same call; so a call that
 * is to be denied is taken out of the lists that allow it, never denied beside them. Where the two
 * cannot be put together exactly the result denies. Pure.
 *
 * A policy comes in two kinds: one that allows by default and names what it denies, and one that
 * names what it allows. Conditional denials are turned into what they leave for the calls that make
 * sockets, whose arguments are few; the others (ioctl, which types into a terminal) matter for a
 * terminal that is shared with the host, and a container's is its own.
 */
#include "oci/hook.h"

#include <string.h>

#define FAMILIES    64
#define PROTOCOLS   32
#define AF_NETLINK_ 16

struct known_policy {
	int index; /* of the argument, -1: none */
	uint64_t value;
};

static const char *str_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static uint64_t num_of(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static bool is_allow(const char *action)
{
	return !strcmp(action, "SCMP_ACT_ALLOW") || !strcmp(action, "SCMP_ACT_LOG");
}

static bool has_name(const json_t *rule, const char *name)
{
	const json_t *v, *names = json_object_get(rule, "names");
	size_t i;

	json_array_foreach(names, i, v)
	{
		if (json_is_string(v) && !strcmp(json_string_value(v), name))
			return true;
	}
	return false;
}

/* 1, 0, or -1: an operator that is not known. */
static int holds(const json_t *arg, uint64_t v)
{
	const char *op = str_of(arg, "op");
	uint64_t want = num_of(arg, "value");

	if (!strcmp(op, "SCMP_CMP_EQ"))
		return v == want;
	if (!strcmp(op, "SCMP_CMP_NE"))
		return v != want;
	if (!strcmp(op, "SCMP_CMP_LT"))
		return v < want;
	if (!strcmp(op, "SCMP_CMP_LE"))
		return v <= want;
	if (!strcmp(op, "SCMP_CMP_GT"))
		return v > want;
	if (!strcmp(op, "SCMP_CMP_GE"))
		return v >= want;
	if (!strcmp(op, "SCMP_CMP_MASKED_EQ"))
		return (v & want) == num_of(arg, "valueTwo");
	return -1;
}

/* Whether the rule matches a call of which the first n of known are known: 1 always, 0 never, -1 it
 * depends. */
static int matches(const json_t *rule, const struct known_policy *k, size_t n)
{
	const json_t *arg, *args = json_object_get(rule, "args");
	int result = 1;
	size_t i;

	json_array_foreach(args, i, arg)
	{
		uint64_t index = num_of(arg, "index");
		int h = -1;

		for (size_t j = 0; j < n; j++)
			if ((uint64_t)k[j].index == index)
				h = holds(arg, k[j].value);
		if (h == 0)
			return 0;
		if (h < 0)
			result = -1;
	}
	return result;
}

/* Whether a section surely lets such a call of that name through. */
static bool lets(const json_t *section, const char *name, const struct known_policy *k, size_t n)
{
	bool by_default = is_allow(str_of(section, "defaultAction")), allowed = by_default;
	const json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(section, "syscalls"), i, rule)
	{
		int m = has_name(rule, name) ? matches(rule, k, n) : 0;

		if (is_allow(str_of(rule, "action")) && m == 1)
			allowed = true;
		else if (!is_allow(str_of(rule, "action")) && by_default && m != 0)
			return false;
	}
	return allowed;
}

/* Takes a call out of all rules of a section. */
static void forget(json_t *section, const char *name)
{
	json_t *list = json_object_get(section, "syscalls");

	for (size_t i = json_array_size(list); i-- > 0;) {
		json_t *names = json_object_get(json_array_get(list, i), "names");

		for (size_t k = json_array_size(names); k-- > 0;) {
			const char *s = json_string_value(json_array_get(names, k));

			if (!s || !strcmp(s, name))
				json_array_remove(names, k);
		}
		if (json_array_size(names) == 0)
			json_array_remove(list, i);
	}
}

static int add_rule(json_t *section, const char *name, const char *action, json_t *args)
{
	json_t *rule = json_pack("{s:[s],s:s}", "names", name, "action", action);

	if (!rule || (args && json_object_set(rule, "args", args) < 0)) {
		json_decref(rule);
		return -1;
	}
	return json_array_append_new(json_object_get(section, "syscalls"), rule);
}

static int allow_values(json_t *section, const char *name, const struct known_policy *k, size_t n)
{
	json_t *args = json_array();
	int r = args ? 0 : -1;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = json_array_append_new(args,
					  json_pack("{s:i,s:I,s:s}", "index", k[i].index, "value",
						    (json_int_t)k[i].value, "op", "SCMP_CMP_EQ"));
	if (r == 0)
		r = add_rule(section, name, "SCMP_ACT_ALLOW", args);
	json_decref(args);
	return r;
}

/* socket and socketpair: each family (and protocol of netlink) that both let through. out's own
 * default action denies. */
static int allow_sockets(json_t *out, const char *name, const json_t *own, const json_t *policy)
{
	for (uint64_t f = 0; f < FAMILIES; f++) {
		struct known_policy k[2] = {{0, f}, {2, 0}};
		int r = 0;

		if (f != AF_NETLINK_) {
			if (lets(own, name, k, 1) && lets(policy, name, k, 1))
				r = allow_values(out, name, k, 1);
		} else {
			for (uint64_t p = 0; r == 0 && p < PROTOCOLS; p++) {
				k[1].value = p;
				if (lets(own, name, k, 2) && lets(policy, name, k, 2))
					r = allow_values(out, name, k, 2);
			}
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_socket_call(const char *name)
{
	return !strcmp(name, "socket") || !strcmp(name, "socketpair");
}

/* The policy allows by default. */
static int merge_denials(json_t *out, const json_t *own, const json_t *policy)
{
	bool open = is_allow(str_of(own, "defaultAction"));
	const json_t *rule, *name, *list = json_object_get(policy, "syscalls");
	size_t i, k;

	/* First all are taken out, then the rules of those that have conditions come in. */
	json_array_foreach(list, i, rule)
	{
		bool conditional = json_array_size(json_object_get(rule, "args")) > 0;

		if (is_allow(str_of(rule, "action")))
			continue;
		json_array_foreach(json_object_get(rule, "names"), k, name)
		{
			const char *s = json_string_value(name);

			if (s && (!conditional || is_socket_call(s)))
				forget(out, s);
		}
	}
	if (!open)
		return allow_sockets(out, "socket", own, policy) < 0 ||
				       allow_sockets(out, "socketpair", own, policy) < 0
			       ? -1
			       : 0;
	json_array_foreach(list, i, rule)
	{
		json_t *copy;

		if (is_allow(str_of(rule, "action")))
			continue;
		copy = json_deep_copy(rule);
		if (!copy || json_array_append_new(json_object_get(out, "syscalls"), copy) < 0)
			return -1;
	}
	return 0;
}

/* The value that an argument must have for the condition to hold, if there is but one. */
static bool is_fixed(const json_t *arg, struct known_policy *ret)
{
	if (strcmp(str_of(arg, "op"), "SCMP_CMP_EQ") != 0)
		return false;
	*ret = (struct known_policy){(int)num_of(arg, "index"), num_of(arg, "value")};
	return true;
}

/* Appends to args those conditions of others that are not implied. 0: the two exclude each other or
 * cannot be put into one rule. */
static int conjoin(json_t *args, const json_t *others)
{
	const json_t *o;
	size_t i;

	json_array_foreach(others, i, o)
	{
		uint64_t index = num_of(o, "index");
		bool implied = false;

		for (size_t k = 0; k < json_array_size(args) && !implied; k++) {
			json_t *a = json_array_get(args, k);
			struct known_policy v;

			if (num_of(a, "index") != index)
				continue;
			if (is_fixed(a, &v)) {
				if (holds(o, v.value) != 1)
					return 0;
			} else if (is_fixed(o, &v)) {
				json_t *copy = holds(a, v.value) == 1 ? json_deep_copy(o) : NULL;

				if (!copy || json_array_set_new(args, k, copy) < 0)
					return 0;
			} else if (strcmp(str_of(a, "op"), str_of(o, "op")) != 0 ||
				   num_of(a, "value") != num_of(o, "value") ||
				   num_of(a, "valueTwo") != num_of(o, "valueTwo")) {
				return 0;
			}
			implied = true;
		}
		if (!implied && json_array_append_new(args, json_deep_copy(o)) < 0)
			return 0;
	}
	return 1;
}

static int allow_both(json_t *out, const char *name, const json_t *rule, const json_t *own)
{
	const json_t *theirs;
	size_t i;

	if (is_allow(str_of(own, "defaultAction")))
		return lets(own, name, NULL, 0) ? add_rule(out, name, "SCMP_ACT_ALLOW",
							   json_object_get(rule, "args"))
						: 0;
	json_array_foreach(json_object_get(own, "syscalls"), i, theirs)
	{
		json_t *args;
		int r = 0;

		if (!is_allow(str_of(theirs, "action")) || !has_name(theirs, name))
			continue;
		args = json_object_get(rule, "args") ? json_deep_copy(json_object_get(rule, "args"))
						     : json_array();
		if (!args)
			return -1;
		if (conjoin(args, json_object_get(theirs, "args")))
			r = add_rule(out, name, "SCMP_ACT_ALLOW",
				     json_array_size(args) ? args : NULL);
		json_decref(args);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The policy names what it allows; out begins without rules. */
static int merge_allowances(json_t *out, const json_t *own, const json_t *policy)
{
	const json_t *rule, *name;
	size_t i, k;

	json_array_foreach(json_object_get(policy, "syscalls"), i, rule)
	{
		if (!is_allow(str_of(rule, "action")))
			continue;
		json_array_foreach(json_object_get(rule, "names"), k, name)
		{
			const char *s = json_string_value(name);

			if (s && allow_both(out, s, rule, own) < 0)
				return -1;
		}
	}
	return 0;
}

json_t *hook_seccomp_merge(const json_t *own, const json_t *policy)
{
	bool open = is_allow(str_of(policy, "defaultAction"));
	json_t *out;
	int r;

	if (!json_is_object(own)) {
		out = json_deep_copy(policy);
		json_object_del(out, "comment");
		return out;
	}
	out = json_deep_copy(own);
	/* A listener of the engine's would be asked about calls that nobody must allow. */
	json_object_del(out, "listenerPath");
	json_object_del(out, "listenerMetadata");
	if (!open) {
		json_object_set(out, "defaultAction", json_object_get(policy, "defaultAction"));
		json_object_del(out, "defaultErrnoRet");
		if (json_object_get(policy, "defaultErrnoRet"))
			json_object_set(out, "defaultErrnoRet",
					json_object_get(policy, "defaultErrnoRet"));
	}
	if (!open || !json_object_get(out, "syscalls"))
		json_object_set_new(out, "syscalls", json_array());
	r = open ? merge_denials(out, own, policy) : merge_allowances(out, own, policy);
	if (r == 0)
		return out;
	json_decref(out);
	return NULL;
}
