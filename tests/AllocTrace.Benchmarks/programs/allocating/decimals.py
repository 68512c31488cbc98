"""Decimal arithmetic: pi by the recipe of the documentation."""
from decimal import Decimal, getcontext


def pi():
    getcontext().prec += 2
    three = Decimal(3)
    last, t, s, n, na, d, da = 0, three, 3, 1, 0, 0, 24
    while s != last:
        last = s
        n, na = n + na, na + 8
        d, da = d + da, da + 32
        t = (t * n) / d
        s += t
    getcontext().prec -= 2
    return +s


for _ in range(60000):
    pi()
