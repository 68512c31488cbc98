"""A small Flask shop that leaks: every search is remembered for statistics that nobody reads."""

import sys

from flask import Flask, request

app = Flask(__name__)
products = {f"product {i}": {"price": i, "text": "A fine thing. " * 20} for i in range(2_000)}
searches = []
pages = {}


@app.route("/search")
def search():
    term = request.args.get("q", "")
    found = [dict(product, name=name) for name, product in products.items() if term in name]
    searches.append({"term": term, "found": found})  # the leak
    return {"found": len(found)}


@app.route("/product/<name>")
def product(name):
    if name not in pages:
        pages[name] = f"<h1>{name}</h1>" + products.get(name, {}).get("text", "")  # a cache: it grows, and then it is full
    return pages[name]


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
