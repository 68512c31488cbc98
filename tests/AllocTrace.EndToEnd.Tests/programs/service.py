"""A service for many requests: threads, a bounded cache, sessions that expire, templates compiled anew. usage: service.py REQUESTS"""
import json
import os
import queue
import re
import sys
import threading
from collections import OrderedDict, deque

THREADS, SESSIONS, CACHED = 4, 500, 1000
WORD = re.compile(r"\w+")


class Cache:
    def __init__(self, most):
        self.entries, self.most, self.lock = OrderedDict(), most, threading.Lock()

    def get(self, key, make):
        with self.lock:
            if key in self.entries:
                self.entries.move_to_end(key)
            else:
                self.entries[key] = make(key)
                if len(self.entries) > self.most:
                    self.entries.popitem(last=False)
            return self.entries[key]


class Session:
    def __init__(self, user):
        self.user, self.seen = user, deque(maxlen=20)
        self.self = self  # garbage that only the collector finds


def load(key):
    return {"key": key, "rows": [{"column": column, "value": f"{key}.{column}"} for column in range(10)]}


def words(text):
    for match in WORD.finditer(text):
        yield match.group().upper()


def render(number, found):
    namespace = {}
    exec(compile("def template(found):\n    return [str(row['value']) for row in found['rows']]\n", "<template>", "exec"), namespace)
    return namespace["template"](found)


def handle(cache, sessions, number, request):
    body = json.loads(request)
    found = cache.get(body["key"], load)
    session = sessions.get(body["user"], Session)
    session.seen.append(number)
    text = " ".join(words(json.dumps(found)))
    if number % 50 == 0:
        render(number, found)
    if number % 7 == 0:
        raise KeyError(body["user"])
    return json.dumps({"text": text, "for": session.user})


def work(requests, cache, sessions):
    while (number := requests.get()) is not None:
        try:
            handle(cache, sessions, number, json.dumps({"key": number * 7919 % 5000, "user": f"user {number * 31 % 2000}"}))
        except KeyError:
            pass


requests = queue.Queue(maxsize=100)
cache, sessions = Cache(CACHED), Cache(SESSIONS)
threads = [threading.Thread(target=work, args=(requests, cache, sessions)) for _ in range(THREADS)]
for thread in threads:
    thread.start()
for number in range(int(sys.argv[1])):
    requests.put(number)
for thread in threads:
    requests.put(None)
for thread in threads:
    thread.join()
os._exit(0)  # what is alive is everything that was allocated and not freed
