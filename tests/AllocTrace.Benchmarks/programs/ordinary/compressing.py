"""Data is compressed, hashed and compared: most of the work is C's."""
import base64
import hashlib
import zlib

DATA = b"".join(b"line %d of a log that repeats itself\n" % (i % 1000) for i in range(40000))

for _ in range(130):
    packed = zlib.compress(DATA)
    hashlib.sha256(packed).hexdigest()
    text = base64.b64encode(packed)
    assert zlib.decompress(base64.b64decode(text)) == DATA
