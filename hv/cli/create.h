/* SPDX-License-Identifier: MIT */
/* create.h - domains made and forgotten */
#ifndef HV_CLI_CREATE_H
#define HV_CLI_CREATE_H

#include "common/err.h"
#include "hv/cli/machine.h"
#include "hv/cli/record.h"

/*
 * create_domain - make the domain of @rec and let it run, unless @paused.
 * An exit code; after a failure, said on stderr, nothing of it is left.
 * @rec gets a uuid if it had none.
 */
int create_domain(struct machine *m, struct cli *cli, struct record *rec,
	bool paused) __must_check;

/* create_forget - the store's nodes and the record of a domain that is gone */
void create_forget(struct machine *m, uint32_t domid);

#endif
