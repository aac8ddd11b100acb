// The chart of the months of recognition and rational medication; its figures stand in the page.
"use strict";

const COLOURS = ["#0b6477", "#3c8d5a", "#c9772b"];
const canvas = document.getElementById("chart-months");

if (canvas) {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.color = "#5b6b75";
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
  const datasets = JSON.parse(canvas.dataset.series).map((one, n) => ({ ...one, backgroundColor: COLOURS[n], maxBarThickness: 28 }));
  new Chart(canvas, {
    type: "bar",
    data: { labels: JSON.parse(canvas.dataset.labels), datasets },
    options: { scales: { y: { beginAtZero: true, ticks: { precision: 0 } }, x: { grid: { display: false } } }, plugins: { legend: { position: "bottom" } } },
  });
  window.addEventListener("beforeprint", () => Chart.getChart(canvas).resize());
}
