"""A start-up with many imports, again and again."""
import sys

MODULES = ["argparse", "csv", "email.message", "http.client", "json", "logging.config", "sqlite3", "tarfile", "unittest", "urllib.request", "xml.dom.minidom", "zipfile"]

# By name, and not all that came since the start: a tracer that runs in this interpreter has imported some of them for itself.
PACKAGES = {name.partition(".")[0] for name in MODULES} | {
    "asyncio", "base64", "calendar", "concurrent", "difflib", "gettext", "html", "ipaddress", "pathlib", "pprint", "quopri", "random", "shutil", "socketserver", "statistics", "tempfile"
}

for _ in range(34):
    for name in MODULES:
        __import__(name)
    for name in list(sys.modules):
        # Modules in C are not made to be imported twice.
        if name.partition(".")[0] in PACKAGES and getattr(sys.modules[name], "__file__", "").endswith(".py"):
            del sys.modules[name]
