/* compiler.h: what we ask of the C compiler beyond C11. */
#ifndef ALLOCTRACE_COMPILER_H
#define ALLOCTRACE_COMPILER_H

/* For the path of every allocation: small steps with names, and no calls. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* A relaxed load. Compilers load what is atomic into a register; what is compared once need not be. */
#ifdef __SANITIZE_THREAD__
#define LOAD_ONCE(variable) __atomic_load_n(&(variable), __ATOMIC_RELAXED)
#else
#define LOAD_ONCE(variable) (variable)
#endif

/* Nobody outside this library sees the variable: it is reached without a detour. (-fvisibility=hidden says so only where it is defined.) */
#define INTERNAL __attribute__((visibility("hidden")))

#endif
