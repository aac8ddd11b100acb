// Charts of the surveys' results; their figures stand in the page.
"use strict";

const BRAND = "#0b6477";
const WARM = "#c9772b";

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
Chart.defaults.color = "#5b6b75";
Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;

function told(canvas, name) {
  return JSON.parse(canvas.dataset[name]);
}

const trend = document.getElementById("chart-trend");
if (trend) {
  new Chart(trend, {
    type: "line",
    data: {
      labels: told(trend, "labels"),
      datasets: [
        { label: "平均得分", data: told(trend, "percent"), borderColor: BRAND, backgroundColor: BRAND, spanGaps: true },
        { label: "回收率 %", data: told(trend, "rate"), borderColor: WARM, backgroundColor: WARM, spanGaps: true, borderDash: [6, 4], pointStyle: "rect" },
      ],
    },
    options: { scales: { y: { min: 0, max: 100 }, x: { grid: { display: false } } }, plugins: { legend: { position: "bottom" } } },
  });
}

const words = document.getElementById("chart-words");
if (words) {
  new Chart(words, {
    type: "bar",
    data: { labels: told(words, "labels"), datasets: [{ data: told(words, "times"), backgroundColor: BRAND, maxBarThickness: 22 }] },
    options: { indexAxis: "y", scales: { x: { beginAtZero: true, ticks: { precision: 0 } }, y: { grid: { display: false } } }, plugins: { legend: { display: false } } },
  });
}
window.addEventListener("beforeprint", () => [trend, words].forEach((one) => one && Chart.getChart(one).resize()));
