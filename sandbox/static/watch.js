"use strict";
// Reload the page when something happened in the sandbox, but never under someone's typing hands.
(() => {
  for (const thread of document.querySelectorAll(".thread")) thread.scrollTop = thread.scrollHeight;
  const known = document.body.dataset.stamp;
  // What has just been sent off must not be cut short by a reload.
  let leaving = false;
  document.addEventListener("submit", () => { leaving = true; });
  const isTyping = () => [...document.querySelectorAll("input:not([type=hidden]), textarea")].some((e) => e.value && e.value !== e.defaultValue) || document.querySelector("details[open]");
  const look = async () => {
    try {
      const stamp = await (await fetch("/stamp", { cache: "no-store" })).text();
      if (stamp !== known && !leaving && !isTyping()) location.reload();
    } catch { /* The sandbox is restarting; the next look will tell. */ }
  };
  look();
  setInterval(look, 1500);
})();
