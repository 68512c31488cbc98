// node heapsnapshot.mjs FILE TYPE NAME: loads a heap snapshot with the code of Chromium's own Memory panel, and prints what that says of it, as JSON: the number of
// nodes and edges, all bytes, how many nodes have the type, what the dict retains that something refers to by the name, and the lines that allocated.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { chromium } from "playwright-core";

const [file, type, name] = process.argv.slice(2);
const port = await new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const browser = await chromium.launch({
  executablePath: process.env.ALLOCTRACE_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", `--remote-debugging-port=${port}`],
});
try {
  const page = await browser.newPage();
  const base = `http://127.0.0.1:${port}/devtools`;
  await page.goto(`${base}/inspector.html`); // Chromium brings its developer tools along: no network is needed
  const told = await page.evaluate(async ({ base, text, type, name }) => {
    const worker = await import(`${base}/entrypoints/heap_snapshot_worker/heap_snapshot_worker.js`);
    const loader = new worker.HeapSnapshotLoader.HeapSnapshotLoader({ sendEvent() {}, dispatchMessage() {} });
    loader.write(text);
    loader.close();
    const channel = new MessageChannel();
    new worker.HeapSnapshot.SecondaryInitManager(channel.port2);
    const snapshot = await loader.buildSnapshot(channel.port1);
    const result = { nodes: snapshot.nodeCount, edges: snapshot.containmentEdges.length / 3, bytes: snapshot.totalSize, ofType: 0, retained: 0 };
    for (let i = 0; i < snapshot.nodeCount; i++) {
      const node = snapshot.createNode(i * 7);
      if (node.name() === type)
        result.ofType++;
      if (node.name() !== "dict")
        continue;
      for (let it = node.retainers(); it.hasNext(); it.next())
        if (String(it.item().name()) === name)
          result.retained = node.retainedSize();
    }
    result.lines = snapshot.allocationTracesTops().map((line) => `${line.name} ${line.scriptName}:${line.line}`);
    return result;
  }, { base, text: readFileSync(file, "utf8"), type, name });
  console.log(JSON.stringify(told));
} finally {
  await browser.close();
}
