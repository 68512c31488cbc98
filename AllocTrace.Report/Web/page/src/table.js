import { formatAmount, percent, place } from "./format.js";
import { sourceElement } from "./source.js";

const mostRows = 500;

// Lines of source with what they hold by themselves and with all that they called, counted once for each stack.
export function lines(trie, own, matches) {
  const rows = new Map();
  const seen = new Set();
  const rowOf = (stack) => {
    const frame = stack === 0 ? -1 : trie.frame[stack];
    let row = rows.get(frame);
    if (!row) {
      row = { ...trie.frameOf(stack), own: 0, all: 0, delta: 0, frame };
      rows.set(frame, row);
    }
    return row;
  };

  // A line's share of a subtree counts where the line occurs for the first time on the way from the root.
  const inclusive = trie.inclusive(own.value);
  const work = [0];
  const first = rowOf(0);
  first.own = own.value[0];
  first.all = own.value[0];
  first.delta = own.delta?.[0] ?? 0;
  while (work.length) {
    const stack = work.pop();
    if (stack < 0) {
      seen.delete(trie.frame[~stack]);
      continue;
    }

    if (stack > 0 && (inclusive[stack] > 0 || own.delta)) {
      const row = rowOf(stack);
      row.own += own.value[stack];
      row.delta += own.delta?.[stack] ?? 0;
      if (!seen.has(row.frame)) {
        row.all += inclusive[stack];
        seen.add(row.frame);
        work.push(~stack);
      }
    }

    for (let callee = trie.firstCallee[stack]; callee !== 0; callee = trie.nextCallee[callee])
      work.push(callee);
  }

  return [...rows.values()].filter((row) => (row.all > 0 || row.delta !== 0) && (!matches || matches(row)));
}

export class Table {
  #element;
  #key = "own";

  constructor(element) {
    this.#element = element;
  }

  draw(rows, { unit, total, isDiff }) {
    const columns = [
      ["own", "By itself"],
      ["all", "With callees"],
      ...(isDiff ? [["delta", "Growth"]] : []),
      ["name", "Function"],
      ["place", "Place"],
    ];
    if (this.#key === "delta" && !isDiff)
      this.#key = "own";

    const compare = {
      own: (a, b) => b.own - a.own || b.all - a.all,
      all: (a, b) => b.all - a.all || b.own - a.own,
      delta: (a, b) => Math.abs(b.delta) - Math.abs(a.delta),
      name: (a, b) => a.name.localeCompare(b.name),
      place: (a, b) => a.file.localeCompare(b.file) || a.line - b.line,
    }[this.#key];
    rows.sort(compare);

    const table = element("table");
    const head = table.createTHead().insertRow();
    for (const [key, title] of columns) {
      const cell = element("th");
      const button = element("button", title);
      button.type = "button";
      button.addEventListener("click", () => {
        this.#key = key;
        this.draw(rows, { unit, total, isDiff });
      });
      cell.setAttribute("aria-sort", key === this.#key ? "descending" : "none");
      cell.append(button);
      head.append(cell);
    }

    const body = table.createTBody();
    for (const row of rows.slice(0, mostRows)) {
      const line = body.insertRow();
      for (const [key] of columns)
        line.append(cellOf(row, key, unit, total));
    }

    this.#element.replaceChildren(table);
    if (rows.length > mostRows)
      this.#element.append(element("p", `and ${(rows.length - mostRows).toLocaleString("en-US")} more lines`));
  }
}

function cellOf(row, key, unit, total) {
  const cell = element("td");
  if (key === "own" || key === "all") {
    cell.className = "number";
    cell.textContent = `${formatAmount(row[key], unit)}  ${percent(row[key], total)}`;
    cell.style.setProperty("--share", `${total ? (100 * row[key]) / total : 0}%`);
  } else if (key === "delta") {
    cell.className = `number ${row.delta > 0 ? "more" : row.delta < 0 ? "less" : ""}`;
    cell.textContent = formatAmount(row.delta, unit, true);
  } else if (key === "name") {
    cell.textContent = row.name;
  } else {
    cell.append(element("span", place(row)));
    if (row.source)
      cell.append(sourceElement("code", row));
  }

  return cell;
}

function element(name, text) {
  const made = document.createElement(name);
  if (text !== undefined)
    made.textContent = text;
  return made;
}
