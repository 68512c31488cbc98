import { Trie } from "./trie.js";

const nowhere = -1;
const elsewhere = 2 ** 26 - 1; // the number of a frame that stands for all that no frame of one's own led to
const elsewhereFrame = { name: "<packages and standard library only>", file: "", line: 0, origin: "library", source: "", mark: null };

// Leaves frames out of a trie. Returns the trie that remains, and for each stack of the first the one that gets what it has (-1: it is left out).
//   imports:   what the import system runs is left out, with all that it called.
//   framework: frames of packages and of the standard library are left out; what they have is their caller's.
//   others:    only one's own code remains, and the ways to it; what it calls is its own, what has nothing to do with it is left out.
export function fold(trie, { imports, framework, others }) {
  const origin = (stack) => trie.frameOf(stack).origin;
  const isNeeded = waysToOwnCode(trie, origin);
  const caller = [0];
  const frame = [0];
  const known = new Map(); // of callers and frames
  const place = new Int32Array(trie.stacks); // where a stack's callees hang
  const target = new Int32Array(trie.stacks); // where what it has is counted
  target[0] = others ? nowhere : 0;

  const add = (at, number) => {
    const key = at * 2 ** 26 + number;
    if (!known.has(key)) {
      known.set(key, caller.length);
      caller.push(at);
      frame.push(number);
    }
    return known.get(key);
  };
  for (let stack = 1; stack < trie.stacks; stack++) {
    const above = trie.caller[stack];
    const isOwn = origin(stack) === "own";
    if (place[above] === nowhere || (imports && origin(stack) === "import")) {
      place[stack] = target[stack] = nowhere;
      continue;
    }

    const isShown = (isOwn || !framework) && (!others || isNeeded[stack]);
    place[stack] = isShown ? add(place[above], trie.frame[stack]) : place[above];
    target[stack] = others && !isOwn ? target[above] : place[stack] || add(0, elsewhere);
  }

  const frames = (number) => (number === elsewhere ? elsewhereFrame : trie.frames(number));
  return { trie: new Trie(Int32Array.from(caller), Int32Array.from(frame), frames), target };
}

// Adds up what stacks have where it is counted. Returns the sums and what is left out.
export function counted(own, target, stacks) {
  const sums = new Float64Array(stacks);
  let left = 0;
  for (let stack = 0; stack < own.length; stack++) {
    if (target[stack] === nowhere)
      left += own[stack];
    else
      sums[target[stack]] += own[stack];
  }

  return { sums, left };
}

function waysToOwnCode(trie, origin) {
  const isNeeded = new Uint8Array(trie.stacks);
  for (let stack = trie.stacks - 1; stack > 0; stack--) {
    if (isNeeded[stack] || origin(stack) === "own")
      isNeeded[stack] = isNeeded[trie.caller[stack]] = 1;
  }

  return isNeeded;
}
