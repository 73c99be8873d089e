#!/bin/bash
# SPDX-License-Identifier: MIT
# includes.sh - the layers hold, and the script that says so can say no
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
script=$BH_SRCDIR/scripts/check-includes

check "the tree keeps its layers" "$script" "$BH_SRCDIR"

# a small tree of every layer, with one planted line at a time
mkdir -p "$T/tree"
cd "$T/tree" || broken "no folder"
for d in common wire libxs libxs/cli hv/core hv/explore hv/hvd hv/proto \
	hv/compat hv/init hv/guest hv/cli hv/demo xenstored backends/blk tests/unit; do
	mkdir -p "$d"
	echo '#include <stdint.h>' >"$d/a.h"
	printf '#include "%s/a.h"\n' "$d" >"$d/a.c"
done
touch common/ckd.h common/log.h hv/compat/client.h
check "the small tree is right" "$script" .

# planted FILE LINE: must be caught, and named
planted() {
	mkdir -p "${1%/*}"
	echo "$2" >"$1.c"
	check_fails "$1: $2" "$script" .
	check "... is named" grep -q "^$1.c:1:" <("$script" .)
	rm "$1.c"
}
# fine FILE LINE: must not be caught
fine() {
	echo "$2" >"$1.c"
	check "$1: $2 is fine" "$script" .
	rm "$1.c"
}

planted common/x '#include "wire/a.h"'
planted common/x '#include <xenevtchn.h>'
planted common/x '#include <xen/io/blkif.h>'
planted wire/x '#include "libxs/a.h"'
planted wire/x '#  include <xenstore.h>'
planted libxs/x '#include "libxs/cli/a.h"'
planted libxs/x '#include <talloc.h>'
planted libxs/x '#include <event2/event.h>'
planted libxs/x '#include "common/log.h"'
planted libxs/x '#include "hv/proto/a.h"'
planted libxs/cli/x '#include "xenstored/a.h"'
planted hv/core/x '#include "hv/hvd/a.h"'
planted hv/core/x '#include <xenctrl.h>'
planted hv/explore/x '#include "hv/hvd/a.h"'
planted hv/hvd/x '#include "hv/compat/client.h"'
planted hv/proto/x '#include "hv/core/a.h"'
planted hv/compat/x '#include "hv/core/a.h"'
planted hv/compat/x '#include "common/a.h"'
planted hv/compat/x '#include <talloc.h>'
planted hv/init/x '#include "hv/hvd/a.h"'
planted hv/unheard/x '#include <stdint.h>'
planted hv/guest/x '#include "hv/core/a.h"'
planted hv/guest/x '#include "hv/compat/a.h"'
planted hv/cli/x '#include "hv/hvd/a.h"'
planted xenstored/x '#include "hv/proto/a.h"'
planted xenstored/x '#include "libxs/a.h"'
planted backends/blk/x '#include "hv/compat/client.h"'
planted backends/blk/x '#include "libxs/cli/a.h"'
planted common/x '#include "a.h"'
planted common/x '#include "common/../wire/a.h"'
planted wire/x '#include "common/nowhere.h"'

fine wire/x '#include <xen/io/blkif.h>'
fine wire/x '#include "common/a.h"'
fine hv/compat/x '#include "common/ckd.h"'
fine hv/guest/x '#include "hv/compat/client.h"'
fine hv/hvd/x '#include "hv/core/a.h"'
fine backends/blk/x '#include "libxs/a.h"'
fine tests/unit/x '#include "hv/core/a.h"'
fine xenstored/x '#include "config.h"'
finish
