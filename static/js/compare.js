/**
 * The grid of runs: no more samples are ticked than can be read beside each other, and a press on a sample of a
 * strip shows it in its cell. Without it the same is done by links and the form.
 */

const form = document.getElementById("compare-form");

function update() {
  const most = Number(form.dataset.most);
  const boxes = [...form.querySelectorAll("[name=read]")];
  const n = boxes.filter((box) => box.checked).length;
  for (const box of boxes) box.disabled = n >= most && !box.checked;
  form.querySelector("[data-n-read]").textContent = n ? `${n} of up to ${most}` : `up to ${most}`;
  document.getElementById("compare-read").disabled = n === 0;
}

if (form) {
  form.addEventListener("change", update);
  form.addEventListener("click", (event) => {
    const tick = event.target.closest?.("[data-sample]");
    const cell = tick?.closest("[data-cell]");
    if (!cell) return;
    const url = new URL(location.href);
    url.searchParams.set(cell.dataset.cell, tick.dataset.sample);
    url.hash = cell.dataset.cell;
    location.assign(url);
  });
  // What was ticked goes to where it can be read.
  form.addEventListener("submit", () => {
    form.action = `${form.getAttribute("action").replace(/#.*$/, "")}#side-by-side`;
  });
  addEventListener("pageshow", update);
  update();
}
