/* SPDX-License-Identifier: MIT */
/* conf.c - the configuration file: limits of all guests, of classes, of one */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/str.h"
#include "wire/perm.h"
#include "xenstored/conf.h"

enum { CONF_MAX = 1024 * 1024, NAME_SHOWN = 32 };

struct conf_limit {
	enum quota quota;
	size_t value;
};

/* Of every guest, of a class, or of one domain. */
struct conf_section {
	enum { SECTION_ALL, SECTION_CLASS, SECTION_DOMAIN } kind;
	unsigned line;
	uint16_t *domid;
	size_t domids;
	struct conf_limit limit[QUOTAS];
	unsigned limits;
};

struct conf {
	struct conf_section *section; /* the first is of every guest */
	size_t nr;
};

/* On the stack of conf_parse(). */
struct parse {
	const char *name;
	unsigned line;
	struct conf *conf;
	char *error;
};

__attribute__((format(printf, 2, 3))) static int bad(
	const struct parse *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(p->error, CONF_ERROR_MAX, "%s:%u: ", p->name, p->line);
	if (n < 0 || n >= CONF_ERROR_MAX)
		return EINVAL;
	va_start(ap, fmt);
	vsnprintf(p->error + n, (size_t)(CONF_ERROR_MAX - n), fmt, ap);
	va_end(ap);
	return EINVAL;
}

/* The same, with the word that is wrong. */
static int bad_word(const struct parse *p, const char *what, const char *word)
{
	char shown[NAME_SHOWN];

	str_escape(shown, sizeof(shown), word, strlen(word));
	return bad(p, "%s \"%s\"", what, shown);
}

static int no_memory(const struct parse *p)
{
	bad(p, "out of memory");
	return ENOMEM;
}

static struct conf_section *section_last(struct conf *conf)
{
	return &conf->section[conf->nr - 1];
}

static int section_add(struct parse *p, int kind)
{
	struct conf *conf = p->conf;
	struct conf_section *more = reallocarray(
		conf->section, conf->nr + 1, sizeof(*conf->section));

	if (!more)
		return no_memory(p);
	conf->section = more;
	memset(&more[conf->nr], 0, sizeof(*more));
	more[conf->nr].kind = kind;
	more[conf->nr].line = p->line;
	conf->nr++;
	return 0;
}

static int domid_add(struct parse *p, const char *word)
{
	struct conf_section *s = section_last(p->conf);
	uint64_t domid;
	uint16_t *more;

	/* Domain 0 has no limits. */
	if (str_to_u64(word, PERM_DOMID_MAX, &domid) || !domid)
		return bad_word(p, "not the domid of a guest:", word);
	more = reallocarray(s->domid, s->domids + 1, sizeof(*more));
	if (!more)
		return no_memory(p);
	s->domid = more;
	s->domid[s->domids++] = (uint16_t)domid;
	return 0;
}

/* Cut spaces off both ends of @s. */
static char *trim(char *s)
{
	size_t len;

	s += strspn(s, " \t");
	len = strlen(s);
	while (len && strchr(" \t\r", s[len - 1]))
		s[--len] = '\0';
	return s;
}

static bool is_name(const char *s)
{
	return *s &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == strlen(s);
}

/* "[domain 5]" or "[class drivers]", without the first bracket. */
static int parse_section(struct parse *p, char *s)
{
	size_t len = strlen(s);
	char *arg;
	int r;

	if (!len || s[len - 1] != ']')
		return bad(p, "a section ends with \"]\"");
	s[len - 1] = '\0';
	s = trim(s);
	arg = s + strcspn(s, " \t");
	if (*arg)
		*arg++ = '\0';
	arg = trim(arg);
	if (!strcmp(s, "domain")) {
		r = section_add(p, SECTION_DOMAIN);
		return r ? r : domid_add(p, arg);
	}
	if (strcmp(s, "class") != 0)
		return bad_word(p, "unknown section", s);
	if (!is_name(arg))
		return bad_word(p, "not the name of a class:", arg);
	return section_add(p, SECTION_CLASS);
}

/* "3, 7" */
static int parse_domids(struct parse *p, char *value)
{
	char *next;
	int r = 0;

	if (section_last(p->conf)->kind != SECTION_CLASS)
		return bad(p, "\"domids\" is only in a class");
	for (; !r && value; value = next) {
		next = strchr(value, ',');
		if (next)
			*next++ = '\0';
		r = domid_add(p, trim(value));
	}
	return r;
}

static int parse_limit(struct parse *p, const char *key, const char *value)
{
	struct conf_section *s = section_last(p->conf);
	struct conf_limit limit;

	if (quota_find(key, &limit.quota))
		return bad_word(p, "unknown key", key);
	if (quota_parse(limit.quota, value, &limit.value))
		return bad_word(p, "not a limit:", value);
	for (unsigned i = 0; i < s->limits; i++)
		if (s->limit[i].quota == limit.quota)
			return bad_word(p, "said twice:", key);
	s->limit[s->limits++] = limit;
	return 0;
}

static int parse_line(struct parse *p, char *s)
{
	char *value;

	s = trim(s);
	if (!*s || *s == '#')
		return 0;
	if (*s == '[')
		return parse_section(p, s + 1);
	value = strchr(s, '=');
	if (!value)
		return bad(p, "neither \"key = value\" nor a section");
	*value++ = '\0';
	s = trim(s);
	value = trim(value);
	if (!strcmp(s, "domids"))
		return parse_domids(p, value);
	return parse_limit(p, s, value);
}

static int parse_lines(struct parse *p, char *text)
{
	char *next;
	int r = section_add(p, SECTION_ALL);

	for (; !r && text; text = next) {
		next = strchr(text, '\n');
		if (next)
			*next++ = '\0';
		p->line++;
		r = parse_line(p, text);
	}
	return r;
}

int conf_parse(const char *name, const char *text, size_t len,
	struct conf **conf, char error[CONF_ERROR_MAX])
{
	struct parse p = {.name = name, .error = error};
	char *copy = malloc(len + 1);
	int r;

	p.conf = calloc(1, sizeof(*p.conf));
	if (!copy || !p.conf) {
		r = no_memory(&p);
	} else if (memchr(text, '\0', len)) {
		r = bad(&p, "not a text file");
	} else {
		memcpy(copy, text, len);
		copy[len] = '\0';
		r = parse_lines(&p, copy);
	}
	free(copy);
	if (r)
		conf_free(p.conf);
	else
		*conf = p.conf;
	return r;
}

/* All of @fd: the length, or -errno. */
static ssize_t read_all(int fd, char *buf, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = pread(fd, buf + len, cap - len, (off_t)len);

		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int conf_read_fd(int fd, const char *name, struct conf **conf,
	char error[CONF_ERROR_MAX])
{
	char *buf = malloc(CONF_MAX);
	ssize_t n = buf ? read_all(fd, buf, CONF_MAX) : -ENOMEM;
	int r;

	if (n < 0 || n == CONF_MAX) {
		snprintf(error, CONF_ERROR_MAX, "%s: %s", name,
			n < 0 ? strerror((int)-n) : "too long");
		r = n == -ENOMEM ? ENOMEM : EINVAL;
	} else {
		r = conf_parse(name, buf, (size_t)n, conf, error);
	}
	free(buf);
	return r;
}

int conf_read(const char *name, struct conf **conf, char error[CONF_ERROR_MAX])
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0) {
		r = errno;
		snprintf(error, CONF_ERROR_MAX, "%s: %s", name, strerror(r));
		return r == ENOENT ? ENOENT : EINVAL;
	}
	r = conf_read_fd(fd, name, conf, error);
	close(fd);
	return r;
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < conf->nr; i++)
		free(conf->section[i].domid);
	free(conf->section);
	free(conf);
}

static void section_apply(const struct conf_section *s, struct limits *limits)
{
	for (unsigned i = 0; i < s->limits; i++)
		quota_set(limits, s->limit[i].quota, s->limit[i].value);
}

void conf_apply_all(const struct conf *conf, struct limits *limits)
{
	section_apply(&conf->section[0], limits);
}

static bool lists(const struct conf_section *s, uint16_t domid)
{
	for (size_t i = 0; i < s->domids; i++)
		if (s->domid[i] == domid)
			return true;
	return false;
}

void conf_apply(const struct conf *conf, uint16_t domid, struct limits *limits)
{
	for (int kind = SECTION_CLASS; kind <= SECTION_DOMAIN; kind++)
		for (size_t i = 1; i < conf->nr; i++) {
			const struct conf_section *s = &conf->section[i];

			if ((int)s->kind == kind && lists(s, domid))
				section_apply(s, limits);
		}
}
