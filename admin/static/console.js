// The console works without scripts; this makes a few things quicker.
"use strict";

// A form is sent once, however often the button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// A choice that needs no button: picking it loads the page.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});

// "/" goes to the first search box, as people know it from elsewhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input, select, textarea")) return;
  const box = document.querySelector(".filters input:not([type=date])");
  if (box) {
    event.preventDefault();
    box.focus();
  }
});

// What waits in a part of the menu, looked up again while somebody looks at the page.
async function countWaiting(entry) {
  const answer = await fetch(entry.dataset.counter, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) return;
  const { waits } = await answer.json();
  const badge = entry.querySelector(".count") ?? entry.appendChild(Object.assign(document.createElement("b"), { className: "count" }));
  badge.textContent = waits;
  badge.title = `${waits}项待处理`;
  badge.hidden = waits === 0;
}
function countAll() {
  if (document.hidden) return;
  for (const entry of document.querySelectorAll("[data-counter]")) countWaiting(entry).catch(() => undefined);
}
countAll();
setInterval(countAll, 30000);
document.addEventListener("visibilitychange", countAll);
