unit-tests += test/unit/lib/test_bitmap.c
unit-tests += test/unit/lib/test_printf.c
unit-tests += test/unit/lib/test_string.c
unit-tests += test/unit/lib/test_options.c
unit-tests += test/unit/lib/test_log.c
