"""Makes and frees as many objects as it is told, with seven frames on the chain: from CPython 3.12 on, the outermost is C's entry."""

import sys
from itertools import repeat


def innermost(count):
    for _ in repeat(None, count):
        object()


def third(count):
    innermost(count)


def fourth(count):
    third(count)


def fifth(count):
    fourth(count)


def sixth(count):
    fifth(count)


def seventh(count):
    sixth(count)


(seventh if sys.version_info < (3, 12) else sixth)(int(sys.argv[1]))
