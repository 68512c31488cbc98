// Unit tests of what the page computes: "npm test" in Web/page, which "dotnet test" runs, too. They need Node and no package.
import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, fold } from "../src/fold.js";
import { layOut } from "../src/marks.js";
import { groupParts } from "../src/memory.js";
import { Model } from "../src/model.js";
import { bottomUp, inclusive, topDown } from "../src/tree.js";
import { Trie } from "../src/trie.js";

// 1 own main > 2 package run > 3 own view > 4 library dumps; 1 > 5 import system > 6 package module > 7 own plugin; 8 library thread > 9 library queue
const names = ["", "main", "run", "view", "dumps", "find_and_load", "module", "plugin", "thread", "queue"];
const origins = ["none", "own", "package", "own", "library", "import", "package", "own", "library", "library"];
const caller = [0, 0, 1, 2, 3, 1, 5, 6, 0, 8];
const frames = (number) => ({ name: names[number], file: `/${origins[number]}/${names[number]}.py`, line: number, origin: origins[number], source: "", mark: null });
const trie = new Trie(Int32Array.from(caller), Int32Array.from(caller.keys()), frames);
const own = Float64Array.from([1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);

function shown(wanted) {
  const folded = fold(trie, { imports: false, framework: false, others: false, ...wanted });
  const { sums, left } = counted(own, folded.target, folded.trie.stacks);
  const path = (stack) => (stack === 0 ? "" : `${path(folded.trie.caller[stack])}/${folded.trie.frameOf(stack).name}`);
  return { left, ...Object.fromEntries([...sums].map((sum, stack) => [path(stack) || "/", sum])) };
}

test("nothing folded is the same", () => {
  const all = shown({});
  assert.equal(all.left, 0);
  assert.equal(Object.keys(all).length, 11);
  assert.equal(all["/main/run/view/dumps"], 16);
});

test("imports are left out with all that they run", () => {
  const { left, ...rest } = shown({ imports: true });
  assert.equal(left, 32 + 64 + 128);
  assert.deepEqual(Object.keys(rest), ["/", "/main", "/main/run", "/main/run/view", "/main/run/view/dumps", "/thread", "/thread/queue"]);
});

test("what the framework has is its caller's", () => {
  assert.deepEqual(shown({ framework: true }), {
    left: 0, "/": 1, "/main": 2 + 4 + 32 + 64, "/main/view": 8 + 16, "/main/plugin": 128, "/<packages and standard library only>": 256 + 512,
  });
});

test("one's own code has what it calls, and the ways to it stay", () => {
  assert.deepEqual(shown({ others: true }), {
    left: 1 + 256 + 512, "/": 0, "/main": 2 + 4 + 32 + 64, "/main/run": 0, "/main/run/view": 8 + 16,
    "/main/find_and_load": 0, "/main/find_and_load/module": 0, "/main/find_and_load/module/plugin": 128,
  });
});

test("all three together", () => {
  assert.deepEqual(shown({ others: true, framework: true, imports: true }), { left: 1 + 32 + 64 + 128 + 256 + 512, "/": 0, "/main": 2 + 4, "/main/view": 8 + 16 });
});

test("ways that differ only in what is hidden are one", () => {
  // a > b > c and a > d > c, where b and d are a package's
  const at = ["none", "own", "package", "own", "package"];
  const two = new Trie(Int32Array.from([0, 0, 1, 2, 1, 4]), Int32Array.from([0, 1, 2, 3, 4, 3]), (number) => ({ name: "abcd"[number - 1], origin: at[number] }));
  const folded = fold(two, { framework: true });
  assert.equal(folded.trie.stacks, 3);
  assert.deepEqual([...counted(Float64Array.from([0, 1, 2, 4, 8, 16]), folded.target, 3).sums], [0, 1 + 2 + 8, 4 + 16]);
});

test("the graph and its inverse have everything", () => {
  const amounts = { value: own, other: own };
  const down = topDown(trie, inclusive(trie, amounts), amounts, 0, 0);
  assert.equal(down.value, 1023);
  assert.deepEqual(down.children.map((each) => each.name), ["thread", "main", "<no Python frame>"]);
  assert.equal(down.children[1].own, 2);
  const up = bottomUp(trie, amounts, [], 0);
  assert.equal(up.value, 1023);
  assert.equal(up.children[0].name, "queue");
  assert.equal(up.children[0].children[0].name, "thread");
});

test("who calls what is zoomed to says what it has in truth", () => {
  const amounts = { value: own, other: own };
  const zoomed = topDown(trie, inclusive(trie, amounts), amounts, 3, 0);
  assert.equal(zoomed.value, 24); // as wide
  assert.equal(zoomed.truth, 1023);
});

test("frames of one name have their line, and their file where that differs", () => {
  const places = [["f", "/a.py", 1], ["f", "/a.py", 2], ["g", "/a.py", 3], ["g", "/b.py", 4], ["h", "/a.py", 5]];
  const several = new Trie(Int32Array.from([0, 0, 0, 0, 0, 0]), Int32Array.from([0, 0, 1, 2, 3, 4]), (number) => ({ name: places[number][0], file: places[number][1], line: places[number][2] }));
  const amounts = { value: Float64Array.from([0, 5, 4, 3, 2, 1]), other: new Float64Array(6) };
  assert.deepEqual(
    topDown(several, inclusive(several, amounts), amounts, 0, 0).children.map((each) => each.label ?? each.name),
    ["f (:1)", "f (:2)", "g (a.py:3)", "g (b.py:4)", "h"],
  );
});

test("names of marks do not overlap, and none leaves the plot", () => {
  const marks = Array.from({ length: 40 }, (_, i) => ({ x: 10 + ((i * 37) % 480), width: 20 + (i % 5) * 10 }));
  const placed = layOut(marks, { left: 0, right: 500, rows: 6, gap: 4 });
  assert.equal(placed.length, 40);
  const named = placed.filter((mark) => mark.row >= 0);
  assert.ok(named.length > 25, `${named.length} have names`);
  for (const a of named) {
    assert.ok(a.left >= 0 && a.left + a.width <= 500);
    for (const b of named)
      assert.ok(a === b || a.row !== b.row || a.left + a.width <= b.left || b.left + b.width <= a.left, JSON.stringify([a, b]));
  }
});

test("a range has what changed in it, and nothing negative", () => {
  const columns = {
    caller: Int32Array.from([0, 0, 0]), frame: Int32Array.from([0, 0, 1]),
    "frame.file": [0, 0], "frame.line": [1, 2], "frame.function": [0, 0], "frame.source": [0, 0], "frame.origin": [0, 1], "frame.markStart": [0, 0], "frame.markEnd": [0, 0],
    "0.group.process": [0], "0.group.thread": [0], "0.group.domain": [0],
    "0.slice.start": [0, 1, 2], "0.slice.end": [1, 2, 3],
    "0.change.slice": [0, 1, 1, 2], "0.change.group": [0, 0, 0, 0], "0.change.stack": [1, 1, 2, 1],
    "0.change.allocatedBytes": [100, 10, 5, 1], "0.change.allocatedBlocks": [1, 1, 1, 1], "0.change.freedBytes": [0, 3, 50, 0], "0.change.freedBlocks": [0, 1, 2, 0],
    "0.inherited.group": [0], "0.inherited.stack": [2], "0.inherited.bytes": [1000], "0.inherited.blocks": [7],
  };
  const model = new Model({ texts: [""], columns, recordings: [{ name: "r", views: [], processes: [{}], threads: [{}], domains: [{}] }] });
  const question = { unit: "bytes", process: -1, thread: -1, domain: -1, range: { from: 1, to: 2 } };
  assert.deepEqual([...model.own({ ...question, inRange: "growth" })], [0, 7, 0]);
  assert.deepEqual([...model.own({ ...question, inRange: "allocated" })], [0, 10, 5]);
  assert.deepEqual([...model.own({ ...question, inRange: "alive" })], [0, 107, 955]);
  assert.equal(model.trie.frameOf(2).origin, "package");
});

test("a line's types and holders are found by its place", () => {
  const line = { file: "/app.py", line: 7, types: "2 app.Row", holders: ["2 app.Row held by app.ROWS[*]"] };
  const columns = { caller: new Int32Array(1), frame: new Int32Array(1) };
  const model = new Model({ texts: [], recordings: [{ objects: { name: "", lines: [line] } }], columns });
  assert.deepEqual(model.objectsOf({ file: "/app.py", line: 7 }), line);
  assert.equal(model.objectsOf({ file: "/app.py", line: 8 }), undefined);
  assert.equal(new Model({ texts: [], recordings: [{}], columns }).objectsOf({ file: "/app.py", line: 7 }), undefined);
});

test("the bar of resident memory sums up to it", () => {
  const parts = [["arena live", 10], ["arena empty", 20], ["heap live", 5], ["file", 7], ["something new", 3]].map(([kind, resident]) => ({ kind, resident }));
  const bar = groupParts({ resident: 45, parts });
  assert.deepEqual(bar.map(({ name, bytes }) => [name, bytes]), [["live blocks", 15], ["free in arenas", 20], ["files", 7], ["other", 3]]);
});
