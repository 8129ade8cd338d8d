/* Builds the page into ../static: page.js (our modules, the canvas and its libraries), page.css, and first.js, which has to stand in
   the page before everything else.

   Two builds give the same bytes, so a test builds them again and compares. */

import { build } from "esbuild";

const out = process.argv[2] ?? "../static";
const PREACT = {
  react: "preact/compat",
  "react-dom": "preact/compat",
  "react-dom/client": "preact/compat/client",
  "react/jsx-runtime": "preact/jsx-runtime",
};
const ABOUT = "Built from app/frontend: change it there, then `npm ci && npm run build`.";

/** The canvas names modules of the page as `page/store.js`. */
const page = {
  name: "page",
  setup(found) {
    found.onResolve({ filter: /^page\// }, ({ path }) => found.resolve(`./${path}`, { kind: "import-statement", resolveDir: import.meta.dirname }));
  },
};

const common = { bundle: true, minify: true, target: "es2022", define: { "process.env.NODE_ENV": '"production"' }, legalComments: "none", logLevel: "info" };

await build({
  ...common,
  entryPoints: ["main.js"],
  outfile: `${out}/page.js`,
  format: "esm",
  jsx: "automatic",
  alias: PREACT,
  plugins: [page],
  banner: { js: `/* ${ABOUT} @xyflow/react, @dagrejs/dagre, preact, d3, zustand: MIT or ISC. */` },
});
await build({ ...common, entryPoints: ["page/first.js"], outfile: `${out}/first.js`, format: "iife", banner: { js: `/* ${ABOUT} */` } });
await build({ ...common, entryPoints: ["styles/page.css"], outfile: `${out}/page.css`, banner: { css: `/* ${ABOUT} */` } });
