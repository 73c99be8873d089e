/* SPDX-License-Identifier: MIT */
/*
 * err.h - the error convention, and checks that stay in release builds
 *
 * DOC: Error codes
 *
 * A function that can fail returns int:
 *   0   success
 *  >0   a protocol errno (ENOENT, EACCES, ...): the peer will see its name;
 *       it is a normal outcome and is handled by the caller
 *  <0   -errno, an internal failure: never inspected on the way, forwarded
 *       with `return err_trace(r);` and handled only by the owner of the
 *       object concerned (the server, the connection)
 *
 * A function that can only fail by a bug returns void and uses CHECK().
 */
#ifndef BH_COMMON_ERR_H
#define BH_COMMON_ERR_H

#ifndef __must_check
#define __must_check __attribute__((warn_unused_result))
#endif

/*
 * err_trace - forward @r; an internal failure leaves a line at debug level,
 * so that the lines of one failure are its way up through the callers.
 */
#define err_trace(r) err_trace_at((r), __FILE__, __LINE__, __func__)

int err_trace_at(int r, const char *file, int line, const char *func);

/*
 * CHECK - an invariant which security rests on: checked in every build,
 * aborts when broken.  Peer input must never be able to reach a false one.
 */
#define CHECK(cond)                                                            \
	do {                                                                   \
		if (__builtin_expect(!(cond), 0))                              \
			err_check_failed(#cond, __FILE__, __LINE__, __func__); \
	} while (0)

__attribute__((noreturn, cold)) void err_check_failed(
	const char *cond, const char *file, int line, const char *func);

#endif
