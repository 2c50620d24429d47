/**
 * The two sides of a pair scroll together; the same segments of both begin at the same height, as on the pair page.
 */

import { gaps } from "./align.js";
import { landmarks } from "./place.js";

/** Make room above segments of the shorter side. Does nothing where the sides stand one below the other. */
export function alignSides(area) {
  const sides = [...area.querySelectorAll("[data-side] > .reading")];
  for (const room of area.querySelectorAll(".align-room")) room.remove();
  const tops = sides.map((side) => side.getBoundingClientRect().top);
  if (sides.length < 2 || tops.some((top) => Math.abs(top - tops[0]) > 50)) return;
  const columns = sides.map(landmarks);
  const measured = columns.map((column) => column.map(({ key, element }) => ({ key, top: element.getBoundingClientRect().top })));
  gaps(measured).forEach((column, at) =>
    column.forEach((gap, index) => {
      if (gap < 1) return;
      const room = document.createElement("div");
      room.className = "align-room";
      room.setAttribute("aria-hidden", "true");
      room.style.height = `${gap}px`;
      columns[at][index].element.before(room);
    }),
  );
}

/** Keep them aligned while boxes open and the window changes. */
export function keepAligned(area) {
  let asked = 0;
  const later = () => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => alignSides(area));
  };
  alignSides(area);
  window.addEventListener("resize", later);
  area.addEventListener("toggle", later, true);
  return later;
}
