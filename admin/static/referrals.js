// Forms of referrals: departments follow the receiver, a phone's camera reads a health code.
"use strict";

async function listDepartments(receiver, list) {
  const none = list.options[0];
  list.replaceChildren(none);
  if (!/^[0-9A-Z]{26}$/.test(receiver.value)) return;
  const asked = receiver.value;
  const answer = await fetch(`/admin/referrals/departments?organization=${asked}`, { headers: { Accept: "application/json" } });
  // Somebody may have chosen another one meanwhile.
  if (!answer.ok || answer.redirected || receiver.value !== asked) return;
  const { items } = await answer.json();
  list.replaceChildren(none, ...items.map(({ id, name }) => new Option(name, id)));
}

for (const receiver of document.querySelectorAll("[data-departments]")) {
  const list = document.getElementById(receiver.dataset.departments);
  receiver.addEventListener("change", () => { listDepartments(receiver, list).catch(() => undefined); });
}

// Where no telephone rings by itself, whoever sends an emergency has to call.
for (const receiver of document.querySelectorAll("[data-unrung]")) {
  const hint = document.getElementById(receiver.dataset.unrung);
  const tell = () => {
    const { call } = receiver.selectedOptions[0].dataset;
    hint.hidden = call === undefined;
    hint.querySelector("span").textContent = call ?? "";
  };
  receiver.addEventListener("change", tell);
  tell();
}

async function readCode(file, box) {
  const picture = await createImageBitmap(file);
  const [found] = await new BarcodeDetector({ formats: ["qr_code"] }).detect(picture);
  box.setCustomValidity(found ? "" : "没有认出二维码，请靠近些再拍一次");
  if (found) box.value = found.rawValue;
  else box.reportValidity();
}

// Where the browser cannot read pictures, the scanner or the keyboard is left.
for (const button of "BarcodeDetector" in window ? document.querySelectorAll("[data-scan]") : []) {
  const box = document.getElementById(button.dataset.scan);
  button.hidden = false;
  box.addEventListener("input", () => box.setCustomValidity(""));
  button.querySelector("input").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) readCode(file, box).catch(() => undefined);
  });
}
