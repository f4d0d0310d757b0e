/*
 * The reaper: each CPU's regular round through its object caches.
 */
#ifndef KERNEL_REAPER_H
#define KERNEL_REAPER_H

/* Starts the calling CPU's: kmem_reap() in its worker every KMEM_REAP_TICKS.
 * The clock runs, workers are started; interrupts off; once on each CPU. */
void reaper_start(void);

#endif /* KERNEL_REAPER_H */
