"""Allocates at expressions of all kinds of places; prints where the compiler says that they are, from the syntax tree."""
import ast
import json


def plain():
    return bytes(110_000)


def behind_wide_characters():
    größe = "äöü€𝄞"; return größe, bytes(120_000)


def over_lines():
    return (1,
            bytes(
                130_000
            ))


def in_a_call():
    return len(str(1)), [bytes(140_000)]


def far_right():
    return "                                                                                                                              ", bytes(150_000)


kept = [plain(), behind_wide_characters(), over_lines(), in_a_call(), far_right()]
with open(__file__, encoding="utf-8") as source:
    tree = ast.parse(source.read())
places = {}
for node in ast.walk(tree):
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "bytes":
        places[node.args[0].value] = [node.lineno, node.col_offset, node.end_lineno, node.end_col_offset]
print(json.dumps(places))
