// SPDX-License-Identifier: MIT
/* test_sdnotify.c - the datagram arrives, and nothing goes wrong without */
#include <sys/socket.h>
#include <sys/un.h>

#include "common/sdnotify.h"
#include "tests/unit/bh_check.h"

START_TEST(test_nobody_listens)
{
	char path[200];

	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(sdnotify_send("READY=1"), 0);
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	setenv("NOTIFY_SOCKET", path, 1);
	ck_assert_int_eq(sdnotify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "relative", 1);
	ck_assert_int_eq(sdnotify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	ck_assert_int_eq(sdnotify_send("READY=1"), 0);
}
END_TEST

START_TEST(test_abstract_socket)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char name[64], buf[64];
	ssize_t n;
	int len;

	len = snprintf(name, sizeof(name), "@bulkhead-test-%d", getpid());
	memcpy(sun.sun_path, name, (size_t)len);
	sun.sun_path[0] = '\0';
	ck_assert_int_eq(
		bind(fd, (struct sockaddr *)&sun,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				    (size_t)len)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	ck_assert_int_eq(sdnotify_send("READY=1"), 1);
	n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	ck_assert_int_eq(n, 7);
	ck_assert_mem_eq(buf, "READY=1", 7);

	/* a socket that is kept needs no name any more */
	sdnotify_keep();
	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(sdnotify_send("STATUS=x"), 1);
	n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	ck_assert_int_eq(n, 8);
	sdnotify_forget();
	ck_assert_int_eq(sdnotify_send("STATUS=x"), 0);
	close(fd);
}
END_TEST

BH_CHECK_MAIN("sdnotify", 10, BH_TEST(test_nobody_listens),
	BH_TEST(test_abstract_socket))
