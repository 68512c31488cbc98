"""Shortest paths through a grid with a heap."""
import heapq


def distances(size, cost):
    best = {(0, 0): 0}
    heap = [(0, (0, 0))]
    while heap:
        distance, (x, y) = heapq.heappop(heap)
        if distance > best[x, y]:
            continue
        for neighbour in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if 0 <= neighbour[0] < size and 0 <= neighbour[1] < size:
                total = distance + cost[neighbour[0] * 7 + neighbour[1] * 13 & 63]
                if total < best.get(neighbour, 1 << 30):
                    best[neighbour] = total
                    heapq.heappush(heap, (total, neighbour))
    return best


COST = [i * 37 % 9 + 1 for i in range(64)]
for _ in range(20):
    distances(200, COST)
