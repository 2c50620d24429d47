/**
 * Sending files with real progress: the form works without this; with it, bytes sent are shown and
 * files can be dropped. A dropped or chosen file keeps its folder's name in the field `path`.
 */

const form = document.querySelector("form[data-upload]");

function wordsFor(loaded, total) {
  const percent = total ? Math.floor((100 * loaded) / total) : 0;
  return loaded < total ? `${percent} % sent` : "sent; being stored …";
}

function send(event) {
  event.preventDefault();
  const progress = form.querySelector("[data-upload-progress]");
  const words = form.querySelector("[data-upload-words]");
  const button = form.querySelector("button");
  const data = new FormData(form);
  for (const file of form.querySelector('input[type="file"]').files) {
    data.append("path", file.webkitRelativePath || file.name);
  }
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.upload.addEventListener("progress", (step) => {
    progress.value = step.total ? (100 * step.loaded) / step.total : 0;
    words.textContent = wordsFor(step.loaded, step.total);
  });
  request.addEventListener("load", () => {
    if (request.status < 300) {
      window.location.assign(request.responseURL || form.action);
      return;
    }
    if (request.status === 422) {
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const errors = [...page.querySelectorAll(".errorlist li")].map((item) => item.textContent);
      words.textContent = errors.join(" ") || "The server refused the file.";
    } else {
      words.textContent = `The server answered ${request.status}; nothing was stored. Please try again.`;
    }
    button.disabled = false;
    progress.hidden = true;
  });
  request.addEventListener("error", () => {
    words.textContent = "The connection broke; nothing was stored. Please try again.";
    button.disabled = false;
    progress.hidden = true;
  });
  progress.hidden = false;
  button.disabled = true;
  request.send(data);
}

if (form) {
  const zone = form.querySelector("[data-drop-zone]");
  const input = form.querySelector('input[type="file"]');
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    zone.addEventListener(name, () => zone.classList.remove("is-over"));
  }
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
  form.addEventListener("submit", send);
}
