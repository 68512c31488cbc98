"""A pandas program that keeps the table of every day in reports.TABLES. With the argument "size" it prints what pandas says of their size."""
import sys
import types

import numpy
import pandas

DAYS, ROWS = 10, 20_000
reports = sys.modules["reports"] = types.ModuleType("reports")
reports.TABLES = {}


def table(day):
    names = ["customer %d of %d" % (i, day) for i in range(ROWS)]
    return pandas.DataFrame({"amount": numpy.arange(float(ROWS)) + day, "name": names})


for day in range(DAYS):
    reports.TABLES["2026-01-%02d" % (day + 1)] = table(day)
if "size" in sys.argv:
    print(sum(int(each.memory_usage(deep=True).sum()) for each in reports.TABLES.values()))
elif "columns" in sys.argv:
    print([(each["amount"].size, each["name"].size) for each in reports.TABLES.values()])  # pandas keeps a view of each column
