/*
 * memcpy, memmove, memset and memcmp, which compilers call by themselves.
 *
 * eax, edx, ecx = first, second, third argument; edi, esi are the caller's.
 */
	.text

/* void *memcpy(void *dst, const void *src, size_t n) */
	.globl memcpy
	.type memcpy, @function
memcpy:
	pushl %edi
	pushl %esi
	movl %eax, %edi
	movl %edx, %esi
	movl %ecx, %edx
	shrl $2, %ecx
	rep movsl
	andl $3, %edx
	jz 1f
	movl %edx, %ecx
	rep movsb
1:	popl %esi
	popl %edi
	ret
	.size memcpy, . - memcpy

/* void *memmove(void *dst, const void *src, size_t n) */
	.globl memmove
	.type memmove, @function
memmove:
	pushl %edi
	movl %eax, %edi
	subl %edx, %edi		/* dst - src, unsigned */
	cmpl %ecx, %edi
	popl %edi
	jae memcpy		/* upwards is safe */
	/* dst lies inside [src, src + n): from the end downwards, the odd
	 * bytes first, then words. */
	pushl %edi
	pushl %esi
	leal -1(%eax, %ecx), %edi
	leal -1(%edx, %ecx), %esi
	movl %ecx, %edx
	andl $3, %ecx
	std
	rep movsb
	subl $3, %edi
	subl $3, %esi
	movl %edx, %ecx
	shrl $2, %ecx
	rep movsl
	cld
	popl %esi
	popl %edi
	ret
	.size memmove, . - memmove

/* void *memset(void *dst, int c, size_t n) */
	.globl memset
	.type memset, @function
memset:
	pushl %edi
	pushl %eax
	movl %eax, %edi
	movzbl %dl, %eax
	imull $0x01010101, %eax, %eax
	movl %ecx, %edx
	shrl $2, %ecx
	rep stosl
	andl $3, %edx
	jz 1f
	movl %edx, %ecx
	rep stosb
1:	popl %eax
	popl %edi
	ret
	.size memset, . - memset

/* int memcmp(const void *a, const void *b, size_t n) */
	.globl memcmp
	.type memcmp, @function
memcmp:
	pushl %edi
	pushl %esi
	movl %eax, %esi
	movl %edx, %edi
	xorl %eax, %eax
	xorl %edx, %edx
	testl %ecx, %ecx
	jz 1f
	repe cmpsb
	movb -1(%esi), %al
	movb -1(%edi), %dl
	subl %edx, %eax
1:	popl %esi
	popl %edi
	ret
	.size memcmp, . - memcmp
