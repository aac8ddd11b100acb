// The inbox and an open talk keep themselves up to date: their part of the page is fetched again while looked at.
"use strict";

const part = document.querySelector("[data-renew]");
const live = document.getElementById("live");

function toEnd() {
  if (part.classList.contains("talk-lines")) part.scrollTop = part.scrollHeight;
}

async function renew() {
  if (document.hidden) return;
  try {
    const answer = await fetch(part.dataset.renew);
    // Signed out meanwhile: the sign-in page came instead.
    if (answer.redirected) { window.location.reload(); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    const fresh = new DOMParser().parseFromString(text, "text/html").body;
    // Untouched unless something was said: whoever reads or selects is not disturbed.
    if (fresh.textContent.trim() !== part.textContent.trim()) {
      part.replaceChildren(...fresh.childNodes);
      toEnd();
    }
    if (live) live.textContent = `更新于 ${new Date().toLocaleTimeString("zh-CN", { hour12: false })}`;
  } catch {
    if (live) live.textContent = "暂时连不上，正在重试";
  }
}

toEnd();
setInterval(renew, Number(part.dataset.every) * 1000);
document.addEventListener("visibilitychange", renew);
// Enter sends, as people know it from chats; with Shift it is a new line.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.matches(".talk-answer textarea")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
