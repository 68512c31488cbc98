import { formatBytes, percent } from "./format.js";

// The parts of resident memory that a bar shows as one, by their kind in the database.
const groups = [
  ["live blocks", "var(--accent)", ["arena live", "mimalloc live", "heap live", "mapped blocks", "arena"]],
  ["free in arenas", "var(--more)", ["arena slack", "arena empty", "mimalloc slack", "mimalloc empty"]],
  ["free in the C heap", "var(--found)", ["heap free", "heap top"]],
  ["C code", "var(--less)", ["heap unrecorded"]],
  ["stacks", "var(--faint)", ["stacks"]],
  ["files", "var(--same)", ["file"]],
  ["AllocTrace", "var(--line)", ["alloctrace"]],
];

// Sums up an account: one entry a group that has something, in the order of the bar. Their sum is the resident memory.
export function groupParts(account) {
  const known = groups.map(([name, color, kinds]) => ({ name, color, bytes: account.parts.filter((part) => kinds.includes(part.kind)).reduce((sum, part) => sum + part.resident, 0) }));
  const other = account.resident - known.reduce((sum, group) => sum + group.bytes, 0);
  return [...known, { name: "other", color: "var(--panel)", bytes: other }].filter((group) => group.bytes > 0);
}

// Draws the resident memory of a process as a bar; nothing when it was not recorded.
export function showMemory(target, recording, process, view) {
  const accounts = recording.memory.filter((account) => process < 0 || account.process === process);
  const account = accounts.find((each) => each.kind === "named" && view?.kind === "named" && each.name === view.name) ?? accounts.find((each) => each.kind === "live");
  target.hidden = !account;
  if (!account)
    return;

  const bar = document.createElement("div");
  const legend = document.createElement("p");
  legend.append(`resident ${formatBytes(account.resident)}: `);
  for (const { name, color, bytes } of groupParts(account)) {
    const text = `${name} ${formatBytes(bytes)}, ${percent(bytes, account.resident)}`;
    const part = document.createElement("span");
    part.style.cssText = `flex: ${bytes} 0 0; background: ${color}`;
    part.title = text;
    bar.append(part);
    const entry = document.createElement("span");
    const swatch = document.createElement("i");
    swatch.style.background = color;
    entry.append(swatch, text);
    legend.append(entry);
  }

  target.replaceChildren(bar, legend);
}
