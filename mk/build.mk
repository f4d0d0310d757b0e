# How objects, images and unit tests are made, for one PORT, CONFIG and CC.

# build/i386, build/host-asan, build/i386-debug-clang ...
usual-cc := $(if $(filter tsan,$(CONFIG)),clang,gcc)
B := $(O)/$(port)$(patsubst %,-%,$(filter-out release,$(CONFIG)))
B := $(B)$(patsubst %,-%,$(filter-out $(usual-cc),$(toolchain)))$(if $(FUZZ),-fuzz)

# One short line a step; V=1 shows the commands, make -s nothing.
say = $(if $(V),,@$(if $(silent),,printf '  %-7s %s\n' $(1) $(2);))
silent = $(findstring s,$(firstword -$(MAKEFLAGS)))

kernel-srcs := $(core-srcs) $(check-srcs) $(bench-srcs)
kernel-objs := $(addprefix $(B)/,$(addsuffix .o,$(basename $(kernel-srcs))))
port-objs   := $(addprefix $(B)/,$(addsuffix .o,$(basename $($(port)-srcs))))
unit-objs   := $(addprefix $(B)/,$(addsuffix .o,$(basename $(unit-tests))))
unit-programs := $(basename $(unit-objs))
fuzz-target-objs := $(addprefix $(B)/,$(addsuffix .o,$(basename $(fuzz-targets))))
fuzz-objs   := $(addprefix $(B)/,$(addsuffix .o,$(basename $(fuzz-srcs))))
replay-objs := $(addprefix $(B)/,$(addsuffix .o,$(basename $(fuzz-replay-srcs))))
fuzz-programs := $(basename $(fuzz-target-objs))
objs := $(kernel-objs) $(port-objs)
tidy-srcs := $(filter %.c,$(kernel-srcs) $($(port)-srcs) \
	$(if $(filter host,$(port)),$(unit-tests) $(fuzz-targets) $(fuzz-srcs) $(fuzz-replay-srcs)))

image-i386 := $(B)/ashlar.elf
image-host := $(B)/ashlar
image-null := $(B)/core.o
image      := $(image-$(port))

# -- stamps: what was built with other flags, or from other files, is stale -------

# $(call stamp,file,text): `file` holds `text`, and is newer than anything made
# while it held something else.
define stamp
ifneq ($$(strip $$(file <$(1))),$$(strip $(2)))
.PHONY: $(1)
endif
$(1):
	@mkdir -p $$(@D)
	@printf '%s\n' '$$(strip $(2))' >$$@
endef

cc-flags := $(CC) $(kernel-cflags) / $(hosted-flags) / $(asm-flags)
ld-flags := $(CC) $(LD) $(ldflags-$(port)) $($(port)-ldflags) \
	$($(port)-ldscript) $($(port)-ldlibs) $(objs)
$(eval $(call stamp,$(B)/flags,$(cc-flags)))
$(eval $(call stamp,$(B)/link,$(ld-flags)))

# -- objects ------------------------------------------------------------------------

# The host port's own files and the tests see libc; the kernel does not.
test-objs := $(unit-objs) $(fuzz-target-objs) $(fuzz-objs) $(replay-objs)
hosted-objs := $(test-objs) $(if $(filter host,$(port)),$(port-objs))
$(kernel-objs) $(port-objs): c-flags = $(kernel-cflags)
ifneq ($(hosted-objs),)
$(hosted-objs): c-flags = $(hosted-flags)
endif

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(c-flags) $(cflags-$<) -MMD -MP -c -o $@ $<

$(B)/%.o: %.S $(B)/flags
	@mkdir -p $(@D)
	$(call say,AS,$@)$(CC) $(asm-flags) -MMD -MP -c -o $@ $<

# Tables that tools/symbols writes.
$(B)/%.o: $(B)/%.S
	$(call say,AS,$@)$(CC) $(asm-flags) -c -o $@ $<

-include $(patsubst %.o,%.d,$(objs) $(if $(filter host,$(port)),$(test-objs)))

# -- images -----------------------------------------------------------------------

# Linked twice: the names of its functions are a table inside the image.  The
# first link has an empty table, the second the one made from the first; the
# table lies behind the code, so the addresses in it stay right - which is
# checked.
link-i386 = $(LD) $(ldflags-i386) $(i386-ldflags) -T $(i386-ldscript) -o $(1) $(2)
link-host = $(CC) $(target) $(ldflags-host) $(host-ldflags) -o $(1) $(2) $(host-ldlibs)

ifneq ($(port),null)
$(B)/symbols-none.S: tools/symbols
	@mkdir -p $(@D)
	@tools/symbols table </dev/null >$@

$(B)/symbols.S: $(B)/pass1 tools/symbols
	@$(NM) -n $< | tools/symbols table >$@

$(B)/pass1: $(objs) $(B)/symbols-none.o $(B)/link $($(port)-ldscript)
	$(call say,LD,$@)$(call link-$(port),$@,$(objs) $(B)/symbols-none.o)

$(image): $(B)/pass1 $(B)/symbols.o
	$(call say,LD,$@)$(call link-$(port),$@,$(objs) $(B)/symbols.o)
	@NM=$(NM) tools/symbols same $< $@
else
$(image): $(objs) $(B)/link
	$(call say,LD,$@)$(LD) -m elf_i386 -r -o $@ $(objs)
endif

# -- unit tests ----------------------------------------------------------------------

ifeq ($(port),host)
# All of the kernel and of the port, but not its main().
unit-kernel := $(filter-out $(B)/arch/host/main.o,$(objs)) $(B)/symbols-none.o

$(unit-programs): %: %.o $(unit-kernel) $(B)/link
	$(call say,LD,$@)$(call link-host,$@,$< $(unit-kernel)) -lcmocka

# Fuzz targets: with libFuzzer, or with a main that replays inputs. The kernel's
# end by _exit is theirs to see.
fuzz-main-objs := $(if $(FUZZ),,$(replay-objs))
fuzz-ldflags := -Wl,--wrap=_exit $(if $(FUZZ),-fsanitize=fuzzer)

$(fuzz-programs): %: %.o $(fuzz-objs) $(fuzz-main-objs) $(unit-kernel) $(B)/link
	$(call say,LD,$@)$(call link-host,$@,$< $(fuzz-objs) $(fuzz-main-objs) $(unit-kernel)) $(fuzz-ldflags)
else
$(unit-programs) $(fuzz-programs):
	@echo "unit tests are for PORT=host" >&2; exit 1
endif
