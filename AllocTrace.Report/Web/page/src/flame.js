import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";
import { formatAmount, percent, place } from "./format.js";

const cell = 19;

// The flame graph: d3-flame-graph draws a tree that was cut to what can be seen; zooming asks for another tree.
export class Flame {
  #chart;
  #element;
  #current = null;
  #unit = "bytes";

  // onZoom(node) and onPoint(node or null) get nodes of the tree.
  constructor(element, onZoom, onPoint) {
    this.#element = element;
    this.onZoom = onZoom;
    this.onPoint = onPoint;
    element.addEventListener("keydown", (event) => this.#key(event));
  }

  get width() {
    return Math.max(300, this.#element.clientWidth - 2);
  }

  draw(tree, { unit, total, term }) {
    this.#unit = unit;
    this.#element.replaceChildren();
    this.#current = null;
    if (!(tree.value > 0)) {
      this.#element.textContent = "Nothing here.";
      this.onPoint(null);
      return;
    }

    const matches = matcher(term);
    this.#chart = flamegraph()
      .width(this.width)
      .cellHeight(cell)
      .inverted(true)
      .transitionDuration(0)
      .minFrameSize(0.5)
      .setColorMapper((node) => (matches && matches(node.data) ? "var(--found)" : color(node.data, tree)))
      .setLabelHandler((node) => this.#label(node.data, total))
      .onHover((node) => this.onPoint(node.data))
      .onClick((node) => this.onZoom(node.data));
    this.#chart.getName((node) => node.data.label ?? node.data.name);
    select(this.#element).datum(tree).call(this.#chart);
    select(this.#element).selectAll("g").classed("above", (node) => node?.data.above);
    this.#select(this.#nodes()[0]);
  }

  #label(node, total) {
    const value = node.truth ?? node.value;
    const lines = [`${node.name}  ${formatAmount(value, this.#unit)}, ${percent(value, total)}`];
    if (node.delta !== undefined)
      lines.push(`${formatAmount(node.delta, this.#unit, true)} since the old recording`);
    if (node.file)
      lines.push(place(node));
    if (node.source)
      lines.push(node.source);

    return lines.join("\n");
  }

  #nodes() {
    return select(this.#element).selectAll("g.frame").data();
  }

  #select(node) {
    this.#current = node;
    select(this.#element).selectAll("g.frame").classed("selected", (each) => each === node);
    if (node)
      this.onPoint(node.data);
  }

  // Up and down the stack, left and right among those with the same caller.
  #key(event) {
    const node = this.#current;
    if (!node)
      return;

    const seen = new Set(this.#nodes());
    const siblings = (node.parent?.children ?? [node]).filter((each) => seen.has(each));
    const next = {
      ArrowUp: () => node.parent,
      ArrowDown: () => node.children?.find((each) => seen.has(each)),
      ArrowLeft: () => siblings[siblings.indexOf(node) - 1],
      ArrowRight: () => siblings[siblings.indexOf(node) + 1],
    }[event.key];
    if (next) {
      event.preventDefault();
      const target = next();
      if (target)
        this.#select(target);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.onZoom(node.data);
    }
  }
}

export function matcher(term) {
  const wanted = term.trim().toLowerCase();
  return wanted ? (node) => `${node.name}\n${place(node)}`.toLowerCase().includes(wanted) : null;
}

const hues = { own: [15, 32], package: [160, 32], library: [205, 32], import: [270, 20], c: [85, 40] }; // from, how many

// By whose code it is, a little different for each file; in a comparison by growth.
function color(node, root) {
  if (node.delta !== undefined && root.delta !== undefined) {
    const value = node.truth ?? node.value;
    const before = Math.max(value - node.delta, 0);
    const share = Math.max(-1, Math.min(1, node.delta / Math.max(before, value, 1)));
    return share === 0 ? "var(--same)" : `color-mix(in oklab, var(--${share > 0 ? "more" : "less"}) ${Math.round(25 + 75 * Math.abs(share))}%, var(--same))`;
  }

  return originColor(node.origin, node.file);
}

export function originColor(origin, file = "") {
  if (!hues[origin])
    return "var(--same)";

  let hash = 0;
  for (let i = 0; i < file.length; i++)
    hash = (hash * 31 + file.charCodeAt(i)) | 0;

  const [from, count] = hues[origin];
  const [hue, light] = file ? [from + ((hash >>> 3) % count), ((hash >>> 8) & 7) - 4] : [from + count / 2, 0];
  return `hsl(${hue} var(--saturation) calc(var(--lightness) + ${light}%))`;
}
