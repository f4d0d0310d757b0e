# Ashlar's build.  `make help` lists what there is to ask for.
#
# HOW A FILE GETS IN.  Every folder has a dir.mk, which adds its files by their
# full path from here; nothing is found by wildcard:
#
#	core-srcs   += core/page/page.c		the kernel, in the image of every port
#	check-srcs  += test/check/check_page.c	in-kernel checks, in every image too
#	bench-srcs  += bench/bench_page.c	in-kernel benchmarks, likewise
#	i386-srcs   += arch/x86/32/boot.S	one port's own files; same for host-srcs
#	unit-tests  += test/unit/test_list.c	one cmocka program per file, linked with
#						all of the kernel on the host port
#	fuzz-targets += test/fuzz/fuzz_x.c	one program per file, linked likewise
#
# A dir.mk may also say
#
#	cflags-core/lib/string.c := -fno-builtin	more flags for one file
#	i386-cflags, i386-asflags, i386-ldflags += ...	more flags for one port
#	i386-ldscript := arch/x86/32/kernel.ld		the port's linker script
#	host-ldlibs += -lm				libraries of the host port
#
# PARAMETERS.  PORT=i386|host|null  CONFIG=release|debug|asan|tsan  CC=gcc|clang
# O=dir.  Each combination has a directory of its own: build/i386 is the default
# (release, gcc), others add what differs: build/host-asan, build/i386-debug-clang.
# asan (AddressSanitizer + UBSan) and tsan (ThreadSanitizer, always clang) are for
# the host port.  The null port has no code: PORT=null only joins the objects of
# the kernel, so that what is left undefined is what a port must give.
#
# KERNEL_DEBUG is 0 in release and 1 otherwise; code says `if (KERNEL_DEBUG)`.
#
# WHERE THINGS ARE.  mk/flags.mk: compiler and linker flags.  mk/build.mk: how
# objects, images and unit tests are made.  tools/: what the other targets run.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

ports   := i386 host
configs := release debug asan tsan
# Sanitizers need a libc below them.
configs-i386 := release debug
configs-host := $(configs)
configs-null := release debug

# Without PORT, `make` builds all ports, and `make run` takes the first.  An
# environment may have a PORT that means something else (a number).
ifneq ($(origin PORT),command line)
PORT := $(filter $(ports) null,$(PORT))
endif
goal-ports := $(or $(PORT),$(ports))
port       := $(or $(PORT),i386)
CONFIG     ?= release
O          ?= build

ifeq ($(filter $(port),$(ports) null),)
$(error PORT=$(port): there are only $(ports) (and null, for checks))
endif
ifeq ($(filter $(CONFIG),$(configs-$(port))),)
$(error CONFIG=$(CONFIG): PORT=$(port) has only $(configs-$(port)))
endif

# For tools/run; they reach it through the environment, so that the quotes
# inside APPEND survive.
export MEM         ?= 128
export CPUS        ?= 1
export APPEND      ?=
export QEMU_FLAGS  ?=
export O

core-srcs   :=
check-srcs  :=
bench-srcs  :=
i386-srcs   :=
host-srcs   :=
unit-tests  :=
fuzz-targets :=

include $(wildcard */dir.mk */*/dir.mk */*/*/dir.mk */*/*/*/dir.mk)
include mk/flags.mk
include mk/build.mk

.PHONY: all image unit-tests fuzz-programs
all: $(addprefix all-,$(goal-ports))

.PHONY: $(addprefix all-,$(ports) null)
$(addprefix all-,$(ports) null): all-%:
	@+$(MAKE) PORT=$* image

image: $(image)
	@:
unit-tests: $(unit-programs)
	@:
fuzz-programs: $(fuzz-programs)
	@:

.PHONY: run gdb iso
run:
	@tools/need -w "make run" gcc:gcc $(need-$(port))
	@+$(MAKE) PORT=$(port) image
	@tools/run PORT=$(port) IMAGE=$(image)

gdb:
	@tools/need -w "make gdb" gcc:gcc gdb:gdb $(need-$(port))
	@+$(MAKE) PORT=$(port) image
	@tools/gdb PORT=$(port) IMAGE=$(image)

iso:
	@tools/need -w "make iso" gcc:gcc
	@+$(MAKE) PORT=i386 image
	@image=$$($(MAKE) -s PORT=i386 print-image) && \
		tools/iso "$$image" "$${image%.elf}.iso"

# What these need is asked for by tools/test. Their parameters count on the command
# line only, as an environment may mean something else by them; and a $ in one is
# itself.
test-words := STAGE ONLY NAME SCALE SEED
$(foreach word,$(test-words),$(eval override $(word) := $$(if $$(filter \
	command line,$$(origin $(word))),$$(value $(word)))))
export $(test-words)

.PHONY: test test-unit test-check test-boot check campaign
test:
	@tools/test
test-unit:
	@tools/test unit
test-check:
	@tools/test kernel
test-boot:
	@tools/test boot
check:
	@tools/test check
campaign:
	@tools/campaign

# make fuzz TARGET=slab SECONDS=60 NODES=2 LAYER=sheaf
.PHONY: fuzz
fuzz:
	@tools/fuzz "$(TARGET)" "$(or $(SECONDS),60)" "$(or $(NODES),2)" \
		"$(or $(LAYER),sheaf)"

.PHONY: bench
bench:
	@tools/need -w "make bench" gcc:gcc $(need-$(port))
	@+$(MAKE) PORT=$(port) image
	@PORT=$(port) IMAGE=$(image) bench/run

# `make print-image PORT=host` and the like: for scripts.
print-%:
	@printf '%s\n' '$(strip $($*))'

.PHONY: format
format:
	@tools/need -w "make format" clang-format:clang-format
	@tools/sources .c .h | xargs clang-format -i

.PHONY: map
map:
	@tools/map >docs/map.md.new && mv docs/map.md.new docs/map.md

.PHONY: clean
clean:
	rm -rf $(O)

.PHONY: help
help:
	@cat tools/help.txt

# What it takes to start each port's image.
need-i386 := qemu-system-i386:qemu-system-x86
need-host := /usr/include/stdio.h:libc6-dev
