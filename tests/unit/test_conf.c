// SPDX-License-Identifier: MIT
/*
 * test_conf.c: a domain's configuration: what is taken, what is refused
 */
#include "hv/init/conf.h"
#include "tests/unit/bh_check.h"

#include <errno.h>
#include <sys/mman.h>

/* A string literal with several strings in it: all of them, with the NULs. */
#define TEXT(s) (s), sizeof(s)

static char err[CONF_ERR_MAX];

START_TEST(test_everything)
{
	struct conf c;

	ck_assert_int_eq(
		conf_parse(&c,
			TEXT("domid=7\0name=a b=c\0uuid=u\0control=1\0"
			     "kernel=/k\0arg=x\0arg=\0env=A=\0env=B=c=d\0"
			     "cwd=/\0bind=/a\0bindrw=/b\0bind=/c/..d\0"
			     "libdir=/l\0bindir=/b\0rundir=/r\0"
			     "logdir=/g\0iouring=1\0cpus=0,2-3\0"
			     "uid=65534\0console=0"),
			CONF_BIRTH, err),
		0);
	ck_assert_uint_eq(c.domid, 7);
	ck_assert_str_eq(c.name, "a b=c");
	ck_assert(c.control && c.iouring && !c.console);
	ck_assert_uint_eq(c.arg.n, 2);
	ck_assert_str_eq(c.arg.v[1], "");
	ck_assert_ptr_null(c.arg.v[2]);
	ck_assert_str_eq(c.env.v[1], "B=c=d");
	ck_assert_uint_eq(c.n_bind, 3);
	ck_assert(!c.bind[0].writable && c.bind[1].writable);
	ck_assert_str_eq(c.bind[2].path, "/c/..d");
	ck_assert_int_eq(CPU_COUNT(&c.cpus), 3);
	ck_assert(CPU_ISSET(3, &c.cpus) && !CPU_ISSET(1, &c.cpus));
	ck_assert(c.has_uid && c.has_cpus);
	ck_assert_uint_eq(c.uid, 65534);
	conf_fini(&c);
	ck_assert_ptr_null(c.text);
}
END_TEST

START_TEST(test_empty)
{
	struct conf c;

	ck_assert_int_eq(conf_parse(&c, "", 0, CONF_BIRTH, err), 0);
	ck_assert(!c.has_uid && !c.has_cpus && !c.control);
	conf_fini(&c);
}
END_TEST

static const struct {
	const char *text;
	const char *why; /* in the message */
} refused[] = {
	{"nothing", "unknown"},
	{"", "unknown"},
	{"domidx=1", "unknown"},
	{"domi=1", "unknown"},
	{"=1", "unknown"},
	{"domid=", "domid="},
	{"domid=-1", "domid="},
	{"domid=1x", "domid="},
	{"domid= 1", "domid="},
	{"domid=32752", "domid="}, /* DOMID_FIRST_RESERVED */
	{"domid=18446744073709551616", "domid="},
	{"control=2", "control="},
	{"control=yes", "control="},
	{"kernel=hv-kernel", "kernel="},
	{"kernel=", "kernel="},
	{"cwd=/a/../b", "cwd="},
	{"bind=/a/..", "bind="},
	{"bind=/", "bind="},
	{"bind=/./", "bind="},
	{"bindrw=//", "bindrw="},
	{"rundir=..", "rundir="},
	{"env=A", "env="},
	{"env==A", "env="},
	{"cpus=", "cpus="},
	{"cpus=3-2", "cpus="},
	{"cpus=0,", "cpus="},
	{"cpus=0-", "cpus="},
	{"cpus=0;1", "cpus="},
	{"cpus=1024", "cpus="},
	{"cpus=0-99999999999", "cpus="},
	{"uid=4294967295", "uid="},
};

enum { NR_REFUSED = sizeof(refused) / sizeof(refused[0]) };

START_TEST(test_refused)
{
	const char *text = refused[_i].text;
	struct conf c;

	ck_assert_int_eq(
		conf_parse(&c, text, strlen(text) + 1, CONF_BIRTH, err),
		-EINVAL);
	ck_assert_msg(strstr(err, refused[_i].why) != NULL, "%s", err);
	ck_assert_ptr_null(c.text);
}
END_TEST

START_TEST(test_twice)
{
	struct conf c;

	ck_assert_int_eq(
		conf_parse(&c, TEXT("name=a\0name=b"), CONF_BIRTH, err),
		-EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "twice"));
}
END_TEST

START_TEST(test_unterminated)
{
	struct conf c;

	ck_assert_int_eq(conf_parse(&c, "name=a", 6, CONF_BIRTH, err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "does not end"));
}
END_TEST

START_TEST(test_too_long)
{
	char *big = calloc(1, CONF_MAX + 1);
	struct conf c;

	ck_assert_int_eq(
		conf_parse(&c, big, CONF_MAX + 1, CONF_BIRTH, err), -EINVAL);
	free(big);
}
END_TEST

START_TEST(test_path_too_long)
{
	char text[8192] = "cwd=/";
	struct conf c;

	memset(text + 5, 'a', 4090);
	ck_assert_int_eq(
		conf_parse(&c, text, strlen(text) + 1, CONF_BIRTH, err),
		-EINVAL);
}
END_TEST

START_TEST(test_exec)
{
	struct conf c;

	ck_assert_int_eq(conf_parse(&c, TEXT("arg=ls\0env=A=b\0cwd=/tmp"),
				 CONF_EXEC, err),
		0);
	conf_fini(&c);
	ck_assert_int_eq(
		conf_parse(&c, TEXT("env=A=b"), CONF_EXEC, err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "arg="));
	/* a request must not be able to ask for more than a command */
	ck_assert_int_eq(
		conf_parse(&c, TEXT("arg=ls\0bindrw=/home"), CONF_EXEC, err),
		-EINVAL);
}
END_TEST

START_TEST(test_read)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);
	struct conf c;

	ck_assert_int_eq(write(fd, TEXT("name=x")), 7);
	ck_assert_int_eq(conf_read(&c, fd, err), 0);
	ck_assert_str_eq(c.name, "x");
	conf_fini(&c);
	ck_assert_int_eq(ftruncate(fd, CONF_MAX + 1), 0);
	ck_assert_int_eq(conf_read(&c, fd, err), -EINVAL);
	close(fd);
	ck_assert_int_eq(conf_read(&c, fd, err), -EINVAL);
}
END_TEST

BH_CHECK_MAIN("conf", 10, BH_TEST(test_everything), BH_TEST(test_empty),
	BH_LOOP(test_refused, NR_REFUSED), BH_TEST(test_twice),
	BH_TEST(test_unterminated), BH_TEST(test_too_long),
	BH_TEST(test_path_too_long), BH_TEST(test_exec), BH_TEST(test_read))
