/* SPDX-License-Identifier: MIT */
/*
 * xenstore.h - client of the Xenstore
 *
 * DOC: The interface of libxenstore.so.4
 *
 * Names, types and semantics are those of the header of this name that comes
 * with Xen (4.17 to 4.22), so programs compile with either and run with
 * either library.  What the calls do in the store is described in Xen's
 * docs/misc/xenstore.txt; this header says what the caller has to know.
 *
 * Errors: a function that fails says so by its return value and sets errno:
 * to an errno that the store answered with (ENOENT, EACCES, ...), or to
 *	E2BIG		the request is longer than the way to the store takes:
 *			4096 bytes, 4080 through /dev/xen/xenbus
 *	EIO		the store sent something that is no answer
 *	ECONNRESET	the store has closed the connection
 *	ENOMEM		no memory
 *	ETIMEDOUT	no answer in time; only where xsx.h set a time
 * After EIO and ECONNRESET, every call on the handle fails in the same way.
 * A request that succeeds sets errno to 0, other functions leave it alone.
 *
 * Threads: any thread may use a handle at any time, and requests of several
 * threads are under way at once.  Only xs_close() must be the last call.
 *
 * Ownership: what is returned as a pointer is one block from malloc(3), to
 * be freed by the caller with free(3), arrays of strings included.
 *
 * Fork: a handle goes on working in the parent only.  The child may call
 * xs_daemon_destroy_postfork() or xs_close(), neither of which the parent
 * notices.  Descriptors are closed on exec.
 *
 * Transactions: @t is XBT_NULL, or what xs_transaction_start() returned.
 *
 * Paths: absolute, or relative to the home of the caller's own domain.
 */
#ifndef XENSTORE_H
#define XENSTORE_H

#include "xenstore_lib.h"

#ifdef __cplusplus
extern "C" {
#endif

#define XBT_NULL 0

/* Flags of xs_open(); the first two have no meaning any more. */
#define XS_OPEN_READONLY   (1UL << 0)
#define XS_OPEN_SOCKETONLY (1UL << 1)
/*
 * xs_unwatch() also takes back what the watch has reported and nobody has
 * read: all events with its token at or below its path.  So no other watch
 * with the same token may be below it.
 */
#define XS_UNWATCH_FILTER (1UL << 2)

struct xs_handle;
typedef uint32_t xs_transaction_t;

/*
 * xs_open - a connection to the store
 * @flags:	0 or XS_UNWATCH_FILTER
 *
 * Connects to xs_daemon_socket(), or else opens $XENSTORED_PATH,
 * /dev/xen/xenbus or /proc/xen/xenbus; whether something is a socket is seen
 * from the file.  NULL with errno.
 */
struct xs_handle *xs_open(unsigned long flags);

/* Other names of xs_open(0). */
struct xs_handle *xs_daemon_open(void);
struct xs_handle *xs_domain_open(void);
struct xs_handle *xs_daemon_open_readonly(void);

/*
 * xs_close - end the connection; the store drops its watches and
 * transactions.  @h may be NULL.  errno is left alone.
 */
void xs_close(struct xs_handle *h);
void xs_daemon_close(struct xs_handle *h);

/* In the child after fork(2): forget @h, the parent keeps its connection. */
void xs_daemon_destroy_postfork(struct xs_handle *h);

/*
 * xs_directory - the names of the children of @path, *@num of them
 *
 * However many there are: what is too long for one answer is asked for in
 * parts, from the beginning again if the list changes meanwhile.  NULL with
 * errno; EAGAIN if it never stops changing, E2BIG if the list is long and
 * the store cannot give it in parts.
 */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path,
	unsigned int *num);

/*
 * xs_read - the value of @path
 * @len:	its length in bytes is stored here, unless NULL
 *
 * A NUL follows the value, not counted.  NULL with errno.
 */
void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path,
	unsigned int *len);

/* xs_write - set the value of @path, created with its parents if need be. */
bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
	const void *data, unsigned int len);

/* xs_mkdir - create @path, with its parents; true if it is there already. */
bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path);

/*
 * xs_rm - remove @path and all below it; true if it is not there but its
 * parent is.
 */
bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path);

/* Does nothing, returns false, errno ENOSYS: the store has no such thing. */
bool xs_restrict(struct xs_handle *h, unsigned int domid);

/*
 * xs_get_permissions - who may do what with @path, *@num entries
 *
 * The first names the owner, who may do all, and what everybody may whom no
 * other entry names.  NULL with errno.
 */
struct xs_permissions *xs_get_permissions(struct xs_handle *h,
	xs_transaction_t t, const char *path, unsigned int *num);

/* xs_set_permissions - replace them; EINVAL for bits that are no permission. */
bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t,
	const char *path, struct xs_permissions *perms, unsigned int num_perms);

/*
 * xs_watch - from now on report changes of @path and of all below it
 * @token:	comes back with each event
 *
 * The first event comes at once.  A change is reported at least once after
 * it happened.  Changes of the same path under the same token which nobody
 * has read yet are reported together; if very many events of a watch are
 * unread they are replaced by one with the path of the watch itself.
 *
 * After xs_fileno() was called, a watch needs a thread of the library's own,
 * which is started at whichever comes second.  It blocks all signals.
 */
bool xs_watch(struct xs_handle *h, const char *path, const char *token);

/*
 * xs_watch_depth - the same, for changes at most @depth levels below @path
 *
 * False with ENOSYS if the store, or the way to it, does not know depths
 * (through /dev/xen/xenbus the kernel drops them).
 */
bool xs_watch_depth(struct xs_handle *h, const char *path, const char *token,
	unsigned int depth);

/*
 * xs_watch_try_depth - xs_watch_depth(), or where there are no depths
 * xs_watch(): the caller must bear events from deeper down.
 */
bool xs_watch_try_depth(struct xs_handle *h, const char *path,
	const char *token, unsigned int depth);

/*
 * xs_fileno - a descriptor to poll for POLLIN while events are unread
 *
 * Then call xs_check_watch() until it returns NULL.  It also becomes
 * readable once when the connection is lost.  It belongs to the handle and
 * is for poll(2) only.  -1 with errno.
 */
int xs_fileno(struct xs_handle *h);

/*
 * xs_check_watch - the next event, without waiting for one
 *
 * An array of two strings: [XS_WATCH_PATH], as the watch was set (relative
 * or absolute), and [XS_WATCH_TOKEN].  NULL with EAGAIN if there is none.
 */
char **xs_check_watch(struct xs_handle *h);

/* xs_read_watch - the same, waiting for one.  @num, unless NULL, becomes 2. */
char **xs_read_watch(struct xs_handle *h, unsigned int *num);

/* xs_unwatch - end the watch set with this very @path and @token. */
bool xs_unwatch(struct xs_handle *h, const char *path, const char *token);

/* xs_transaction_start - XBT_NULL with errno if there can be none. */
xs_transaction_t xs_transaction_start(struct xs_handle *h);

/*
 * xs_transaction_end - commit, or drop everything if @abort
 *
 * The transaction is over in any case.  False with EAGAIN: others changed
 * what it was based on, begin again; xsx_txn_run() in xsx.h does that.
 */
bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort);

/*
 * For the toolstack; the store refuses others with EACCES.
 *
 * xs_introduce_domain - a new domain, its ring page and event channel
 * xs_set_target - let @domid do with the nodes of @target what it may
 * xs_resume_domain - the domain's shutdown was not its end
 * xs_release_domain - forget the domain
 */
bool xs_introduce_domain(struct xs_handle *h, unsigned int domid,
	unsigned long mfn, unsigned int eventchn);
bool xs_set_target(
	struct xs_handle *h, unsigned int domid, unsigned int target);
bool xs_resume_domain(struct xs_handle *h, unsigned int domid);
bool xs_release_domain(struct xs_handle *h, unsigned int domid);

/* xs_get_domain_path - the home of @domid, whether it exists or not. */
char *xs_get_domain_path(struct xs_handle *h, unsigned int domid);

/*
 * xs_path_is_subpath - is @child the same as @parent, or below it?  By the
 * text alone; "/" is above every absolute path.
 */
bool xs_path_is_subpath(const char *parent, const char *child);

/* False with errno 0 if the store knows no such domain, else with its error. */
bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid);

/*
 * xs_control_command - a command for the daemon itself
 * @data:	@len bytes behind @cmd: strings, each with its NUL
 *
 * The answer as a string.  Privileged callers only.
 */
char *xs_control_command(
	struct xs_handle *h, const char *cmd, void *data, unsigned int len);
char *xs_debug_command(
	struct xs_handle *h, const char *cmd, void *data, unsigned int len);

/* The port by which guest @domid is told to suspend, or -1 with errno. */
int xs_suspend_evtchn_port(int domid);

/*
 * Since libxenstore 4.1 (Xen 4.21): bits XENSTORE_SERVER_FEATURE_* of the
 * store, and of what one domain is offered.  The last only before the domain
 * is introduced (EBUSY).  ENOSYS from a store without them.
 */
bool xs_get_features_supported(struct xs_handle *h, unsigned int *features);
bool xs_get_features_domain(
	struct xs_handle *h, unsigned int domid, unsigned int *features);
bool xs_set_features_domain(
	struct xs_handle *h, unsigned int domid, unsigned int features);

/*
 * Since libxenstore 4.2 (Xen 4.22): quotas by name, for all domains and for
 * one; 0 is no limit.  The names are *@num strings in one block.
 */
const char **xs_get_quota_names(struct xs_handle *h, unsigned int *num);
bool xs_get_global_quota(
	struct xs_handle *h, const char *quota, unsigned int *value);
bool xs_set_global_quota(
	struct xs_handle *h, const char *quota, unsigned int value);
bool xs_get_domain_quota(struct xs_handle *h, unsigned int domid,
	const char *quota, unsigned int *value);
bool xs_set_domain_quota(struct xs_handle *h, unsigned int domid,
	const char *quota, unsigned int value);

#ifdef __cplusplus
}
#endif

#endif
