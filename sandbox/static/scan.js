"use strict";
// Scan by camera where the browser can read QR codes by itself; elsewhere people paste.
(() => {
  const button = document.getElementById("scan"), video = document.getElementById("camera"), code = document.getElementById("code");
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return;
  button.hidden = false;
  let stream = null;
  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.hidden = true;
    button.textContent = "用摄像头扫";
  };
  const watch = async (detector) => {
    if (!stream) return;
    const [found] = await detector.detect(video).catch(() => []);
    if (!found) return setTimeout(watch, 200, detector);
    code.value = found.rawValue;
    stop();
    document.getElementById("scan-form").requestSubmit();
  };
  button.addEventListener("click", async () => {
    if (stream) return stop();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      button.textContent = "没有可用的摄像头";
      return;
    }
    video.srcObject = stream;
    video.hidden = false;
    button.textContent = "停止";
    await video.play();
    watch(new BarcodeDetector({ formats: ["qr_code"] }));
  });
})();
