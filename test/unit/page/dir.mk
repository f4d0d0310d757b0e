unit-tests += test/unit/test_rbtree.c
unit-tests += test/unit/page/test_page_policies.c
unit-tests += test/unit/page/test_page_front.c
unit-tests += test/unit/page/test_page_flat.c
