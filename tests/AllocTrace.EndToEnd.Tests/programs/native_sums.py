"""Keeps memory of several kinds between two marks: python3 native_sums.py WHAT

WHAT is pure, threads, lxml, numpy, pandas or scipy. Run with PYTHONMALLOC=malloc, each block of Python's is one of the C library's.
"""
import ctypes
import gc
import sys

mark = ctypes.CDLL(None).counted_mark


def pure():
    import json
    import re
    import zlib

    text = json.dumps([{"number": i, "text": "x" * (i % 50)} for i in range(2000)])
    return json.loads(text), re.findall(r"\d+", text), zlib.compress(text.encode()), [zlib.compressobj() for _ in range(20)]


def threads():
    import threading
    import time

    kept = []
    for _ in range(5):
        started = [threading.Thread(target=lambda: kept.append([bytes(i) for i in range(500)])) for _ in range(8)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
    time.sleep(0.3)  # a thread that was joined frees its last blocks after that
    return kept


def lxml():
    from lxml import etree

    trees = [etree.fromstring("<a>" + "<b x='1'>text</b>" * 2000 + "</a>") for _ in range(4)]
    transform = etree.XSLT(etree.XML(
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/">'
        '<r><xsl:for-each select="//b"><c><xsl:value-of select="@x"/></c></xsl:for-each></r></xsl:template></xsl:stylesheet>'))
    return trees, transform(trees[0]), trees[1].xpath("//b[@x='1']/text()"), [etree.tostring(tree) for tree in trees]


def numpy():
    import numpy

    small = [numpy.arange(i % 30) for i in range(3000)]
    large = [numpy.zeros((100, 100)) for _ in range(20)]
    small[::2] = [numpy.ones(5) for _ in small[::2]]
    return small, large, sum(large), numpy.linalg.inv(numpy.eye(50)), numpy.array(["text"] * 100, dtype=object)


def pandas():
    import pandas

    frame = pandas.DataFrame({"key": [str(i % 100) for i in range(5000)], "value": range(5000)})
    return frame, frame.groupby("key").sum(), frame.merge(frame.head(50), on="key"), frame["key"].unique()


def scipy():
    import numpy
    import scipy.sparse
    import scipy.sparse.linalg

    matrix = scipy.sparse.diags([numpy.ones(2000), -2 * numpy.ones(2001), numpy.ones(2000)], [-1, 0, 1]).tocsc()
    return matrix, scipy.sparse.linalg.splu(matrix)


work = {"pure": pure, "threads": threads, "lxml": lxml, "numpy": numpy, "pandas": pandas, "scipy": scipy}[sys.argv[1]]
work()
gc.collect()
mark(b"begin")
kept = work()
mark(b"end")
