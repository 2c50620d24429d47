/**
 * Where in the arms the reader is: the segment under their eyes, and how far each part is scrolled.
 */

const EYES = 0.8; // of the height of what scrolls: what begins below this is not being read yet

/** Segments of an arm by what they are: "assistant scratchpad 1", in page order. */
export function landmarks(arm) {
  const seen = new Map();
  return [...arm.querySelectorAll(".segment:not(.segment-blank), .arm-foot")].map((element) => {
    const message = element.closest(".message");
    const role = message?.className.match(/message-(\w+)/)?.[1] || "end";
    const kind = `${role} ${element.dataset.kind || "foot"}`;
    seen.set(kind, (seen.get(kind) || 0) + 1);
    // A message's first segment brings its heading along.
    const moved = message && message.querySelector(".segment:not(.segment-blank)") === element ? message : element;
    return { key: `${kind} ${seen.get(kind)}`, element: moved };
  });
}

/** Everything that may scroll: the page, the region of many arms, each arm by itself. Always in this order. */
export function scrollersOf(pair) {
  return [document.scrollingElement, pair.querySelector(".arms"), ...pair.querySelectorAll(".arm-text")];
}

/** [left, top] of each. */
export function savePlaces(pair) {
  return scrollersOf(pair).map((each) => [Math.round(each.scrollLeft), Math.round(each.scrollTop)]);
}

function doesScroll(element) {
  return element.scrollHeight > element.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(element).overflowY);
}

/** What scrolls this arm up and down: itself, the region, or the page. */
function scrollerOf(arm) {
  const region = arm.closest(".arms");
  return [arm, region].find(doesScroll) ?? document.scrollingElement;
}

function topOf(scroller) {
  return scroller === document.scrollingElement ? 0 : scroller.getBoundingClientRect().top;
}

/** What is being read in each arm, and how high it stands; to be given to restorePlace after a swap. */
export function keptPlace(pair) {
  const kept = { arms: [], places: scrollersOf(pair).map((each) => [each.scrollLeft, each.scrollTop]) };
  for (const arm of pair.querySelectorAll(".arm-text")) {
    const scroller = scrollerOf(arm);
    const top = topOf(scroller);
    const begun = landmarks(arm)
      .filter(({ element }) => element.getClientRects().length)
      .map(({ key, element }) => ({ key, top: element.getBoundingClientRect().top }))
      .filter((each) => each.top < top + EYES * scroller.clientHeight);
    // The first that begins in sight, else the one whose middle is in sight.
    const read = begun.find((each) => each.top >= top) ?? begun.at(-1);
    // Near its beginning a part stays where it is: its head is what is being read.
    if (read && scroller.scrollTop > 0) kept.arms.push({ pane: arm.dataset.pane, key: read.key, top: read.top });
  }
  return kept;
}

/** Scroll so that the same segments stand as high as before, where they are still there. */
export function restorePlace(pair, kept) {
  scrollersOf(pair).forEach((each, at) => {
    const [left, top] = kept.places[at] ?? [0, 0];
    each.scrollLeft = left;
    each.scrollTop = top;
  });
  const done = new Set();
  for (const { pane, key, top } of kept.arms) {
    const arm = pair.querySelector(`.arm-text[data-pane="${CSS.escape(pane)}"]`);
    const found = arm && landmarks(arm).find((each) => each.key === key)?.element;
    if (!found?.getClientRects().length) continue;
    const scroller = scrollerOf(arm);
    if (done.has(scroller)) continue;
    done.add(scroller);
    scroller.scrollTop += found.getBoundingClientRect().top - top;
  }
}
