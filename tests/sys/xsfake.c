/* SPDX-License-Identifier: MIT */
/*
 * xsfake.c - a store for tests of xs that does what no daemon does on demand
 *
 * usage: xsfake SOCKET guest|flood|burst|lost
 *
 * Its nodes are all there, with the value 1, but those that have "none" in
 * their path; what has "closed" in it is denied.  /open and /local/domain
 * have children, and nothing else has.  It serves one client after the other.
 *
 *	guest	nothing more
 *	flood	from the first watch on, events without end
 *	burst	in front of the answer to a watch, BURST events; says how many
 *		values each client has read
 *	lost	hangs up when it is asked for a domain's name
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xen/io/xs_wire.h>

enum { BURST = 500 };

struct client {
	int fd;
	bool flood, burst, lost; /* of the mode */
	bool watched;
	unsigned int reads;
	char payload[XENSTORE_PAYLOAD_MAX + 1];
};

static bool say(struct client *c, uint32_t type, uint32_t req, uint32_t tx,
	const char *text, size_t len)
{
	struct xsd_sockmsg hdr = {type, req, tx, (uint32_t)len};
	char msg[sizeof(hdr) + XENSTORE_PAYLOAD_MAX];

	memcpy(msg, &hdr, sizeof(hdr));
	memcpy(msg + sizeof(hdr), text, len);
	len += sizeof(hdr);
	return send(c->fd, msg, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool event(struct client *c, unsigned int i)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "/none/%u%c/none", i, '\0');

	return say(c, XS_WATCH_EVENT, 0, 0, text, (size_t)len + 1);
}

static bool list(struct client *c, const struct xsd_sockmsg *hdr)
{
	static const char open[] = "plain\0closed", ids[] = "5";
	bool is_open = !strcmp(c->payload, "/open");
	bool is_domains = !strcmp(c->payload, "/local/domain");

	return say(c, hdr->type, hdr->req_id, hdr->tx_id, is_open ? open : ids,
		is_open      ? sizeof(open)
		: is_domains ? sizeof(ids)
			     : 0);
}

#define SAY(text) say(c, hdr->type, hdr->req_id, hdr->tx_id, text, sizeof(text))

static bool answer(struct client *c, const struct xsd_sockmsg *hdr)
{
	const char *error = strstr(c->payload, "closed") ? "EACCES" : "ENOENT";

	c->reads += hdr->type == XS_READ;
	if (hdr->type == XS_TRANSACTION_START)
		return SAY("7");
	if (c->lost && hdr->type == XS_READ && strstr(c->payload, "/name"))
		return false;
	if (hdr->type == XS_WATCH) {
		c->watched = true;
		for (unsigned int i = 0; c->burst && i < BURST; i++)
			if (!event(c, i))
				return false;
		return SAY("OK") &&
		       say(c, XS_WATCH_EVENT, 0, 0, c->payload, hdr->len);
	}
	if (strstr(c->payload, "closed") ||
		(strstr(c->payload, "none") && hdr->type != XS_WRITE))
		return say(c, XS_ERROR, hdr->req_id, hdr->tx_id, error,
			strlen(error) + 1);
	switch (hdr->type) {
	case XS_READ: return say(c, XS_READ, hdr->req_id, hdr->tx_id, "1", 1);
	case XS_GET_PERMS: return SAY("n0");
	case XS_DIRECTORY: return list(c, hdr);
	default: return SAY("OK");
	}
}

/* False at the end. */
static bool take(struct client *c)
{
	struct xsd_sockmsg hdr;

	if (recv(c->fd, &hdr, sizeof(hdr), MSG_WAITALL) != sizeof(hdr) ||
		hdr.len > XENSTORE_PAYLOAD_MAX)
		return false;
	if (hdr.len && recv(c->fd, c->payload, hdr.len, MSG_WAITALL) !=
			       (ssize_t)hdr.len)
		return false;
	c->payload[hdr.len] = '\0';
	return answer(c, &hdr);
}

static void serve(struct client *c)
{
	unsigned int i = 0;

	c->watched = false;
	c->reads = 0;
	for (;;) {
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		bool floods = c->flood && c->watched;

		if (poll(&p, 1, floods ? 0 : -1) < 0 && errno != EINTR)
			return;
		if (p.revents ? !take(c) : floods && !event(c, i++))
			return;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct client c = {.fd = -1};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc != 3 || strlen(argv[1]) >= sizeof(addr.sun_path)) {
		fputs("usage: xsfake SOCKET guest|flood|burst|lost\n", stderr);
		return 2;
	}
	c.flood = !strcmp(argv[2], "flood");
	c.burst = !strcmp(argv[2], "burst");
	c.lost = !strcmp(argv[2], "lost");
	strcpy(addr.sun_path, argv[1]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
		listen(fd, 8)) {
		perror(argv[1]);
		return 1;
	}
	while ((c.fd = accept(fd, NULL, NULL)) >= 0) {
		serve(&c);
		if (c.burst)
			printf("%u reads\n", c.reads);
		fflush(stdout);
		close(c.fd);
	}
	perror("accept");
	return 1;
}
