# SPDX-License-Identifier: GPL-2.0-or-later
# The bus of a VPN's own and the helper that carries between it and the session's. Included by the
# top Makefile. The helper alone links libdbus.

SESSION     := $(B)/libexec/vpnrun/vpnrun-session
SESSION_SRC := src/vpnrun_session.c $(sort $(wildcard src/bus/*.c))
SESSION_OBJ := $(SESSION_SRC:src/%.c=$(B)/obj/%.o)
DBUS_RULES  := $(sort $(filter-out %/session.conf,$(wildcard policy/dbus/*.conf)))
DBUS_CFLAGS := $(shell $(PKG_CONFIG) --cflags dbus-1)
DBUS_LIBS   := $(shell $(PKG_CONFIG) --libs dbus-1)

all: $(SESSION) $(B)/lib/vpnrun/dbus/session.conf

$(SESSION_OBJ): ALL_CFLAGS += $(DBUS_CFLAGS)
$(SESSION): $(SESSION_OBJ) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DBUS_LIBS)

# The text of policy/dbus/, as pairs of strings.
$(B)/gen/dbus_policy.h: $(DBUS_RULES)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)for f in $^; do printf '{"%s",\n' "$$f"; \
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' "$$f"; echo '},'; done > $@

$(B)/obj/bus/builtin.o: $(B)/gen/dbus_policy.h

$(B)/gen/session_filter.h: policy/session.json $(POLICYC)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(POLICYC) --name session --header session_filter --output $@ $<

$(B)/obj/vpnrun_session.o: $(B)/gen/session_filter.h

# The bus's configuration, with one file for each name that it must not start itself: of a name that
# is carried it waits whether that appears, a hidden one fails at once.
$(B)/lib/vpnrun/dbus/session.conf: policy/dbus/session.conf $(DBUS_RULES)
	@mkdir -p $(@D)/services
	$(call say,GEN,$@)
	$(Q)rm -f $(@D)/services/*
	$(Q)awk -v dir=$(@D)/services '$$1 == "name" || $$1 == "hide" { \
		f = dir "/" $$2 ".service"; \
		print "[D-BUS Service]\nName=" $$2 "\nExec=/bin/sh -c '\''" ($$1 == "name" ? \
			"exec \"$$VPNRUN_SESSION\" --wait" : "exit 1") "'\''" > f; close(f) }' $(DBUS_RULES)
	$(Q)cp $< $@

define install-dbus
install -m 0755 $(SESSION) $(D)$(LIBEXECDIR)
install -d $(D)$(LIBDIR)/dbus/services
install -m 0644 $(B)/lib/vpnrun/dbus/session.conf $(D)$(LIBDIR)/dbus
install -m 0644 $(B)/lib/vpnrun/dbus/services/*.service $(D)$(LIBDIR)/dbus/services
endef

# What tests of it are linked with.
BUS_OBJ   := $(filter-out %/vpnrun_session.o,$(SESSION_OBJ))
BUS_TESTS := $(addprefix $(B)/tests/unit/,test_bus test_daemon test_use)
$(BUS_TESTS): $(BUS_OBJ)
$(BUS_TESTS): ALL_CFLAGS += $(DBUS_CFLAGS)
$(BUS_TESTS): LIBS_CTL += $(BUS_OBJ) $(LIB) $(DBUS_LIBS)

BUSSTUB := $(B)/tests/net/busstub
$(BUSSTUB): ALL_CFLAGS += $(DBUS_CFLAGS)
$(BUSSTUB): LIBS_CTL += $(DBUS_LIBS)
