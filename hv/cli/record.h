/* SPDX-License-Identifier: MIT */
/*
 * record.h - what hv remembers of a domain it made: its configuration
 *
 * The file DIR/domains/DOMID holds the configuration's text, with the uuid
 * and all that was changed on the command line behind it.
 */
#ifndef HV_CLI_RECORD_H
#define HV_CLI_RECORD_H

#include "hv/cli/cfg.h"

/* Freed by record_fini(). */
struct record {
	char *text;
	struct domcfg cfg;
};

/* False and a message if @text is not a configuration; takes @text. */
bool record_init(struct record *rec, char *text, const char *file);
void record_fini(struct record *rec);

/* False if there is none for @domid, or it cannot be read. */
bool record_read(const char *dir, uint32_t domid, struct record *rec);
bool record_write(const char *dir, uint32_t domid, const struct record *rec);
void record_remove(const char *dir, uint32_t domid);

/* The domids that have one, malloc'ed; returns how many, or -errno. */
int record_list(const char *dir, uint32_t **domids);

/* The whole file at @path, malloc'ed with a NUL; NULL and errno if not. */
char *file_read(const char *path);

#endif
