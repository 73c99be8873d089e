/* SPDX-License-Identifier: MIT */
/* trace.c - the way to a violation, for people, for programs and for a file */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hv/explore/trace.h"
#include "common/json.h"

enum { LINE_LEN = 200, OBJECTS = 32, TRACE_STEPS = 1 << 20 };

#define TRACE_HEAD "hv-explore 1"

void trace_fini(struct trace *t)
{
	free(t->path);
	t->path = NULL;
}

/* "scenario NAME" into @name. */
static int read_name(FILE *f, const char *what, char name[32])
{
	char line[LINE_LEN];
	size_t n = strlen(what);

	if (!fgets(line, sizeof(line), f))
		return -EINVAL;
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, what, n) != 0 || line[n] != ' ' ||
		strlen(line + n + 1) >= 32)
		return -EINVAL;
	memcpy(name, line + n + 1, strlen(line + n + 1) + 1);
	return 0;
}

/* A number up to 255 and what follows it. */
static bool read_u8(const char *s, uint8_t *v, char **end)
{
	unsigned long n;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	n = strtoul(s, end, 10);
	*v = (uint8_t)n;
	return !errno && n <= UINT8_MAX;
}

static int read_move(const char *line, struct move *m)
{
	char *end;

	if (!read_u8(line, &m->vcpu, &end) || *end != ' ')
		return -EINVAL;
	if (!read_u8(end + 1, &m->way, &end) || (*end != '\n' && *end))
		return -EINVAL;
	return 0;
}

int trace_read(FILE *f, struct trace *t, unsigned int *line)
{
	char text[LINE_LEN];
	size_t room = 0;
	int r;

	*t = (struct trace){.nr = 0};
	*line = 1;
	if (!fgets(text, sizeof(text), f) || strcmp(text, TRACE_HEAD "\n") != 0)
		return -EINVAL;
	*line = 2;
	if (read_name(f, "scenario", t->scenario))
		return -EINVAL;
	*line = 3;
	if (read_name(f, "fault", t->fault))
		return -EINVAL;
	while (fgets(text, sizeof(text), f)) {
		++*line;
		if (t->nr == room) {
			struct move *more;

			room = room ? 2 * room : 256;
			r = room > TRACE_STEPS ? -EINVAL : -ENOMEM;
			more = room > TRACE_STEPS
				       ? NULL
				       : realloc(t->path, room * sizeof(*more));
			if (!more)
				return r;
			t->path = more;
		}
		r = read_move(text, &t->path[t->nr++]);
		if (r)
			return r;
	}
	return 0;
}

int trace_write(FILE *f, const char *scenario, const char *fault,
	const struct move *path, size_t nr)
{
	fprintf(f, "%s\nscenario %s\nfault %s\n", TRACE_HEAD, scenario, fault);
	for (size_t i = 0; i < nr; i++)
		fprintf(f, "%u %u\n", path[i].vcpu, path[i].way);
	return fflush(f) || ferror(f) ? -EIO : 0;
}

/* ---- step by step ---------------------------------------------------------- */

struct teller {
	FILE *f;
	struct json *j;
	const struct scenario *s;
	char now[OBJECTS][LINE_LEN];
	const char *op[CORO_MAX]; /* that was told last */
};

static void tell_changes(struct teller *t)
{
	char text[LINE_LEN];

	if (t->j)
		json_open(t->j, "changed", '[');
	for (unsigned int i = 0; i < OBJECTS && t->s->show; i++) {
		if (!t->s->show(i, text, sizeof(text)))
			break;
		if (!strcmp(text, t->now[i]))
			continue;
		memcpy(t->now[i], text, strlen(text) + 1);
		if (t->j)
			json_str(t->j, NULL, text);
		else
			fprintf(t->f, "                %s\n", text);
	}
	if (t->j)
		json_close(t->j, ']');
}

static void tell_text(struct teller *t, const struct explore_step *step)
{
	char way[32] = "";

	if (!step->nr) {
		fprintf(t->f, "   0  the beginning\n");
		return;
	}
	if (step->op && step->op != t->op[step->vcpu])
		fprintf(t->f, "      v%u: %s\n", step->vcpu, step->op);
	t->op[step->vcpu] = step->op;
	if (!strcmp(step->what, "poll"))
		snprintf(way, sizeof(way), " %s",
			step->way ? "preempted" : "goes on");
	else if (step->ways > 1)
		snprintf(way, sizeof(way), " %u of %u", step->way, step->ways);
	fprintf(t->f, "%4zu  v%u  %s %s%s\n", step->nr, step->vcpu, step->what,
		step->where, way);
}

static void tell(const struct explore_step *step, void *arg)
{
	struct teller *t = arg;

	if (!t->j) {
		tell_text(t, step);
		tell_changes(t);
		return;
	}
	json_open(t->j, NULL, '{');
	json_num(t->j, "step", step->nr);
	if (step->nr) {
		json_num(t->j, "vcpu", step->vcpu);
		json_str(t->j, "operation", step->op);
		json_str(t->j, "access", step->what);
		json_str(t->j, "where", step->where);
		if (step->ways > 1)
			json_num(t->j, "way", step->way);
	}
	tell_changes(t);
	json_close(t->j, '}');
}

bool trace_print(FILE *f, struct json *j, const struct scenario *s,
	const struct move *path, size_t nr, char *text, size_t len)
{
	struct teller *t = calloc(1, sizeof(*t));
	bool broken;

	if (!t) {
		snprintf(text, len, "no memory");
		return true;
	}
	t->f = f;
	t->j = j;
	t->s = s;
	if (j)
		json_open(j, "steps", '[');
	broken = explore_replay(s, path, nr, tell, t, text, len);
	if (j)
		json_close(j, ']');
	else if (broken)
		fprintf(f, "      %s\n", text);
	free(t);
	return broken;
}
