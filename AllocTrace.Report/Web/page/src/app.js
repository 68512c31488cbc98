import { readPayload } from "./payload.js";
import { Model } from "./model.js";
import { counted, fold } from "./fold.js";
import { bottomUp, inclusive, topDown } from "./tree.js";
import { showLegend } from "./legend.js";
import { Flame, matcher } from "./flame.js";
import { showMemory } from "./memory.js";
import { lines, Table } from "./table.js";
import { sourceElement } from "./source.js";
import { Timeline } from "./timeline.js";
import { formatAmount, formatBytes, formatSeconds, percent, place } from "./format.js";
import "../node_modules/d3-flame-graph/dist/d3-flamegraph.css";
import "./style.css";

const $ = (id) => document.getElementById(id);
const viewNames = { live: "live at the end", peak: "live at the peak", total: "everything allocated", temporary: "temporary allocations" };
const foldings = ["imports", "framework", "others"];
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
  #folded = null; // the stacks that are shown, and where what the others have is counted; null: all are

  constructor(model) {
    this.model = model;
    this.flame = new Flame($("graph"), (node) => this.#zoom(node), (node) => this.#point(node));
    this.table = new Table($("table"));
    this.timeline = new Timeline($("timeline"), $("timeline-legend"), (range) => this.#setRange(range));
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
    for (const id of foldings)
      $(id).addEventListener("change", () => this.#fold());

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
        this.timeline.resize(this.#range);
        this.draw();
      });
    });
    for (const id of ["process", "thread", "domain"])
      $(id).parentElement.hidden = $(id).options.length <= 2; // all, and the one that there is

    this.#open(recording.growth);
  }

  // Something kept growing: that is what the page is opened for. Finalization, which frees everything, is not in this range.
  #open(growth) {
    if (!growth || this.model.isDiff) {
      this.#drawTimeline();
      this.draw();
      return;
    }

    if (this.model.recordings[0].processes.length > 1)
      $("process").value = String(growth.process);

    this.#setRange(growth);
    this.#drawTimeline();
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
    const trie = this.#folded?.trie ?? this.model.trie;
    const { own, left } = this.#shown(this.#own(question));
    const sums = inclusive(trie, own);
    const total = sums.value[0];
    const term = $("search").value;
    this.shown = { unit: question.unit, total };
    if ($("graph").hidden) {
      this.table.draw(lines(trie, own, matcher(term)), { unit: question.unit, total, isDiff: own.delta !== undefined });
      this.#point(null);
    } else {
      const smallest = 1 / this.flame.width;
      const tree = $("inverted").checked
        ? bottomUp(trie, own, this.#focus || [], smallest)
        : topDown(trie, sums, own, this.#focus || 0, smallest);
      this.flame.draw(tree, { unit: question.unit, total, term });
    }

    showLegend($("legend"), trie, own, { unit: question.unit, total });
    showMemory($("memory"), this.model.recordings[0], question.process, this.#range ? null : this.model.recordings[0].views[question.view]);
    this.#showStatus(question, trie, sums, left, term);
    document.body.dataset.marks = JSON.stringify(this.timeline.marks); // for tests
    document.body.dataset.drawn = (performance.now() - began).toFixed(0); // milliseconds, for tests and measurements
  }

  // What is shown of amounts by stack, and how much is left out.
  #shown(own) {
    if (!this.#folded)
      return { own, left: 0 };

    const { trie, target } = this.#folded;
    const count = (amounts) => amounts && counted(amounts, target, trie.stacks);
    const [value, other, delta] = [count(own.value), count(own.other), count(own.delta)];
    return { own: { value: value.sums, other: other.sums, delta: delta?.sums }, left: value.left };
  }

  // Of two recordings the difference colours, and the side chosen has the width.
  #own(question) {
    const isDiff = this.model.isDiff && !question.range; // ranges are times of the new recording: the old one has other times
    const side = isDiff ? $("side").value : "new";
    const amounts = (unit) => {
      const current = this.model.own({ ...question, unit }, 0);
      if (!isDiff)
        return { value: current };

      const old = this.model.own({ ...question, unit }, 1);
      const delta = current.map((value, stack) => value - old[stack]);
      return { value: side === "new" ? current : side === "old" ? old : delta.map((value) => Math.max(0, value)), delta };
    };
    return { ...amounts(question.unit), other: amounts(otherUnit(question.unit)).value };
  }

  #showStatus({ unit }, trie, sums, left, term) {
    $("side").disabled = this.#range !== null;
    const total = sums.value[0];
    const parts = [formatAmount(total, unit)];
    if (left > 0)
      parts.push(`without ${formatAmount(left, unit)}`);
    if (sums.delta)
      parts.push(`${formatAmount(sums.delta[0], unit, true)} since ${this.model.recordings[1].name}`);
    const matches = matcher(term);
    if (matches)
      parts.push(`found in ${percent(this.#found(trie, sums, matches), total) || "0.0%"}`);

    $("status").textContent = parts.join("; ");
  }

  // What passes through a frame that was searched for, counted once.
  #found(trie, sums, matches) {
    const known = new Map();
    const isMatch = (stack) => {
      const frame = trie.frame[stack];
      if (!known.has(frame))
        known.set(frame, matches(trie.frameOf(stack)));
      return known.get(frame);
    };
    const below = new Uint8Array(trie.stacks);
    let found = 0;
    for (let stack = 1; stack < trie.stacks; stack++) {
      below[stack] = below[trie.caller[stack]];
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
    const { unit, total } = this.shown;
    const value = node.truth ?? node.value;
    add("name", node.name);
    add("amount", formatAmount(value, unit));
    add("share", percent(value, total));
    add("other", formatAmount(node.other, otherUnit(unit)));
    if (node.delta !== undefined)
      add("delta", formatAmount(node.delta, unit, true));
    if (node.own > 0 && node.own < value)
      add("own", `${formatAmount(node.own, unit)} by itself`);
    if (node.file)
      add("place", place(node));
    if (node.source) {
      const line = sourceElement("span", node);
      line.className = "source";
      details.append(line);
    }
    const objects = node.file && node.own > 0 ? this.model.objectsOf(node) : undefined;
    if (objects) {
      add("types", objects.types);
      objects.holders.forEach((holder) => add("holder", holder));
    }
  }

  #fold() {
    const wanted = Object.fromEntries(foldings.map((id) => [id, $(id).checked]));
    this.#folded = foldings.some((id) => wanted[id]) ? fold(this.model.trie, wanted) : null;
    this.#resetZoom(); // stacks have other numbers
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
    $("hint").hidden = range !== null;
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
    this.timeline.draw(this.model.recordings[0], Number($("process").value), this.#range);
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

function otherUnit(unit) {
  return unit === "bytes" ? "blocks" : "bytes";
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
