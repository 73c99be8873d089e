/* SPDX-License-Identifier: MIT */
/*
 * xs_dir.c - the children of a node
 *
 * DOC: Long lists
 *
 * A list of more than 4096 bytes is answered with E2BIG, and has to be read
 * by XS_DIRECTORY_PART: a window from some offset on, behind the generation
 * of the node.  Another generation than that of the first window means that
 * the list is another one, so begin again; but not for ever, since a guest
 * can keep changing its own node.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ckd.h"
#include "libxs/xs_int.h"

enum { RESTARTS_MAX = 100 };

/* An array of the @nr strings in @len bytes of @text, in one block. */
static char **vec_new(const char *text, size_t len, unsigned int nr)
{
	size_t size;
	char **vec, *to;

	if (!mul_ok(sizeof(*vec), (size_t)nr, &size) ||
		!add_ok(size, len, &size)) {
		errno = ENOMEM;
		return NULL;
	}
	/* never of nothing, which might be NULL */
	vec = malloc(size + 1);
	if (!vec)
		return NULL;
	to = (char *)(vec + nr);
	memcpy(to, text, len);
	for (unsigned int i = 0; i < nr; i++) {
		vec[i] = to;
		to += strlen(to) + 1;
	}
	return vec;
}

/* How many names are in @text; -1 if it is no list of names. */
static int64_t count(const char *text, size_t len)
{
	const char *name;
	int64_t nr = 0;
	size_t at = 0;

	while ((name = xsx_string_next(text, len, &at))) {
		if (!*name)
			return -1;
		nr++;
	}
	return at == len && nr <= UINT32_MAX ? nr : -1;
}

/* A list read in parts. */
struct parts {
	char *text;
	size_t len;
	char *gen; /* generation of the first part */
	bool whole;
};

/* generation NUL names, and an empty one at the end; 0 or an errno. */
static int part_add(struct parts *p, const char *reply, size_t len)
{
	size_t at = 0, n;
	const char *gen = xsx_string_next(reply, len, &at);
	char *text;

	if (!gen || !*gen)
		return EIO;
	if (!p->gen) {
		p->gen = strdup(gen);
		if (!p->gen)
			return ENOMEM;
	} else if (strcmp(gen, p->gen)) {
		return EAGAIN;
	}
	reply += at;
	n = len - at;
	/* one NUL of its own: after a name's, or alone */
	if (n && !reply[n - 1] && (n == 1 || !reply[n - 2])) {
		p->whole = true;
		n--;
	}
	/* whole names; and some, or there would be no end */
	if (count(reply, n) < 0 || (!n && !p->whole))
		return EIO;
	if (!n)
		return 0;
	text = realloc(p->text, p->len + n);
	if (!text)
		return ENOMEM;
	memcpy(text + p->len, reply, n);
	p->text = text;
	p->len += n;
	return 0;
}

static int part_read(struct xs_handle *h, xs_transaction_t t, const char *path,
	struct parts *p)
{
	char offset[MAX_STRLEN(size_t)];
	struct iovec iov[2] = {xs_iov(path)};
	size_t len;
	char *reply;
	int r;

	snprintf(offset, sizeof(offset), "%zu", p->len);
	iov[1] = xs_iov(offset);
	reply = xs_call(h, XS_OP_DIRECTORY_PART, t, iov, 2, &len);
	if (!reply)
		return errno == ENOSYS ? E2BIG : errno;
	r = part_add(p, reply, len);
	free(reply);
	return r;
}

static void parts_fini(struct parts *p)
{
	free(p->text);
	free(p->gen);
	*p = (struct parts){.len = 0};
}

/* The whole list; 0 or an errno. */
static int parts_read(struct xs_handle *h, xs_transaction_t t, const char *path,
	struct parts *p)
{
	int restarts = 0, r;

	do {
		r = part_read(h, t, path, p);
		if (r == EAGAIN && p->gen && restarts++ < RESTARTS_MAX) {
			parts_fini(p);
			r = 0;
		}
	} while (!r && !p->whole);
	return r;
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path,
	unsigned int *num)
{
	struct iovec iov = xs_iov(path);
	struct parts p = {.len = 0};
	char **vec = NULL;
	int64_t nr;
	int r = 0;

	p.text = xs_call(h, XS_OP_DIRECTORY, t, &iov, 1, &p.len);
	if (!p.text)
		r = errno == E2BIG ? parts_read(h, t, path, &p) : errno;
	nr = r ? 0 : count(p.text ? p.text : "", p.len);
	if (nr < 0)
		r = EIO;
	if (!r) {
		vec = vec_new(p.text ? p.text : "", p.len, (unsigned int)nr);
		r = errno;
	}
	parts_fini(&p);
	if (vec)
		*num = (unsigned int)nr;
	errno = vec ? 0 : r;
	return vec;
}
