// node page.mjs CASE PAGE.html [SCREENSHOT.png]: uses a page as a person would.
import { check, equal, inBrowser, open } from "./browser.mjs";
import { lowContrasts } from "./contrast.mjs";

const [name, file, screenshot] = process.argv.slice(2);

// Texts that can be read, in all that a case shows.
const readable = async (page, what) => equal(await lowContrasts(page), [], `${what}: contrasts below 4.5`);

// A drawing is over when the page says how long it took; each sets a new mark.
async function drawn(page, action) {
  await page.evaluate(() => delete document.body.dataset.drawn);
  await action();
  await page.waitForFunction(() => document.body.dataset.drawn !== undefined);
}

const frames = (page) => page.$$eval("g.frame", (all) => all.map((frame) => frame.getAttribute("name")));
const frame = (page, text) => page.locator(`g.frame[name="${text}"] rect`).first();
const status = (page) => page.textContent("#status");
const select = (page, id, label) => drawn(page, () => page.selectOption(`#${id}`, { label }));

const cases = {
  // The recording of Support/LeakyServer.cs.
  async leaky(page) {
    equal((await frames(page)).sort(), ["<module>", "<no Python frame>", "Server.login", "Session.__init__", "all", "serve"], "frames");
    equal(await status(page), "9867 KiB", "total");
    equal(await page.textContent("#losses"), "Incomplete: 345 events (slabs full)", "losses");
    check((await page.textContent("g.frame[name='Session.__init__'] title")).includes("self.history = bytearray(9_999)"), "the title has the line of source");

    await select(page, "view", "live at the peak");
    equal(await status(page), "17.3 MiB", "peak");
    check((await frames(page)).includes("ones"), "numpy is in the peak");
    await select(page, "view", "snapshot ‘after login’");
    equal(await status(page), "4883 KiB", "named snapshot");
    await select(page, "view", "everything allocated");
    await select(page, "unit", "blocks");
    equal(await status(page), "102,024 blocks", "total by blocks");
    await select(page, "domain", "numpy");
    equal(await status(page), "1 block", "one domain");
    await select(page, "domain", "all");
    await select(page, "thread", "worker-1 (4243)");
    equal(await status(page), "1,001 blocks", "one thread");
    await select(page, "thread", "all");
    await select(page, "unit", "bytes");
    await select(page, "view", "live at the end");

    // Zoom by mouse, and out by keyboard.
    await drawn(page, () => frame(page, "Server.login").click());
    check(!(await frames(page)).includes("<no Python frame>"), "zoomed");
    await readable(page, "zoomed");
    equal(await page.getAttribute("g.frame[name='serve']", "class"), "frame above", "callers stay above");
    await drawn(page, () => page.keyboard.press("Escape"));
    check((await frames(page)).includes("<no Python frame>"), "zoomed out");
    await page.focus("#graph");
    for (const key of ["ArrowDown", "ArrowDown", "ArrowDown"])
      await page.keyboard.press(key);
    equal(await page.textContent("#details .name"), "Server.login", "arrow keys");
    equal(await page.textContent("#details .share"), "99.6%", "the details have the share");
    check(/^[\d,]+ blocks$/.test(await page.textContent("#details .other")), "and the blocks");
    await drawn(page, () => page.keyboard.press("Enter"));
    check(!(await frames(page)).includes("<no Python frame>"), "Enter zooms");
    await drawn(page, () => page.click("#reset"));

    // Search.
    await page.keyboard.press("/");
    await drawn(page, () => page.keyboard.type("leak.py:7"));
    check((await status(page)).endsWith("found in 99.0%"), "search: " + (await status(page)));
    equal(await frame(page, "Session.__init__").getAttribute("fill"), "var(--found)", "what was found is marked");
    await drawn(page, () => page.keyboard.press("Escape"));

    await readable(page, "found and unfound");

    // Callers below.
    await drawn(page, () => page.check("#inverted"));
    const first = await page.$eval("g.frame[name='Session.__init__']", (each) => each.getAttribute("transform"));
    check(/,19\)$/.test(first), `the innermost frame is the second row: ${first}`);
    await drawn(page, () => page.uncheck("#inverted"));

    // Table.
    await drawn(page, () => page.click("#tab-table"));
    const rows = () => page.$$eval("#table tbody tr", (all) => all.map((row) => row.cells[2].textContent));
    equal((await rows()).slice(0, 3), ["Session.__init__", "Server.login", "<no Python frame>"], "largest lines");
    await page.click("#table th:nth-child(2) button");
    equal((await rows()).slice(0, 3).sort(), ["<module>", "Server.login", "serve"], "largest lines with callees");
    equal(await page.locator("#table script, #table img").count(), 0, "no elements from names");
    await readable(page, "table");
    await drawn(page, () => page.click("#tab-graph"));

    // Dark and light.
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await paper();
    await drawn(page, () => page.click("#theme"));
    check((await paper()) !== before, "the theme changes the colours");
    await drawn(page, () => page.click("#theme"));
    equal(await paper(), before, "and back");
  },

  // The recording of Support/GrowingServer.cs: 10,000 bytes leak in each of 20 slices.
  async range(page) {
    equal(await page.textContent("#range-text"), "From 0.60 s to 2.00 s.", "opens on growth");
    equal(await frames(page), ["all", "<module>", "handle", "AuditLog.append"], "what grew");
    check((await page.locator("#timeline .u-select").boundingBox()).width > 500, "the range is marked on the timeline");
    check(!(await page.isVisible("#hint")), "who looks at a range needs no hint");
    await readable(page, "range");
    await drawn(page, () => page.click("#range-clear"));
    check((await page.textContent("#hint")).includes("Drag"), "a hint that the timeline can be dragged");
    check(await page.isVisible("#hint"), "is seen");
    check(/^2\.00 s in all ?live at most \d+ KiB after \d\.\d\d s ?resident at most \d+ KiB/.test(await page.textContent("#timeline-legend")), await page.textContent("#timeline-legend"));
    const marks = JSON.parse(await page.evaluate(() => document.body.dataset.marks));
    equal(marks.map((mark) => mark.text).sort(), ["end", "peak", "round 1", "round 2", "round 3"], "marks with names");
    for (const [i, a] of marks.entries()) {
      for (const b of marks.slice(i + 1))
        check(a.row !== b.row || a.left + a.width <= b.left || b.left + b.width <= a.left, `${a.text} covers ${b.text}`);
    }

    const box = await page.locator("#timeline .u-over").boundingBox();
    const x = (seconds) => box.x + (box.width * (seconds - 0.1)) / 1.9; // the axis goes from the first slice's end to the last's
    await drawn(page, async () => {
      await page.mouse.move(x(0.95), box.y + 50);
      await page.mouse.down();
      await page.mouse.move(x(1.55), box.y + 60, { steps: 5 });
      await page.mouse.up();
    });
    check(/^From 0\.9\d s to 1\.5\d s\.$/.test(await page.textContent("#range-text")), await page.textContent("#range-text"));
    equal(await status(page), "48.8 KiB", "growth in five slices");
    equal(await frames(page), ["all", "<module>", "handle", "AuditLog.append"], "only what grew");
    await select(page, "view", "allocated in the range");
    equal(await status(page), "537 KiB", "allocated in five slices");
    await select(page, "view", "alive at its end");
    equal(await status(page), "293 KiB", "alive after 15 slices");
    await drawn(page, () => page.click("#range-clear"));
    equal(await status(page), "342 KiB", "the whole time again");
  },

  // Two recordings of Support/GrowingServer.cs.
  async diff(page) {
    check((await status(page)).startsWith("635 KiB; +293 KiB since "), await status(page));
    check((await frame(page, "AuditLog.append").getAttribute("fill")).includes("--more"), "what grew is red");
    check((await page.textContent("#legend")).startsWith("grew +293 KiB"), await page.textContent("#legend"));
    await readable(page, "growth by colour");
    equal(await frame(page, "Cache.get").getAttribute("fill"), "var(--same)", "what did not is grey");
    await select(page, "side", "growth only");
    equal(await frames(page), ["all", "<module>", "handle", "AuditLog.append"], "growth only");
    await drawn(page, () => page.click("#tab-table"));
    await page.click("#table th:nth-child(3) button");
    equal(await page.$$eval("#table tbody tr:first-child td", (cells) => [cells[2].textContent, cells[3].textContent]), ["+293 KiB", "AuditLog.append"], "table of growth");
    await readable(page, "table of growth");
  },

  // One's own code, a package, the standard library and imports: see BrowserTests.cs.
  async framework(page) {
    const toggle = (id) => drawn(page, () => page.click(`#${id}`));
    equal(await status(page), "3100 B", "everything");
    equal(await page.textContent("#legend"), "your code 200 B, 6.5%packages 1800 B, 58.1%standard library 700 B, 22.6%import system 400 B, 12.9%", "legend");
    equal((await frames(page)).filter((each) => each.startsWith("run")), ["run (:5)", "run (:6)", "run (:6)"], "lines where names repeat");
    await readable(page, "all colours");
    await toggle("imports");
    equal(await status(page), "1900 B; without 1200 B", "without imports");
    await toggle("framework");
    equal((await frames(page)).sort(), ["<module>", "<packages and standard library only>", "all", "view"], "one's own frames");
    equal(await status(page), "1900 B; without 1200 B", "with what they call");
    await toggle("others");
    equal((await frames(page)).sort(), ["<module>", "all", "view"], "only one's own code");
    equal(await status(page), "1700 B; without 1400 B", "and what it calls");
    await toggle("framework");
    equal((await frames(page)).sort(), ["<module>", "all", "run", "view"], "with the ways to it");
    await page.focus("#graph");
    for (let i = 0; i < 3; i++)
      await page.keyboard.press("ArrowDown");
    equal(await page.textContent("#details"), "view900 B52.9%3 blocks/srv/app.py:9", "a view with what it calls");
    await drawn(page, () => page.click("#tab-table"));
    equal(await page.$$eval("#table tbody tr", (all) => all.map((row) => row.cells[2].textContent)), ["view", "<module>", "run"], "in the table, too");
  },

  // Names that would be code, options or markup if anybody took them for it.
  async hostile(page) {
    const names = await frames(page);
    check(names.includes("<script>document.title='hacked'</script>"), `a function may be called so: ${names}`);
    check(names.includes("</script><img src=x onerror=alert(1)>"), "or so");
    await drawn(page, () => page.click("#tab-table"));
    equal(await page.locator("#table script, #table img, #graph img, header img").count(), 0, "no elements from names");
    check((await page.title()).endsWith("AllocTrace"), await page.title());
    check((await page.textContent("#subtitle")).startsWith("python3 '--x' \"</script><b>\""), await page.textContent("#subtitle"));
    equal(await page.locator("header b").count(), 0, "no markup from the command");
  },

  // 200,000 stacks: drawn, zoomed and inverted.
  async large(page) {
    const times = [await page.evaluate(() => document.body.dataset.drawn)];
    check((await frames(page)).length > 100, "much is drawn");
    await drawn(page, () => page.locator("g.frame rect").nth(1).click());
    times.push(await page.evaluate(() => document.body.dataset.drawn));
    await drawn(page, () => page.check("#inverted"));
    times.push(await page.evaluate(() => document.body.dataset.drawn));
    await drawn(page, () => page.click("#tab-table"));
    times.push(await page.evaluate(() => document.body.dataset.drawn));
    console.log(`drawing, zooming, inverting, table: ${times.join(", ")} ms`);
  },
};

await inBrowser(async (browser) => {
  for (const colorScheme of ["light", "dark"]) {
    const { page, problems } = await open(browser, file, { colorScheme });
    await page.waitForFunction(() => document.body.dataset.drawn !== undefined);
    for (const [width, height] of [[1280, 800], [700, 800]]) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(50);
      const graph = await page.locator("#graph").boundingBox();
      check(graph.height >= 0.38 * height, `the graph is as high as the window allows: ${graph.height} of ${height}`);
      equal(await page.evaluate(() => document.documentElement.scrollWidth), width, "nothing is wider than the window");
    }
    await page.setViewportSize({ width: 1280, height: 860 });
    if (screenshot)
      await page.screenshot({ path: screenshot.replace(".png", `-${colorScheme}.png`) });
    await cases[name](page);
    equal(problems, [], "the console");
  }
});
console.log("ok");
