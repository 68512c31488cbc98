// Stacks as a trie: each has a caller, which has a smaller number, and a frame. Stack 0 has no frame.
export class Trie {
  // frames: {name, file, line, origin, source, mark} by number
  constructor(caller, frame, frames) {
    this.caller = caller;
    this.frame = frame;
    this.frames = frames;
    this.stacks = caller.length;
    this.#linkCallees();
  }

  frameOf(stack) {
    return stack === 0 ? noFrame : this.frames(this.frame[stack]);
  }

  // What each stack has with all that it called.
  inclusive(own) {
    const sums = own.slice();
    for (let stack = this.stacks - 1; stack > 0; stack--)
      sums[this.caller[stack]] += sums[stack];

    return sums;
  }

  callees(stack) {
    const found = [];
    for (let callee = this.firstCallee[stack]; callee !== 0; callee = this.nextCallee[callee])
      found.push(callee);

    return found;
  }

  #linkCallees() {
    this.firstCallee = new Int32Array(this.stacks);
    this.nextCallee = new Int32Array(this.stacks);
    for (let stack = this.stacks - 1; stack > 0; stack--) {
      this.nextCallee[stack] = this.firstCallee[this.caller[stack]];
      this.firstCallee[this.caller[stack]] = stack;
    }
  }
}

const noFrame = { name: "<no Python frame>", file: "", line: 0, origin: "none", source: "", mark: null };
