i386-ldscript := arch/x86/32/kernel.ld

i386-srcs += arch/x86/32/boot.S
i386-srcs += arch/x86/32/context.c
i386-srcs += arch/x86/32/desc.c
i386-srcs += arch/x86/32/mmu.c
i386-srcs += arch/x86/32/fpu.c
i386-srcs += arch/x86/32/probe.c
i386-srcs += arch/x86/32/probe-fpu.S
i386-srcs += arch/x86/32/probe-registers.S
i386-srcs += arch/x86/32/user.c
i386-srcs += arch/x86/32/string.S
i386-srcs += arch/x86/32/switch.S
i386-srcs += arch/x86/32/vectors.S
i386-srcs += arch/x86/acpi.c
i386-srcs += arch/x86/console.c
i386-srcs += arch/x86/keyboard.c
i386-srcs += arch/x86/multiboot.c
i386-srcs += arch/x86/options.c
i386-srcs += arch/x86/pic.c
i386-srcs += arch/x86/pit.c
i386-srcs += arch/x86/power.c
i386-srcs += arch/x86/serial.c
i386-srcs += arch/x86/start.c
i386-srcs += arch/x86/step.c
i386-srcs += arch/x86/trap.c
i386-srcs += arch/x86/vga.c

# No SSE here, so nothing wants its stack aligned to more than a word.
i386-cflags += $(if $(filter gcc,$(toolchain)),-mpreferred-stack-boundary=2)
i386-cflags += $(if $(filter clang,$(toolchain)),-mstack-alignment=4)
# The instruction set is a 686's, but nobody tunes for one any more.
i386-cflags += -mtune=generic
