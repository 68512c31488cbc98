"""A start-up with many imports, again and again."""
import sys

MODULES = ["argparse", "csv", "email.message", "http.client", "json", "logging.config", "sqlite3", "tarfile", "unittest", "urllib.request", "xml.dom.minidom", "zipfile"]

kept = set(sys.modules)
for _ in range(15):
    for name in MODULES:
        __import__(name)
    for name in set(sys.modules) - kept:
        # Modules in C are not made to be imported twice.
        if getattr(sys.modules[name], "__file__", "").endswith(".py"):
            del sys.modules[name]
