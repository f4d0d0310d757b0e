# The boot loader of test/boot; `make loader`.  A program of its own: nothing of
# it is in the kernel.
loader-files := $(addprefix test/loader/,head.S loader.c multiboot.h loader.ld)

.PHONY: loader
loader: $(O)/loader/loader.elf
	@:

$(O)/loader/loader.elf: $(loader-files) test/loader/dir.mk
	@mkdir -p $(@D)
	@gcc -m32 -march=i686 -std=gnu11 -O1 -g -Wall -Wextra -Werror \
		-Wno-int-to-pointer-cast -Wno-pointer-to-int-cast \
		-ffreestanding -fno-builtin -fno-pic -fno-pie -fno-stack-protector \
		-fcf-protection=none -fno-asynchronous-unwind-tables \
		-mgeneral-regs-only -nostdlib -static -no-pie \
		-Wl,--build-id=none -Wl,-z,max-page-size=4096 \
		-Wl,-T,test/loader/loader.ld -o $@ \
		test/loader/head.S test/loader/loader.c
