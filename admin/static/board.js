// Draws the board's charts. Their figures stand in the page, once for the eye and once as tables.
"use strict";

const COLOURS = ["#0b6477", "#c9772b", "#3c8d5a", "#7a5ea8"];
const INK = "#43525b";
const family = getComputedStyle(document.body).fontFamily;
const inWords = (unit) => (value) => (value === null || value === undefined ? "—" : `${value.toLocaleString("zh-CN")} ${unit}`);

function optionOf(told) {
  const lying = told.kind === "parts";
  const names = {
    type: "category",
    data: told.labels,
    inverse: lying,
    axisTick: { show: false },
    axisLabel: { color: INK, width: 110, overflow: lying ? "truncate" : "none" },
  };
  const numbers = {
    type: "value",
    max: told.unit === "%" ? (found) => Math.max(100, found.max) : undefined,
    minInterval: ["人次", "笔", "次", "条", "件", "家"].includes(told.unit) ? 1 : 0,
    axisLabel: { color: INK, hideOverlap: true },
    splitLine: { lineStyle: { color: "#e3e9ec" } },
  };
  return {
    animation: false,
    // Drawn, not made of HTML: the content security policy refuses style attributes, and is right.
    tooltip: { trigger: "axis", renderMode: "richText", confine: true, valueFormatter: inWords(told.unit) },
    aria: { enabled: true, label: { enabled: false }, decal: { show: told.kind === "bar" && told.series.length > 1 } },
    color: COLOURS,
    textStyle: { fontFamily: family },
    grid: { left: 8, right: 24, top: 16, bottom: told.series.length > 1 ? 44 : 8 },
    legend: { show: told.series.length > 1, bottom: 0, type: "scroll", textStyle: { color: INK } },
    xAxis: lying ? numbers : names,
    yAxis: lying ? names : numbers,
    series: told.series.map((one) => ({
      name: one.name,
      type: told.kind === "line" ? "line" : "bar",
      data: one.data,
      barMaxWidth: 28,
      symbolSize: 6,
      connectNulls: false,
    })),
  };
}

const charts = [...document.querySelectorAll("[data-chart]")].map((place) => {
  // A line for each bar that lies, so that every one keeps its name.
  if (place.classList.contains("lying")) place.style.height = `${Math.max(9, 3 + 2.2 * Number(place.dataset.lines))}rem`;
  const chart = echarts.init(place, null, { renderer: "canvas" });
  chart.setOption(optionOf(JSON.parse(place.dataset.chart)));
  return chart;
});

// What is drawn need not be read at once as well; one tap opens it. Without this script all of it stands open.
for (const numbers of document.querySelectorAll("details.numbers")) numbers.open = false;

const resize = () => charts.forEach((chart) => chart.resize());
window.addEventListener("resize", resize);
window.addEventListener("beforeprint", () => {
  for (const numbers of document.querySelectorAll("details.numbers")) numbers.open = true;
  resize();
});
