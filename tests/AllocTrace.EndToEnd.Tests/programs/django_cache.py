"""A Django program whose view keeps the query of every page in cache.CACHE. With the argument "freed" it prints what its instances hold, by tracemalloc."""
import gc
import sys
import tracemalloc
import types

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()

from django.db import connection, models

PAGES, ON_A_PAGE = 100, 20
cache = sys.modules["cache"] = types.ModuleType("cache")
cache.CACHE = {}


class Product(models.Model):
    name = models.CharField(max_length=100)
    description = models.TextField()

    class Meta:
        app_label = "shop"


def view(page):
    query = Product.objects.filter(id__gt=page * ON_A_PAGE, id__lte=(page + 1) * ON_A_PAGE)
    cache.CACHE["page %d" % page] = query
    return len(query)


with connection.schema_editor() as editor:
    editor.create_model(Product)
Product.objects.bulk_create(Product(name="product %d" % i, description="%01000d" % i) for i in range(PAGES * ON_A_PAGE))
if "freed" in sys.argv:
    tracemalloc.start()
assert sum(view(page) for page in range(PAGES)) == PAGES * ON_A_PAGE
if "freed" in sys.argv:
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for query in cache.CACHE.values():
        query._result_cache[:] = [None] * ON_A_PAGE
    gc.collect()
    print(before - tracemalloc.get_traced_memory()[0])
