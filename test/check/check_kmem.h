/*
 * Checks of objects and address spaces, for the table in checks.c.
 */
#ifndef CHECK_KMEM_H
#define CHECK_KMEM_H

void check_slab(void);
void check_kmalloc(void);
void check_kmem_cache(void);
void check_kmem_exhaustion(void);
void check_kmem_instances(void);
void check_slab_stress(void);
void check_slab_shelves(void);
void check_failslab(void);
void check_slab_model(void);
void check_slab_debug(void);
void check_slab_sizes(void);
void check_slab_switch(void);
void check_slab_leaks(void);

void check_pgdir(void);
void check_boot_pgdir(void);
void check_device_map(void);
void check_tlb(void);
void check_tlb_cpus(void);

#endif /* CHECK_KMEM_H */
