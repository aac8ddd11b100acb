// The wall keeps itself up to date. When the city cannot be reached it goes on showing what it has, and says of when.
"use strict";

const EVERY_MS = 30000;
const LATEST_MS = 120000;
const COLOURS = ["#4fc3d9", "#f0a95b", "#7fd1a0", "#b9a5e6"];
const INK = "#b9d6dc";
const wall = document.getElementById("wall");
const state = document.getElementById("state");
const clock = document.getElementById("clock");
const family = getComputedStyle(document.body).fontFamily;
const inCity = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", month: "long", day: "numeric", weekday: "long", hour: "2-digit", minute: "2-digit",
});
let charts = [];
let wait = EVERY_MS;

const sheet = () => wall.querySelector(".sheet");

function optionOf(told) {
  const px = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const lying = told.kind === "parts";
  const text = { color: INK, fontSize: Math.max(12, Math.round(px)) };
  const names = { type: "category", data: told.labels, inverse: lying, axisTick: { show: false }, axisLine: { lineStyle: { color: "#2b5a66" } }, axisLabel: text };
  const numbers = { type: "value", axisLabel: { ...text, hideOverlap: true }, splitNumber: 3, splitLine: { lineStyle: { color: "#17444f" } } };
  const several = told.series.length > 1;
  return {
    animation: false,
    color: COLOURS,
    textStyle: { fontFamily: family },
    grid: { left: 8, right: 28, top: 14, bottom: several ? px * 3.4 : 6 },
    legend: { show: several, bottom: 0, textStyle: text },
    xAxis: lying ? numbers : names,
    yAxis: lying ? names : numbers,
    series: told.series.map((one) => ({
      name: one.name,
      type: told.kind === "line" ? "line" : "bar",
      data: one.data,
      barMaxWidth: px * 1.5,
      showSymbol: false,
      lineStyle: { width: 3 },
      label: { show: lying, position: "right", color: INK, fontSize: text.fontSize },
    })),
  };
}

function draw() {
  charts.forEach((chart) => chart.dispose());
  if (typeof echarts === "undefined") return;
  charts = [...wall.querySelectorAll("[data-chart]")].map((place) => {
    const chart = echarts.init(place, null, { renderer: "canvas" });
    chart.setOption(optionOf(JSON.parse(place.dataset.chart)));
    return chart;
  });
}

function asOf(stale) {
  state.classList.toggle("stale", stale);
  state.textContent = stale ? `连接中断，正在重试 · 数字截至 ${sheet().dataset.at}` : `截至 ${sheet().dataset.at}`;
}

async function renew() {
  try {
    const answer = await fetch(wall.dataset.figures, { headers: { Accept: "text/html" }, cache: "no-store" });
    // The link has been ended, or who was signed in is not any more: nothing is left standing.
    if (answer.redirected || answer.status === 404 || answer.status === 403) { window.location.reload(); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".sheet");
    if (!found) throw new Error("no figures");
    // A new release has come: its page belongs to its figures.
    if (found.dataset.version !== sheet().dataset.version) { window.location.reload(); return; }
    wall.replaceChildren(found);
    draw();
    wait = EVERY_MS;
    asOf(false);
  } catch {
    wait = Math.min(LATEST_MS, wait * 1.5);
    asOf(true);
  }
}

function tick() {
  clock.textContent = inCity.format(new Date());
}

async function keepOn() {
  await renew();
  setTimeout(keepOn, wait);
}

draw();
tick();
setInterval(tick, 1000);
setTimeout(keepOn, EVERY_MS);
window.addEventListener("resize", () => draw());
