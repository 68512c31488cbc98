// Bundles the page into one file, ../page.html, which the command fills with data. Run "npm ci && npm run build" after every change here.
import { readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const result = await build({
  entryPoints: ["src/app.js"],
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome103", "firefox113", "safari16.4"], // DecompressionStream
  legalComments: "inline",
  loader: { ".css": "css" },
  outdir: "out",
  write: false,
});
const text = (extension) => result.outputFiles.find((file) => file.path.endsWith(extension)).text;
const page = (await readFile("index.html", "utf8"))
  .replace("/* style */", () => text(".css").trim())
  .replace("/* script */", () => text(".js").trim().replaceAll("</script", "<\\/script"));
await writeFile("../page.html", page);
