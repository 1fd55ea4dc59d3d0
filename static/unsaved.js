// Asks before unsaved changes are left behind. Forms work without it; nothing is sent anywhere.
"use strict";
for (const form of document.querySelectorAll("form[data-guard]")) {
  const mark = form.querySelector("[data-unsaved-mark]");
  let unsaved = form.hasAttribute("data-unsaved");
  form.addEventListener("input", (event) => {
    if (event.target.hasAttribute("data-no-guard")) return;
    unsaved = true;
    if (mark) mark.hidden = false;
  });
  form.addEventListener("submit", () => { unsaved = false; });
  for (const link of form.querySelectorAll("[data-throw-away]")) {
    link.addEventListener("click", () => { unsaved = false; });
  }
  window.addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
}
