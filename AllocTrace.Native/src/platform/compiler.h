/* compiler.h: the requirements on the C compiler beyond C11. */
#ifndef ALLOCTRACE_COMPILER_H
#define ALLOCTRACE_COMPILER_H

/* For the path of every allocation: small steps with names, and no calls. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* A relaxed load. Compilers load an atomic into a register, which a single comparison does not need. */
#ifdef __SANITIZE_THREAD__
#define LOAD_ONCE(variable) __atomic_load_n(&(variable), __ATOMIC_RELAXED)
#else
#define LOAD_ONCE(variable) (variable)
#endif

/* The variable is not visible outside of this library, and is reached without a detour. (-fvisibility=hidden has this effect only where a
 * variable is defined.) */
#define INTERNAL __attribute__((visibility("hidden")))

#endif
