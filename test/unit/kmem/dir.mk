unit-tests += test/unit/kmem/test_slob.c
