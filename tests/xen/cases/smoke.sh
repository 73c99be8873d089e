#!/bin/bash
# SPDX-License-Identifier: MIT
# dom0 is up on our daemon; Debian's own test passes; dom0's ring works
# shellcheck source=tests/xen/functions.sh
. /case/functions.sh

check "xl info" xl info
check "xl list shows dom0" xl list Domain-0
check "write through the socket" xenstore-write -s /tool/case one
check "read it through /dev/xen/xenbus" through_kernel \
	reads /tool/case one
check "write through /dev/xen/xenbus" through_kernel \
	xenstore-write /tool/case two
check "read that through the socket" reads /tool/case two
check "list and permissions through /dev/xen/xenbus" through_kernel \
	xenstore-ls -fp /
check "a watch through /dev/xen/xenbus" through_kernel \
	xenstore-watch -n 1 /tool/case
check "test-xenstore through the socket" timeout 200 test-xenstore -i 5
sed 's/^/      | /' /tmp/check.out
check "test-xenstore through /dev/xen/xenbus" through_kernel \
	test-xenstore -i 1
check "the daemon has not complained" \
	sh -c 'cd /results && test -e xenstored.log &&
		! grep -E " (error|no-memory|domain-scan)" xenstored.log'
finish
