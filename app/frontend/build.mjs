/* Builds the canvas: src/mount.tsx and its libraries into one module beside the page's others, ../static/canvas.js.

   Two builds give the same bytes, so a test builds it again and compares. */

import { build } from "esbuild";

const PREACT = {
  react: "preact/compat",
  "react-dom": "preact/compat",
  "react-dom/client": "preact/compat/client",
  "react/jsx-runtime": "preact/jsx-runtime",
};

/** `page/store.js` is a module of the page: it is there when the bundle is, and is shared with it. */
const page = {
  name: "page",
  setup(found) {
    found.onResolve({ filter: /^page\// }, ({ path }) => ({ path: path.replace("page/", "./"), external: true }));
  },
};

await build({
  entryPoints: ["src/mount.tsx"],
  outfile: process.argv[2] ?? "../static/canvas.js",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  alias: PREACT,
  plugins: [page],
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".css": "text" },
  legalComments: "none",
  banner: { js: "/* Built from app/frontend: change it there, then `npm ci && npm run build`. @xyflow/react, @dagrejs/dagre, preact, d3, zustand: MIT or ISC. */" },
  logLevel: "info",
});
