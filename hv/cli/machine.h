/* SPDX-License-Identifier: MIT */
/* machine.h - a running machine, as a command needs it */
#ifndef HV_CLI_MACHINE_H
#define HV_CLI_MACHINE_H

#include <limits.h>

#include "common/err.h"
#include "hv/cli/admin.h"
#include "hv/cli/cli.h"
#include "hv/compat/client.h"

struct xs_handle;

struct machine {
	const char *dir;
	struct admin admin;
	struct hv_client *client; /* a session of dom0 */
	struct xs_handle *xs;     /* dom0's store; NULL if none serves */
};

enum { /* what a command cannot do without */
	MACHINE_STORE = 1,
};

/*
 * machine_open - connect to the machine; false and a message if it cannot
 * be done, with the exit code in *@code.
 */
bool machine_open(struct machine *m, const struct cli *cli, int need,
	int *code) __must_check;
void machine_close(struct machine *m);

/* Try to open the store again, e.g. while its daemon starts. */
bool machine_store(struct machine *m);

enum { MACHINE_STORE_PATH = 32 };

/*
 * machine_store_path - a name for the store's socket to be connected to, in
 * @path; it means this socket and no other until the returned descriptor is
 * closed.  -errno if there is none.
 */
int machine_store_path(
	const char *dir, char path[MACHINE_STORE_PATH]) __must_check;

/*
 * machine_domid - the domain @name, a name or a number.  False and a message
 * when there is none.
 */
bool machine_domid(struct machine *m, const char *name, uint32_t *domid);

/* The name of @domid, malloc'ed; NULL if it has none. */
char *machine_name(struct machine *m, uint32_t domid);

#endif
