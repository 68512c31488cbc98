// node screenshot.mjs PAGE.html FROM UNTIL FUNCTION OUT.png [light|dark]: shows what grew from FROM to UNTIL (shares of the timeline), with a
// function selected. docs/flamegraph.png and docs/flamegraph-dark.png show the recording of samples/shop.py from README.
import { inBrowser, open } from "./browser.mjs";

const [file, from, until, name, target, colorScheme = "light"] = process.argv.slice(2);
await inBrowser(async (browser) => {
  const { page } = await open(browser, file, { colorScheme, viewport: { width: 1100, height: 860 } });
  const drawn = () => page.waitForFunction(() => document.body.dataset.drawn !== undefined);
  await drawn();
  const box = await page.locator("#timeline .u-over").boundingBox();
  await page.evaluate(() => delete document.body.dataset.drawn);
  await page.mouse.move(box.x + box.width * from, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * until, box.y + 60, { steps: 5 });
  await page.mouse.up();
  await drawn();
  await page.focus("#graph");
  for (let i = 0; i < 100 && (await page.textContent("#details")).indexOf(name) !== 0; i++)
    await page.keyboard.press("ArrowDown");
  await page.screenshot({ path: target });
});
