/* SPDX-License-Identifier: MIT */
/* window.c: runs of frames as sealed memfds. */
#include "hv/hvd/window.h"
#include "hv/hvd/later.h"
#include "hv/hvd/session.h"
#include "hv/hvd/share.h"
#include "hv/hvd/vdom.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static int new_memfd(void)
{
	static const unsigned int base = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(WINDOW_NAME, base | MFD_NOEXEC_SEAL);

	/* before Linux 6.3 the flag is unknown */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(WINDOW_NAME, base);
	return fd;
}

/* Memory that is freed in one go: about 0.2 ms. */
#define PIECE           1024u
#define COST_PIECE_PAGE 6

/*
 * RAM goes to nobody who could mind a seal, and must have none that its
 * owner chose: it is freed in pieces, by holes.  What may become a page table
 * is only read by whoever has it, its owner first of all.
 */
static int seals_of(const struct hv_run *run)
{
	static const int size = F_SEAL_SHRINK | F_SEAL_GROW;

	switch (run->kind) {
	case HV_RUN_RAM: return size | F_SEAL_SEAL;
	case HV_RUN_TABLE: return size | F_SEAL_SEAL | F_SEAL_FUTURE_WRITE;
	case HV_RUN_SHARE:
	case HV_RUN_GNTTAB: break;
	}
	return size;
}

/* Our own mapping is made before the seals that would forbid it. */
static void *map_and_seal(const struct hv_run *run, int fd, size_t size)
{
	void *va;

	if (ftruncate(fd, size) < 0)
		return MAP_FAILED;
	va = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (va == MAP_FAILED || fcntl(fd, F_ADD_SEALS, seals_of(run)) == 0)
		return va;
	munmap(va, size);
	return MAP_FAILED;
}

int window_new(struct hv_run *run)
{
	size_t size = (size_t)run->nr * HV_PAGE_SIZE;
	struct window *w = calloc(1, sizeof(*w));
	struct stat st;
	void *va;

	if (!w)
		return -ENOMEM;
	hypercall_spend(COST_RUN);
	w->payer = vdom_of(run->owner);
	if (w->payer && !share_take(w->payer, SHARE_RUN)) {
		free(w);
		return -ENOMEM;
	}
	w->fd = new_memfd();
	if (w->fd < 0)
		goto fail;
	if (fstat(w->fd, &st) < 0)
		goto fail_fd;
	w->ino = st.st_ino;
	va = map_and_seal(run, w->fd, size);
	if (va == MAP_FAILED)
		goto fail_fd;
	w->closed = run->ro_sealed = run->kind == HV_RUN_TABLE;
	run->va = va;
	run->host = w;
	return 0;
fail_fd:
	close(w->fd);
fail:
	if (w->payer)
		share_put(w->payer, SHARE_RUN);
	free(w);
	return -ENOMEM;
}

void window_free(struct hvd *h, struct hv_run *run)
{
	struct window *w = run->host;

	w->va = run->va;
	w->pages = run->nr;
	/* what is shared stays as it is for who has it mapped still */
	w->pieces = run->kind == HV_RUN_RAM;
	run->host = NULL;
	run->va = NULL;
	later_window(h, w);
}

/* From the end, so that what is left is one mapping. */
bool window_close(struct hvd *h, struct window *w)
{
	uint8_t *va = w->va;
	uint32_t n;

	while (w->pieces && w->pages > PIECE) {
		if (!later_spend(h, PIECE * COST_PIECE_PAGE))
			return false;
		n = w->pages - PIECE;
		if (madvise(va + (size_t)n * HV_PAGE_SIZE,
			    (size_t)PIECE * HV_PAGE_SIZE, MADV_REMOVE) < 0)
			break;
		munmap(va + (size_t)n * HV_PAGE_SIZE,
			(size_t)PIECE * HV_PAGE_SIZE);
		w->pages = n;
	}
	if (!later_spend(h, COST_RUN + w->pages))
		return false;
	munmap(va, (size_t)w->pages * HV_PAGE_SIZE);
	close(w->fd);
	if (w->payer)
		share_put(w->payer, SHARE_RUN);
	free(w);
	return true;
}

void window_leave(struct hv_run *run)
{
	struct window *w = run->host;

	w->leaves = true;
}

/* Punch a hole; a run that is sealed against writing keeps its memory. */
bool window_page_free(struct hv_run *run, uint32_t page)
{
	const struct window *w = run->host;

	if (w->leaves)
		return true;
	hypercall_spend(COST_PAGE);
	return madvise(run->va + (size_t)page * HV_PAGE_SIZE, HV_PAGE_SIZE,
		       MADV_REMOVE) == 0;
}

int window_fd(const struct hv_run *run)
{
	const struct window *w = run->host;

	return w->fd;
}

uint64_t window_inode(const struct hv_run *run)
{
	const struct window *w = run->host;

	return w->ino;
}

int window_to_owner(struct hv_run *run)
{
	struct window *w = run->host;

	w->owner_has_it = true;
	return w->fd;
}

void window_hold(struct hv_run *run, bool on)
{
	struct window *w = run->host;

	w->held = on;
}

int window_to_grantee(struct hv_run *run, bool ro_entry)
{
	struct window *w = run->host;
	int seals;

	if (w->held)
		return -EAGAIN;
	if (!w->closed) {
		seals = F_SEAL_SEAL | (ro_entry ? F_SEAL_FUTURE_WRITE : 0);
		if (fcntl(w->fd, F_ADD_SEALS, seals) < 0)
			return -EPERM;
		w->closed = true;
		/* the owner can have added seals of its own before */
		seals = fcntl(w->fd, F_GET_SEALS);
		run->ro_sealed = seals & (F_SEAL_FUTURE_WRITE | F_SEAL_WRITE);
	}
	return run->ro_sealed == ro_entry ? 0 : -EPERM;
}

void segs_init(struct segs *s)
{
	s->n_seg = 0;
	s->n_fd = 0;
}

static int fd_index(struct segs *s, const struct hv_run *run)
{
	/* the last one is the likely one */
	for (uint32_t i = s->n_fd; i-- > 0;)
		if (s->run[i] == run)
			return i;
	if (s->n_fd == HVP_FDS_MAX)
		return -E2BIG;
	s->run[s->n_fd] = run;
	s->fd[s->n_fd] = window_fd(run);
	return s->n_fd++;
}

int segs_add(struct segs *s, const struct hv_page_ref *p)
{
	struct hvp_seg *last;
	int i = fd_index(s, p->run);

	if (i < 0)
		return i;
	last = s->n_seg ? &s->seg[s->n_seg - 1] : NULL;
	if (last && last->fd == (uint32_t)i &&
		last->page + last->count == p->page) {
		last->count++;
		return 0;
	}
	if (s->n_seg == HVP_REFS_MAX)
		return -E2BIG;
	s->seg[s->n_seg++] =
		(struct hvp_seg){.fd = i, .page = p->page, .count = 1};
	return 0;
}
