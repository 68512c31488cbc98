// Where the names of marks on the timeline stand, so that none covers another: each in the first row with room, beside its line.
// marks: [{x, width, …}]; returns the same with left and row. Where there is no room in any row, row is -1: only the line is drawn.
export function layOut(marks, { left, right, rows, gap }) {
  const ends = Array.from({ length: rows }, () => []);
  const isFree = (row, from, to) => ends[row].every(([begin, end]) => to + gap <= begin || end + gap <= from);
  return [...marks]
    .sort((a, b) => a.x - b.x)
    .map((mark) => {
      const sides = [mark.x + gap, mark.x - gap - mark.width].filter((from) => from >= left && from + mark.width <= right);
      for (let row = 0; row < rows; row++) {
        const from = sides.find((side) => isFree(row, side, side + mark.width));
        if (from !== undefined) {
          ends[row].push([from, from + mark.width]);
          return { ...mark, left: from, row };
        }
      }
      return { ...mark, left: mark.x, row: -1 };
    });
}
