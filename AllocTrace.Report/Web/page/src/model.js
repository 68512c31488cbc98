import { Trie } from "./trie.js";

const origins = ["own", "package", "library", "import", "c"]; // AllocTrace.Analysis/CodeOrigin.cs

// What is in the page: the stacks, and what they have in any view, range of time, process, thread and domain.
export class Model {
  #frames = [];
  #objects;

  constructor(payload) {
    this.texts = payload.texts;
    this.recordings = payload.recordings.map((recording, i) => ({ ...recording, columns: prefixed(payload.columns, `${i}.`) }));
    this.frameColumns = prefixed(payload.columns, "frame.");
    this.trie = new Trie(payload.columns.caller, payload.columns.frame, (number) => (this.#frames[number] ??= this.#describe(number)));
    this.isDiff = this.recordings.length === 2;
  }

  // What each stack has by itself. question: {view, range, unit, process, thread, domain}; a range has {from, to} in seconds.
  own(question, side = 0) {
    const recording = this.recordings[side];
    const sums = new Float64Array(this.trie.stacks);
    if (!recording)
      return sums;

    const wanted = this.#wantedGroups(recording, question);
    if (question.range)
      addRange(sums, recording, wanted, question);
    else
      this.#addView(sums, recording, wanted, question);

    return sums;
  }

  // What the blocks are that a frame's line allocated itself, and who holds them: {types, holders}; undefined when that is not known.
  objectsOf({ file, line }) {
    this.#objects ??= new Map((this.recordings[0].objects?.lines ?? []).map((each) => [`${each.file}:${each.line}`, each]));
    return this.#objects.get(`${file}:${line}`);
  }

  // The mark is the part of the source that allocated or called, as [from, to], or null.
  #describe(number) {
    const columns = this.frameColumns;
    const file = this.texts[columns.file[number]];
    return {
      name: this.texts[columns.function[number]] || file,
      file,
      line: columns.line[number],
      origin: origins[columns.origin[number]],
      source: this.texts[columns.source[number]],
      mark: columns.markEnd[number] ? [columns.markStart[number], columns.markEnd[number]] : null,
    };
  }

  // Processes, threads and domains are numbers of the first recording; of another one they are found by what they are called.
  #wantedGroups(recording, { process, thread, domain }) {
    const first = this.recordings[0];
    const same = recording === first;
    const { columns } = recording;
    const wanted = new Uint8Array(columns["group.process"].length);
    for (let group = 0; group < wanted.length; group++) {
      const p = columns["group.process"][group];
      const t = columns["group.thread"][group];
      const d = columns["group.domain"][group];
      wanted[group] =
        (process < 0 || (same ? p === process : recording.processes[p].command === first.processes[process].command)) &&
        (thread < 0 || (same ? t === thread : recording.threads[t].name === first.threads[thread].name)) &&
        (domain < 0 || recording.domains[d].name === first.domains[domain].name)
          ? 1
          : 0;
    }

    return wanted;
  }

  #addView(sums, recording, wanted, { view, unit }) {
    const asked = this.recordings[0].views[view];
    const index = recording.views.findIndex((each) => each.kind === asked.kind && each.name === asked.name);
    if (index < 0)
      return;

    const columns = prefixed(recording.columns, `view.${index}.`);
    add(sums, wanted, columns.group, columns.stack, columns[unit]);
  }
}

function addRange(sums, recording, wanted, { range, unit, inRange }) {
  const { columns } = recording;
  const suffix = unit === "bytes" ? "Bytes" : "Blocks";
  const end = columns["slice.end"];
  const start = columns["slice.start"];
  const slices = columns["change.slice"];
  const isIn = Uint8Array.from(end, (at, i) => (at <= range.to && (inRange === "alive" || start[i] >= range.from) ? 1 : 0));
  const allocated = columns[`change.allocated${suffix}`];
  const freed = columns[`change.freed${suffix}`];
  const groups = columns["change.group"];
  const stacks = columns["change.stack"];
  for (let row = 0; row < slices.length; row++) {
    if (isIn[slices[row]] && wanted[groups[row]])
      sums[stacks[row]] += inRange === "allocated" ? allocated[row] : allocated[row] - freed[row];
  }

  if (inRange === "alive")
    add(sums, wanted, columns["inherited.group"], columns["inherited.stack"], columns[`inherited.${unit}`]);

  // What was freed more than allocated is no growth; its memory came from before.
  for (let stack = 0; stack < sums.length; stack++)
    sums[stack] = Math.max(0, sums[stack]);
}

function add(sums, wanted, group, stack, value) {
  for (let row = 0; row < stack.length; row++) {
    if (wanted[group[row]])
      sums[stack[row]] += value[row];
  }
}

function prefixed(columns, prefix) {
  return Object.fromEntries(
    Object.entries(columns).filter(([name]) => name.startsWith(prefix)).map(([name, column]) => [name.slice(prefix.length), column]),
  );
}
