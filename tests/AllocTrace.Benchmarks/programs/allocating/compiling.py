"""Parses, walks and compiles Python source."""
import ast
import inspect

SOURCE = inspect.getsource(ast)

for _ in range(130):
    tree = ast.parse(SOURCE)
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    compile(tree, "<source>", "exec")
