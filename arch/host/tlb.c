/*
 * The TLB of a virtual CPU, and accesses to user memory through it.
 *
 * PROBLEM. The kernel must tell CPUs to forget what they remember of page tables,
 * before a page that was mapped gets its next owner (core/vm/tlb.c). When it fails to
 * do so, a real machine goes wrong once in a million times. A port whose software
 * walks the tables anew for each access would never go wrong, and so prove nothing.
 *
 * MODEL. Each virtual CPU has what hardware has: a register that names the tables it
 * has loaded, and a small cache of translations, direct mapped by page number:
 *
 *	va --> entries[page % 64]: same page, this era, enough rights? --> memory
 *	                           no: walk the tables (host_walk), remember
 *
 * A hit does not look at the tables. If the CPU was not told that a page is gone, it
 * goes on using the page, for as long as no other page takes its entry: that is the
 * point. To forget everything at once, the CPU advances its era, which never comes
 * again.
 * A page that was remembered clean is walked again for the first write, which marks
 * it dirty.
 *
 * Hardware may walk at any time, because it guesses that an address will be needed. So
 * does a virtual CPU, where that is most dangerous: in the moment after it has forgotten
 * everything (it loads a space, or is told to forget a whole space) it walks for all
 * pages that it used before. And that may take long, as when firmware takes a CPU away
 * for a while: every few times it gives its processor to others.
 *
 * The accessors of <arch/user.h> are the only users: on this port a process touches its
 * memory through them alone. Each page of a copy is looked up and copied with (virtual)
 * interrupts off, as one instruction of a real CPU does both: neither a flush, which
 * comes as an interrupt, nor a switch to another thread or CPU is in between. An access
 * that the tables do not allow is a page fault like any other (core/trap/trap.c), whose
 * handler may sleep; then it is tried again.
 *
 * LOCKING. A CPU's TLB is its own. Interrupts are off.
 *
 * COSTS. A hit: a load and three comparisons.
 *
 * TO CHANGE how much is remembered: NR_ENTRIES.
 */
#include "host.h"
#include <arch/user.h>
#include <kernel/error.h>
#include <kernel/fixup.h>
#include <kernel/string.h>
#include <arch/trap.h>
#include <sched.h>

#define NR_ENTRIES 64
/* Every so many eras one takes long to begin. */
#define ERAS_PER_PAUSE 16

#define READS (MAP_USER | MAP_READ)
#define WRITES (MAP_USER | MAP_WRITE | MAP_DIRTY)

struct tlb_entry {
	uint64_t era; /* when it was filled; another one than now: empty */
	uintptr_t page;
	unsigned flags; /* enum map_flags */
	phys_t pa;
};

struct tlb {
	struct arch_space loaded; /* root 0: nothing yet */
	uint64_t era;
	struct tlb_entry entries[NR_ENTRIES];
} __cacheline_aligned;

static struct tlb tlbs[MAX_CPUS];

static struct tlb *
this_tlb(void)
{
	return &tlbs[arch_cpu_id()];
}

/* Walks for the page that the entry was for, unasked. */
static void
speculate(struct tlb *tlb, struct tlb_entry *entry)
{
	unsigned flags = host_walk(&tlb->loaded, entry->page * PAGE_SIZE, READS,
				   &entry->pa);

	if (flags == 0)
		return;
	entry->flags = flags;
	entry->era = tlb->era;
}

/* Forgets everything, and remembers some of it anew. */
static void
begin_era(struct tlb *tlb)
{
	tlb->era++;
	if (tlb->loaded.root.addr == 0)
		return;
	for (unsigned i = 0; i < NR_ENTRIES; i++)
		speculate(tlb, &tlb->entries[i]);
	if (tlb->era % ERAS_PER_PAUSE == 0)
		sched_yield();
}

void
host_tlb_reset(unsigned cpu)
{
	tlbs[cpu].loaded.root = (phys_t){ 0 };
	begin_era(&tlbs[cpu]);
}

void
arch_space_activate(const struct arch_space *space)
{
	struct tlb *tlb = this_tlb();

	tlb->loaded = *space;
	begin_era(tlb);
}

void
arch_tlb_flush_user(void)
{
	begin_era(this_tlb());
}

/* What is not the user's is in no TLB of ours. */
void
arch_tlb_flush_all(void)
{
	begin_era(this_tlb());
}

void
arch_tlb_flush_range(uintptr_t va, size_t nr)
{
	struct tlb *tlb = this_tlb();

	for (uintptr_t page = va / PAGE_SIZE; nr > 0; page++, nr--) {
		struct tlb_entry *entry = &tlb->entries[page % NR_ENTRIES];

		if (entry->page == page)
			entry->era = 0;
	}
}

/* -- accesses -------------------------------------------------------------------- */

/* Where the byte at va is, for such an access; NULL: it faults. Interrupts off. */
static char *
translate(uintptr_t va, unsigned access)
{
	struct tlb *tlb = this_tlb();
	uintptr_t page = va / PAGE_SIZE;
	struct tlb_entry *entry = &tlb->entries[page % NR_ENTRIES];

	if (entry->era != tlb->era || entry->page != page ||
	    (entry->flags & access) != access) {
		entry->era = 0;
		if (tlb->loaded.root.addr == 0)
			return NULL;
		/* The walk makes it dirty. */
		entry->flags = host_walk(&tlb->loaded, va,
					 access & ~(unsigned)MAP_DIRTY,
					 &entry->pa);
		if (entry->flags == 0)
			return NULL;
		entry->page = page;
		entry->era = tlb->era;
	}
	return (char *)arch_phys_to_virt(entry->pa) + va % PAGE_SIZE;
}

/* The place in the program that stands for all accesses here: its fix-up says that they
 * may be refused. */
void host_user_access(void);
__asm__(".text\n"
	"host_user_access:\n\t" FIXUP_BEGIN
	"nop\n" FIXUP_END("1f") "1:\tret\n");

/* The access to va faults, as an instruction would. 0: it is to be tried again;
 * -E_FAULT or what the handler said. Interrupts as for the access. */
static int
fault(uintptr_t va, unsigned access)
{
	const uintptr_t *frame = __builtin_frame_address(0);
	irq_state_t irqs = arch_irq_save();
	struct trapframe tf = {
		.pc = (uintptr_t)host_user_access,
		.sp = (uintptr_t)&frame[2],
		.bp = frame[0],
		.irqs_on = irqs,
	};
	const struct tlb *tlb = this_tlb();
	bool present = tlb->loaded.root.addr != 0 &&
		       arch_query(&tlb->loaded, va, NULL) != 0;
	struct page_fault page_fault = {
		.tf = &tf,
		.address = va,
		.access = (present ? PAGE_FAULT_PRESENT : 0u) |
			  ((access & MAP_WRITE) ? PAGE_FAULT_WRITE : 0u),
	};

	trap_page_fault(&page_fault);
	arch_irq_restore(irqs);
	return (int)tf.ret;
}

static bool
is_user_range(uintptr_t va, size_t n)
{
	return va <= ARCH_USER_END && n <= ARCH_USER_END - va;
}

/* How many of n bytes from va on are in va's page. */
static size_t
rest_of_page(uintptr_t va, size_t n)
{
	return MIN(n, PAGE_SIZE - va % PAGE_SIZE);
}

/* How to copy a part that lies in one page: `user` is where that is in memory. Returns
 * how many bytes it copied; fewer than n: the copy ends there. */
typedef size_t copy_part_fn(char *kernel, char *user, size_t n);

static size_t
from_user(char *kernel, char *user, size_t n)
{
	memcpy(kernel, user, n);
	return n;
}

static size_t
to_user(char *kernel, char *user, size_t n)
{
	memcpy(user, kernel, n);
	return n;
}

static size_t
string_from_user(char *kernel, char *user, size_t n)
{
	size_t length = 0;

	while (length < n && (kernel[length] = user[length]) != '\0')
		length++;
	return length;
}

/* Page by page: up to n bytes at the user's va, all of which are to be user addresses
 * as far as they are copied. How many were copied, or the fault's error. */
static long
copy(char *kernel, uintptr_t va, size_t n, unsigned access,
     copy_part_fn *copy_part)
{
	size_t done = 0;

	while (done < n) {
		size_t part = rest_of_page(va + done, n - done), copied = 0;
		irq_state_t irqs = arch_irq_save();
		char *user = va + done < ARCH_USER_END
				     ? translate(va + done, access)
				     : NULL;
		int error;

		if (user != NULL)
			copied = copy_part(kernel + done, user, part);
		arch_irq_restore(irqs);
		done += copied;
		if (user != NULL && copied < part)
			break;
		if (user != NULL)
			continue;
		error = va + done < ARCH_USER_END ? fault(va + done, access)
						  : -E_FAULT;
		if (error != 0)
			return error;
	}
	return (long)done;
}

int
arch_copy_from_user(void *to, uintptr_t from, size_t n)
{
	long done;

	if (!is_user_range(from, n))
		return -E_FAULT;
	done = copy(to, from, n, READS, from_user);
	return done < 0 ? (int)done : 0;
}

int
arch_copy_to_user(uintptr_t to, const void *from, size_t n)
{
	long done;

	if (!is_user_range(to, n))
		return -E_FAULT;
	/* It is only read. */
	done = copy((char *)(uintptr_t)from, to, n, WRITES, to_user);
	return done < 0 ? (int)done : 0;
}

long
arch_strncpy_from_user(char *to, uintptr_t from, size_t size)
{
	return copy(to, from, size, READS, string_from_user);
}
