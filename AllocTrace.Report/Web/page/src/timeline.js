import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatBytes, formatSeconds } from "./format.js";
import { layOut } from "./marks.js";

const powersOfTwo = Array.from({ length: 50 }, (_, i) => 2 ** i);

const height = 120;
const rowHeight = 14;

// Memory over time. Dragging chooses a range; the peak, snapshots and losses are marked.
export class Timeline {
  #element;
  #legend;
  #plot = null;
  #marks = [];

  // onRange({from, to}) gets seconds.
  constructor(target, legend, onRange) {
    this.#element = target;
    this.#legend = legend;
    this.onRange = onRange;
  }

  // The names on the timeline as they were drawn: {text, left, width, row}.
  get marks() {
    return this.#marks;
  }

  // range: what is selected in it; null: nothing.
  draw(recording, process, range) {
    this.#plot?.destroy();
    this.#plot = null;
    const series = seriesOf(recording, process);
    if (series.time.length < 2) {
      this.#element.textContent = "No timeline was recorded.";
      this.#legend.replaceChildren();
      return;
    }

    this.#element.replaceChildren();
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name);
    const ink = color("--ink");
    const axis = { stroke: ink, grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 } };
    const hasResident = series.resident.some((value) => value !== null);
    this.#plot = new uPlot(
      {
        width: this.#width(),
        height,
        scales: { x: { time: false }, y: { range: (plot, low, high) => [0, high * 1.05 || 1] } },
        axes: [
          { ...axis, size: 28, values: (plot, values) => values.map((value) => `${value} s`) },
          { ...axis, size: 80, incrs: powersOfTwo, values: (plot, values) => values.map((value) => formatBytes(value)) },
        ],
        series: [
          {},
          { stroke: color("--accent"), fill: color("--accent-soft"), width: 1.5, points: { show: false } },
          ...(hasResident ? [{ stroke: ink, width: 1, dash: [4, 3], points: { show: false } }] : []),
        ],
        legend: { show: false },
        cursor: { drag: { x: true, y: false, setScale: false } },
        hooks: {
          ready: [() => range && this.#select(range)],
          draw: [(plot) => (this.#marks = drawMarks(plot, recording, process, color))],
          setSelect: [(plot) => this.#selected(plot)],
          setCursor: [(plot) => this.#showLegend(series, plot.cursor.idx)],
        },
      },
      [series.time, series.live, ...(hasResident ? [series.resident] : [])],
      this.#element,
    );
    this.#showLegend(series, null);
  }

  #select({ from, to }) {
    const [left, right] = [from, to].map((at) => this.#plot.valToPos(at, "x"));
    this.#plot.setSelect({ left, width: right - left, top: 0, height: this.#plot.over.clientHeight }, false);
  }

  clear() {
    this.#plot?.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }

  resize(range) {
    this.#plot?.setSize({ width: this.#width(), height });
    queueMicrotask(() => this.#plot && range && this.#select(range)); // the plot has its new scales only then
  }

  #width() {
    return Math.max(300, this.#element.clientWidth - 2);
  }

  // Where the pointer is; otherwise the highest and the last.
  #showLegend(series, index) {
    const last = series.time.length - 1;
    const highest = (values) => values.reduce((best, value, i) => (value > (values[best] ?? -1) ? i : best), 0);
    const text = (values) => {
      if (index !== null && index !== undefined)
        return values[index] === null ? "not known" : formatBytes(values[index]);

      const top = highest(values);
      return `at most ${formatBytes(values[top])} after ${formatSeconds(series.time[top])}`;
    };
    const entry = (name, values) => {
      const part = document.createElement("span");
      const key = document.createElement("i");
      key.className = name;
      part.append(key, `${name} ${text(values)}`);
      return part;
    };
    const when = document.createElement("span");
    when.textContent = index === null || index === undefined ? `${formatSeconds(series.time[last])} in all` : `after ${formatSeconds(series.time[index])}`;
    const hasResident = series.resident.some((value) => value !== null);
    this.#legend.replaceChildren(when, entry("live", series.live), ...(hasResident ? [entry("resident", series.resident)] : []));
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

function drawMarks(plot, recording, process, color) {
  const { ctx } = plot;
  const wanted = (each) => process < 0 || each.process === process;
  const { left, top, width, height: tall } = plot.bbox;
  ctx.save();
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  for (const loss of recording.losses.filter((each) => wanted(each) && each.first !== undefined)) {
    ctx.fillStyle = color("--alarm-soft");
    const from = plot.valToPos(loss.first, "x", true);
    ctx.fillRect(from, top, Math.max(2, plot.valToPos(loss.last ?? loss.first, "x", true) - from), tall);
  }

  const step = rowHeight * devicePixelRatio;
  const marks = recording.moments.filter(wanted).map((moment) => {
    const text = moment.name || (moment.kind === "live" ? "end" : moment.kind);
    return { text, x: plot.valToPos(moment.at, "x", true), width: ctx.measureText(text).width, color: color(moment.kind === "peak" ? "--more-text" : "--ink") };
  });
  const placed = layOut(marks, { left, right: left + width, rows: Math.floor(tall / step), gap: 4 * devicePixelRatio });
  ctx.setLineDash([3, 3]);
  for (const mark of placed) {
    ctx.strokeStyle = mark.color;
    ctx.beginPath();
    ctx.moveTo(mark.x, top);
    ctx.lineTo(mark.x, top + tall);
    ctx.stroke();
  }

  // The names are above the lines and the curve, on paper.
  const named = placed.filter((mark) => mark.row >= 0);
  for (const mark of named) {
    const y = top + mark.row * step;
    ctx.fillStyle = color("--paper");
    ctx.fillRect(mark.left - 1, y, mark.width + 2, step);
    ctx.fillStyle = mark.color;
    ctx.fillText(mark.text, mark.left, y + step / 2);
  }

  ctx.restore();
  return named.map(({ text, left: from, width: wide, row }) => ({ text, left: from, width: wide, row }));
}
