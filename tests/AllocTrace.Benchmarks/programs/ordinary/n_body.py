"""Planets that attract each other: floating-point arithmetic on lists."""

BODIES = [
    ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], 39.5),
    ([4.84, -1.16, -0.10], [0.61, 2.81, -0.02], 0.037),
    ([8.34, 4.12, -0.40], [-1.01, 1.82, 0.008], 0.011),
    ([12.89, -15.11, -0.22], [1.08, 0.87, -0.01], 0.0017),
    ([15.38, -25.92, 0.18], [0.98, 0.59, -0.03], 0.002),
]
PAIRS = [(one, other) for i, one in enumerate(BODIES) for other in BODIES[i + 1 :]]


def advance(step):
    for (place1, speed1, mass1), (place2, speed2, mass2) in PAIRS:
        dx, dy, dz = place1[0] - place2[0], place1[1] - place2[1], place1[2] - place2[2]
        pull = step * (dx * dx + dy * dy + dz * dz) ** -1.5
        pull1, pull2 = mass1 * pull, mass2 * pull
        speed1[0] -= dx * pull2
        speed1[1] -= dy * pull2
        speed1[2] -= dz * pull2
        speed2[0] += dx * pull1
        speed2[1] += dy * pull1
        speed2[2] += dz * pull1
    for place, speed, _ in BODIES:
        place[0] += step * speed[0]
        place[1] += step * speed[1]
        place[2] += step * speed[2]


for _ in range(250000):
    advance(0.001)
