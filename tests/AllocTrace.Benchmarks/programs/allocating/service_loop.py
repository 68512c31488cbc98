"""A service: requests that parse, look up in a cache that is bounded, and answer."""
import json
from collections import OrderedDict


class Cache:
    def __init__(self, most):
        self.entries = OrderedDict()
        self.most = most

    def get(self, key, make):
        if key in self.entries:
            self.entries.move_to_end(key)
            return self.entries[key]
        value = self.entries[key] = make(key)
        if len(self.entries) > self.most:
            self.entries.popitem(last=False)
        return value


def load(key):
    return {"key": key, "rows": [{"column": column, "value": f"{key}.{column}"} for column in range(10)]}


def handle(cache, request):
    body = json.loads(request)
    return json.dumps({"found": cache.get(body["key"], load), "for": body["user"]})


cache = Cache(2000)
for i in range(95000):
    handle(cache, json.dumps({"key": i * 7919 % 5000, "user": f"user {i % 100}"}))
