/* SPDX-License-Identifier: MIT */
/* exec.c - hv exec: a command in a domain, as if it ran here */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "hv/cli/dom.h"
#include "hv/cli/pty.h"
#include "hv/cli/run.h"

/* The signals that are for the command; the rest are ours. */
static int forwarded(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void forward(struct machine *m, uint32_t id, int sigs, struct pty *pty)
{
	struct signalfd_siginfo si;

	while (read(sigs, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGWINCH)
			pty_resize(pty);
		else
			run_signal(m, id, (int)si.ssi_signo);
	}
}

/* Until the command has ended; its exit code. */
static int wait_end(struct machine *m, uint32_t id, int sigs, struct pty *pty)
{
	struct pollfd p[2 + PTY_FDS] = {
		{.fd = m->admin.fd, .events = POLLIN},
		{.fd = sigs, .events = POLLIN},
	};
	struct hva_msg msg;
	int r;

	for (;;) {
		/* it may have come with the reply to a signal */
		if (!m->admin.has_exited) {
			pty_poll(pty, p + 2);
			if (poll(p, 2 + PTY_FDS, -1) < 0) {
				if (errno == EINTR)
					continue;
				return CLI_EXEC_FAILED;
			}
			pty_relay(pty, p + 2);
			if (p[1].revents)
				forward(m, id, sigs, pty);
			if (!p[0].revents && !m->admin.has_exited)
				continue;
		}
		r = admin_wait_exited(&m->admin, &msg);
		if (r < 0) {
			pty_close(pty);
			cli_error("the machine is gone: %s", strerror(-r));
			return CLI_EXEC_FAILED;
		}
		if (msg.id == id)
			return run_code(msg.value);
	}
}

/* A domain that has shut down is kept to be looked at: nothing runs in it. */
static bool has_ended(struct machine *m, uint32_t domid, const char *name)
{
	struct xen_domctl_getdomaininfo info;

	if (dom_info(m->client, domid, &info) < 0 ||
		!(info.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying)))
		return false;
	cli_error("%s has ended", name);
	cli_hint("hv destroy %s takes it away", name);
	return true;
}

int cmd_exec(struct cli *cli, int argc, char **argv)
{
	struct pty pty = {.master = -1};
	int fds[3];
	struct strings what = {.buf = NULL};
	const char *term = getenv("TERM");
	char env[128];
	struct machine m;
	uint32_t domid, id;
	int code, r, sigs, at = 2;

	if (argc > 2 && !strcmp(argv[2], "--"))
		at = 3;
	if (at >= argc || argv[1][0] == '-')
		return cli_usage(cli);
	if (!machine_open(&m, cli, 0, &code))
		return CLI_EXEC_FAILED;
	code = CLI_EXEC_FAILED;
	if (!machine_domid(&m, argv[1], &domid) ||
		has_ended(&m, domid, argv[1]))
		goto out;
	for (; at < argc; at++)
		strings_add(&what, "arg", argv[at]);
	if (term && strlen(term) < 64) {
		snprintf(env, sizeof(env), "TERM=%s", term);
		strings_add(&what, "env", env);
	}
	sigs = forwarded();
	r = pty_open(&pty, fds);
	if (r < 0) {
		cli_error("no terminal for it: %s", strerror(-r));
		goto out;
	}
	r = run_start(&m, domid, &what, fds, &id);
	if (r < 0) {
		cli_error("cannot run it in %s: %s", argv[1],
			r == -ESRCH ? "the domain has no processes (it was "
				      "never started, or has ended)"
				    : strerror(-r));
		goto out;
	}
	pty_started(&pty, fds);
	code = wait_end(&m, id, sigs, &pty);
out:
	pty_close(&pty);
	strings_fini(&what);
	machine_close(&m);
	return code;
}
