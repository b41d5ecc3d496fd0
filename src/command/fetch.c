/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libcurl, loaded when a document is asked for and not before: TLS is nothing to write oneself, and
 * `vpnctl up` should neither need nor map it. Loading by name also takes whichever build of it
 * the system has (OpenSSL's or GnuTLS's). Its numbers below are its ABI, fixed since 2001 (see
 * https://curl.se/libcurl/abi.html). Called by `vpnctl ip`; must never be linked by what runs with
 * a client's data.
 */
#include "command/fetch.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"

#define CURL_ERROR_SIZE	 256
#define PROTO_HTTP_HTTPS 3L
#define CURLE_OK	 0

enum {
	OPT_TIMEOUT_MS = 155,
	OPT_NOSIGNAL = 99,
	OPT_FOLLOWLOCATION = 52,
	OPT_MAXREDIRS = 68,
	OPT_FAILONERROR = 45,
	OPT_PROTOCOLS = 181,
	OPT_REDIR_PROTOCOLS = 182,
	OPT_IPRESOLVE = 113,
	OPT_WRITEDATA = 10001,
	OPT_URL = 10002,
	OPT_PROXY = 10004,
	OPT_ERRORBUFFER = 10010,
	OPT_USERAGENT = 10018,
	OPT_WRITEFUNCTION = 20011,
};

struct fetch {
	void *lib, *handle;
	void *(*easy_init)(void);
	int (*easy_setopt)(void *handle, int option, ...);
	int (*easy_perform)(void *handle);
	const char *(*easy_strerror)(int code);
	void (*easy_cleanup)(void *handle);
};

struct body {
	char *text;
	size_t len;
};

/* dlsym(3) gives an object's pointer for a function's. */
static bool find(void *lib, const char *name, void *ret)
{
	void *p = dlsym(lib, name);

	memcpy(ret, &p, sizeof(p));
	return p != NULL;
}

int fetch_open(struct fetch **ret, struct err *e)
{
	static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
	struct fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return err_sys(e, -ENOMEM, "cannot load libcurl");
	for (size_t i = 0; i < ARRAY_SIZE(names) && !f->lib; i++)
		f->lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (f->lib && find(f->lib, "curl_easy_init", &f->easy_init) &&
	    find(f->lib, "curl_easy_setopt", &f->easy_setopt) &&
	    find(f->lib, "curl_easy_perform", &f->easy_perform) &&
	    find(f->lib, "curl_easy_strerror", &f->easy_strerror) &&
	    find(f->lib, "curl_easy_cleanup", &f->easy_cleanup))
		f->handle = f->easy_init();
	if (!f->handle) {
		fetch_close(&f);
		return err_set(e, -ELIBACC,
			       "libcurl, by which vpnctl asks, cannot be loaded: apt install "
			       "libcurl4");
	}
	*ret = f;
	return 0;
}

void fetch_close(struct fetch **f)
{
	if (!*f)
		return;
	if ((*f)->handle)
		(*f)->easy_cleanup((*f)->handle);
	if ((*f)->lib)
		dlclose((*f)->lib);
	free(*f);
	*f = NULL;
}

/* Called by libcurl; less than n taken ends the transfer. */
static size_t take(char *data, size_t size, size_t n, void *arg)
{
	struct body *b = arg;
	size_t len = size * n;

	if (len > FETCH_MAX - b->len)
		return 0;
	memcpy(b->text + b->len, data, len);
	b->len += len;
	return len;
}

int fetch_check_url(const char *url, struct err *e)
{
	size_t scheme = str_starts(url, "http://") ? 7 : str_starts(url, "https://") ? 8 : 0;

	if (!scheme)
		return err_set(e, -EINVAL, "%s begins with neither http:// nor https://", url);
	if (!url[scheme] || strchr("/:?#", url[scheme]) || strpbrk(url, " \t\r\n"))
		return err_set(e, -EINVAL, "%s names no server", url);
	return 0;
}

int fetch_get(struct fetch *f, const char *url, const struct fetch_how *how, char **ret,
	      struct err *e)
{
	int family = how->family;
	AUTO_FREE char *text = calloc(1, FETCH_MAX + 1);
	struct body body = {.text = text};
	char why[CURL_ERROR_SIZE] = "";
	void *h = f->handle;
	int code;

	if (!text)
		return err_sys(e, -ENOMEM, "cannot ask %s", url);
	if (fetch_check_url(url, e) < 0)
		return -EINVAL;
	f->easy_setopt(h, OPT_URL, url);
	f->easy_setopt(h, OPT_ERRORBUFFER, why);
	f->easy_setopt(h, OPT_WRITEFUNCTION, take);
	f->easy_setopt(h, OPT_WRITEDATA, &body);
	f->easy_setopt(h, OPT_PROXY, "");
	f->easy_setopt(h, OPT_USERAGENT, "vpnctl/" VPNRUN_VERSION);
	f->easy_setopt(h, OPT_TIMEOUT_MS, (long)how->timeout_ms);
	f->easy_setopt(h, OPT_NOSIGNAL, 1L);
	f->easy_setopt(h, OPT_FAILONERROR, 1L);
	f->easy_setopt(h, OPT_FOLLOWLOCATION, 1L);
	f->easy_setopt(h, OPT_MAXREDIRS, 5L);
	f->easy_setopt(h, OPT_PROTOCOLS, PROTO_HTTP_HTTPS);
	f->easy_setopt(h, OPT_REDIR_PROTOCOLS, PROTO_HTTP_HTTPS);
	f->easy_setopt(h, OPT_IPRESOLVE, family == AF_INET ? 1L : family == AF_INET6 ? 2L : 0L);
	code = f->easy_perform(h);
	if (code != CURLE_OK)
		return err_set(e, -EHOSTUNREACH, "cannot ask %s: %s", url,
			       why[0] ? why : f->easy_strerror(code));
	*ret = text;
	text = NULL;
	return 0;
}
