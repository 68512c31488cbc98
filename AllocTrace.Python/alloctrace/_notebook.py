"""The cell magic %%alloctrace: runs a cell recorded, and shows its table and flame graph below it."""

import argparse
import html
import linecache
import os
import re
import tempfile
from contextlib import contextmanager
from typing import Dict, Iterator, List

from . import _command
from ._measure import Line, Meter, format_size

_ROWS = 10
_HEIGHT = 480

def register(shell) -> None:
    """Add the magic to an IPython shell."""

    def alloctrace(line, cell):
        """%%alloctrace [--leaks | --peak] [-n ROWS]: run the cell and show where its memory comes from.

        Without an option: all that was allocated. --leaks: what the cell left. --peak: what there was at its high-water mark.
        """
        _run(shell, _options(line), cell)

    shell.register_magic_function(alloctrace, "cell")


def _options(line: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="%%alloctrace", add_help=False)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--leaks", dest="view", action="store_const", const="live")
    choice.add_argument("--peak", dest="view", action="store_const", const="peak")
    parser.add_argument("-n", dest="rows", type=int, default=_ROWS)
    parser.set_defaults(view="total")
    try:
        return parser.parse_args(line.split())
    except SystemExit:
        raise ValueError("%%alloctrace takes --leaks or --peak, and -n ROWS") from None


def _run(shell, options: argparse.Namespace, cell: str) -> None:
    from IPython.display import HTML, display

    meter = Meter()
    try:
        meter.start()
        try:
            shell.run_cell(cell)
        finally:
            measured = meter.stop()
        if measured is None:
            print("The cell allocated nothing.")
            return
        # What IPython allocates around a cell, to compile it for example, is not the cell's.
        own = ("--filter", _code_name(shell, cell, shell.execution_count), "--all-frames")
        totals = [format_size(meter.total(view, *own)) for view in ("total", "peak", "live")]
        table = _table(_cell_names(shell, cell), totals, options.view, meter.lines(options.view, options.rows, *own))
        with _sources_of_cells():
            page = _command.ask("flamegraph", meter.path, "-o", "-", *own)
        display(HTML(table + _frame(page)))
    finally:
        meter.close()


def _table(names: Dict[str, str], totals: List[str], view: str, lines: List[Line]) -> str:
    rows = "".join(
        "<tr><td>{}</td><td>{}</td><td style='text-align:left'>{}</td><td style='text-align:left'><code>{}</code></td></tr>".format(
            format_size(line.size),
            line.count,
            html.escape("{}:{}".format(names.get(line.filename, line.filename), line.lineno)),
            html.escape(linecache.getline(line.filename, line.lineno).strip()),
        )
        for line in lines
    )
    return "<p>{}</p><table><caption>{}</caption><tr><th>Size</th><th>Count</th><th>Line</th><th>Source</th></tr>{}</table>".format(
        "Allocated {}, at the peak {}, kept {}".format(*totals), html.escape({"total": "All allocations", "live": "What the cell left", "peak": "At the peak"}[view]), rows
    )


def _frame(page: str) -> str:
    """The page in a frame of its own, so that neither it nor the notebook can change the other."""
    return '<iframe sandbox="allow-scripts" style="width:100%;height:{}px;border:0" srcdoc="{}"></iframe>'.format(
        _HEIGHT, html.escape(page, quote=True)
    )


def _cell_names(shell, cell: str) -> Dict[str, str]:
    """How cells are called on the screen, by the file name that their code has."""
    sources = [*enumerate(shell.history_manager.input_hist_raw), (shell.execution_count, cell)]
    return {_code_name(shell, source, number): "In [{}]".format(number) for number, source in sources if source}


def _code_name(shell, source: str, number: int) -> str:
    """The file name that IPython gives to a cell's code."""
    try:
        return shell.compile.get_code_name(source, shell.transform_cell(source), number)
    except AttributeError:  # IPython before 7.23
        from IPython.core.compilerop import code_name

        return code_name(shell.transform_cell(source), number)


_CELL_FILE = re.compile(r"/ipykernel_\d+/\d+\.py$")


@contextmanager
def _sources_of_cells() -> Iterator[None]:
    """ipykernel names cells like files that do not exist. While the page is made they do, so that it shows their lines."""
    written = []
    try:
        for name, entry in list(linecache.cache.items()):
            if len(entry) == 4 and _CELL_FILE.search(name) and name.startswith(tempfile.gettempdir()) and not os.path.exists(name):
                os.makedirs(os.path.dirname(name), mode=0o700, exist_ok=True)
                with open(name, "x", encoding="utf-8") as file:
                    file.writelines(entry[2])
                written.append(name)
        yield
    finally:
        for name in written:
            os.unlink(name)
        for folder in {os.path.dirname(name) for name in written}:
            if not os.listdir(folder):
                os.rmdir(folder)
