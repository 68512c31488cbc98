"""A WSGI application that keeps ten blocks of each request."""
import os

exec(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "work.py")).read())
kept = []


def application(environ, start_response):
    kept.append(keep(10, 5000))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d\n" % os.getpid()]
