"""Formats log records and writes them nowhere."""
import io
import logging

stream = io.StringIO()
logging.basicConfig(stream=stream, level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
log = logging.getLogger("app.request")

for i in range(160000):
    log.info("request %d of %s took %.3f ms", i, "user", i / 7)
    if i % 1000 == 0:
        stream.seek(0)
        stream.truncate()
