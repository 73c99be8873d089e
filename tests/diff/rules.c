/* SPDX-License-Identifier: MIT */
/* rules.c: the differences that are accepted, each with its reason */
#include "tests/diff/rules.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"

static const struct {
	const char *name;
	size_t at;
} members[] = {
	{"kind", offsetof(struct unlike, kind)},
	{"op", offsetof(struct unlike, op)},
	{"who", offsetof(struct unlike, who)},
	{"to", offsetof(struct unlike, to)},
	{"tx", offsetof(struct unlike, tx)},
	{"req", offsetof(struct unlike, req)},
	{"ours", offsetof(struct unlike, ours)},
	{"c", offsetof(struct unlike, c)},
};

static const char *member(const struct unlike *unlike, const char *name)
{
	const char *value;

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (strcmp(members[i].name, name) != 0)
			continue;
		memcpy(&value, (const char *)unlike + members[i].at,
			sizeof(value));
		return value;
	}
	return NULL;
}

static char *trimmed(char *s)
{
	char *end;

	s += strspn(s, " \t");
	end = s + strlen(s);
	while (end > s && strchr(" \t\n", end[-1]))
		*--end = '\0';
	return s;
}

static int then_parse(struct rule *rule, const char *word)
{
	static const char *const words[] = {[RULE_STOP] = "stop",
		[RULE_REPLAY] = "replay",
		[RULE_CHECK] = "check"};

	for (int i = RULE_STOP; i <= RULE_CHECK; i++) {
		if (strcmp(words[i], word) != 0)
			continue;
		rule->then = (enum rule_then)i;
		return 0;
	}
	return -1;
}

static int key_parse(struct rule *rule, char *word)
{
	char *eq = strchr(word, '=');

	if (!eq || eq == word)
		return -1;
	if (!strncmp(word, "then=", 5))
		return then_parse(rule, eq + 1);
	if (rule->nr_keys == RULE_KEYS)
		return -1;
	*eq = '\0';
	rule->key[rule->nr_keys].glob = eq + 1;
	if (eq[-1] == '!') {
		eq[-1] = '\0';
		rule->key[rule->nr_keys].differs = 1;
	}
	rule->key[rule->nr_keys++].key = word;
	return member(&(struct unlike){"", "", "", "", "", "", "", ""}, word)
		       ? 0
		       : -1;
}

static int rule_parse(struct rule *rule, char *line)
{
	char *when = strstr(line, " | ");
	char *why = when ? strstr(when + 3, " | ") : NULL, *save, *word;

	if (!why)
		return -1;
	*when = *why = '\0';
	when += 3;
	why += 3;
	*rule = (struct rule){.name = line, .why = trimmed(why)};
	trimmed(line);
	for (word = strtok_r(when, " \t", &save); word;
		word = strtok_r(NULL, " \t", &save)) {
		if (key_parse(rule, word) < 0)
			return -1;
	}
	return rule->nr_keys && *rule->why ? 0 : -1;
}

int rules_read(struct rules *rules, const char *name)
{
	FILE *f = fopen(name, "re");
	char line[1024];
	int at = 0, r = 0;

	rules->nr = 0;
	if (!f) {
		perror(name);
		return -1;
	}
	while (r == 0 && fgets(line, sizeof(line), f)) {
		char *text;

		at++;
		if (*line == '#' || !*trimmed(line))
			continue;
		text = strdup(line);
		if (!text || rules->nr == RULES_MAX ||
			rule_parse(&rules->rule[rules->nr], text) < 0) {
			fprintf(stderr, "%s:%d: not a rule\n", name, at);
			free(text);
			r = -1;
		} else {
			rules->nr++;
		}
	}
	fclose(f);
	return r;
}

void rules_free(struct rules *rules)
{
	for (size_t i = 0; i < rules->nr; i++)
		free(rules->rule[i].name);
	rules->nr = 0;
}

struct rule *rules_find(struct rules *rules, const struct unlike *unlike)
{
	for (size_t i = 0; i < rules->nr; i++) {
		struct rule *rule = &rules->rule[i];
		size_t k = 0;

		while (k < rule->nr_keys &&
			!fnmatch(rule->key[k].glob,
				member(unlike, rule->key[k].key),
				FNM_NOESCAPE | FNM_EXTMATCH) ==
				!rule->key[k].differs)
			k++;
		if (k < rule->nr_keys)
			continue;
		rule->used++;
		return rule;
	}
	return NULL;
}
