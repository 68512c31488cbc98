"""The Mandelbrot set: complex numbers in a tight loop."""


def depth(point, most):
    value = 0j
    for step in range(most):
        if abs(value) > 2:
            return step
        value = value * value + point
    return most


picture = [[depth(complex(x / 80 - 2, y / 60 - 1), 200) for x in range(240)] for y in range(120) for _ in range(8)]
