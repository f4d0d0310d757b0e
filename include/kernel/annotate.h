/*
 * Lock annotations for clang's thread-safety analysis; gcc ignores them.
 */
#ifndef KERNEL_ANNOTATE_H
#define KERNEL_ANNOTATE_H

#ifdef __clang__
#define THREAD_ANNOTATION(x) __attribute__((x))
#else
#define THREAD_ANNOTATION(x)
#endif

#define CAPABILITY(name) THREAD_ANNOTATION(capability(name))
#define GUARDED_BY(lock) THREAD_ANNOTATION(guarded_by(lock))
/* The caller holds the lock. */
#define REQUIRES(...) THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
/* The caller does not hold the lock: this function takes it itself. */
#define EXCLUDES(...) THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define ACQUIRES(...) THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RELEASES(...) THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define TRY_ACQUIRES(...) THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define ASSERTS_HELD(...) THREAD_ANNOTATION(assert_capability(__VA_ARGS__))
/* For locks that change hands in a way the analysis cannot follow. */
#define NO_THREAD_SAFETY THREAD_ANNOTATION(no_thread_safety_analysis)

#endif /* KERNEL_ANNOTATE_H */
