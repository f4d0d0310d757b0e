host-srcs += arch/host/main.c
host-srcs += arch/host/options.c
host-srcs += arch/host/ram.c
host-srcs += arch/host/mmu.c
host-srcs += arch/host/cpu.c
host-srcs += arch/host/irq.c
host-srcs += arch/host/fault.c
host-srcs += arch/host/context.c
host-srcs += arch/host/switch.S
host-srcs += arch/host/trace.c
host-srcs += arch/host/clock.c
host-srcs += arch/host/console.c
host-srcs += arch/host/halt.c
host-srcs += arch/host/step.c
host-srcs += arch/host/unit.c
# What a sanitizer must be told about switches of stacks.
host-srcs += arch/host/$(or $(filter asan tsan,$(CONFIG)),plain).c
