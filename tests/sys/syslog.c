// SPDX-License-Identifier: MIT
/* syslog.c: be the system's log at a socket, and write what comes there */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char line[4096];
	ssize_t n;

	if (fd < 0 || argc != 2 || strlen(argv[1]) >= sizeof(sun.sun_path))
		return 99;
	strcpy(sun.sun_path, argv[1]);
	unlink(argv[1]);
	if (bind(fd, (const struct sockaddr *)&sun, sizeof(sun))) {
		perror(argv[1]);
		return 99;
	}
	while ((n = recv(fd, line, sizeof(line), 0)) >= 0) {
		printf("%.*s\n", (int)n, line);
		fflush(stdout);
	}
	return 99;
}
