// Compiles src/ into app/web/static: one stylesheet, the scripts, the fonts and their licence.
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { compile } from "sass";

const STATIC = new URL("../app/web/static/", import.meta.url);
const FONTS = new URL("fonts/", STATIC);
const PACKAGES = new URL("node_modules/", import.meta.url);
const NEXT = "atkinson-hyperlegible-next";
const MONO = "atkinson-hyperlegible-mono";

await mkdir(FONTS, { recursive: true });

const { css } = compile("src/gatehouse.scss", { style: "compressed", loadPaths: ["node_modules"], quietDeps: true });
await writeFile(new URL("gatehouse.css", STATIC), `${css.replace(/^\uFEFF/, "")}\n`);

await build({
  entryPoints: ["src/gatehouse.js", "src/passkeys.js", "src/upload.js"],
  outdir: STATIC.pathname,
  bundle: true,
  format: "esm",
  target: "es2020",
  minify: true,
  legalComments: "none",
});

await copyFile("src/favicon.svg", new URL("favicon.svg", STATIC));
for (const [family, subset] of [[NEXT, "latin"], [NEXT, "latin-ext"], [MONO, "latin"]]) {
  const source = `@fontsource-variable/${family}/files/${family}-${subset}-wght-normal.woff2`;
  await copyFile(new URL(source, PACKAGES), new URL(`${family}-${subset}.woff2`, FONTS));
}
for (const family of [NEXT, MONO]) {
  await copyFile(new URL(`@fontsource-variable/${family}/LICENSE`, PACKAGES), new URL(`${family}-LICENCE.txt`, FONTS));
}
