/*
 * The memory rows, played by the malloc of whichever library is loaded: glibc's
 * or, through LD_PRELOAD, another one. Same patterns, sizes and random
 * numbers as bench/bench_{pair,batch,mixed,construct,cpus,memory,page}.c; rows of the
 * kernel's slab, slob, cache and kmalloc have one counterpart, malloc. A page is
 * malloc(4096), which asks less than ours gives (alignment to its size).
 *
 * Built with -fno-builtin, or the compiler would leave the pairs out.
 */
#include "peer.h"

int
main(int argc, char *argv[])
{
	peer_arguments(argc, argv);
	peer_pairs();
	peer_batches();
	peer_mixed();
	peer_cpus();
	/* Only in a process that has done nothing else: if asked for. */
	if (argc == 2)
		peer_memory();
	return 0;
}
