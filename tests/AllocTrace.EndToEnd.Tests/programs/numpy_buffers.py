"""Numpy arrays of known sizes that live to the end, and some that do not."""
import numpy

kept = [numpy.zeros((100, 1000)) for _ in range(7)]  # 800,000 bytes each
for _ in range(50):
    gone = numpy.ones(10_000)
del gone
view = kept[0][:, :10]
grown = numpy.arange(1000, dtype="int32")
grown = numpy.concatenate([grown, grown])
print(sum(array.nbytes for array in kept), view.base is kept[0], grown.nbytes)
