# SPDX-License-Identifier: GPL-2.0-or-later
# The tarball and the packages that are made of it. Included by the top Makefile.

DIST := vpnrun-$(VERSION)

# All that git has here, or all of an unpacked tarball, each time in the same bits: names in order, nobody's
# user, one mode, one time. SOURCE_DATE_EPOCH is that time, else the last commit's, else the tarball's.
dist:
	$(Q)mkdir -p $(B)
	$(Q)contrib/dist '$(DIST)' '$(abspath $(B))/$(DIST).tar.gz'

# What stands in contrib/debian is Debian's source package; dpkg-buildpackage runs beside the tarball.
deb: dist
	$(Q)contrib/debian/build '$(B)/$(DIST).tar.gz' '$(B)/deb'

rpm: dist
	$(Q)contrib/rpm/build '$(B)/$(DIST).tar.gz' '$(B)/rpm'

# Fedora's, Arch's, Alpine's and Nix's, as far as Debian has their tools: tests/packages/README.md.
check-packages-others: dist all
	$(Q)tests/packages/others '$(B)' '$(B)/$(DIST).tar.gz'

# Both Debians: built, judged, installed, tested as installed, upgraded and purged. SUITE="trixie" one of them. OLD=DIR
# has the packages of the last version, to upgrade from.
check-packages: dist
	$(Q)tests/setup/deps build test nspawn
	$(Q)$(MAKE) --no-print-directory all test-tools
	$(Q)for s in $(or $(SUITE),bookworm trixie); do \
		OLD='$(OLD)' tests/packages/check $$s '$(B)' '$(B)/$(DIST).tar.gz' || exit 1; done

# REUSE wants the text of the licence in a directory LICENSES/, which this tree does without: it is judged in a copy.
check-reuse: dist
	$(Q)d=$$(mktemp -d) && trap 'rm -rf "$$d"' EXIT && tar -x -C "$$d" -f '$(B)/$(DIST).tar.gz' && cd "$$d/$(DIST)" && \
		mkdir LICENSES && cp LICENSE LICENSES/GPL-2.0-or-later.txt && reuse lint

version:
	@echo '$(VERSION)'

.PHONY: check-packages check-packages-others dist deb rpm check-reuse version
