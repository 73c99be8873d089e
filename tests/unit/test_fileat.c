// SPDX-License-Identifier: MIT
/* test_fileat.c - a file stays the same one when the working directory moves */
#include <errno.h>
#include <sys/stat.h>

#include "common/fileat.h"
#include "tests/unit/bh_check.h"

START_TEST(test_relative)
{
	char dir[] = "/tmp/test_fileat.XXXXXX";
	struct fileat file;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(fileat_init(&file, "name"), 0);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(fileat_open(&file, O_RDONLY, 0), -ENOENT);
	fd = fileat_open(&file, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	ck_assert_int_eq(fileat_unlink(&file), 0);
	ck_assert_int_eq(fileat_unlink(&file), -ENOENT);
	fileat_fini(&file);
	ck_assert_int_eq(file.dir_fd, -1);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(test_absolute)
{
	struct fileat file;
	struct stat st;
	int fd;

	ck_assert_int_eq(fileat_init(&file, "/dev/null"), 0);
	ck_assert_str_eq(file.name, "null");
	fd = fileat_open(&file, O_RDONLY, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert(S_ISCHR(st.st_mode));
	close(fd);
	fileat_fini(&file);
	ck_assert_int_eq(fileat_init(&file, "/etc"), 0);
	ck_assert_str_eq(file.name, "etc");
	fileat_fini(&file);
}
END_TEST

START_TEST(test_refused)
{
	struct fileat file;

	ck_assert_int_eq(fileat_init(&file, ""), -EISDIR);
	ck_assert_int_eq(fileat_init(&file, "/tmp/"), -EISDIR);
	ck_assert_int_eq(fileat_init(&file, "/nonexistent/x"), -ENOENT);
	ck_assert_int_eq(fileat_init(&file, "/dev/null/x"), -ENOTDIR);
	ck_assert_ptr_null(file.name);
}
END_TEST

BH_CHECK_MAIN("fileat", 10, BH_TEST(test_relative), BH_TEST(test_absolute),
	BH_TEST(test_refused))
