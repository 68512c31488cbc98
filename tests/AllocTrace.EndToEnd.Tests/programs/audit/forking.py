# A process and its forked child both allocate, free what they made and what was there, and end in the ordinary way.
import json
import os

kept = [bytearray(100 + i) for i in range(200)]
documents = [json.loads(json.dumps({"number": i, "text": "x" * i})) for i in range(300)]
pid = os.fork()
if pid == 0:
    del kept[::2]  # the parent's
    documents = [json.loads(json.dumps({"child": i})) for i in range(300)]
    grown = bytearray()
    for i in range(2000):
        grown += b"0123456789"
else:
    os.waitpid(pid, 0)
    del documents
