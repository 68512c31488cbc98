"""Classes made at run time, exceptions with tracebacks, cycles that only the collector of cycles frees."""
import gc
for i in range(300):
    kind = type("Kind%d" % i, (ValueError,), {"number": i, "method": lambda self: self.number})
    made = kind("text %d" % i)
    made.itself = made
    try:
        try:
            raise made
        except ValueError as error:
            raise RuntimeError(made.method()) from error
    except RuntimeError as error:
        kept = error
    if i % 50 == 0:
        gc.collect()


def steps(n):
    try:
        yield from (iter([n]) if n == 0 else steps(n - 1))
    finally:
        str(n) * 10


assert [list(steps(40)) for _ in range(50)][-1] == [0]
