"""Words beside numbers of 32 bits are left over from what was there before: one of them is made the address of a list's items."""
import ctypes
import os
import types

import witness


class Record:
    pass


class Box:
    pass


def uncalled():
    pass


box = Box()
box.inner = Box()
box.inner.rows = [Record() for _ in range(100)]
items = ctypes.c_size_t.from_address(id(box.inner.rows) + list.__basicsize__ - 2 * ctypes.sizeof(ctypes.c_size_t)).value
version = id(uncalled) + types.FunctionType.__basicsize__ - 8  # func_version, and four bytes that nobody writes
ctypes.c_uint64.from_address(version).value = items
witness.ready()
os._exit(0)
