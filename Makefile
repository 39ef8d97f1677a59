# The commands of HACKING.md.  Meson knows how to build; this file knows what
# people want.

BUILD = build
PREFIX = /usr/local
LIBDIR = lib
DESTDIR =
FUZZ_SECONDS = 60
ROUNDS =
SIGN =
LONG =
PYTHON = /usr/bin/python3
SOURCES = $(wildcard include/*.h lib/*.[ch] table/*.[ch] conf/*.[ch] os/*.[ch] \
    daemon/*.[ch] daemon/*/*.[ch] cmd/*.[ch] cmd/*/*.[ch] tests/*/*.[ch] \
    bench/*.[ch])
MANUALS = $(wildcard man/*.[1-9])
SCRIPTS = setup .ci/run debian/tests/round-trip debian/tcpmuxd.postinst \
    contrib/openrc/tcpmuxd.in contrib/rc.d/tcpmuxd.in \
    tests/prove/run tests/fuzz/run \
    $(wildcard tests/*.sh contrib/completion/*.bash)


all: $(BUILD)/build.ninja
	@ninja --quiet -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD) "--prefix=$(PREFIX)" "--libdir=$(LIBDIR)"

# As root, or where the kernel lets anybody have it, the port is 1.
run:
	@./setup build
	@$(MAKE) -s all
	@run= && port=$$($(PYTHON) contrib/first-port 1 10001) && \
	user=$$(id -un) && [ "$$user" != root ] || user=daemon && \
	sed "s/@USER@/$$user/" contrib/example.conf.in >$(BUILD)/example.conf && \
	if [ "$$user" != daemon ] && [ -z "$$XDG_RUNTIME_DIR" ]; then \
		XDG_RUNTIME_DIR="$(CURDIR)/$(BUILD)/run" && \
		export XDG_RUNTIME_DIR && mkdir -p -m 700 "$$XDG_RUNTIME_DIR" && \
		run="XDG_RUNTIME_DIR='$$XDG_RUNTIME_DIR' "; \
	fi && \
	printf '%s\n' "Once it listens, try from another terminal:" \
	    "    $(BUILD)/cmd/tcpmux localhost:$$port" \
	    "    $(BUILD)/cmd/tcpmux localhost:$$port date" \
	    "    $${run}$(BUILD)/cmd/tcpmux-offer hello -- echo hello" \
	    "    $${run}$(BUILD)/cmd/tcpmuxctl status" && \
	exec $(BUILD)/tcpmuxd -f $(BUILD)/example.conf -l "*:$$port"

test:
	@./setup build test
	@$(MAKE) -s $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dtests=enabled
	@ninja -C $(BUILD)
	@TCPMUX_BUILD=$(BUILD) tests/peers.sh
	TCPMUX_BUILD=$(BUILD) $(PYTHON) -B -m pytest -p no:cacheprovider tests

fmt:
	clang-format -i $(SOURCES)

# Format is checked here, too: make fmt mends it.
lint:
	@./setup build test
	@$(MAKE) -s all
	clang-format --dry-run -Werror $(SOURCES)
	printf '%s\n' $(filter-out include/% tests/% bench/% %.h,$(SOURCES)) | \
	    xargs -P 2 -n 8 clang-tidy --quiet -p $(BUILD)
	cppcheck -q --std=c11 --enable=warning,style,portability,performance \
	    --inline-suppr --suppress=missingIncludeSystem \
	    --suppress=variableScope --suppress=unusedStructMember \
	    --suppress=ctuuninitvar \
	    --error-exitcode=1 \
	    -I. -Iinclude lib table conf os daemon cmd
	mandoc -T lint -W warning $(MANUALS)
	shellcheck $(SCRIPTS)
	codespell --skip tests/fuzz/corpus -L nd,fo,hel *.md NEWS include \
	    lib table conf os daemon cmd python man docs tests bench contrib \
	    setup Makefile

prove:
	@./setup prove
	tests/prove/run $(BUILD)

fuzz:
	@./setup build test
	tests/fuzz/run $(BUILD) $(FUZZ_SECONDS)

# Every branch of lib/wire.c, by the unit tests alone.
coverage:
	@./setup build test
	@[ -d $(BUILD)/coverage ] || meson setup $(BUILD)/coverage \
	    -Dtests=enabled -Db_coverage=true -Doptimization=0
	@ninja -C $(BUILD)/coverage
	@find $(BUILD)/coverage -name '*.gcda' -delete
	$(BUILD)/coverage/tests/unit-wire
	$(BUILD)/coverage/tests/unit-wire_write
	gcovr -r . --object-directory $(BUILD)/coverage --branches \
	    --filter lib/wire.c --fail-under-line 100 --fail-under-branch 100

bench:
	@./setup build test bench
	@$(MAKE) -s all
	@TCPMUX_BUILD=$(BUILD) tests/peers.sh
	$(PYTHON) -B bench/run.py $(BUILD) $(if $(ROUNDS),--rounds $(ROUNDS))

install:
	@./setup build
	@$(MAKE) -s $(BUILD)/build.ninja
	@meson configure $(BUILD) "-Dprefix=$(PREFIX)" "-Dlibdir=$(LIBDIR)"
	ninja -C $(BUILD)
	DESTDIR="$(DESTDIR)" meson install -C $(BUILD) --no-rebuild
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

# The manual as web pages: $(BUILD)/html/index.html.
html:
	@./setup manual
	$(PYTHON) -B docs/pages.py man $(BUILD)/html

# The picture in README.md, from a session with what was built.
picture:
	@./setup build test
	@$(MAKE) -s all
	TCPMUX_BUILD=$(BUILD) $(PYTHON) -B docs/picture.py docs/session.svg

# A tarball that builds alone: build/dist/tcpmuxd-VERSION.tar.xz, and its sum.
dist:
	@./setup build
	tests/dist.sh "$(SIGN)"

# Debian packages, into build/packages/this.
package:
	@./setup build test package
	tests/packages.sh build

# Built, looked at by lintian, and used in a clean root; LONG=long builds them
# there, too.
package-test:
	@./setup build test package
	tests/packages.sh $(LONG)

musl:
	@./setup build test package
	tests/musl.sh

arm64:
	@./setup build test package
	tests/arm64.sh

clean:
	rm -rf $(BUILD)

.PHONY: all run test fmt lint prove fuzz coverage bench install html picture \
    dist package package-test musl arm64 clean
