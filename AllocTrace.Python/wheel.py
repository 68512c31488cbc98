"""Makes the wheel: the Python package, the command and the library in a zip file, as the packaging specifications lay it out.

    python3 wheel.py --version 0.1.0 --architecture x86_64 --binaries FOLDER --out dist

The platform tag says which glibc the binaries need, as readelf finds it.
"""

import argparse
import base64
import hashlib
import pathlib
import re
import subprocess
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
BINARIES = ("alloctrace", "liballoctrace.so", "liballoctrace-native.so", "libe_sqlite3.so")

METADATA = """\
Metadata-Version: 2.1
Name: alloctrace
Version: {version}
Summary: Shows which Python line is holding the memory of a program, and how the program got there
License: Apache-2.0
Requires-Python: >=3.8
Classifier: Framework :: IPython
Classifier: Framework :: Pytest
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Python :: 3
Classifier: Topic :: Software Development :: Debuggers
Classifier: Typing :: Typed
Description-Content-Type: text/markdown

{description}"""

WHEEL = """\
Wheel-Version: 1.0
Generator: alloctrace
Root-Is-Purelib: false
Tag: {tag}
"""

ENTRY_POINTS = """\
[console_scripts]
alloctrace = alloctrace.__main__:main

[pytest11]
alloctrace = alloctrace._pytest
"""


def oldest_glibc(files):
    """The smallest N such that glibc 2.N has every symbol that the files ask for."""
    needed = subprocess.run(["readelf", "--version-info", "--wide", *files], stdout=subprocess.PIPE, check=True, text=True).stdout
    return max(int(minor) for minor in re.findall(r"Name: GLIBC_2\.(\d+)", needed))


def contents(binaries, version, tag):
    """The files of the wheel: their names in it, their bytes, and whether they can be executed."""
    for path in sorted((HERE / "alloctrace").rglob("*")):
        if path.suffix in (".py", ".typed"):
            yield str(path.relative_to(HERE)), path.read_bytes(), False
    for path in binaries:
        yield "alloctrace/bin/" + path.name, path.read_bytes(), path.name == "alloctrace"
    info = "alloctrace-{}.dist-info/".format(version)
    description = (HERE / "README.md").read_text(encoding="utf-8")
    yield info + "METADATA", METADATA.format(version=version, description=description).encode(), False
    yield info + "WHEEL", WHEEL.format(tag=tag).encode(), False
    yield info + "entry_points.txt", ENTRY_POINTS.encode(), False
    yield info + "licenses/LICENSE", (HERE.parent / "LICENSE").read_bytes(), False


def write(path, files, record):
    """Write the zip file. The same files make the same bytes: each has the oldest time that zip knows."""
    rows = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name, data, is_executable):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if is_executable else 0o100644) << 16
            archive.writestr(entry, data)

        for name, data, is_executable in files:
            add(name, data, is_executable)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.append("{},sha256={},{}\n".format(name, digest, len(data)))
        add(record, ("".join(rows) + record + ",,\n").encode(), False)


def main():
    parser = argparse.ArgumentParser(description="Make the wheel.")
    parser.add_argument("--version", required=True)
    parser.add_argument("--architecture", required=True, choices=["x86_64", "aarch64"])
    parser.add_argument("--binaries", required=True, type=pathlib.Path, help="the folder with the published command")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    options = parser.parse_args()

    binaries = [next(options.binaries.rglob(name)) for name in BINARIES]
    tag = "py3-none-manylinux_2_{}_{}".format(oldest_glibc(binaries), options.architecture)
    options.out.mkdir(parents=True, exist_ok=True)
    wheel = options.out / "alloctrace-{}-{}.whl".format(options.version, tag)
    record = "alloctrace-{}.dist-info/RECORD".format(options.version)
    write(wheel, contents(binaries, options.version, tag), record)
    print(wheel)


if __name__ == "__main__":
    main()
