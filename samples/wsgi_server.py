"""A small WSGI server. With --leak, every request leaves a record behind that nothing will ever free."""

import argparse
from wsgiref.simple_server import WSGIRequestHandler, make_server


audit_log = []


class App:
    def __init__(self, leak):
        self.leak = leak

    def __call__(self, environ, start_response):
        body = "\n".join(f"{name}={value}" for name, value in sorted(environ.items())).encode()
        if self.leak:
            audit_log.append(bytearray(99_999))  # and nobody ever reads it
        start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
        return [body]


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format, *args):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leak", action="store_true", help="keep 100,000 bytes for each request")
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free")
    options = parser.parse_args()
    with make_server("127.0.0.1", options.port, App(options.leak), handler_class=QuietHandler) as server:
        print(f"http://127.0.0.1:{server.server_port}/  Ctrl-C ends it", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("bye")


if __name__ == "__main__":
    main()
