// What the flame graph draws: nodes of a tree, only those wide enough to be seen. A recording may have 200,000 stacks, a screen has 2,000 columns.
const deepest = 1000; // frames below the one that is zoomed to: d3-flame-graph recurses

// Callers above. sums: {value, delta}, each inclusive by stack; focus: the stack that fills the width.
export function topDown(model, sums, own, focus, smallest) {
  const total = sums.value[focus];
  const build = (stack, depth) => {
    const node = describe(model, stack, sums.value[stack], sums.delta?.[stack]);
    node.children = [];
    if (depth < deepest) {
      const callees = model.callees(stack).filter((callee) => sums.value[callee] >= smallest * total && sums.value[callee] > 0);
      callees.sort((a, b) => sums.value[b] - sums.value[a]);
      node.pending = callees;
    }
    return node;
  };

  const root = grow(build, focus);
  if (focus === 0) {
    root.name = "all";
    root.stack = 0;
    if (own.value[0] > 0)
      root.children.push(describe(model, 0, own.value[0], own.delta?.[0]));
  }

  return withAncestors(model, root, focus, total, (stack) => sums.delta?.[stack]);
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

// The way to the focus, as bars of full width.
function withAncestors(model, node, focus, total, deltaOf) {
  for (let stack = focus; stack !== 0; ) {
    stack = model.caller[stack];
    const parent = stack === 0 ? { name: "all", stack: 0 } : describe(model, stack, total, deltaOf(stack));
    node = { ...parent, value: total, children: [node], above: true };
  }

  return node;
}

// Callees above, callers below: each node is a set of stacks with the part of their paths that is not drawn yet.
export function bottomUp(model, own, focus, smallest) {
  const stacks = [];
  for (let stack = 0; stack < model.stacks; stack++) {
    if (own.value[stack] > 0 || own.delta?.[stack])
      stacks.push(stack);
  }

  const total = stacks.reduce((sum, stack) => sum + own.value[stack], 0);
  const root = { name: "all", value: total, stack: 0, path: [], children: [], members: stacks.map((stack) => [stack, stack]) };
  root.delta = own.delta ? stacks.reduce((sum, stack) => sum + own.delta[stack], 0) : undefined;
  const zoomed = focus.reduce((node, frame) => {
    split(model, own, node, 0);
    const child = node.children.find((each) => each.frame === frame);
    if (child)
      node.children = [child];
    return child ?? node;
  }, root);
  const work = [[zoomed, 0]];
  while (work.length) {
    const [node, depth] = work.pop();
    split(model, own, node, smallest * zoomed.value);
    if (depth < deepest)
      node.children.forEach((child) => work.push([child, depth + 1]));
  }

  for (let node = root; node !== zoomed; node = node.children[0])
    Object.assign(node, { value: zoomed.value, above: true });

  forget(root);
  return root;
}

function split(model, own, node, smallest) {
  const groups = new Map();
  for (const [origin, at] of node.members) {
    if (at === 0 && node.path.length > 0)
      continue; // the outermost frame has no caller

    const frame = at === 0 ? -1 : model.frame[at];
    let group = groups.get(frame);
    if (!group) {
      group = { ...describe(model, at, 0, own.delta ? 0 : undefined), frame, path: [...node.path, frame], children: [], members: [] };
      groups.set(frame, group);
    }

    group.value += own.value[origin];
    if (own.delta)
      group.delta += own.delta[origin];
    group.members.push([origin, at === 0 ? 0 : model.caller[at]]);
  }

  node.children = [...groups.values()].filter((group) => group.value > 0 && group.value >= smallest).sort((a, b) => b.value - a.value);
}

function forget(root) {
  const work = [root];
  while (work.length) {
    const node = work.pop();
    delete node.members;
    work.push(...node.children);
  }
}

function describe(model, stack, value, delta) {
  return { ...model.frameOf(stack), stack, value, delta };
}
