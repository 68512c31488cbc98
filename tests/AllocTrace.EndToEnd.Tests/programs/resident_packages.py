"""Uses the package that the argument names, then prints its own RSS."""
import sys


def lxml():
    from lxml import etree
    documents = [etree.fromstring("<r>%s</r>" % "".join("<a x='%d'>t%d<b/></a>" % (i, i) for i in range(3000))) for _ in range(8)]
    return documents, [document.xpath("//a[@x > 10]") for document in documents]


def numpy():
    import numpy
    a = numpy.random.rand(800, 800)
    return a @ a, [numpy.ones(50) for _ in range(10000)]


def pandas():
    import pandas
    frame = pandas.DataFrame({"a": range(50000), "b": [str(i % 100) for i in range(50000)]})
    return frame, frame.groupby("b").a.sum()


def scipy():
    import numpy
    from scipy import sparse
    from scipy.sparse import linalg
    n = 80
    line = sparse.diags([-1, 2.1, -1], [-1, 0, 1], shape=(n, n))
    factors = linalg.splu((sparse.kron(sparse.eye(n), line) + sparse.kron(line, sparse.eye(n))).tocsc())
    return factors, factors.solve(numpy.ones(n * n))


def django():
    import django
    from django.conf import settings
    settings.configure(TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}])
    django.setup()
    from django.template import Context, Engine
    return Engine().from_string("{% for i in items %}{{ i }}{% endfor %}").render(Context({"items": range(20000)}))


def sqlalchemy():
    from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine
    engine, table = create_engine("sqlite://"), Table("t", MetaData(), Column("id", Integer, primary_key=True), Column("name", String))
    table.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(table.insert(), [{"name": "n%d" % i} for i in range(5000)])
        return connection.execute(table.select()).fetchall()


def matplotlib():
    import io
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots()
    axes.plot(range(2000))
    figure.savefig(io.BytesIO())
    return figure


result = globals()[sys.argv[1]]()
with open("/proc/self/smaps_rollup") as file:
    print(next(int(line.split()[1]) for line in file if line.startswith("Rss:")) << 10)
