// What the flame graph draws: nodes of a tree, only those wide enough to be seen. A recording may have 200,000 stacks, a screen has 2,000 columns.
// Amounts are {value, other, delta} by stack: in the unit that is shown, in the other one, and by how much more than in the old recording (or undefined).
const deepest = 1000; // frames below the one that is zoomed to: d3-flame-graph recurses

export function inclusive(trie, own) {
  return { value: trie.inclusive(own.value), other: trie.inclusive(own.other), delta: own.delta && trie.inclusive(own.delta) };
}

// Callers above. sums: amounts with callees; own: without them; focus: the stack that fills the width.
export function topDown(trie, sums, own, focus, smallest) {
  const total = sums.value[focus];
  const build = (stack, depth) => {
    const node = { ...describe(trie, stack, sums), own: own.value[stack], children: [] };
    if (depth < deepest) {
      const callees = trie.callees(stack).filter((callee) => sums.value[callee] >= smallest * total && sums.value[callee] > 0);
      callees.sort((a, b) => sums.value[b] - sums.value[a]);
      node.pending = callees;
    }
    return node;
  };

  const root = grow(build, focus);
  if (focus === 0) {
    root.name = "all";
    delete root.own;
    if (own.value[0] > 0)
      root.children.push(describe(trie, 0, own));
  }

  return labelled(withAncestors(trie, root, focus, sums));
}

function grow(build, first) {
  const root = build(first, 0);
  const work = [[root, 0]];
  while (work.length) {
    const [node, depth] = work.pop();
    for (const callee of node.pending ?? []) {
      const child = build(callee, depth + 1);
      node.children.push(child);
      work.push([child, depth + 1]);
    }
    delete node.pending;
  }

  return root;
}

// The way to the focus, as bars of full width; each says what it has in truth.
function withAncestors(trie, node, focus, sums) {
  const width = sums.value[focus];
  for (let stack = focus; stack !== 0; ) {
    stack = trie.caller[stack];
    const parent = describe(trie, stack, sums);
    node = { ...parent, name: stack === 0 ? "all" : parent.name, value: width, truth: parent.value, children: [node], above: true };
  }

  return node;
}

// Callees above, callers below: each node is a set of stacks with the part of their paths that is not drawn yet.
export function bottomUp(trie, own, focus, smallest) {
  const stacks = [];
  for (let stack = 0; stack < trie.stacks; stack++) {
    if (own.value[stack] > 0 || own.delta?.[stack])
      stacks.push(stack);
  }

  const sum = (amounts) => amounts && stacks.reduce((total, stack) => total + amounts[stack], 0);
  const root = { name: "all", origin: "none", stack: 0, path: [], children: [], members: stacks.map((stack) => [stack, stack]) };
  Object.assign(root, { value: sum(own.value), other: sum(own.other), delta: sum(own.delta) });
  const zoomed = focus.reduce((node, frame) => {
    split(trie, own, node, 0);
    const child = node.children.find((each) => each.frame === frame);
    if (child)
      node.children = [child];
    return child ?? node;
  }, root);
  const work = [[zoomed, 0]];
  while (work.length) {
    const [node, depth] = work.pop();
    split(trie, own, node, smallest * zoomed.value);
    if (depth < deepest)
      node.children.forEach((child) => work.push([child, depth + 1]));
  }

  for (let node = root; node !== zoomed; node = node.children[0])
    Object.assign(node, { truth: node.value, value: zoomed.value, above: true });

  forget(root);
  return labelled(root);
}

function split(trie, own, node, smallest) {
  const groups = new Map();
  for (const [origin, at] of node.members) {
    if (at === 0 && node.path.length > 0)
      continue; // the outermost frame has no caller

    const frame = at === 0 ? -1 : trie.frame[at];
    let group = groups.get(frame);
    if (!group) {
      group = { ...trie.frameOf(at), stack: at, value: 0, other: 0, delta: own.delta ? 0 : undefined, frame, path: [...node.path, frame], children: [], members: [] };
      groups.set(frame, group);
    }

    group.value += own.value[origin];
    group.other += own.other[origin];
    if (own.delta)
      group.delta += own.delta[origin];
    group.members.push([origin, at === 0 ? 0 : trie.caller[at]]);
  }

  node.children = [...groups.values()].filter((group) => group.value > 0 && group.value >= smallest).sort((a, b) => b.value - a.value);
}

function forget(root) {
  for (const node of nodesOf(root))
    delete node.members;
}

// Frames of one name that are not the same say their line, and their file when that differs, too.
function labelled(root) {
  const places = new Map(); // by name
  for (const node of nodesOf(root)) {
    if (node.file)
      places.set(node.name, (places.get(node.name) ?? new Map()).set(`${node.file}:${node.line}`, node.file));
  }

  for (const node of nodesOf(root)) {
    const others = places.get(node.name);
    if (node.file && others.size > 1)
      node.label = `${node.name} (${new Set(others.values()).size > 1 ? node.file.split("/").at(-1) : ""}:${node.line})`;
  }

  return root;
}

function* nodesOf(root) {
  const work = [root];
  while (work.length) {
    const node = work.pop();
    yield node;
    work.push(...node.children ?? []);
  }
}

function describe(trie, stack, { value, other, delta }) {
  return { ...trie.frameOf(stack), stack, value: value[stack], other: other[stack], delta: delta?.[stack] };
}
