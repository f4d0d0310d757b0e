unit-tests += test/unit/kmem/test_slob.c
unit-tests += test/unit/kmem/test_kmalloc.c
unit-tests += test/unit/kmem/test_slab.c
unit-tests += test/unit/kmem/test_slab_view.c
unit-tests += test/unit/kmem/test_slab_interrupts.c
unit-tests += test/unit/kmem/test_slab_sheaf.c
unit-tests += test/unit/kmem/test_slab_debug.c
