"""%%alloctrace in a notebook that nbconvert executes."""

import nbformat
from nbconvert.preprocessors import ExecutePreprocessor


def test_cell_shows_its_table_and_graph(tmp_path):
    cells = [
        "%load_ext alloctrace",
        "%%alloctrace --leaks\nkept = []\nfor i in range(100):\n    kept.append(bytearray(10_000))\n",
        "%%alloctrace --peak\nlen([bytearray(1000) for _ in range(100)])\n",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    ExecutePreprocessor(timeout=60, kernel_name="python3").preprocess(notebook, {"metadata": {"path": str(tmp_path)}})
    leaks = notebook.cells[1].outputs[-1].data["text/html"]
    assert "In [2]:3" in leaks and "<code>kept.append(bytearray(10_000))</code>" in leaks
    assert "977" in leaks or "98" in leaks  # KiB in 100 blocks of 10,001 bytes
    assert "<iframe" in leaks and "flame" in leaks.lower()
    peak = notebook.cells[2].outputs
    assert any(output.get("data", {}).get("text/plain") == "100" for output in peak), "the cell's value is shown"
    assert "bytearray(1000)" in peak[-1].data["text/html"]
