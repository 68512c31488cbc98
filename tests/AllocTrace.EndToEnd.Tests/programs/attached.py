"""Runs until told: "work" keeps 300 blocks of 5000 bytes, "C" 200 of C, "end" ends. Says after each what it holds."""
import select
import sys

kept = []


def keep(n, size):
    result = [None] * n
    for i in range(n):
        # the only allocation of the line below is the block itself
        result[i] = b"x" * size
    return result


def keep_in_c(n, size):
    for _ in range(n):
        library.get(size)


if sys.argv[1:]:
    import ctypes
    library = ctypes.CDLL(sys.argv[1])  # native/c_heap.c
    library.get.argtypes, library.get.restype = [ctypes.c_size_t], ctypes.c_void_p
print("ready", flush=True)
while True:
    if not select.select([sys.stdin], [], [], 0.01)[0]:
        continue
    word = sys.stdin.readline().strip()
    if word == "C":
        keep_in_c(200, 5000)
    elif word == "work":
        kept.append(keep(300, 5000))
    else:
        break
    print(sum(map(len, kept)), flush=True)
print("ended with", sum(len(block) for blocks in kept for block in blocks))
