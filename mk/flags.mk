# Compiler and linker flags: nothing is left to a compiler's or a distribution's
# defaults.

# CC may come from the command line or the environment; make's own default and
# plain `cc` mean gcc.  ThreadSanitizer builds are clang's.
ifneq ($(filter default undefined,$(origin CC))$(filter cc,$(CC)),)
CC := $(if $(filter tsan,$(CONFIG)),clang,gcc)
endif
toolchain := $(if $(findstring clang,$(notdir $(firstword $(CC)))),clang,gcc)

LD      := ld
NM      := nm
AR      := ar
OBJCOPY := objcopy

ifeq ($(CONFIG)-$(toolchain),tsan-gcc)
$(error CONFIG=tsan takes CC=clang)
endif

# -- language, code generation -------------------------------------------------

cflags := -std=gnu11 -g -fno-pie -fno-pic -fno-stack-protector
cflags += -fcf-protection=none -fno-asynchronous-unwind-tables -fno-unwind-tables
cflags += -fno-common -fno-strict-aliasing -fno-delete-null-pointer-checks
cflags += -fno-omit-frame-pointer -momit-leaf-frame-pointer
cflags += -ffile-prefix-map=$(CURDIR)/=

cflags-release := -O2 -DKERNEL_DEBUG=0
cflags-debug   := -O2 -DKERNEL_DEBUG=1
cflags-asan    := -O1 -DKERNEL_DEBUG=1 -fsanitize=address,undefined
cflags-asan    += -fno-sanitize-recover=all
cflags-tsan    := -O1 -DKERNEL_DEBUG=1 -fsanitize=thread
cflags += $(cflags-$(CONFIG))
# FUZZ=1 (with CONFIG=asan CC=clang): also what libFuzzer steers by. Its tracing of
# comparisons would take two thirds of the time.
ifneq ($(FUZZ),)
cflags += -fsanitize-coverage=inline-8bit-counters,pc-table
endif

# -- warnings, all of them errors ----------------------------------------------

warnings := -Werror -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes
warnings += -Wmissing-prototypes -Wold-style-definition -Wredundant-decls -Wundef
warnings += -Wvla -Wswitch -Wwrite-strings -Wformat=2
# An op of a policy seldom uses every argument of its type.
warnings += -Wno-unused-parameter
# No `default` in a switch over an enum: gcc's -Wswitch names a missing value then.
ifeq ($(toolchain),clang)
warnings += -Wthread-safety -Wcovered-switch-default -Wswitch-enum
endif

# Kernel stacks are small; sanitizers make frames that are not ours.
frame-limit := $(if $(filter asan tsan,$(CONFIG)),,-Wframe-larger-than=1024)

# -- ports -----------------------------------------------------------------------

port-include-i386 := arch/x86/32/include
port-include-host := arch/host/include
port-include-null := arch/null/include
# Checks, tests and benchmarks see the core's private headers, as "kmem/front.h".
includes := -Iinclude -I$(port-include-$(port)) -iquote core

ifeq ($(toolchain),clang)
target-i386 := --target=i386-unknown-none-elf
# The null port stands for a machine that does not exist yet: 32 bits are the
# narrow case.
target-null := --target=i386-unknown-none-elf
else
target-i386 := -m32
target-null := -m32
endif
target-i386 += -march=i686 -mregparm=3
target-null += -march=i686
target-host := -march=x86-64 -m64
target := $(target-$(port))

# Only the compiler's own headers (stdint.h, stdarg.h...), and no registers
# that a context switch does not save.
freestanding := -ffreestanding -nostdinc -mgeneral-regs-only
freestanding += -isystem $(shell $(CC) -print-file-name=include)
ifeq ($(port),host)
freestanding += -mno-red-zone
endif

# What a loop that copies or clears must be compiled with when it IS memcpy or
# memset; for cflags-FILE in a dir.mk.
no-loop-idioms-gcc   := -fno-builtin -fno-tree-loop-distribute-patterns
no-loop-idioms-clang := -fno-builtin
no-loop-idioms = $(no-loop-idioms-$(toolchain))

# Three kinds of C: the kernel and bare ports; the host port's own files, which
# use libc; unit tests, which use libc and cmocka.
hosted-cflags := -D_GNU_SOURCE -pthread
# A test may leave most of an enum to another function.
hosted-cflags += $(if $(filter clang,$(toolchain)),-Wno-switch-enum)
kernel-cflags = $(target) $(cflags) $(warnings) $(frame-limit) $(freestanding) \
	$(includes) $($(port)-cflags)
hosted-flags  = $(target) $(cflags) $(warnings) $(hosted-cflags) \
	$(includes) $($(port)-cflags)
asm-flags     = $(target) -g $(includes) -D__ASSEMBLER__=1 -Wa,--noexecstack \
	-ffile-prefix-map=$(CURDIR)/= $($(port)-asflags)

# -- linking ----------------------------------------------------------------------

ldflags-i386 := -m elf_i386 -nostdlib --build-id=none -z noexecstack
ldflags-i386 += -z max-page-size=4096 --fatal-warnings --orphan-handling=place
ldflags-i386 += $(if $(shell $(LD) --help | grep no-warn-rwx-segments),--no-warn-rwx-segments)

ldflags-host := -no-pie -pthread -Wl,--build-id=none -Wl,-z,noexecstack
ldflags-host += -Wl,--fatal-warnings
ifneq ($(filter asan,$(CONFIG)),)
ldflags-host += -fsanitize=address,undefined
endif
ifneq ($(filter tsan,$(CONFIG)),)
ldflags-host += -fsanitize=thread
endif
