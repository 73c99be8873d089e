/* SPDX-License-Identifier: MIT */
/*
 * fault.h: rules that can be broken on purpose.
 *
 * DOC: mutation
 *
 * Each entry names one rule of the engine and what happens without
 * it.  In the product hv_fault(F) is the constant false and the broken
 * variant is not compiled in.  With HV_FAULTS it tests one global, so that
 * one binary of the explorer can run every mutant; a mutant that no scenario
 * catches says that the scenarios are too weak.
 */
#ifndef HV_CORE_FAULT_H
#define HV_CORE_FAULT_H

#include <stdbool.h>

/* X(symbol, name, text) */
#define HV_FAULT_LIST(X)                                                       \
	/* preempted type changes */                                           \
	X(STICKY_PENDING, "sticky-pending",                                    \
		"a pending put forgets PARTIAL on -EINTR (XSA-310)")           \
	X(STICKY_PROMOTE, "sticky-promote",                                    \
		"-EINTR in a promotion stores no partial flag (XSA-310)")      \
	X(STICKY_PROMOTE_0, "sticky-promote-0",                                \
		"-EINTR at slot 0 of a promotion drops its partial flag")      \
	X(STICKY_DEMOTE, "sticky-demote",                                      \
		"-EINTR in a demotion skips a partial slot (XSA-310)")         \
	X(STICKY_DEMOTE_LAST, "sticky-demote-last",                            \
		"-EINTR at the last, partial slot counts as untouched")        \
	X(RESTART_UNTOUCHED, "restart-untouched",                              \
		"-ERESTART although nothing was done (XSA-299 a)")             \
	X(TEARDOWN_REPIN, "teardown-repin",                                    \
		"teardown pins a partial page again (XSA-299 b)")              \
	X(PREEMPT_SETS_PF, "preempt-sets-pf",                                  \
		"a slot preempted before its turn is partial (XSA-299 c)")     \
	X(PARTIAL_NO_REF, "partial-no-ref",                                    \
		"a partial slot holds no general reference (XSA-299 d)")       \
	X(ERROR_DROPS_PF, "error-drops-pf",                                    \
		"an error at a partial slot forgets its ref (XSA-299 e)")      \
	X(NESTED_IGNORED, "nested-ignored",                                    \
		"a child's pending put is not handed over (XSA-299 f)")        \
	X(NESTED_SKIPS, "nested-skips",                                        \
		"a failed nested slot counts as validated (XSA-299 f)")        \
	X(NESTED_FIRST, "nested-first",                                        \
		"a nested failure in slot 0 is not handed over")               \
	X(PUT_NO_PARTIAL, "put-no-partial",                                    \
		"clean-up of a page that is partial no more (XSA-299 g)")      \
	X(PARTIAL_ANY_TYPE, "partial-any-type",                                \
		"a partial slot cleans up a child of another level")           \
	X(ROOT_RETRY, "root-retry",                                            \
		"a restarted put of a root has no PARTIAL (XSA-310 1)")        \
	X(PARTIAL_NO_TYPE, "partial-no-type",                                  \
		"P owns no type reference after a demotion (XSA-310 3)")       \
	X(NO_POLL, "no-poll", "a loop over the slots does not poll (XSA-290)") \
	X(EXPLICIT_DOWN, "explicit-down",                                      \
		"with explicit pins a promotion goes down a level")            \
	X(EXPLICIT_PARTIAL, "explicit-partial",                                \
		"with explicit pins a partial child is taken over")            \
	/* types */                                                            \
	X(FLUSH_FIRST, "flush-first",                                          \
		"TLB flush before the type is taken (XSA-401)")                \
	X(FLUSH_NEW, "flush-new",                                              \
		"flush decided by the new type, not the old (XSA-408)")        \
	X(FLUSH_NONE, "flush-none",                                            \
		"no TLB flush when a writable page gets a type")               \
	X(FLUSH_TABLE, "flush-table",                                          \
		"no TLB flush when a table becomes something else")            \
	X(FAILED_FORGETS, "failed-forgets",                                    \
		"a failed promotion forgets what the page was before")         \
	X(EARLY_VALID, "early-valid",                                          \
		"V before the side effects of a type change (XSA-401)")        \
	X(NC_UNNOTED, "nc-unnoted",                                            \
		"non-coherent writable mappings are not noted (XSA-402)")      \
	X(NC_NO_FLUSH, "nc-no-flush",                                          \
		"no cache flush before validation (XSA-402)")                  \
	X(NC_NO_FREE_FLUSH, "nc-no-free-flush",                                \
		"no cache flush before a page is free (XSA-402)")              \
	X(FREE_NO_FLUSH, "free-no-flush",                                      \
		"no TLB flush before a page is free")                          \
	X(OWNER_FIRST, "owner-first",                                          \
		"the owner is compared before the reference is taken")         \
	X(ASSIGN_LATE, "assign-late",                                          \
		"a page is given to a domain whose kill has passed it")        \
	X(LOST_SWAP, "lost-swap",                                              \
		"a put whose swap is lost is not made again")                  \
	X(TYPE_IGNORED, "type-ignored",                                        \
		"a page in use gets another type (the root of it all)")        \
	/* operations */                                                       \
	X(FASTPATH_BLACKLIST, "fastpath-blacklist",                            \
		"fast path unless presence or address change (XSA-182)")       \
	X(FASTPATH_MEMTYPE, "fastpath-memtype",                                \
		"fast path for the memory type, too (XSA-402)")                \
	X(LOCK_NO_RECHECK, "lock-no-recheck",                                  \
		"the type of a table is not read again under its lock")        \
	X(LOCK_LAST, "lock-last",                                              \
		"the last but one type ref goes while the page is locked")     \
	X(LINEAR_STALE, "linear-stale",                                        \
		"cached walk survives a change above L1 (XSA-286)")            \
	X(LINEAR_LATE, "linear-late",                                          \
		"a walk is not made again once it is remembered")              \
	X(STEAL_KEEPS_TYPE, "steal-keeps-type",                                \
		"a stolen page keeps its type word (XSA-214)")                 \
	X(STEAL_NO_REF, "steal-no-ref",                                        \
		"steal has no reference of its own (XSA-287)")                 \
	X(KILL_NO_WAIT, "kill-no-wait",                                        \
		"a kill does not wait for calls that are under way")           \
	X(GRANT_NO_TYPE, "grant-no-type",                                      \
		"a writable grant in a table takes no type reference")         \
	X(GRANT_NO_FLUSH, "grant-no-flush",                                    \
		"grant unmap drops its refs before the TLB flush")             \
	X(GRANT_WHO_FIRST, "grant-who-first",                                  \
		"whose a grant is, is read before it is claimed")              \
	X(EXCHANGE_RANGE, "exchange-range",                                    \
		"the range checked is not the one written (XSA-212)")          \
	/* control flow */                                                     \
	X(MULTI_MODE, "multi-mode",                                            \
		"a batch goes on after the kernel mode ended (XSA-213)")       \
	X(MULTI_RESULT, "multi-result",                                        \
		"the batch's result overwrites iret's (XSA-213)")              \
	X(MULTI_NESTED, "multi-nested",                                        \
		"a multicall inside a multicall (XSA-213)")                    \
	X(MULTI_REFETCH, "multi-refetch",                                      \
		"what follows an entry is decided by reading it again")        \
	X(MULTI_REWIND, "multi-rewind",                                        \
		"a continued batch starts again at entry 0")                   \
	X(BOUNCE_SLACK, "bounce-slack",                                        \
		"frame room checked for 60 bytes, 96 written (XSA-215)")       \
	/* grants */                                                           \
	X(GNT_STATUS_LATE, "unmap-status-late",                                \
		"pin in one section, status bits in another (XSA-218)")        \
	X(GNT_FREE_LATE, "unmap-free-late",                                    \
		"whoever sees no part left frees the handle (XSA-218)")        \
	X(GNT_UNMAP_UNLOCKED, "unmap-unlocked",                                \
		"a handle is looked at before its lock is taken")              \
	X(GNT_TAKE_UNLOCKED, "handle-unlocked",                                \
		"a handle is taken without the lock (XSA-228)")                \
	X(GNT_REFS_BOTH, "unmap-refs-both",                                    \
		"unmapping a part drops the references of both (XSA-224)")     \
	X(GNT_UNDO_LESS, "map-undo-less",                                      \
		"a mapping that fails keeps a general ref (XSA-224)")          \
	X(GNT_UNDO_MORE, "map-undo-more",                                      \
		"a mapping that fails drops a type ref it has not (XSA-224)")  \
	X(GNT_UNDO_STATUS, "map-undo-status",                                  \
		"a mapping that fails leaves GTF_writing set")                 \
	X(GNT_HOST_ONLY, "settle-host-only",                                   \
		"GTF_writing ends with the host's pins (XSA-230)")             \
	X(GNT_ANY_ADDR, "unmap-any-addr",                                      \
		"an unmap at another address than the map's (XSA-234)")        \
	X(GNT_LOCK_LEAK, "map-lock-leak",                                      \
		"an error path keeps the table's lock (XSA-235)")              \
	X(GNT_STATUS_BOOL, "map-status-bool",                                  \
		"the status of a failure is positive (XSA-316)")               \
	X(GNT_HANDLE_LEAK, "map-handle-leak",                                  \
		"a mapping that fails keeps its handle (XSA-316)")             \
	X(GNT_RELEASE_SKIPS, "release-skips",                                  \
		"a release that stopped goes on behind a handle")              \
	X(GNT_SWAP_UNLOCKED, "swap-unlocked",                                  \
		"entries are exchanged without the table's lock")              \
	X(GNT_HEAD_TWICE, "entry-read-twice",                                  \
		"an entry is read again after it was checked")                 \
	X(GNT_FRAME_AGAIN, "frame-read-again",                                 \
		"the frame of a pinned entry is read again")                   \
	X(GNT_UNBOUNDED, "entry-unbounded",                                    \
		"a guest can keep the claim of an entry busy (XSA-268)")       \
	X(GNT_PIN_WRAPS, "pin-wraps", "a count of pins overflows")             \
	X(GNT_RECORD_FIRST, "map-record-first",                                \
		"a handle is valid before its entry is pinned")                \
	X(GNT_TOLD_LATE, "map-told-late",                                      \
		"a page is looked at when its mapping may have gone")          \
	X(GNT_REF_HANDLE, "granter-ref-handle",                                \
		"a handle keeps the granter, not each part of it")             \
	X(GNT_DYING, "map-dying",                                              \
		"a mapping is recorded for a domain that is dying")            \
	X(GNT_FRAME_UNLOCKED, "frame-unlocked",                                \
		"a page is found and then referenced, not at once")            \
	X(DOM_BARE, "dom-bare",                                                \
		"a domain found by number is not kept during a call")          \
	X(DOM_LAST_TWICE, "dom-last-twice",                                    \
		"the count of a domain is read again for the last one")        \
	/* event channels */                                                   \
	X(EV_TAKE_ERROR, "ev-take-error",                                      \
		"only -EBUSY counts as a failure to get a port (XSA-317)")     \
	X(EV_TAKE_DYING, "ev-take-dying",                                      \
		"ports are opened in a domain that dies")                      \
	X(EV_PUBLISH, "ev-publish",                                            \
		"ports are valid before there is a place for them")            \
	X(EV_VALID_SHRINKS, "ev-valid-shrinks",                                \
		"a reset makes ports invalid that are open (XSA-338)")         \
	X(EV_SEND_BARE, "ev-send-bare",                                        \
		"a send looks at its port without a lock (XSA-343)")           \
	X(EV_UNMASK_BARE, "ev-unmask-bare",                                    \
		"an unmask looks at its port without a lock")                  \
	X(EV_BIND_EARLY, "ev-bind-early",                                      \
		"a bind looks at the port before it has the locks (XSA-343)")  \
	X(EV_BIND_ONE, "ev-bind-one",                                          \
		"a bind has but its own domain's lock (XSA-343)")              \
	X(EV_RESET_BLIND, "ev-reset-blind",                                    \
		"a reset does not look for new ports at its end (XSA-343)")    \
	X(EV_RESET_TWICE, "ev-reset-twice",                                    \
		"a reset while another one is under way (XSA-344)")            \
	X(EV_RESET_NO_POLL, "ev-reset-no-poll",                                \
		"a reset does not poll (XSA-344)")                             \
	X(EV_VIRQ_UNDO, "ev-virq-undo",                                        \
		"a VIRQ not bound undoes what others did (XSA-496)")           \
	X(EV_VIRQ_BARE, "ev-virq-bare",                                        \
		"a VIRQ's port is looked up without a lock")                   \
	X(EV_VIRQ_EARLY, "ev-virq-early",                                      \
		"whether a VIRQ is bound is asked before it is locked")        \
	X(EV_CLOSE_STALE, "ev-close-stale",                                    \
		"a close does not look again once it has both locks")          \
	X(EV_CLOSE_FORGETS, "ev-close-forgets",                                \
		"a close keeps no reference to the peer it waits for")         \
	X(EV_LOCK_ORDER, "ev-lock-order",                                      \
		"a close takes the peer's lock whatever the order")            \
	X(EV_FREE_PENDING, "ev-free-pending",                                  \
		"a port that is closed stays pending")                         \
	X(EV_BIND_SILENT, "ev-bind-silent",                                    \
		"a port is not pending when it is bound")                      \
	X(EV_RAISE_EARLY, "ev-raise-early",                                    \
		"the mask is looked at before the port is pending")            \
	X(EV_UNMASK_EARLY, "ev-unmask-early",                                  \
		"the pending bit is looked at before the port is unmasked")

enum hv_fault {
	HV_FAULT_NONE,
#define HV_FAULT_ENUM(sym, name, text) HV_FAULT_##sym,
	HV_FAULT_LIST(HV_FAULT_ENUM)
#undef HV_FAULT_ENUM
		HV_NR_FAULTS
};

struct hv_fault_info {
	const char *name;
	const char *text;
};

#ifdef HV_FAULTS
/* The one rule that is broken now; HV_FAULT_NONE: none. */
extern enum hv_fault hv_fault_on;
/* By enum hv_fault; entry 0 is "none". */
extern const struct hv_fault_info hv_fault_table[HV_NR_FAULTS];

static inline bool hv_fault(enum hv_fault f)
{
	return hv_fault_on == f;
}
#else
static inline bool hv_fault(enum hv_fault f)
{
	(void)f;
	return false;
}
#endif

#endif
