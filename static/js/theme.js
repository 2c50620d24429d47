/**
 * The theme button: as the system has it, light, dark, and round again.
 *
 * The choice is a cookie, so that the server can write it on <html> and no page flashes.
 */

const COOKIE = "afdash_theme";
const ORDER = ["system", "light", "dark"];
const SIGNS = { system: "◐", light: "☀", dark: "☾" };

export function nextTheme(theme) {
  return ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
}

export function cookieFor(theme, isSecure) {
  const life = theme === "system" ? "max-age=0" : "max-age=31536000";
  return `${COOKIE}=${theme}; path=/; ${life}; samesite=lax${isSecure ? "; secure" : ""}`;
}

function current() {
  return document.documentElement.dataset.theme || "system";
}

function describe(button) {
  const theme = current();
  button.querySelector("[data-theme-sign]").textContent = SIGNS[theme];
  button.querySelector("[data-theme-word]").textContent = theme;
  button.setAttribute("aria-label", `Theme: ${theme}. Change to ${nextTheme(theme)}`);
  button.hidden = false;
}

function apply(theme) {
  document.cookie = cookieFor(theme, location.protocol === "https:");
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  document.querySelectorAll("[data-theme-button]").forEach(describe);
  document.dispatchEvent(new CustomEvent("afdash:theme", { detail: theme }));
}

if (typeof document !== "undefined") {
  document.querySelectorAll("[data-theme-button]").forEach(describe);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-theme-button]")) apply(nextTheme(current()));
  });
}
