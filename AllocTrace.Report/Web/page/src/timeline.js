import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatBytes, formatSeconds } from "./format.js";

const powersOfTwo = Array.from({ length: 50 }, (_, i) => 2 ** i);

// Memory over time. Dragging chooses a range; the peak, snapshots and losses are marked.
export class Timeline {
  #element;
  #plot = null;

  // onRange({from, to}) gets seconds, or null for the whole time.
  constructor(target, onRange) {
    this.#element = target;
    this.onRange = onRange;
  }

  draw(recording, process) {
    this.#plot?.destroy();
    this.#plot = null;
    const series = seriesOf(recording, process);
    if (series.time.length < 2) {
      this.#element.textContent = "No timeline was recorded.";
      return;
    }

    this.#element.replaceChildren();
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink");
    const axis = { stroke: ink, grid: { stroke: style.getPropertyValue("--line"), width: 1 }, ticks: { stroke: style.getPropertyValue("--line"), width: 1 } };
    const hasResident = series.resident.some((value) => value !== null);
    this.#plot = new uPlot(
      {
        width: this.#width(),
        height: 170,
        scales: { x: { time: false }, y: { range: (plot, low, high) => [0, high * 1.05 || 1] } },
        axes: [
          { ...axis, values: (plot, values) => values.map((value) => `${value} s`) },
          { ...axis, size: 80, incrs: powersOfTwo, values: (plot, values) => values.map((value) => formatBytes(value)) },
        ],
        series: [
          { label: "after", value: (plot, value) => (value === null ? "" : formatSeconds(value)) },
          {
            label: "live",
            stroke: style.getPropertyValue("--accent"),
            fill: style.getPropertyValue("--accent-soft"),
            width: 1.5,
            points: { show: false },
            value: (plot, value) => (value === null ? "" : formatBytes(value)),
          },
          ...(hasResident
            ? [{ label: "resident", stroke: ink, width: 1, dash: [4, 3], points: { show: false }, value: (plot, value) => (value === null ? "" : formatBytes(value)) }]
            : []),
        ],
        cursor: { drag: { x: true, y: false, setScale: false } },
        hooks: {
          draw: [(plot) => drawMarks(plot, recording, process, style)],
          setSelect: [(plot) => this.#selected(plot)],
        },
      },
      [series.time, series.live, ...(hasResident ? [series.resident] : [])],
      this.#element,
    );
  }

  clear() {
    this.#plot?.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }

  resize() {
    this.#plot?.setSize({ width: this.#width(), height: 170 });
  }

  #width() {
    return Math.max(300, this.#element.clientWidth - 2);
  }

  #selected(plot) {
    if (plot.select.width < 3)
      return;

    this.onRange({ from: plot.posToVal(plot.select.left, "x"), to: plot.posToVal(plot.select.left + plot.select.width, "x") });
  }
}

// Of one process its slices; of several the sum of what each had at the time.
function seriesOf({ columns }, process) {
  const rows = Array.from(columns["slice.start"], (_, i) => i).filter((i) => process < 0 || columns["slice.process"][i] === process);
  const events = rows.map((i) => ({ at: columns["slice.end"][i], process: columns["slice.process"][i], live: columns["slice.highest"][i], after: columns["slice.live"][i], resident: columns["slice.resident"][i] }));
  events.sort((a, b) => a.at - b.at);
  const live = new Map();
  const resident = new Map();
  const result = { time: [], live: [], resident: [] };
  const sum = (values) => [...values.values()].reduce((total, value) => total + value, 0);
  for (const event of events) {
    live.set(event.process, event.live);
    if (event.resident >= 0)
      resident.set(event.process, event.resident);

    result.time.push(event.at);
    result.live.push(sum(live));
    result.resident.push(resident.size ? sum(resident) : null);
    live.set(event.process, event.after);
  }

  return result;
}

function drawMarks(plot, recording, process, style) {
  const { ctx } = plot;
  const wanted = (each) => process < 0 || each.process === process;
  ctx.save();
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  const bottom = plot.bbox.top + plot.bbox.height;
  for (const loss of recording.losses.filter((each) => wanted(each) && each.first !== undefined)) {
    ctx.fillStyle = style.getPropertyValue("--alarm-soft");
    const left = plot.valToPos(loss.first, "x", true);
    ctx.fillRect(left, plot.bbox.top, Math.max(2, plot.valToPos(loss.last ?? loss.first, "x", true) - left), plot.bbox.height);
  }

  for (const moment of recording.moments.filter(wanted)) {
    const x = plot.valToPos(moment.at, "x", true);
    ctx.strokeStyle = ctx.fillStyle = style.getPropertyValue(moment.kind === "peak" ? "--more" : "--ink");
    ctx.setLineDash([3, 3]);
    ctx.beginPath();
    ctx.moveTo(x, plot.bbox.top);
    ctx.lineTo(x, bottom);
    ctx.stroke();
    const text = moment.name || (moment.kind === "live" ? "end" : moment.kind);
    const right = x + ctx.measureText(text).width + 8 > plot.bbox.left + plot.bbox.width;
    ctx.textAlign = right ? "right" : "left";
    ctx.fillText(text, x + (right ? -4 : 4), plot.bbox.top + (moment.kind === "live" ? 28 : 14) * devicePixelRatio);
  }

  ctx.restore();
}
