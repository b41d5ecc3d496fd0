/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnrun-runtime: an OCI runtime that is another one with vpnrun-hook put in, for engines that know
 * no hooks (Docker, containerd). On `create` and `run` it edits config.json, on `exec` the process
 * that is to be added, for engines give that one their own capabilities; on `start` it looks at the
 * network namespace once more, for an engine may have put a network into it meanwhile. Then it
 * becomes the real runtime with the same arguments. Must pass through untouched whatever concerns a
 * container without the annotation.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/hook.h"
#include "runtime/call.h"
#include "runtime/docker.h"
#include "base/child.h"
#include "base/log.h"
#include "nl/link.h"
#include "plug/cable.h"
#include "plug/cable_alone.h"

extern char **environ;

static int read_config(const char *path, json_t **ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	json_error_t je;
	size_t len;
	int r = file_read(path, HOOK_INPUT_MAX, &text, &len, e);

	if (r < 0)
		return r;
	*ret = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	return *ret ? 0 : err_set(e, -EINVAL, "%s:%d: %.160s", path, je.line, je.text);
}

static int hook_path(char ret[PATH_MAX + 16], struct err *e)
{
	ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX);

	while (n > 0 && ret[--n] != '/')
		;
	if (n < 0)
		return err_sys(e, -errno, "cannot tell where vpnrun is installed");
	snprintf(ret + n, 16, "/vpnrun-hook");
	return access(ret, X_OK) < 0 ? err_sys(e, -errno, "cannot use %s", ret) : 0;
}

static bool has_hook(const json_t *list)
{
	const json_t *h;
	size_t i;

	json_array_foreach(list, i, h)
	{
		const char *path = json_string_value(json_object_get(h, "path"));
		size_t n = path ? strlen(path) : 0;

		if (n > 12 && !strcmp(path + n - 12, "/vpnrun-hook"))
			return true;
	}
	return false;
}

/* Before all others: what an engine's own hook adds afterwards is found at start. */
static int add_hook(json_t *config, const char *stage, const char *path)
{
	json_t *hooks = json_object_get(config, "hooks"), *list, *h;

	if (!hooks) {
		hooks = json_object();
		if (json_object_set_new(config, "hooks", hooks) < 0)
			return -1;
	}
	list = json_object_get(hooks, stage);
	if (!json_is_array(list)) {
		list = json_array();
		if (json_object_set_new(hooks, stage, list) < 0)
			return -1;
	}
	if (has_hook(list))
		return 0;
	/* Whose word the annotation is has been looked at. */
	h = json_pack("{s:s,s:[s,s,s],s:i}", "path", path, "args", "vpnrun-hook", stage, "--images",
		      "timeout", 10);
	return h ? json_array_insert_new(list, 0, h) : -1;
}

/* The engine's names are the host's; ours take their place. */
static void drop_names(json_t *config)
{
	json_t *mounts = json_object_get(config, "mounts");

	for (size_t i = json_array_size(mounts); i-- > 0;) {
		const char *d = json_string_value(
			json_object_get(json_array_get(mounts, i), "destination"));

		if (d && (!strcmp(d, "/etc/resolv.conf") || !strcmp(d, "/etc/nsswitch.conf")))
			json_array_remove(mounts, i);
	}
}

/* The container's own word goes before the engine's; its image's does not. */
static int set_spec(json_t *config, const char *spec, struct err *e)
{
	json_t *all = json_object_get(config, "annotations");

	if (hook_get_string(config, "annotations." HOOK_ANNOTATION) && !hook_image_says(config))
		return 0;
	if (!all) {
		all = json_object();
		if (json_object_set_new(config, "annotations", all) < 0)
			return err_set(e, -ENOMEM, "cannot annotate the container");
	}
	if (json_object_set_new(all, HOOK_ANNOTATION, json_string(spec)) < 0)
		return err_set(e, -EINVAL, "cannot annotate the container");
	return 0;
}

static int edit(const struct call *c, json_t *config, struct err *e)
{
	char hook[PATH_MAX + 16];
	struct hook_want w;
	bool given;
	int r = docker_look(config, c->argv[c->argc - 1], e);

	r = r ?: hook_want_read(config, &w, e);
	if (r == 0)
		r = hook_config_check(config, &given, e);
	if (r == 0)
		r = hook_path(hook, e);
	if (r < 0)
		return r;
	drop_names(config);
	r = hook_config_edit(config, c->bundle, &w, e);
	if (r < 0)
		return r;
	if (add_hook(config, "createRuntime", hook) < 0 ||
	    (!hook_has_names(config, &w) && add_hook(config, "createContainer", hook) < 0))
		return err_set(e, -EINVAL, "cannot add the hooks to the configuration");
	return 0;
}

static int write_config(const char *path, const json_t *config, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	char *text;
	int r;

	if (fd < 0)
		return err_sys(e, -errno, "cannot change %s", path);
	text = json_dumps(config, JSON_COMPACT);
	if (!text)
		return err_set(e, -ENOMEM, "cannot write %s", path);
	r = ftruncate(fd, 0) < 0 ? -errno : fd_write_all(fd, text, strlen(text));
	free(text);
	return r < 0 ? err_sys(e, r, "cannot write %s", path) : 0;
}

static int on_create(const struct call *c, struct err *e)
{
	json_t *config = NULL;
	char path[PATH_MAX];
	int r;

	if (str_fmt(path, sizeof(path), "%s/config.json", c->bundle) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of the bundle is too long");
	r = read_config(path, &config, e);
	if (r == 0)
		r = c->spec ? set_spec(config, c->spec, e) : hook_image_check(config, e);
	if (r == 0 && json_object_get(json_object_get(config, "annotations"), HOOK_ANNOTATION)) {
		if (!strcmp(c->argv[c->verb], "restore"))
			r = err_set(e, -EOPNOTSUPP,
				    "a container in a VPN cannot be restored from a checkpoint");
		else
			r = edit(c, config, e);
		if (r == 0)
			r = write_config(path, config, e);
	}
	json_decref(config);
	return r;
}

/* `RUNTIME ... state ID`: what it prints. */
static int ask_state(const struct call *c, json_t **ret, struct err *e)
{
	AUTO_FREE char **argv = calloc((size_t)c->verb + 3, sizeof(*argv));
	AUTO_FREE char *text = NULL;
	static char state[] = "state";
	posix_spawn_file_actions_t fa;
	int p[2], rc, status;
	size_t len = 0;
	pid_t pid;

	if (!argv || pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, -ENOMEM, "cannot ask the runtime for the container's state");
	memcpy(argv, c->argv, (size_t)c->verb * sizeof(*argv));
	argv[c->verb] = state;
	argv[c->verb + 1] = c->argv[c->argc - 1];
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, p[1], STDOUT_FILENO);
	rc = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	close(p[1]);
	if (rc == 0)
		rc = -file_read_fd(p[0], HOOK_INPUT_MAX, &text, &len);
	close(p[0]);
	if (rc != 0)
		return err_sys(e, -rc, "cannot ask %s for the container's state", argv[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	*ret = json_loadb(text, len, 0, NULL);
	return *ret ? 0 : err_set(e, -EINVAL, "%s does not tell the container's state", argv[0]);
}

static int on_exec(const struct call *c, struct err *e)
{
	json_t *state = NULL, *process = NULL;
	struct hook_want w;
	int r = ask_state(c, &state, e);

	if (r == 0 && json_object_get(json_object_get(state, "annotations"), HOOK_ANNOTATION)) {
		r = hook_want_read(state, &w, e);
		r = r ?: read_config(c->process, &process, e);
		r = r ?: hook_process_edit(process, &w, e);
		r = r ?: write_config(c->process, process, e);
	}
	json_decref(process);
	json_decref(state);
	return r;
}

/* The cable would come back without its other side. */
static int on_checkpoint(const struct call *c, struct err *e)
{
	json_t *state = NULL;
	int r = ask_state(c, &state, e);

	if (r == 0 && json_object_get(json_object_get(state, "annotations"), HOOK_ANNOTATION))
		r = err_set(e, -EOPNOTSUPP, "a container in a VPN cannot be checkpointed");
	json_decref(state);
	return r;
}

/* In a process of its own, which does not come back from the container's namespace. */
static int check_inside(const json_t *state, const struct hook_want *w, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	AUTO_CLOSE int netns = hook_netns_open(state, e);
	const char *dev = w->ifname[0] ? w->ifname : LEASE_CABLE;
	struct cable_end end = {.dev = dev, .table = CABLE_TABLE};
	const struct rtnl_link *cable = NULL;
	struct record record;
	size_t n = 0;
	int r = netns < 0 ? netns : hook_netns_enter(netns, e);

	r = r ?: hook_find(w->vpn, &record, e);
	r = r ?: nl_sock_open(&s, NETLINK_ROUTE, e);
	r = r ?: rtnl_link_list(&s, RTNL_HERE, &links, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(links[i].name, dev))
			cable = &links[i];
		else if (cable_is_other(&links[i], dev))
			return err_set(e, -EPERM,
				       "the engine has put the network device %s into the "
				       "container: start it with --network none",
				       links[i].name);
	}
	if (!cable)
		return err_set(e, -ENODEV, "the container has no cable to its VPN");
	/* Newer Dockers make their network here, and turns IPv6 off with it. */
	end.host = lease_from_mac(cable->mac);
	return cable_again_ip6(&s, &record, &end, e);
}

struct runtime_look {
	json_t *state;
	struct hook_want w;
};

static int look_inside(void *arg, void *answer, size_t *len, struct err *e)
{
	struct runtime_look *look = arg;

	(void)answer;
	*len = 0;
	return check_inside(look->state, &look->w, e);
}

static int on_start(const struct call *c, struct err *e)
{
	struct runtime_look look = {.state = NULL};
	const struct child_job job = {
		.fn = look_inside,
		.arg = &look,
		.timeout_ms = -1,
		.silent = "the container's network could not be looked at",
	};
	int r = ask_state(c, &look.state, e);

	if (r == 0 &&
	    json_object_get(json_object_get(look.state, "annotations"), HOOK_ANNOTATION)) {
		size_t len;

		r = hook_want_read(look.state, &look.w, e);
		r = r ?: child_call(&job, &len, e);
	}
	json_decref(look.state);
	return r;
}

/* Docker and containerd show the last line of that file, not what a runtime says. */
static void tell_engine(const struct call *c, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	json_t *line;
	char *text;

	hook_err_clean(e);
	log_error("%s", e->msg);
	if (!c->log)
		return;
	line = json_pack("{s:s,s:s,s:s}", "level", "error", "msg", e->msg, "time",
			 "1970-01-01T00:00:00Z");
	text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	fd = open(c->log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		  0600);
	if (text && fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0)
		fd_write_all(fd, "\n", 1);
	free(text);
	json_decref(line);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	const char *verb;
	struct call c;
	int r = 0;

	log_program = "vpnrun-runtime";
	if (argc < 1)
		return HOOK_USAGE;
	r = call_parse(argc, argv, &c, &e);
	verb = r == 0 && c.verb < c.argc ? c.argv[c.verb] : "";
	if (!strcmp(verb, "create") || !strcmp(verb, "run") || !strcmp(verb, "restore"))
		r = on_create(&c, &e);
	else if (!strcmp(verb, "start"))
		r = on_start(&c, &e);
	else if (!strcmp(verb, "exec") && c.process)
		r = on_exec(&c, &e);
	else if (!strcmp(verb, "checkpoint"))
		r = on_checkpoint(&c, &e);
	if (r < 0) {
		tell_engine(&c, &e);
		return HOOK_FAILED;
	}
	execvp(c.argv[0], c.argv);
	err_sys(&e, -errno, "cannot run %s", c.argv[0]);
	tell_engine(&c, &e);
	return HOOK_FAILED;
}
