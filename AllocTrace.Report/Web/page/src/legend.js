import { originColor } from "./flame.js";
import { formatAmount, percent } from "./format.js";

const names = { own: "your code", package: "packages", library: "standard library", import: "import system", c: "C code", none: "no Python" };

// What the colours mean, with what each of them has by itself; in a comparison what grew and what shrank.
export function showLegend(target, trie, own, { unit, total }) {
  const entry = (color, text) => {
    const made = document.createElement("span");
    const swatch = document.createElement("i");
    swatch.style.background = color;
    made.append(swatch, text);
    return made;
  };
  if (own.delta) {
    const grown = own.delta.reduce((sum, value) => sum + Math.max(0, value), 0);
    const shrunk = own.delta.reduce((sum, value) => sum + Math.min(0, value), 0);
    target.replaceChildren(entry("var(--more)", `grew ${formatAmount(grown, unit, true)}`), entry("var(--less)", `shrank ${formatAmount(shrunk, unit)}`), entry("var(--same)", "unchanged"));
    return;
  }

  const sums = { own: 0, package: 0, library: 0, import: 0, c: 0, none: 0 };
  for (let stack = 0; stack < trie.stacks; stack++) {
    if (own.value[stack] > 0)
      sums[trie.frameOf(stack).origin] += own.value[stack];
  }

  const shown = Object.entries(sums).filter(([, value]) => value > 0);
  target.replaceChildren(...shown.map(([origin, value]) => entry(originColor(origin), `${names[origin]} ${formatAmount(value, unit)}, ${percent(value, total)}`)));
}
