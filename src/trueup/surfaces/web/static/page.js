// Times in the reader's zone, live news, the chart. Everything that can be read works without this file.
"use strict";

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) {
      time.title = time.dateTime;
      time.textContent = at.toLocaleString(undefined, { dateStyle: "short", timeStyle: "medium" });
    }
  }
}

const HALF_DAY_S = 43200;

function showNewest(root) {
  for (const table of root.querySelectorAll(".scroll > .heat")) table.parentElement.scrollLeft = table.scrollWidth;
}

function drawCharts(root) {
  if (typeof uPlot === "undefined") return;
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
  for (const place of root.querySelectorAll("[data-chart]")) {
    const { days, counts } = JSON.parse(place.dataset.chart);
    const at = days.map((day) => Date.parse(day + "T00:00:00Z") / 1000);
    const axis = { stroke: ink, grid: { stroke: "#8884" } };
    new uPlot(
      {
        width: Math.max(280, place.clientWidth), height: 160, tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "UTC"),
        scales: { x: { range: (_, first, last) => [first - HALF_DAY_S, last + HALF_DAY_S] }, y: { range: (_, __, max) => [0, Math.max(1, max)] } }, legend: { show: false },
        axes: [axis, { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 1000] }],
        series: [{}, { stroke: "#1f77b4", fill: "#1f77b455", points: { show: false }, paths: uPlot.paths.bars({ size: [0.7] }) }],
      },
      [at, counts], place,
    );
  }
}

function listen() {
  if (!document.getElementById("live")) return;
  const news = new EventSource("/events"); // it connects again by itself
  const lost = document.getElementById("lost");
  let wasLost = false;
  news.onerror = () => { lost.hidden = false; wasLost = true; };
  news.onopen = () => {
    lost.hidden = true;
    if (wasLost) document.body.dispatchEvent(new CustomEvent("changed")); // what came meanwhile was not heard
    wasLost = false;
  };
  news.addEventListener("changed", () => document.body.dispatchEvent(new CustomEvent("changed")));
}

localTimes(document);
drawCharts(document);
showNewest(document);
listen();
new MutationObserver(() => localTimes(document)).observe(document.getElementById("content"), { childList: true });
