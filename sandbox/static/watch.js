"use strict";
// Reload the page when something happened in the sandbox, but never under someone's typing hands.
(() => {
  const thread = document.getElementById("thread");
  if (thread) thread.scrollTop = thread.scrollHeight;
  let known = null;
  const isTyping = () => [...document.querySelectorAll("input:not([type=hidden]), textarea")].some((e) => e.value && e.value !== e.defaultValue) || document.querySelector("details[open]");
  const look = async () => {
    try {
      const stamp = await (await fetch("/stamp", { cache: "no-store" })).text();
      if (known !== null && stamp !== known && !isTyping()) location.reload();
      known = known === null ? stamp : known;
    } catch { /* The sandbox is restarting; the next look will tell. */ }
  };
  look();
  setInterval(look, 1500);
})();
