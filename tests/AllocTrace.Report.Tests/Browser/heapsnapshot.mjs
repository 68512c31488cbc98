// node heapsnapshot.mjs FILE TYPE: loads a heap snapshot with the code of Chromium's own Memory panel, and prints what that says of it, as JSON: the number of nodes
// and edges, all bytes, how many nodes have the type and their bytes, and the dict that retains most: its bytes and who retains it.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { chromium } from "playwright-core";

const [file, type] = process.argv.slice(2);
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
  const told = await page.evaluate(async ({ base, text, type }) => {
    const worker = await import(`${base}/entrypoints/heap_snapshot_worker/heap_snapshot_worker.js`);
    const loader = new worker.HeapSnapshotLoader.HeapSnapshotLoader({ sendEvent() {}, dispatchMessage() {} });
    loader.write(text);
    loader.close();
    const channel = new MessageChannel();
    new worker.HeapSnapshot.SecondaryInitManager(channel.port2);
    const snapshot = await loader.buildSnapshot(channel.port1);
    const result = { nodes: snapshot.nodeCount, edges: snapshot.containmentEdges.length / 3, bytes: snapshot.totalSize, ofType: 0, bytesOfType: 0, dictRetained: 0, dictRetainers: [] };
    let largest = null;
    for (let i = 0; i < snapshot.nodeCount; i++) {
      const node = snapshot.createNode(i * 7);
      if (node.name() === type) {
        result.ofType++;
        result.bytesOfType += node.selfSize();
      }
      if (node.name() === "dict" && node.retainedSize() > result.dictRetained && node.distance() > 2) {
        result.dictRetained = node.retainedSize();
        largest = i;
      }
    }
    for (let it = snapshot.createNode(largest * 7).retainers(); it.hasNext(); it.next())
      result.dictRetainers.push(String(it.item().name()));
    const lines = snapshot.allocationTracesTops();
    result.lines = lines.map((line) => `${line.name} ${line.scriptName}:${line.line}`);
    return result;
  }, { base, text: readFileSync(file, "utf8"), type });
  console.log(JSON.stringify(told));
} finally {
  await browser.close();
}
