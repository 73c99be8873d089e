/* SPDX-License-Identifier: MIT */
/*
 * proto.h: what a domain's processes say to hvd.
 *
 * DOC: sessions
 *
 * A session is one SOCK_SEQPACKET connection; every library handle (event
 * channels, grants, foreign memory, hypercalls) is a session of its own, as
 * every open of /dev/xen/... is on Linux.  When it closes, hvd gives back all
 * that was made through it: ports, mappings, shared pages.
 *
 * Whose session it is follows from where it came from, never from what it
 * says:
 * - each domain is born with a socketpair (birth.h); over it hv-init hands
 *   hvd the *listening* socket that it bound inside the domain's own mount
 *   namespace, at HVP_SOCKET.  What arrives there is that domain;
 * - the domain's kernel process inherits a session (role kernel) that hvd
 *   made for it;
 * - the administrator's socket (admin.h) gives out sessions of dom0.
 *
 * One request is outstanding per session.  A request is struct hvp_req and
 * its payload, at most HVP_MSG_MAX bytes; descriptors in a request close the
 * session.  A reply is struct hvp_rep, its payload, and up to HVP_FDS_MAX
 * descriptors.  Integers are in host order: both ends are one machine.  A
 * malformed request (length, count, unknown op) is answered -EINVAL or
 * -ENOSYS; only one that cannot be answered closes the session.
 *
 * Replies carry rc: 0 or a negative errno.  Numbers in arrays are bounded by
 * the constants here; lengths must match exactly.
 *
 * DOC: notification
 *
 * Each connected port has a doorbell, which hvd makes of an epoll set and two
 * eventfds registered in it, edge-triggered.  The port's holder gets the set:
 * it polls readable when the doorbell has rung, and epoll_wait(2) with a
 * timeout of 0 takes that (at most two events).  The peer gets one of the
 * eventfds, and rings by writing a 1 to it; hvd keeps the other, for virtual
 * interrupts.  Nobody reads an eventfd; the order of rings is of no meaning.
 *
 * Why not one eventfd or pipe between the two: both ends of an eventfd are one
 * open file, of which either side can clear O_NONBLOCK and fill the counter;
 * the ends of a pipe share a mutex that either side can hold for as long as
 * it likes (splice into a full socket).  Either way one side makes the other
 * wait, and hvd as well.  Here the receiver has nothing that the sender
 * writes to, and the sender nothing that the receiver waits on.
 *
 * Each bind makes new doorbells.  A port that falls back to unbound and is
 * bound again by its peer has stale descriptors: its word in the domain's
 * event page has changed, its old doorbell has rung once, and HVP_EV_REFRESH
 * gives the new ones.
 */
#ifndef HV_PROTO_PROTO_H
#define HV_PROTO_PROTO_H

#include <stdint.h>

#define HVP_VERSION    1
#define HVP_SOCKET     "/dev/xen/hv" /* inside a domain */
#define HVP_SOCKET_ENV "HV_SOCKET"   /* overrides it (no mount namespace) */
#define HVP_MSG_MAX    65536         /* bytes, header included */
#define HVP_FDS_MAX    128           /* descriptors in one reply */
#define HVP_PAGE       4096

enum hvp_op {
	HVP_HELLO = 1,
	HVP_RESTRICT_ALL,
	/* event channels */
	HVP_EV_OPEN = 16,
	HVP_EV_ALLOC_UNBOUND,
	HVP_EV_BIND_INTERDOMAIN,
	HVP_EV_BIND_VIRQ,
	HVP_EV_ATTACH,
	HVP_EV_UNBIND,
	HVP_EV_REFRESH,
	HVP_EV_LIST,
	HVP_EV_RESTRICT,
	/* grants */
	HVP_GNT_MAP = 32,
	HVP_GNT_UNMAP,
	HVP_GNT_COPY,
	HVP_GNT_ARENA,
	HVP_GNT_SHARE,
	HVP_GNT_SHARE_READY,
	HVP_GNT_UNSHARE,
	HVP_GNT_NOTIFY,
	/* foreign memory */
	HVP_FM_MAP = 48,
	HVP_FM_UNMAP,
	HVP_FM_RESOURCE,
	HVP_FM_RESTRICT,
	/* hypercalls */
	HVP_HYPERCALL = 64,
	/* the domain's own memory: kernel role only */
	HVP_MEM_MAP_OWN = 80,
	HVP_MEM_SPLIT,
	/* and its page tables, if it is a 64-bit PV domain */
	HVP_MEM_TABLE,
	HVP_MEM_MFN,
	HVP_MEM_READ,
	HVP_MEM_WRITE,
};

struct hvp_req {
	uint16_t op;  /* enum hvp_op */
	uint16_t n;   /* items in the payload, where the op has items */
	uint32_t len; /* bytes after this header */
};

enum hvp_kind { HVP_REPLY = 0, HVP_ASYNC = 1 };

struct hvp_rep {
	uint8_t kind;  /* enum hvp_kind */
	uint8_t async; /* enum hvp_async when kind is HVP_ASYNC */
	uint16_t nfds;
	int32_t rc;
	uint32_t n;   /* items */
	uint32_t len; /* bytes after this header */
};

/* Unasked messages, to sessions of the kernel role only. */
enum hvp_async {
	HVP_ASYNC_SPLIT = 1, /* payload struct hvp_gfn: please HVP_MEM_SPLIT */
};

/* HVP_HELLO: -> struct hvp_hello */
struct hvp_hello {
	uint32_t version;
	uint32_t domid;
	uint64_t gen;
	uint8_t control; /* 1: the control domain */
	uint8_t kernel;  /* 1: this session has the kernel role */
	uint8_t pad[6];
};

/*
 * HVP_RESTRICT_ALL: from now on the session only gives back what it made:
 * GNT_UNMAP, GNT_UNSHARE, FM_UNMAP and EV_UNBIND; all else is -EPERM.  What
 * it has mapped or shared stays so, as behind a descriptor of gntdev that
 * xentoolcore_restrict_all() took from the program.
 */

/*
 * HVP_EV_OPEN: -> one descriptor, read-only: the domain's event page, an
 * array of HVP_EV_PORTS uint32_t; word p changes whenever the descriptors of
 * port p become stale.  Size HVP_EV_PORTS * 4.
 */
#define HVP_EV_PORTS 4096

/*
 * ALLOC_UNBOUND {domid: remote} , BIND_INTERDOMAIN {domid, port},
 * BIND_VIRQ {virq}, ATTACH {port} (kernel role: a port of this domain that
 * no session holds), REFRESH {port}: -> struct hvp_ev_port and descriptors:
 * [0] the port's own doorbell, [1] what rings its peer's (interdomain ports,
 * and unbound ones: rings before the peer binds are seen by it then).
 */
struct hvp_ev_bind {
	uint32_t domid; /* of REFRESH: HVP_EV_* below */
	uint32_t port;  /* or virq */
};
/*
 * REFRESH with RING_ONLY: just what rings the peer is taken; the old doorbell
 * stays in use, with what has rung it, until a REFRESH without.  With WAKE:
 * what may have rung an old doorbell is not known any more (exec): the new one
 * rings if the old one was stale.
 */
#define HVP_EV_RING_ONLY 1
#define HVP_EV_WAKE      2
struct hvp_ev_port {
	uint32_t port;
	uint32_t stamp; /* the event page's word these descriptors belong to */
};
/* HVP_EV_UNBIND {port} (struct hvp_ev_bind).
 * HVP_EV_LIST: -> n uint32_t: the ports this session holds.
 * HVP_EV_RESTRICT, HVP_FM_RESTRICT {domid}: from now on only to that domain;
 * a second restriction to another one is -EACCES.  A restricted session takes
 * the requests of its own family and HVP_HELLO; all others are -EPERM. */

/*
 * HVP_GNT_MAP: struct hvp_gnt_map and n struct hvp_gref, n <= HVP_REFS_MAX.
 * All or nothing.  -> struct hvp_mapping, n_seg struct hvp_seg.  Each segment
 * is count pages at page `page` of descriptor `fd` (an index in this reply),
 * in the order of the references.  rc is the errno gntdev gives: the first
 * bad status is in mapping.status.  -EAGAIN: GNTST_eagain, try again soon.
 * HVP_GNT_UNMAP {id}: munmap first.
 */
#define HVP_REFS_MAX 1024
struct hvp_gref {
	uint32_t domid;
	uint32_t ref;
};
struct hvp_gnt_map {
	uint64_t addr;  /* where it will be mapped */
	uint32_t write; /* 1: read-write */
	uint32_t pad;
};
struct hvp_seg {
	uint32_t fd;
	uint32_t page;
	uint32_t count;
};
struct hvp_mapping {
	uint32_t id;
	int16_t status; /* GNTST_* */
	uint16_t n_seg;
};
struct hvp_id {
	uint32_t id;
};
#define HVP_ID_NONE (~0u)

/*
 * HVP_GNT_ARENA: -> struct hvp_arena and a descriptor, read-write: pages that
 * HVP_GNT_COPY takes as the local side.  One per session, made at the first
 * call.
 * HVP_GNT_COPY: n struct hvp_copy, n <= HVP_COPY_MAX.  -> n int16_t status.
 */
#define HVP_COPY_MAX    1024
#define HVP_ARENA_PAGES 256
struct hvp_arena {
	uint64_t gfn;
	uint32_t pages;
	uint32_t pad;
};
struct hvp_copy_ptr {
	uint32_t domid;
	uint32_t ref;    /* of a granted page; or an arena page number */
	uint16_t offset; /* bytes */
	uint16_t is_ref;
};
struct hvp_copy {
	struct hvp_copy_ptr source, dest;
	uint16_t len;
	uint16_t pad[3];
};

/*
 * HVP_GNT_SHARE: count pages in one run, granted to domid.  -> struct
 * hvp_share, count uint32_t references, one descriptor (read-write).  With
 * write == 0 the references become valid at HVP_GNT_SHARE_READY {id}, when
 * the owner has its mapping: from then on nobody gets a writable one.
 * HVP_GNT_UNSHARE {id}: munmap first.  Pages that are still mapped by the
 * peer stay granted until it lets go.
 */
#define HVP_SHARE_MAX 1024
struct hvp_gnt_share {
	uint32_t domid;
	uint32_t count;
	uint32_t write;
	uint32_t pad;
};
struct hvp_share {
	uint32_t id;
	uint32_t count;
	uint64_t gfn;
};

/*
 * HVP_GNT_NOTIFY: when mapping or share `id` ends, for whatever reason, clear
 * the byte at `offset` (of a mapping: in its first page) and/or send on `port`, which must be
 * a port of this domain.  action: bits of gntdev.h / gntalloc.h.
 */
#define HVP_NOTIFY_CLEAR_BYTE 1
#define HVP_NOTIFY_SEND_EVENT 2
struct hvp_notify {
	uint32_t id;
	uint32_t action;
	uint32_t offset; /* bytes from the start of the mapping */
	uint32_t port;
};

/*
 * HVP_FM_MAP: struct hvp_fm_map and n uint64_t gfns, n <= HVP_REFS_MAX.
 * -> struct hvp_mapping, n int32_t errors (0 or -errno per page), n_seg
 * segments for the pages without error, in order.  rc 0 even if pages failed;
 * if all did, there is nothing to unmap, and the id is HVP_ID_NONE.
 * HVP_FM_RESOURCE: struct hvp_fm_resource; n_frames 0 asks the size only.
 * -> struct hvp_mapping (id is the number of frames when only the size was
 * asked), segments.
 */
struct hvp_fm_map {
	uint32_t domid;
	uint32_t write;
};
struct hvp_fm_resource {
	uint32_t domid;
	uint32_t type; /* XENMEM_resource_* */
	uint32_t id;
	uint32_t write;
	uint64_t frame;
	uint32_t n_frames;
	uint32_t pad;
};

/*
 * HVP_HYPERCALL: struct hvp_hypercall, n struct hvp_buf, then the bytes of
 * all buffers one after the other.  Buffers are the caller's memory as the
 * hypercall may see it; what is outside is -EFAULT.  -> struct hvp_result,
 * then the bytes of the buffers marked HVP_BUF_OUT, one after the other.
 */
#define HVP_BUFS_MAX 64
#define HVP_BUF_OUT  1 /* give it back */
#define HVP_BUF_ZERO 2 /* starts as zeros: no bytes are in the request */
struct hvp_hypercall {
	uint32_t op; /* __HYPERVISOR_* */
	uint32_t pad;
	uint64_t arg[5];
};
struct hvp_buf {
	uint64_t addr;
	uint32_t len;
	uint32_t flags;
};
struct hvp_result {
	int64_t ret;
};

/*
 * HVP_MEM_MAP_OWN: n struct hvp_gfn with counts -> struct hvp_mapping and
 * segments; read-write, for the life of the session, no unmap needed; the
 * pages of HVP_MEM_TABLE are for reading only.  -E2BIG for more than
 * HVP_OWN_MAX pages in one request.
 * HVP_MEM_SPLIT {gfn, 1}: -> the same, for the page's new place.
 */
#define HVP_OWN_MAX 16384
struct hvp_gfn {
	uint64_t gfn;
	uint64_t count;
};

/*
 * HVP_MEM_TABLE {gfn, 1}: make the page fit to be a page table or descriptor
 * table; its content stays, in another page, of which nobody gets a writable
 * mapping.  Mappings of the old page show what was there.  -> struct
 * hvp_table and a descriptor, for reading: the page lies at page `page` of it.
 * -EBUSY while a page table, a grant or a foreign mapping holds the page;
 * -EINVAL if the domain is not PV; -ENOENT.
 *
 * HVP_MEM_MFN: n gfns (uint64_t), n <= HVP_REFS_MAX -> as many frame numbers
 * of the machine, by which page tables name pages; HVP_MFN_NONE where there
 * is none.  What HVP_MEM_TABLE, HVP_MEM_SPLIT and the first grant of a private
 * page put in its place has a new one.
 *
 * HVP_MEM_READ, HVP_MEM_WRITE {va, len, user}: what the processor would do at
 * that virtual address, for the domain's kernel (user 0) or its user mode (1);
 * len <= HVP_VA_MAX.  READ -> len bytes; WRITE carries them behind its
 * arguments.  -EFAULT, and nothing is done, if the tables do not allow all of
 * it.
 */
#define HVP_MFN_NONE (~(uint64_t)0)
#define HVP_VA_MAX   32768
struct hvp_table {
	uint64_t mfn;
	uint32_t page;
	uint32_t pad;
};
struct hvp_va {
	uint64_t va;
	uint32_t len; /* bytes */
	uint32_t user;
};

#endif
