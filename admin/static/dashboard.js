// The dashboard keeps itself up to date: figures and charts are fetched again while somebody looks.
"use strict";

const EVERY_MS = 15000;
const BRAND = "#0b6477";
const SOFT = "#8fc3ce";
const WARM = "#c9772b";
const holder = document.getElementById("charts");
const live = document.getElementById("live");
const charts = {};

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
Chart.defaults.color = "#5b6b75";
Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;

function series(label, color, extra = {}) {
  return { label, backgroundColor: color, borderColor: color, data: [], ...extra };
}

function make(id, type, datasets, options = {}) {
  const whole = { ticks: { precision: 0 }, beginAtZero: true, grid: { color: "#eef2f4" } };
  const scales = { x: { grid: { display: false } }, y: whole };
  if (options.indexAxis === "y") [scales.x, scales.y] = [whole, { grid: { display: false } }];
  charts[id] = new Chart(document.getElementById(id), {
    type,
    data: { labels: [], datasets },
    options: { scales, plugins: { legend: { display: datasets.length > 1, position: "bottom" } }, ...options },
  });
}

make("chart-days", "bar", [series("预约", BRAND), series("取消", WARM)]);
make("chart-money", "bar", [series("支付", BRAND), series("退款", WARM)]);
make("chart-channels", "bar", [series("预约", BRAND, { maxBarThickness: 28 })], { indexAxis: "y" });
make("chart-use", "line", [series("健康码核验", BRAND, { tension: 0.3 }), series("消息", SOFT, { tension: 0.3 })]);

function fill(id, labels, ...values) {
  const chart = charts[id];
  chart.data.labels = labels;
  values.forEach((data, at) => { chart.data.datasets[at].data = data; });
  chart.update();
}

function show(told) {
  for (const [name, text] of Object.entries(told.figures)) {
    for (const place of document.querySelectorAll(`[data-figure="${name}"]`)) place.textContent = text;
  }
  const days = told.days;
  fill("chart-days", days.labels, days.bookings, days.cancellations);
  fill("chart-money", days.labels, days.paid_fen, days.refunded_fen);
  fill("chart-channels", told.channels.labels, told.channels.values);
  fill("chart-use", days.labels, days.codes_used, days.messages);
  live.classList.remove("stale");
  live.replaceChildren("更新于 ", told.at);
}

async function renew() {
  if (document.hidden) return;
  try {
    const answer = await fetch(holder.dataset.figures, { headers: { Accept: "application/json" } });
    // Signed out meanwhile: the sign-in page came instead of figures.
    if (answer.redirected) { window.location.reload(); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
  } catch {
    live.classList.add("stale");
    live.textContent = "暂时连不上，正在重试；图上是之前的数字";
  }
}

renew();
setInterval(renew, EVERY_MS);
document.addEventListener("visibilitychange", renew);
window.addEventListener("beforeprint", () => Object.values(charts).forEach((chart) => chart.resize()));
