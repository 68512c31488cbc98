"""A pipeline of generators: the stack grows and shrinks with every item."""


def stage(source):
    for number, text in source:
        yield number + 1, text + "."


def pipeline(stages, items):
    source = ((i, "x") for i in range(items))
    for _ in range(stages):
        source = stage(source)
    return source


for _ in range(240):
    for item in pipeline(20, 4000):
        pass
