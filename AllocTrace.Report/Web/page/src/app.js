import { readPayload } from "./payload.js";
import { Model } from "./model.js";
import { bottomUp, topDown } from "./tree.js";
import { Flame, matcher } from "./flame.js";
import { lines, Table } from "./table.js";
import { sourceElement } from "./source.js";
import { Timeline } from "./timeline.js";
import { formatAmount, formatBytes, formatSeconds, percent, place } from "./format.js";
import "../node_modules/d3-flame-graph/dist/d3-flamegraph.css";
import "./style.css";

const $ = (id) => document.getElementById(id);
const viewNames = { live: "live at the end", peak: "live at the peak", total: "everything allocated", temporary: "temporary allocations" };
const rangeNames = { growth: "growth in the range", allocated: "allocated in the range", alive: "alive at its end" };

start().catch((error) => {
  $("graph").textContent = `This page cannot be shown: ${error.message}. It needs a browser of 2023 or later.`;
  console.error(error);
});

async function start() {
  const model = new Model(await readPayload($("payload").textContent));
  new App(model).start();
}

class App {
  #focus = 0; // a stack; of the inverted graph a path of frames
  #range = null;

  constructor(model) {
    this.model = model;
    this.flame = new Flame($("graph"), (node) => this.#zoom(node), (node) => this.#point(node));
    this.table = new Table($("table"));
    this.timeline = new Timeline($("timeline"), (range) => this.#setRange(range));
  }

  start() {
    const [recording, old] = this.model.recordings;
    document.title = `${recording.name} – AllocTrace`;
    $("title").textContent = old ? `${old.name} → ${recording.name}` : recording.name;
    $("subtitle").textContent = this.#subtitle(recording);
    this.#showLosses();
    options($("process"), [["-1", "all"], ...recording.processes.map((each, i) => [i, `${each.pid}: ${each.command}`])]);
    options($("thread"), [["-1", "all"], ...recording.threads.map((each, i) => [i, `${each.name || "thread"} (${each.id})`])]);
    options($("domain"), [["-1", "all"], ...recording.domains.map((each, i) => [i, each.name])]);
    options($("side"), [["new", "the new recording"], ["old", "the old recording"], ["growth", "growth only"]]);
    $("side-label").hidden = !this.model.isDiff;
    this.#showViews();
    for (const id of ["view", "unit", "side", "thread", "domain"])
      $(id).addEventListener("change", () => this.draw());

    $("process").addEventListener("change", () => {
      this.#drawTimeline();
      this.draw();
    });
    $("inverted").addEventListener("change", () => this.#resetZoom());
    $("search").addEventListener("input", () => this.draw());
    $("reset").addEventListener("click", () => this.#resetZoom());
    $("range-clear").addEventListener("click", () => this.#setRange(null));
    $("theme").addEventListener("click", () => this.#switchTheme());
    for (const name of ["graph", "table"])
      $(`tab-${name}`).addEventListener("click", () => this.#show(name));

    document.addEventListener("keydown", (event) => this.#key(event));
    let resizing = 0;
    addEventListener("resize", () => {
      cancelAnimationFrame(resizing);
      resizing = requestAnimationFrame(() => {
        this.timeline.resize();
        this.draw();
      });
    });
    this.#drawTimeline();
    this.draw();
  }

  draw() {
    const began = performance.now();
    const question = {
      view: Number($("view").value),
      inRange: $("view").value,
      unit: $("unit").value,
      process: Number($("process").value),
      thread: Number($("thread").value),
      domain: Number($("domain").value),
      range: this.#range,
    };
    const own = this.#own(question);
    const sums = { value: this.model.inclusive(own.value), delta: own.delta && this.model.inclusive(own.delta) };
    const total = sums.value[0];
    const term = $("search").value;
    if ($("graph").hidden) {
      this.table.draw(lines(this.model, own, matcher(term)), { unit: question.unit, total, isDiff: own.delta !== undefined });
    } else {
      const smallest = 1 / this.flame.width;
      const tree = $("inverted").checked
        ? bottomUp(this.model, own, this.#focus || [], smallest)
        : topDown(this.model, sums, own, this.#focus || 0, smallest);
      this.flame.draw(tree, { unit: question.unit, total, term });
    }

    this.#showStatus(question, sums, total, term);
    document.body.dataset.drawn = (performance.now() - began).toFixed(0); // milliseconds, for tests and measurements
  }

  // Of two recordings the difference colours, and the side chosen has the width.
  #own(question) {
    const current = this.model.own(question, 0);
    if (!this.model.isDiff || question.range)
      return { value: current }; // ranges are times of the new recording: the old one has other times

    const old = this.model.own(question, 1);
    const delta = current.map((value, stack) => value - old[stack]);
    const side = $("side").value;
    return { value: side === "new" ? current : side === "old" ? old : delta.map((value) => Math.max(0, value)), delta };
  }

  #showStatus({ unit }, sums, total, term) {
    $("side").disabled = this.#range !== null;
    const parts = [formatAmount(total, unit)];
    if (sums.delta)
      parts.push(`${formatAmount(sums.delta[0], unit, true)} since ${this.model.recordings[1].name}`);
    const matches = matcher(term);
    if (matches)
      parts.push(`found in ${percent(this.#found(sums, matches), total) || "0.0%"}`);

    $("status").textContent = parts.join("; ");
  }

  // What passes through a frame that was searched for, counted once.
  #found(sums, matches) {
    const known = new Map();
    const isMatch = (stack) => {
      const frame = this.model.frame[stack];
      if (!known.has(frame))
        known.set(frame, matches(this.model.frameOf(stack)));
      return known.get(frame);
    };
    const below = new Uint8Array(this.model.stacks);
    let found = 0;
    for (let stack = 1; stack < this.model.stacks; stack++) {
      below[stack] = below[this.model.caller[stack]];
      if (!below[stack] && isMatch(stack)) {
        below[stack] = 1;
        found += sums.value[stack];
      }
    }

    return found;
  }

  #point(node) {
    const details = $("details");
    details.replaceChildren();
    if (!node)
      return;

    const add = (className, text) => {
      const part = document.createElement("span");
      part.className = className;
      part.textContent = text;
      details.append(part);
    };
    add("name", node.name);
    add("amount", formatAmount(node.value, $("unit").value) + (node.delta === undefined ? "" : ` (${formatAmount(node.delta, $("unit").value, true)})`));
    if (node.file)
      add("place", place(node));
    if (node.source) {
      const line = sourceElement("span", node);
      line.className = "source";
      details.append(line);
    }
  }

  #zoom(node) {
    this.#focus = $("inverted").checked ? node.path : node.stack;
    this.draw();
  }

  #resetZoom() {
    this.#focus = 0;
    this.draw();
  }

  #setRange(range) {
    const had = this.#range !== null;
    this.#range = range;
    $("range").hidden = range === null;
    if (range)
      $("range-text").textContent = `From ${formatSeconds(range.from)} to ${formatSeconds(range.to)}.`;
    else
      this.timeline.clear();

    if (had !== (range !== null))
      this.#showViews();
    this.draw();
  }

  #showViews() {
    const views = this.model.recordings[0].views.map((view, i) => [i, viewNames[view.kind] ?? `snapshot ‘${view.name}’`]);
    options($("view"), this.#range ? Object.entries(rangeNames) : views);
  }

  #showLosses() {
    const losses = this.model.recordings.flatMap((recording) => recording.losses.map((loss) => `${loss.events.toLocaleString("en-US")} events (${loss.reason})`));
    const without = this.model.recordings.flatMap((recording) => recording.processes.filter((each) => each.stacks !== "on").map((each) => `no Python stacks in process ${each.pid}: ${each.stacks}`));
    $("losses").hidden = losses.length + without.length === 0;
    $("losses").textContent = [losses.length ? `Incomplete: ${losses.join(", ")}` : "", ...without].filter(Boolean).join(". ");
  }

  #subtitle(recording) {
    const sum = (kind) => recording.views.find((view) => view.kind === kind)?.bytes ?? 0;
    const command = recording.processes.length === 1 ? recording.processes[0].command : `${recording.processes.length} processes`;
    return `${command}: peak ${formatBytes(sum("peak"))}, live at the end ${formatBytes(sum("live"))}, ${formatBytes(sum("total"))} allocated in all`;
  }

  #drawTimeline() {
    this.timeline.draw(this.model.recordings[0], Number($("process").value));
  }

  #show(name) {
    for (const each of ["graph", "table"]) {
      $(each).hidden = each !== name;
      $(`tab-${each}`).setAttribute("aria-selected", String(each === name));
    }

    this.draw();
  }

  #switchTheme() {
    const dark = getComputedStyle(document.documentElement).colorScheme.startsWith("dark") || (matchMedia("(prefers-color-scheme: dark)").matches && !document.documentElement.dataset.theme);
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    this.#drawTimeline();
    this.draw();
  }

  #key(event) {
    if (event.key === "/" && event.target.tagName !== "INPUT") {
      event.preventDefault();
      $("search").focus();
    } else if (event.key === "Escape") {
      if ($("search").value) {
        $("search").value = "";
        this.draw();
      } else if (this.#focus) {
        this.#resetZoom();
      } else if (this.#range) {
        this.#setRange(null);
      }
    }
  }
}

function options(select, entries) {
  const before = select.value;
  select.replaceChildren(
    ...entries.map(([value, text]) => {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = text;
      return option;
    }),
  );
  if (entries.some(([value]) => String(value) === before))
    select.value = before;
}
