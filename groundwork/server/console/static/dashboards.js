/* Draws the plots of dashboards: a cursor that says time and values, a click that opens the traces of that step.
   Without this script the page has the same plots as SVG, and the figures in a table. */
"use strict";
(() => {
  const SECOND = 1000;
  const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1, notation: "compact" });
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const duration = (ms) => (ms < 1000 ? `${whole.format(ms)} ms` : ms < 100000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60000)} min`);
  const money = (usd) => (usd === 0 ? "$0" : usd < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`);
  const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
  const SAY = { count: (v) => number.format(v), tokens: (v) => number.format(v), ms: duration, usd: money, share: percent };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const TONES = { "": "--accent", soft: "--line-strong", bad: "--bad" };

  function moment(second, step) {
    const at = new Date(second * SECOND);
    const day = { day: "numeric", month: "short" };
    return step >= 86400 ? at.toLocaleDateString(undefined, { ...day, timeZone: "UTC" }) : at.toLocaleString(undefined, { ...day, hour: "2-digit", minute: "2-digit" });
  }

  function tick(second, distance, step) {
    const zone = step >= 86400 ? "UTC" : undefined;
    const at = new Date(second * SECOND);
    if (distance >= 86400) return at.toLocaleDateString(undefined, { day: "numeric", month: "short", timeZone: zone });
    return at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", timeZone: zone });
  }

  function options(data, width, caption) {
    const say = SAY[data.unit];
    const series = [{}];
    const bands = [];
    for (const line of data.lines) {
      const ink = colour(TONES[line.tone] || "--accent");
      const shape = line.bars ? { paths: uPlot.paths.bars({ size: [0.76, 40], align: 1 }), fill: ink, width: 0 } : { width: 2 };
      series.push({ label: line.name, stroke: ink, points: { show: data.at.length < 3 && !line.bars, size: 6 }, spanGaps: false, ...shape });
      if (line.low.length) {
        series.push({ label: "high", stroke: "transparent", width: 0, points: { show: false } });
        series.push({ label: "low", stroke: "transparent", width: 0, points: { show: false } });
        bands.push({ series: [series.length - 2, series.length - 1], fill: `color-mix(in srgb, ${ink} 16%, transparent)` });
      }
    }
    const axis = { stroke: colour("--ink-soft"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    return {
      width,
      height: 150,
      series,
      bands,
      legend: { show: false },
      cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
      scales: { x: { time: true, range: [data.at[0], data.at[data.at.length - 1] + data.step] }, y: { range: [0, data.top || 1] } },
      tzDate: data.step >= 86400 ? (second) => uPlot.tzDate(new Date(second * SECOND), "UTC") : undefined,
      axes: [
        { ...axis, grid: { show: false }, size: 26, space: 64, values: (_, found, __, ___, step) => found.map((at) => tick(at, step, data.step)) },
        { ...axis, grid: { stroke: colour("--line"), width: 1 }, size: 52, space: 36, values: (_, found) => found.map((v) => say(v)) },
      ],
      hooks: { setCursor: [(plot) => caption(plot.cursor.idx)] },
    };
  }

  function values(data) {
    const found = [data.at];
    for (const line of data.lines) {
      found.push(line.values);
      if (line.low.length) found.push(line.high, line.low);
    }
    return found;
  }

  function said(data, index) {
    const say = SAY[data.unit];
    const parts = data.lines.map((line) => {
      const value = line.values[index];
      if (value === null) return data.lines.length > 1 ? `${line.name} –` : "nothing measured";
      const band = line.low.length ? ` (95 %: ${say(line.low[index])} to ${say(line.high[index])})` : "";
      return `${data.lines.length > 1 ? `${line.name} ` : ""}${say(value)}${band}`;
    });
    return `${moment(data.at[index], data.step)}: ${parts.join(", ")}`;
  }

  function draw(figure) {
    const data = JSON.parse(figure.dataset.plot);
    const canvas = figure.querySelector(".canvas");
    const still = canvas.querySelector("svg");
    const caption = figure.querySelector("figcaption");
    const before = [...caption.childNodes];
    let plot = null;
    const say = (index) => {
      if (index === null || index === undefined || !(index in data.at)) caption.replaceChildren(...before);
      else caption.textContent = said(data, index);
    };
    const make = () => {
      if (plot) plot.destroy();
      still.toggleAttribute("hidden", true);
      canvas.style.height = "auto";
      figure.classList.add("live");
      plot = new uPlot(options(data, canvas.clientWidth, say), values(data), canvas);
      plot.over.addEventListener("click", () => {
        const index = plot.cursor.idx;
        if (data.traces === false || index === null || !(index in data.at)) return;
        const iso = (second) => new Date(second * SECOND).toISOString().replace(".000Z", "Z");
        const query = new URLSearchParams(data.query);
        query.set("since", iso(data.at[index]));
        query.set("until", iso(data.at[index] + data.step));
        location.assign(`/traces?${query}`);
      });
    };
    make();
    let width = canvas.clientWidth;
    new ResizeObserver(() => {
      if (canvas.clientWidth === width || !canvas.clientWidth) return;
      width = canvas.clientWidth;
      plot.setSize({ width, height: 150 });
    }).observe(canvas);
    return make;
  }

  const redraw = [...document.querySelectorAll("[data-plot]")].map(draw);
  const again = () => redraw.forEach((make) => make());
  new MutationObserver(again).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
})();
