/* compiler.h: what we ask of the C compiler beyond C11. */
#ifndef ALLOCTRACE_COMPILER_H
#define ALLOCTRACE_COMPILER_H

/* For the path of every allocation: small steps with names, and no calls. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

#endif
