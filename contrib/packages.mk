# SPDX-License-Identifier: GPL-2.0-or-later
# The tarball and the packages that are made of it. Included by the top Makefile.

DIST := vpnrun-$(VERSION)

# All that git has here, or all of an unpacked tarball, each time in the same bits: names in order, nobody's
# user, one mode, one time. SOURCE_DATE_EPOCH is that time, else the last commit's, else the tarball's.
dist:
	$(Q)mkdir -p $(B)
	$(Q)contrib/dist '$(DIST)' '$(abspath $(B))/$(DIST).tar.gz'

# REUSE wants the text of the licence in a directory LICENSES/, which this tree does without: it is judged in a copy.
check-reuse: dist
	$(Q)d=$$(mktemp -d) && trap 'rm -rf "$$d"' EXIT && tar -x -C "$$d" -f '$(B)/$(DIST).tar.gz' && cd "$$d/$(DIST)" && \
		mkdir LICENSES && cp LICENSE LICENSES/GPL-2.0-or-later.txt && reuse lint

version:
	@echo '$(VERSION)'

.PHONY: dist check-reuse version
