"""A Flask application that answers a number of requests through WSGI, and leaks one record a request."""
import io
import sys

from flask import Flask, jsonify, request

app = Flask(__name__)
audit = []


class Record:
    def __init__(self, path):
        self.payload = bytes(4_967)  # with its header 5,000 bytes


@app.route("/hello/<name>")
def hello(name):
    audit.append(Record(request.path))
    return jsonify(hello=name, n=len(audit))


def ask(path):
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.version": (1, 0),
        "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http", "wsgi.multithread": False,
        "wsgi.multiprocess": False, "wsgi.run_once": False,
    }
    statuses = []
    body = b"".join(app(environ, lambda status, headers, error=None: statuses.append(status)))
    return statuses[0], body


for i in range(200):
    status, body = ask("/hello/user%d" % i)
print(status, body.decode().strip())
