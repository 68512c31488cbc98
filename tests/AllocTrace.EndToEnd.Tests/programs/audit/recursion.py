"""Deep and bushy recursion, and numbers of thousands of digits."""
import sys
sys.setrecursionlimit(5000)


def deep(n):
    return [n] if n == 0 else deep(n - 1) + [n]


def tree(n):
    return (tree(n - 1), tree(n - 1)) if n else ()


assert len(deep(900)) == 901
for _ in range(3):
    tree(13)
product = 1
for i in range(1, 1500):
    product *= i
assert len(str(product)) > 4000 if not hasattr(sys, "set_int_max_str_digits") else product.bit_length() > 13000
