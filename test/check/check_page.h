/*
 * Checks of the page allocator.
 */
#ifndef TEST_CHECK_CHECK_PAGE_H
#define TEST_CHECK_CHECK_PAGE_H

void check_alloc_page(void);
void check_page_policies(void);
void check_page_exhaustion(void);

#endif /* TEST_CHECK_CHECK_PAGE_H */
