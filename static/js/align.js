/**
 * How far segments must be pushed down so that the same ones begin at the same height in all columns.
 *
 * No DOM in here, so that it can be tested alone.
 *
 * @param {{key: string, top: number}[][]} columns  each in page order, tops as measured without gaps
 * @returns {number[][]}  for each entry the room to add above it
 */
export function gaps(columns) {
  const added = columns.map((column) => column.map(() => 0));
  const shift = columns.map(() => 0);
  const next = columns.map(() => 0);
  if (columns.length < 2) return added;
  for (const { key } of columns[0]) {
    const places = columns.map((column, at) => column.findIndex((entry, index) => index >= next[at] && entry.key === key));
    // What a column lacks, or has in another order, is not waited for.
    const there = places.flatMap((place, at) => (place < 0 ? [] : [at]));
    if (there.length < 2) continue;
    const tops = there.map((at) => columns[at][places[at]].top + shift[at]);
    const goal = Math.max(...tops);
    there.forEach((at, number) => {
      const gap = goal - tops[number];
      added[at][places[at]] = gap;
      shift[at] += gap;
      next[at] = places[at] + 1;
    });
  }
  return added;
}
