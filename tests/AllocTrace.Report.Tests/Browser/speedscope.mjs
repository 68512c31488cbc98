// node speedscope.mjs FILE: gives the file to speedscope's own page, and prints what it shows.
import { fileURLToPath } from "node:url";
import { equal, inBrowser, open } from "./browser.mjs";

const [file] = process.argv.slice(2);
await inBrowser(async (browser) => {
  const { page, problems } = await open(browser, fileURLToPath(import.meta.resolve("speedscope/dist/release/index.html")));
  await page.setInputFiles("input[type=file]", file);
  await page.waitForFunction(() => document.title.includes("speedscope") && document.title !== "speedscope");
  console.log(await page.title());
  await page.keyboard.press("t"); // the list of profiles
  console.log((await page.locator("body").innerText()).replace(/\s+/g, " "));
  equal(problems.filter((problem) => problem.startsWith("error") || problem.startsWith("dialog")), [], "the console");
});
